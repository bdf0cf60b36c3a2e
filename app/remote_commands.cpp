// The commands that ask the running daemon: actors, dead-letters, sync now, healthcheck.
#include <unistd.h>

#include <chrono>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>

#include "app/api_client.hpp"
#include "protocol/http_message.hpp"

namespace pb::app {
namespace json = boost::json;
namespace {

std::string text(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v == nullptr || v->is_null()) return {};
  return v->is_string() ? std::string{v->get_string()} : json::serialize(*v);
}

const json::array& rows_of(const json::value& v) {
  static const json::array none;
  const auto* o = v.if_object();
  const auto* d = o != nullptr ? o->if_contains("data") : nullptr;
  return d != nullptr && d->is_array() ? d->get_array() : none;
}

/// Display width is taken as code points: right for Chinese keys only roughly, which tables
/// survive.
std::string cut(std::string s, std::size_t width) {
  std::size_t points = 0, i = 0;
  for (; i < s.size() && points < width; ++points) {
    ++i;
    while (i < s.size() && (static_cast<unsigned char>(s[i]) & 0xC0) == 0x80) ++i;
  }
  s.resize(i);
  return s + std::string(width - points, ' ');
}

std::string actors_table(const json::array& rows) {
  std::ostringstream out;
  out << cut("ID", 6) << cut("KIND", 15) << cut("KEY", 50) << cut("STATE", 34) << cut("BOX", 6)
      << cut("DONE", 9) << cut("FAILED", 8) << "IN FLIGHT\n";
  for (const auto& r : rows) {
    const auto& o = r.as_object();
    out << cut(text(o, "id"), 5) << ' ' << cut(text(o, "kind"), 14) << ' '
        << cut(text(o, "key"), 49) << ' ' << cut(text(o, "state"), 33) << ' '
        << cut(text(o, "mailbox"), 5) << ' ' << cut(text(o, "handled"), 8) << ' '
        << cut(text(o, "failed"), 7) << ' ' << text(o, "in_flight") << "\n";
  }
  return out.str();
}

}  // namespace

int show_actors(const common_options& o, const remote_options& r, const std::string& kind,
                const std::string& state, bool watch) {
  const auto api = api_client::make(o, r.url);
  if (!api) return complain(api.error());
  std::string path = "/debug/actors?limit=200&sort=kind";
  if (!kind.empty()) path += "&kind=" + protocol::percent_encode(kind);
  if (!state.empty()) path += "&state=" + protocol::percent_encode(state);
  while (true) {
    const auto v = api->get(path);
    if (!v) return complain(v.error());
    if (watch && ::isatty(STDOUT_FILENO) != 0) std::cout << "\033[H\033[2J";
    std::cout << actors_table(rows_of(*v)) << std::flush;
    if (!watch) return 0;
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
}

int dead_letters(const common_options& o, const remote_options& r, const dead_letter_options& d) {
  const auto api = api_client::make(o, r.url);
  if (!api) return complain(api.error());
  if (d.action == "export") {
    const auto lines = api->text("/api/v1/dead-letters/export");
    if (!lines) return complain(lines.error());
    std::cout << *lines;
    return 0;
  }
  if (d.action == "list") {
    std::string cursor;
    std::cout << cut("ID", 12) << cut("ENTITY", 50) << cut("WHAT", 24) << "REASON\n";
    do {
      const auto v =
          api->get("/api/v1/dead-letters?limit=200" +
                   (cursor.empty() ? "" : "&cursor=" + protocol::percent_encode(cursor)));
      if (!v) return complain(v.error());
      for (const auto& row : rows_of(*v)) {
        const auto& x = row.as_object();
        const auto what = text(x, "operation").empty() ? text(x, "event") : text(x, "operation");
        const auto why = text(x, "reason").empty() ? text(x, "last_error") : text(x, "reason");
        std::cout << cut(text(x, "id"), 11) << ' ' << cut(text(x, "entity"), 49) << ' '
                  << cut(what, 23) << ' ' << why << "\n";
      }
      cursor.clear();
      if (const auto* p = v->as_object().if_contains("page"); p != nullptr && p->is_object())
        cursor = text(p->get_object(), "next_cursor");
    } while (!cursor.empty());
    return 0;
  }
  int code = 0;
  for (const auto& id : d.ids) {
    const auto piece = protocol::percent_encode(id);
    const auto v =
        d.action == "show"
            ? api->get(id.starts_with('e')
                           ? "/api/v1/effects/" + piece
                           : "/api/v1/deliveries/" + piece.substr(piece.starts_with('d') ? 1 : 0) +
                                 "?body=1")
            : api->post("/api/v1/dead-letters/" + piece + "/" + d.action);
    if (!v)
      code = complain(v.error());
    else
      std::cout << json::serialize(*v) << "\n";
  }
  return code;
}

int sync_now(const common_options& o, const remote_options& r, const std::string& project,
             bool dry_run) {
  const auto api = api_client::make(o, r.url);
  if (!api) return complain(api.error());
  const auto started = api->post(
      "/api/v1/sync", json::serialize(json::object{{"project", project}, {"dry_run", dry_run}}));
  if (!started) return complain(started.error());
  const auto* data = started->as_object().if_contains("data");
  const auto id =
      data != nullptr && data->is_object() ? text(data->get_object(), "id") : std::string{};
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  while (true) {
    const auto v = api->get("/api/v1/sync/" + protocol::percent_encode(id));
    if (!v) return complain(v.error());
    const auto* report = v->as_object().if_contains("data");
    if (report == nullptr || !report->is_object())
      return complain({errc::unexpected_answer, "sync", "no report", "", 0, "", {}});
    const auto& s = report->get_object();
    if (terminal) {
      const double done = std::stod("0" + text(s, "steps_done")),
                   total = std::max(1.0, std::stod("0" + text(s, "steps_total")));
      const auto filled = static_cast<std::size_t>(std::min(1.0, done / total) * 30.0);
      std::cerr << "\r[" << std::string(filled, '#') << std::string(30 - filled, '.') << "] "
                << cut(text(s, "step"), 14) << " items " << text(s, "items_seen") << ", events "
                << text(s, "events_seen") << "   " << std::flush;
    }
    if (text(s, "state") == "running") {
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      continue;
    }
    if (terminal) std::cerr << "\n";
    if (const auto* changes = s.if_contains("changes");
        changes != nullptr && changes->is_array() && !changes->get_array().empty()) {
      std::cout << cut("WHAT", 28) << "ENTITY\n";
      for (const auto& c : changes->get_array())
        std::cout << cut(text(c.as_object(), "what"), 27) << ' ' << text(c.as_object(), "object")
                  << "\n";
    }
    std::cout << text(s, "items_seen") << " items, " << text(s, "events_seen")
              << " events looked at, " << text(s, "right") << " already right, "
              << text(s, "changes_total")
              << (dry_run ? " would be mended\n" : " handed to their actors\n");
    if (const auto* failures = s.if_contains("failures");
        failures != nullptr && failures->is_array())
      for (const auto& f : failures->get_array())
        std::cerr << "  " << (f.is_string() ? f.get_string().c_str() : "") << "\n";
    return text(s, "state") == "done" ? 0 : 1;
  }
}

int health_check(const common_options& o, const remote_options& r) {
  const auto api = api_client::make(o, r.url);
  if (!api) return complain(api.error());
  const auto ready = api->text("/readyz");
  if (!ready) return complain(ready.error());
  return 0;
}

}  // namespace pb::app
