// Sends a request through a route without a listener, as the server does it: observer made when
// the headers are there, body fed in pieces, kept up to the route's limit.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/server.hpp"

namespace drive {

struct given {
  std::vector<pb::protocol::http_header> headers;
  std::string body;
  std::string query;
  std::map<std::string, std::string> path_params;
  std::size_t piece_bytes = 1000;
};

/// The answer, once it was given; a second one ends the test.
struct outcome {
  std::optional<pb::http::response> answer;
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& h : answer->headers)
      if (pb::protocol::iequals(h.name, name)) return h.value;
    return {};
  }
};

inline std::shared_ptr<outcome> send(const pb::http::route& to, given g) {
  auto r = std::make_shared<pb::http::request>();
  r->id = "req-1";
  r->method = to.method;
  r->path = r->target = to.pattern;
  r->query = std::move(g.query);
  r->headers = std::move(g.headers);
  r->path_params = std::move(g.path_params);
  r->peer = "192.0.2.1";
  if (to.observe) r->observer = to.observe(*r);
  for (std::size_t at = 0; r->observer && at < g.body.size(); at += g.piece_bytes)
    r->observer->feed(std::string_view{g.body}.substr(at, g.piece_bytes));
  const auto keep = to.keep_body_bytes == 0 ? std::size_t{1} << 20 : to.keep_body_bytes;
  r->body_truncated = g.body.size() > keep;
  g.body.resize(std::min(g.body.size(), keep));
  r->body = std::make_shared<const std::string>(std::move(g.body));
  auto out = std::make_shared<outcome>();
  to.handle(r, pb::http::responder{[out](pb::http::response answer) {
              if (out->answer) throw std::logic_error("answered twice");
              out->answer = std::move(answer);
            }});
  return out;
}

}  // namespace drive
