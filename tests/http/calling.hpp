// Calls of the client under test, and what is expected of them when they fail.
#pragma once
#include <boost/test/unit_test.hpp>
#include <future>
#include <memory>
#include <string>

#include "http/client.hpp"
#include "raw_server.hpp"

BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::errc)

namespace calling {

using namespace pb;
using namespace pb::http;
using protocol::http_request;
using protocol::http_response;

using answer = result<http_response>;

inline std::future<answer> start(client& c, http_request r, call_limits limits = {}) {
  auto promise = std::make_shared<std::promise<answer>>();
  auto out = promise->get_future();
  c.send(std::move(r), limits, [promise](answer a) { promise->set_value(std::move(a)); });
  return out;
}
inline answer call(client& c, http_request r, call_limits limits = {}) {
  return start(c, std::move(r), limits).get();
}
inline answer get(client& c, const std::string& url, call_limits limits = {}) {
  return call(c, {"GET", url, {}, ""}, limits);
}
inline std::string words(const answer& a) { return a ? "answer" : describe(a.error()); }

/// Fails with this code, and with these words in its detail.
inline void check_fails(const answer& a, errc code, const std::string& part = "") {
  BOOST_REQUIRE_MESSAGE(!a, "an answer where " << to_string(code) << " is due");
  BOOST_TEST((a.error().code == code), words(a));
  BOOST_TEST(a.error().detail.find(part) != std::string::npos, words(a));
  BOOST_TEST(a.error().where == "http.client");
}

inline void serve_for_ever(raw::peer& p) {
  while (!p.read_request().empty()) p.answer("ok");
}

}  // namespace calling
