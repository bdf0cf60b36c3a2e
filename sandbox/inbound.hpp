// sandbox/inbound: a request as it came in, over a socket or in-process.
#pragma once
#include <string>
#include <vector>

#include "protocol/http_message.hpp"

namespace pb::sandbox {

/// `path` percent-decoded, `query` raw.
struct inbound {
  std::string method;
  std::string path;
  std::string query;
  std::vector<protocol::http_header> headers;
  std::string body;
};

}  // namespace pb::sandbox
