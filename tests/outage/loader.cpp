#include "tests/outage/loader.hpp"

#include <boost/json.hpp>
#include <iostream>
#include <set>
#include <stdexcept>

namespace pb::outage {
namespace json = boost::json;
using app::testing::bridge;

namespace {

std::string item_of(unsigned sender, unsigned n) {
  char uuid[64];
  std::snprintf(uuid, sizeof uuid, "5e000000-0000-4000-8000-%06u%06u", sender, n);
  return uuid;
}

std::string edit_of(const std::string& item, int n, const load_options& o) {
  char at[80];
  std::snprintf(at, sizeof at, "2026-01-02T%02d:%02d:%02d.000000Z", n / 3600 % 24, n / 60 % 60,
                n % 60);
  return json::serialize(json::object{
      {"event", "issue"},
      {"action", "updated"},
      {"webhook_id", "5e000000-0000-4000-8000-0000000000ab"},
      {"workspace_id", "5e000000-0000-4000-8000-0000000000aa"},
      {"data",
       {{"id", item},
        {"name", std::to_string(n)},
        {"sequence_id", 7},
        {"project", o.project},
        {"workspace", "5e000000-0000-4000-8000-0000000000aa"},
        {"description_html", std::string(o.body_bytes, 'x')},
        {"created_at", "2026-01-01T00:00:00.000000Z"},
        {"updated_at", at}}},
      {"activity",
       {{"field", "name"},
        {"actor", {{"id", "5e000000-0000-4000-8000-0000000000aa"}, {"display_name", "a"}}}}}});
}

std::unique_ptr<persistence::connection> session(const config::database_target& where) {
  persistence::open_options o;
  o.target = where;
  auto c = persistence::connect(o, persistence::session_use::reader, "outage test");
  if (!c) throw std::runtime_error(describe(c.error()));
  return std::move(*c);
}

}  // namespace

load::load(const bridge& to, load_options o) : to_(to), options_(std::move(o)) {
  for (unsigned s = 0; s < options_.senders; ++s) threads_.emplace_back([this, s] { run(s); });
}

void load::stop() {
  stop_ = true;
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

bool load::goes_on(int more, milliseconds deadline) const {
  const int from = acknowledged_;
  return app::testing::eventually(deadline, [&] { return acknowledged_ >= from + more; });
}

void load::run(unsigned sender) {
  using clock = std::chrono::steady_clock;
  std::map<std::string, int> edits;
  milliseconds slowest{0};
  std::vector<std::string> items;
  for (unsigned n = 0; n < options_.items_each; ++n)
    if (options_.items.empty())
      items.push_back(item_of(sender, n));
    else if (sender + n * options_.senders < options_.items.size())
      items.push_back(options_.items[sender + n * options_.senders]);
  for (std::size_t turn = 0; !stop_ && !items.empty(); ++turn) {
    const auto& item = items[turn % items.size()];
    const auto body = edit_of(item, edits[item] + 1, options_);
    while (!stop_) {
      const auto began = clock::now();
      const auto a = to_.webhook(body, "issue");
      slowest = std::max(slowest, std::chrono::duration_cast<milliseconds>(clock::now() - began));
      if (a.status == 200) {
        ++edits[item];
        ++acknowledged_;
        break;
      }
      if (a.status != 0) ++errors_;
      if (a.status == 0) ++unanswered_;
      if (options_.give_up) break;
      app::testing::eventually(20ms, [this] { return stop_.load(); });
    }
  }
  const std::lock_guard hold{lock_};
  for (auto& [item, n] : edits)
    if (n > 0) edits_[item] = n;
  slowest_ = std::max(slowest_, slowest);
}

verdict compare(const std::map<std::string, int>& edits,
                const std::vector<std::pair<std::string, std::string>>& rows) {
  verdict v;
  std::map<std::string, std::set<int>> seen;
  std::map<std::string, int> last;
  const auto note = [&v](std::string what) {
    if (v.first.empty()) v.first = std::move(what);
  };
  for (const auto& [item, body] : rows) {
    ++v.rows;
    const auto n = std::stoi(app::testing::text_at(json::parse(body), "/data/name"));
    if (!seen[item].insert(n).second) {
      ++v.doubled;
      note(item + " has edit " + std::to_string(n) + " twice");
    }
    if (n < last[item]) {
      ++v.disordered;
      note(item + " has edit " + std::to_string(n) + " after " + std::to_string(last[item]));
    }
    last[item] = std::max(last[item], n);
  }
  for (const auto& [item, acknowledged] : edits)
    for (int n = 1; n <= acknowledged; ++n)
      if (!seen[item].contains(n)) {
        ++v.missing;
        ++v.missing_of[item];
        note(item + " lacks edit " + std::to_string(n) + " of " + std::to_string(acknowledged));
      }
  return v;
}

std::vector<std::pair<std::string, std::string>> journal_of(const config::database_target& where) {
  auto rows = session(where)->query(
      "SELECT d.entity, b.body FROM deliveries d JOIN bodies b ON b.seq = d.seq "
      "WHERE d.form = 'plane.webhook' ORDER BY d.seq",
      {});
  if (!rows) throw std::runtime_error(describe(rows.error()));
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& r : *rows)
    out.emplace_back(r[0].data.substr(std::string_view{"plane:issue:"}.size()), r[1].data);
  return out;
}

std::vector<std::string> touched_in(const config::database_target& where) {
  auto rows = session(where)->query(
      "SELECT entity FROM deliveries WHERE form = 'plane.touch' ORDER BY seq", {});
  if (!rows) throw std::runtime_error(describe(rows.error()));
  std::vector<std::string> out;
  for (const auto& r : *rows)
    out.push_back(r[0].data.substr(std::string_view{"plane:issue:"}.size()));
  return out;
}

config::database_target postgres_at(const std::string& url) {
  config::database_target t;
  t.kind = config::database_target::engine::postgresql;
  t.url = secret{url};
  return t;
}
config::database_target sqlite_at(const std::string& path) {
  config::database_target t;
  t.path = path;
  return t;
}

std::string spool_figure(const bridge& b, const std::string& name) {
  const auto told = b.json("/api/v1/health");  // when it is down, the facts are details of an error
  const auto path = "/dependencies/store/spool/" + name;
  const auto found = app::testing::text_at(told, "/data" + path);
  return found.empty() ? app::testing::text_at(told, "/error/details" + path) : found;
}

bool settled(const bridge& b, milliseconds deadline) {
  const bool so = app::testing::eventually(deadline, [&] {
    const auto v = b.json("/api/v1/health");
    const std::string store = "/data/dependencies/store";
    return app::testing::text_at(v, store + "/state") == "up" &&
           app::testing::text_at(v, store + "/spool/engaged") == "false" &&
           app::testing::text_at(v, store + "/spool/records") == "0" &&
           app::testing::text_at(v, store + "/queues/deliveries/pending") == "0";
  });
  if (!so) std::cerr << json::serialize(b.json("/api/v1/health")) << "\n";
  return so;
}

}  // namespace pb::outage
