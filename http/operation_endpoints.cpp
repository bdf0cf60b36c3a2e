#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "http/journal_query.hpp"
#include "http/server.hpp"

namespace pb::http {
namespace json = boost::json;
namespace {

constexpr std::size_t sync_body_bytes = 4096;
constexpr std::size_t project_bytes = 64;

bool is_dead_letter_id(std::string_view id) {
  return number_after('d', id).has_value() || number_after('e', id).has_value();
}

/// @param what  a constant word for the log
std::function<void(result<std::string>)> telling(std::shared_ptr<request> r, responder answer,
                                                 std::string_view what, int status) {
  return [r = std::move(r), answer = std::move(answer), what, status](result<std::string> done) {
    if (!done) {
      log::warn("operator's request failed", {log::kv("operation", what), log::kv("request", r->id),
                                              log::kv("failure", done.error())});
      return answer(failure_response(*r, done.error()));
    }
    log::info("operator's request done",
              {log::kv("operation", what), log::kv("request", r->id), log::kv("peer", r->peer)});
    answer(data_response(*done, status));
  };
}

/// What was asked, or which parameter is wrong and what it should be.
struct sync_asked {
  sync_request what;
  std::string_view wrong, expected;
};

sync_asked read_sync(const std::string& body) {
  sync_asked out;
  if (body.empty()) return out;
  boost::system::error_code problem;
  json::parse_options options;
  options.max_depth = 4;
  const auto parsed = json::parse(body, problem, {}, options);
  if (problem || !parsed.is_object()) return {{}, "body", "a JSON object"};
  for (const auto& [key, value] : parsed.get_object()) {
    if (key == "project") {
      const auto* text = value.if_string();
      if (value.is_null()) continue;
      if (text == nullptr || text->size() > project_bytes)
        return {{}, "project", "a uuid or an identifier"};
      out.what.project = std::string{text->data(), text->size()};
    } else if (key == "dry_run") {
      if (!value.is_bool()) return {{}, "dry_run", "true or false"};
      out.what.dry_run = value.get_bool();
    } else {
      return {{}, "body", "nothing but project and dry_run"};
    }
  }
  return out;
}

void start_sync(operations& ops, std::shared_ptr<request> r, responder answer) {
  const auto asked = read_sync(*r->body);
  if (!asked.wrong.empty()) return answer(bad_request(*r, asked.wrong, asked.expected));
  ops.sync_now(asked.what, telling(std::move(r), std::move(answer), "sync.start", 202));
}

}  // namespace

std::vector<route> operation_routes(operations& ops, const admin_auth& auth) {
  std::vector<route> out;
  const auto add = [&](const char* method, const char* pattern, handler handle) {
    route r;
    r.method = method;
    r.pattern = pattern;
    r.keep_body_bytes = sync_body_bytes;
    r.handle = auth.guard(std::move(handle));
    out.push_back(std::move(r));
  };
  add("POST", "/api/v1/dead-letters/{id}/retry",
      [&ops](std::shared_ptr<request> r, responder answer) {
        const auto id = r->path_params.at("id");
        if (!is_dead_letter_id(id)) return answer(not_found(*r, "dead letter"));
        ops.retry_dead_letter(id,
                              telling(std::move(r), std::move(answer), "dead_letter.retry", 200));
      });
  add("POST", "/api/v1/dead-letters/{id}/skip",
      [&ops](std::shared_ptr<request> r, responder answer) {
        const auto id = r->path_params.at("id");
        if (!is_dead_letter_id(id)) return answer(not_found(*r, "dead letter"));
        ops.skip_dead_letter(id, telling(std::move(r), std::move(answer), "dead_letter.skip", 200));
      });
  add("POST", "/api/v1/sync", [&ops](std::shared_ptr<request> r, responder answer) {
    start_sync(ops, std::move(r), std::move(answer));
  });
  out.back().content_types = {"application/json"};
  add("GET", "/api/v1/sync/{id}", [&ops](std::shared_ptr<request> r, responder answer) {
    const auto status = ops.sync_status(r->path_params.at("id"));
    answer(status.empty() ? not_found(*r, "sync run") : data_response(status));
  });
  return out;
}

}  // namespace pb::http
