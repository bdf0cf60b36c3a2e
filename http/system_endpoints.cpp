#include "http/system_endpoints.hpp"

#include <utility>

#include "http/api_answer.hpp"
#include "http/metrics.hpp"

namespace pb::http {
namespace json = boost::json;
namespace {

response as_json(std::string text) {
  response out;
  out.body = std::move(text);
  out.headers.push_back({"Cache-Control", "no-store"});
  return out;
}

/// Alive as long as a thread of ours answers; nothing else is asked.
response alive() { return as_json(R"({"data":{"status":"ok"}})"); }

response readiness(const inspector& live, const request& r) {
  if (live.ready()) {
    // Work is taken while a remote is away; which one is said, for whoever wonders.
    json::object data{{"status", "ready"}};
    boost::system::error_code problem;
    const auto told = json::parse(live.health(false), problem);
    const auto* down = problem ? nullptr : told.find_pointer("/data/down", problem);
    if (down != nullptr && down->is_array() && !down->get_array().empty()) data["down"] = *down;
    return as_json(json::serialize(json::object{{"data", std::move(data)}}));
  }
  auto out = error_response(503, "NOT_READY", "not ready to take work", r.id);
  out.headers.push_back({"Retry-After", "1"});
  return out;
}

/// 200 while ok or degraded; 503 with the same facts as details when down.
response health(const inspector& live, const request& r, bool detailed) {
  auto text = live.health(detailed);
  boost::system::error_code problem;
  const auto parsed = json::parse(text, problem);
  const auto* whole = problem ? nullptr : parsed.if_object();
  const auto* data = whole == nullptr ? nullptr : whole->if_contains("data");
  const auto* status =
      data == nullptr || !data->is_object() ? nullptr : data->get_object().if_contains("status");
  if (status == nullptr || *status != "down") return as_json(std::move(text));
  auto out = error_response(503, "DOWN", "something this service cannot do without is away", r.id,
                            json::serialize(*data));
  out.headers.push_back({"Retry-After", "5"});
  return out;
}

/// The short form for anyone; who shows a token gets the long one, or is told that it is wrong.
response api_health(const system_dependencies& needs, const request& r) {
  const bool detailed = !r.header("Authorization").empty();
  if (detailed)
    if (auto refused = needs.auth.refusal(r)) return std::move(*refused);
  return health(needs.live, r, detailed);
}

response scrape(const system_dependencies& needs, const request& r) {
  if (!r.loopback && !needs.metrics_tokens.accept(r.bearer()) && !needs.auth.accepts(r)) {
    if (needs.metrics_tokens.none() && !needs.auth.configured())
      return missing_entry_response("security.metrics_token", r.id);
    return unauthorized_response(r.id);
  }
  response out;
  out.content_type = metrics_content_type;
  out.body = needs.metrics();
  return out;
}

response debug_actors(const inspector& live, const request& r) {
  inspector::actor_query q;
  q.kind = r.query_value("kind");
  q.key = r.query_value("key");
  q.state = r.query_value("state");
  q.sort = r.query_value("sort");
  q.cursor = r.query_value("cursor");
  const auto limit = limit_of(r);
  if (!limit) return bad_request(r, "limit", "a number from 1 to 200");
  q.limit = *limit;
  return as_json(live.actors(q));
}

response debug_actor(const inspector& live, const request& r) {
  auto found = live.actor(r.path_params.at("id"));
  return found.empty() ? not_found(r, "actor") : as_json(std::move(found));
}

response page(std::string_view type, std::string text) {
  response out;
  out.content_type = type;
  out.body = std::move(text);
  out.headers.push_back({"X-Content-Type-Options", "nosniff"});
  out.headers.push_back({"Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"});
  return out;
}

}  // namespace

std::vector<route> system_routes(const system_dependencies& needs) {
  std::vector<route> out;
  using answering = std::function<response(const request&)>;
  const auto handler_of = [](answering make) -> handler {
    return [make = std::move(make)](const std::shared_ptr<request>& r, const responder& answer) {
      answer(make(*r));
    };
  };
  const auto open = [&](const char* pattern, answering make) {
    route r;
    r.method = "GET";
    r.pattern = pattern;
    r.handle = handler_of(std::move(make));
    out.push_back(std::move(r));
  };
  const auto guarded = [&](const char* pattern, answering make) {
    open(pattern, std::move(make));
    out.back().handle = needs.auth.guard(std::move(out.back().handle));
  };
  auto* live = &needs.live;
  open("/healthz", [](const request&) { return alive(); });
  open("/readyz", [live](const request& r) { return readiness(*live, r); });
  open("/health", [live](const request& r) { return health(*live, r, false); });
  open("/api/v1/health", [needs](const request& r) { return api_health(needs, r); });
  open("/metrics", [needs](const request& r) { return scrape(needs, r); });
  guarded("/debug/actors", [live](const request& r) { return debug_actors(*live, r); });
  guarded("/debug/actors/{id}", [live](const request& r) { return debug_actor(*live, r); });
  guarded("/debug/scheduler", [live](const request&) { return as_json(live->scheduler()); });
  guarded("/debug/config", [config = needs.config](const request&) {
    return as_json(data_response(config()).body);
  });
  open("/openapi.json",
       [](const request&) { return page("application/json", std::string{openapi_text()}); });
  open("/docs",
       [text = docs_page()](const request&) { return page("text/html; charset=utf-8", text); });
  return out;
}

void add_system_endpoints(server& to, const system_dependencies& needs) {
  for (auto& r : system_routes(needs)) to.add(std::move(r));
  to.add_stream("GET", "/debug/stream", debug_stream(needs.live, needs.auth));
}

}  // namespace pb::http
