// sandbox/upgrade: a connection whose client asked for a websocket, taken over from the listener.
#pragma once
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace pb::sandbox {

struct upgrade {
  boost::beast::tcp_stream stream;
  boost::beast::http::request<boost::beast::http::string_body> request;
};

}  // namespace pb::sandbox
