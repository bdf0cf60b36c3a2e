#include "app/inspection.hpp"

#include <boost/json.hpp>
#include <optional>

#include "app/lark_account.hpp"

namespace pb::app {
namespace json = boost::json;

namespace {

json::object to_json(const persistence::shelter_figures& f, timestamp now) {
  json::object o{
      {"engaged", f.engaged},
      {"records", f.records},
      {"bytes", f.bytes},
      {"bytes_limit", f.max_bytes},
      {"oldest_age_s", f.oldest ? static_cast<double>((now - *f.oldest).count()) / 1e6 : 0.0},
      {"touched", f.touched},
      {"touched_limit", f.touched_max},
      {"spooled", f.spooled_total},
      {"drained", f.drained_total},
      {"touched_total", f.touched_total},
      {"refused", f.refused_total},
      {"damaged", f.damaged_total}};
  if (!f.problem.empty()) o["problem"] = f.problem;
  return o;
}

/// Servers hang up routinely, and Feishu asks for up to 30 s before the next attempt.
constexpr std::chrono::seconds away_is_normal{60};

bool in_trouble(const http::lark_link_health& h, timestamp now) {
  return h.given_up || (!h.open && now - h.since > away_is_normal);
}

json::object to_json(const http::lark_link_health& h, timestamp now) {
  const auto time = [](timestamp t) {
    return t == timestamp{} ? json::value(nullptr) : json::value(format_rfc3339(t));
  };
  const auto& f = h.figures;
  json::object o{{"state", h.state},
                 {"open", h.open},
                 {"since", time(h.since)},
                 {"last_frame", time(h.last_frame)},
                 {"reconnects", f.opened > 0 ? f.opened - 1 : 0},
                 {"lost", f.lost},
                 {"half_open", f.half_open},
                 {"frames", f.frames},
                 {"messages", f.messages},
                 {"refused", f.refused}};
  if (!f.last_problem.empty()) o["last_reason"] = f.last_problem;
  if (!h.remedy.empty())
    o["remedy"] = h.remedy;
  else if (in_trouble(h, now))
    o["remedy"] =
        "check that LARK_BASE_URL answers from this machine; Feishu sends again for some hours "
        "what "
        "comes meanwhile";
  return o;
}

json::object to_json(lark_account& of) {
  const auto v = of.look();
  const auto w = of.waited();
  return {{"month_calls", v.this_month},
          {"month_limit", v.per_month},
          {"last_second", v.last_second},
          {"last_minute", v.last_minute},
          {"minute_limit", v.per_minute},
          {"slow_chats", v.slow_chats},
          {"stopped_for_ms", v.stopped_for.count()},
          {"waited", {{"account", w.account}, {"chat", w.chat}, {"month", w.month}}}};
}

}  // namespace

std::string inspection::health(bool detailed) const {
  auto told = actors_.health(detailed);
  const auto f = spool_.figures();
  const auto now = clock_.now();
  const auto link = link_ == nullptr ? std::nullopt : std::optional{link_->health()};
  const bool cut_off = link && in_trouble(*link, now);
  if (!detailed && !f.engaged && !cut_off) return told;
  boost::system::error_code problem;
  auto whole = json::parse(told, problem);
  auto* data = problem ? nullptr : whole.find_pointer("/data", problem);
  if (data == nullptr || !data->is_object()) return told;
  auto& o = data->get_object();
  // The database may be there again, and what came meanwhile is not in the journal yet.
  if ((f.engaged || cut_off) && o["status"] == "ok") o["status"] = "degraded";
  if (auto* down = o.if_contains("down"); cut_off && down != nullptr && down->is_array())
    down->get_array().emplace_back("lark_long_connection");
  if (auto* lark = whole.find_pointer("/data/dependencies/lark", problem);
      lark != nullptr && lark->is_object()) {
    if (link) lark->get_object()["long_connection"] = to_json(*link, now);
    if (account_) lark->get_object()["account"] = to_json(*account_);
  }
  if (auto* store = whole.find_pointer("/data/dependencies/store", problem);
      store != nullptr && store->is_object())
    store->get_object()["spool"] = to_json(f, now);
  return json::serialize(whole);
}

std::string inspection::scheduler() const {
  auto told = actors_.scheduler();
  boost::system::error_code problem;
  auto whole = json::parse(told, problem);
  auto* data = problem ? nullptr : whole.find_pointer("/data", problem);
  if (data == nullptr || !data->is_object()) return told;
  auto& o = data->get_object();
  o["http_threads"] = figures_.http_threads;
  o["http_client_threads"] = figures_.http_client_threads;
  o["store_batch_max"] = figures_.store_batch_max;
  o["store_queue_max"] = figures_.store_queue_max;
  o["spool"] = to_json(spool_.figures(), clock_.now());
  if (account_) o["lark_account"] = to_json(*account_);
  if (link_ != nullptr) o["lark_long_connection"] = to_json(link_->health(), clock_.now());
  return json::serialize(whole);
}

}  // namespace pb::app
