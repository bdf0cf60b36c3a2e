#include "sandbox/control.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace pb::sandbox {
namespace {
namespace json = boost::json;

protocol::http_response refuse(int status, std::string_view code, std::string_view message) {
  return answer_json(status,
                     json::object{{"error", json::object{{"code", code}, {"message", message}}}});
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t n = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return n;
}

}  // namespace

protocol::http_response answer_json(int status, const json::value& body) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          json::serialize(body)};
}

std::optional<protocol::http_response> control::handle(const inbound& request) {
  const std::string_view path = request.path;
  if (path == "/" && (request.method == "GET" || request.method == "HEAD"))
    return protocol::http_response{200,
                                   {{"Content-Type", "text/html; charset=utf-8"},
                                    {"Cache-Control", "no-store"},
                                    {"Content-Security-Policy",
                                     "default-src 'none'; style-src 'unsafe-inline'; script-src "
                                     "'unsafe-inline'; connect-src 'self'; "
                                     "frame-ancestors 'none'"}},
                                   std::string{page_html()}};
  if (!path.starts_with("/sandbox/")) return std::nullopt;
  if (from_elsewhere(request))
    return refuse(403, "FORBIDDEN", "only the sandbox's own page may do this");
  if (path == "/sandbox/faults" || path.starts_with("/sandbox/faults/")) return faults(request);
  if (path == "/sandbox/webhooks" && request.method == "GET") return webhooks(request);
  if (path == "/sandbox/oauth" && request.method == "POST") return end_tokens(request);
  if (path == "/sandbox/info" && request.method == "GET") {
    json::array projects;
    for (const auto& p : seeds_.projects)
      projects.push_back(
          json::object{{"id", p.id}, {"identifier", p.identifier}, {"name", p.name}});
    return answer_json(200,
                       json::object{{"data", json::object{{"workspace", seeds_.workspace_slug},
                                                          {"workspace_id", seeds_.workspace_id},
                                                          {"user_id", seeds_.owner_id},
                                                          {"projects", std::move(projects)}}}});
  }
  if (path.starts_with("/sandbox/api/")) return session(request);
  return refuse(404, "NOT_FOUND", "no such path");
}

protocol::http_response control::faults(const inbound& request) {
  constexpr std::string_view base = "/sandbox/faults";
  const std::string_view rest = std::string_view{request.path}.substr(base.size());
  if (rest.empty() && request.method == "GET") {
    json::array all;
    for (const auto& f : faults_.list()) all.push_back(to_json(f));
    return answer_json(200, json::object{{"data", std::move(all)}});
  }
  if (rest.empty() && request.method == "POST") {
    if (!header_of(request, "Content-Type").starts_with("application/json"))
      return refuse(415, "UNSUPPORTED_MEDIA_TYPE", "application/json is needed");
    boost::system::error_code ec;
    const auto body = json::parse(request.body, ec);
    if (ec) return refuse(400, "BAD_INPUT", "not JSON");
    auto f = fault_from_json(body);
    if (!f) return refuse(400, "BAD_INPUT", f.error().detail);
    if (faults_.list().size() >= 100)
      return refuse(409, "TOO_MANY", "a hundred faults are set already");
    f->id = faults_.add(*f);
    return answer_json(201, json::object{{"data", to_json(*f)}});
  }
  if (request.method == "DELETE" && rest.empty()) {
    faults_.clear();
    return protocol::http_response{204, {}, {}};
  }
  if (request.method == "DELETE" && rest.size() > 1)
    if (const auto id = number(rest.substr(1)); id && faults_.remove(*id))
      return protocol::http_response{204, {}, {}};
  return refuse(rest.empty() ? 405 : 404, "NOT_FOUND", "no such fault, or not with this method");
}

/// {"end": user's id} lets their access tokens end; {"revoke": …} takes back what they agreed to.
protocol::http_response control::end_tokens(const inbound& request) {
  if (!header_of(request, "Content-Type").starts_with("application/json"))
    return refuse(415, "UNSUPPORTED_MEDIA_TYPE", "application/json is needed");
  boost::system::error_code ec;
  const auto body = json::parse(request.body, ec);
  const auto* o = ec ? nullptr : body.if_object();
  const auto* end = o != nullptr ? o->if_contains("end") : nullptr;
  const auto* revoke = o != nullptr ? o->if_contains("revoke") : nullptr;
  const auto* whose = revoke != nullptr ? revoke : end;
  if (whose == nullptr || !whose->is_string())
    return refuse(400, "BAD_INPUT", "end or revoke has to name a user");
  plane_.end_tokens(std::string_view{whose->get_string()}, revoke != nullptr);
  return protocol::http_response{204, {}, {}};
}

bool from_elsewhere(const inbound& in) {
  const std::string_view origin = header_of(in, "Origin");
  return !origin.empty() && !origin.ends_with("//" + std::string{header_of(in, "Host")});
}

json::value log_json(const std::vector<sent_webhook>& log, std::size_t unfinished) {
  json::array out;
  for (const auto& w : log)
    out.push_back(json::object{{"number", w.number},
                               {"at", w.at},
                               {"url", w.url},
                               {"event", w.event},
                               {"action", w.action},
                               {"field", w.field},
                               {"object_id", w.object_id},
                               {"attempt", w.attempt},
                               {"state", w.state},
                               {"status", w.status},
                               {"detail", w.detail},
                               {"bytes", w.bytes}});
  return json::object{{"data", std::move(out)}, {"unfinished", unfinished}};
}

protocol::http_response control::webhooks(const inbound&) const {
  return answer_json(200, log_json(sender_.log(), sender_.unfinished()));
}

// The page needs no login: its session is added here, and its edits are a person's edits.
protocol::http_response control::session(const inbound& request) {
  inbound inner = request;
  inner.path = "/api/" + request.path.substr(std::string_view{"/sandbox/api/"}.size());
  std::erase_if(inner.headers, [](const auto& h) { return protocol::iequals(h.name, "Cookie"); });
  inner.headers.push_back({"Cookie", "session-id=" + seeds_.session, true});
  auto answer = plane_.handle(inner);
  sender_.pump();
  return answer;
}

}  // namespace pb::sandbox
