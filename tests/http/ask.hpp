// Asks one of several routes without a listener, by method and pattern, with the admin's token
// unless another header is given.
#pragma once
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "http/server.hpp"

namespace ask {

using namespace pb;
using namespace pb::http;

inline const std::string admin_token = "0123456789abcdef-admin";

struct question {
  std::string query;
  std::map<std::string, std::string> path_params;
  std::string body;
  std::vector<protocol::http_header> headers{{"Authorization", "Bearer " + admin_token, true}};
  bool loopback = false;
};

/// Nothing while the answer is still owed.
using owed = std::shared_ptr<std::optional<response>>;

inline owed start(const std::vector<route>& routes, const std::string& method,
                  const std::string& pattern, question q = {}) {
  for (const auto& to : routes) {
    if (to.method != method || to.pattern != pattern) continue;
    auto r = std::make_shared<request>();
    r->id = "req-1";
    r->method = method;
    r->target = r->path = pattern;
    r->query = std::move(q.query);
    r->headers = std::move(q.headers);
    r->path_params = std::move(q.path_params);
    r->body = std::make_shared<const std::string>(std::move(q.body));
    r->peer = q.loopback ? "127.0.0.1" : "192.0.2.1";
    r->loopback = q.loopback;
    auto out = std::make_shared<std::optional<response>>();
    to.handle(r, responder{[out](response answer) { *out = std::move(answer); }});
    return out;
  }
  throw std::runtime_error("no route " + method + " " + pattern);
}

inline response now(const std::vector<route>& routes, const std::string& method,
                    const std::string& pattern, question q = {}) {
  const auto out = start(routes, method, pattern, std::move(q));
  if (!*out) throw std::runtime_error("not answered: " + pattern);
  return std::move(**out);
}

inline std::string header(const response& r, std::string_view name) {
  for (const auto& h : r.headers)
    if (protocol::iequals(h.name, name)) return h.value;
  return {};
}
inline boost::json::value json_of(const response& r) { return boost::json::parse(r.body); }
inline boost::json::array data_of(const response& r) { return json_of(r).at("data").as_array(); }
inline std::string text(const boost::json::value& v, std::string_view key) {
  return std::string{v.as_object().at(key).as_string()};
}
inline std::string code_of(const response& r) { return text(json_of(r).at("error"), "code"); }
inline std::string next_cursor(const response& r) {
  const auto v = json_of(r).at("page").at("next_cursor");
  return v.is_string() ? std::string{v.as_string()} : std::string{};
}

}  // namespace ask
