// The inspector half of runtime: everything here reads probes and counters, never an actor.
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <tuple>

#include "actors/runtime_impl.hpp"

namespace pb::actors {
namespace json = boost::json;
namespace {

json::object to_json(const probe::figures& f) {
  return {{"id", std::to_string(f.id)},
          {"kind", f.kind},
          {"key", f.key},
          {"parent", f.parent},
          {"state", f.state},
          {"mailbox", f.mailbox},
          {"handled", f.handled},
          {"failed", f.failed},
          {"restarts", f.restarts},
          {"since", format_rfc3339(f.since)},
          {"state_since", format_rfc3339(f.state_since)},
          {"last_event", f.last_event},
          {"in_flight", f.in_flight}};
}

/// "up", "down", "suspended" (it refuses us, or is full), or "unknown" before the first answer.
const char* state_of(const connector_status& s, timestamp now) {
  if (from_micros(s.suspended_until_us) > now) return "suspended";
  if (s.breaker != 0 || s.last_failure_us > s.last_success_us) return "down";
  return s.last_success_us == 0 ? "unknown" : "up";
}
bool in_trouble(const connector_status& s, timestamp now) {
  const std::string_view state = state_of(s, now);
  return state == "down" || state == "suspended";
}

/// What an operator does about it; `url` and `login` are the variables to look at.
std::string remedy_of(const connector_status& s, timestamp now, const std::string& url,
                      const std::string& login) {
  if (std::string_view{state_of(s, now)} == "suspended")
    return "check " + login + " and the account's rights and space; changes wait meanwhile";
  return "check that " + url +
         " is right and that it answers from this machine; changes wait and go on by themselves";
}

json::object to_json(const connector_status& s, timestamp now) {
  const auto time = [](std::int64_t us) {
    return us == 0 ? json::value(nullptr) : json::value(format_rfc3339(from_micros(us)));
  };
  json::object o{{"state", state_of(s, now)},
                 {"breaker", sync::to_string(static_cast<sync::breaker::state>(s.breaker.load()))},
                 {"waiting", s.waiting.load()},
                 {"in_flight", s.in_flight.load()},
                 {"latency_ms", static_cast<double>(s.latency_us.load()) / 1000.0},
                 {"last_success", time(s.last_success_us)},
                 {"last_failure", time(s.last_failure_us)}};
  if (from_micros(s.paused_until_us) > now) o["paused_until"] = time(s.paused_until_us);
  const std::lock_guard hold{s.lock};
  if (!s.last_error.empty()) o["last_error"] = s.last_error;
  return o;
}

/// What is known of Plane's webhook, and what it does not tell here.
json::object webhook_json(const gap_monitor::view& v) {
  json::object o{{"state", v.webhook}};
  if (v.alarm || v.doubt) {
    o["since"] = format_rfc3339(v.since);
    if (v.from) o["missing_from"] = format_rfc3339(*v.from);
    o["remedy"] = v.remedy;
  }
  json::object kinds;
  for (const auto& k : v.learned) kinds[k.kind] = {{"told", k.told}, {"missed", k.missed}};
  o["learned"] = std::move(kinds);
  return o;
}

json::object gaps_json(const context& ctx) {
  const auto v = ctx.gaps.look();
  const auto time = [](const std::optional<timestamp>& t) {
    return t ? json::value(format_rfc3339(*t)) : json::value(nullptr);
  };
  json::object o{{"last_webhook", time(v.last_webhook)},
                 {"last_poll", time(v.last_poll)},
                 {"last_scan", time(v.last_scan)},
                 {"last_unannounced", time(v.last_unannounced)},
                 {"unannounced", v.unannounced},
                 {"poll_took_ms", v.poll_took.count()},
                 {"scan_took_ms", v.scan_took.count()},
                 {"scan_items", v.scan_items},
                 {"webhook_silent", v.alarm},
                 {"webhook", webhook_json(v)},
                 {"plane_clock_ahead_ms", v.clock_offset.count()}};
  if (!v.poll_failure.empty()) o["poll_failure"] = v.poll_failure;
  if (!v.scan_failure.empty()) o["scan_failure"] = v.scan_failure;
  if (!v.remedy.empty()) o["remedy"] = v.remedy;
  if (v.away)
    o["away"] = {{"from", format_rfc3339(v.away->from)},
                 {"until", format_rfc3339(v.away->until)},
                 {"changes_found", v.away->found},
                 {"fetched", v.away->fetched}};
  if (!v.lost.empty()) {
    json::array lost;
    for (const auto& p : v.lost)
      lost.push_back({{"project", p.name},
                      {"id", p.id},
                      {"since", format_rfc3339(p.since)},
                      {"remedy",
                       "in Plane: add the bridge's user to the project again; or name it "
                       "in projects_exclude under [plane]"}});
    o["projects_lost"] = std::move(lost);
  }
  return o;
}

json::object retry_json(const sync::retry_limits& r) {
  return {{"max_attempts", r.max_attempts},
          {"max_age_ms", r.max_age.count()},
          {"backoff_base_ms", r.base.count()},
          {"backoff_cap_ms", r.cap.count()}};
}
json::object breaker_json(const sync::breaker_policy& b) {
  return {{"failures", b.failures},
          {"window_ms", b.window.count()},
          {"open_ms", b.open_for.count()},
          {"half_open_probes", b.probes_to_close}};
}
json::object restart_json(const sync::restart_policy& r) {
  return {{"max", r.max_restarts}, {"window_ms", r.window.count()}};
}

bool less_by(const std::string& field, const probe::figures& a, const probe::figures& b) {
  if (field == "mailbox") return a.mailbox > b.mailbox;
  if (field == "handled") return a.handled > b.handled;
  if (field == "failed") return a.failed > b.failed;
  if (field == "restarts") return a.restarts > b.restarts;
  if (field == "since") return a.since < b.since;
  if (field == "state_since") return a.state_since < b.state_since;
  if (field == "kind") return std::tie(a.kind, a.key) < std::tie(b.kind, b.key);
  if (field == "key") return a.key < b.key;
  if (field == "state") return std::tie(a.state, a.key) < std::tie(b.state, b.key);
  return a.id < b.id;
}

}  // namespace

std::string runtime::actors(const actor_query& q) const {
  auto all = impl_->parts.ctx->probes.all();
  std::erase_if(all, [&](const auto& f) {
    return (!q.kind.empty() && f.kind != q.kind) ||
           (!q.key.empty() && f.key.find(q.key) == std::string::npos) ||
           (!q.state.empty() && f.state.find(q.state) == std::string::npos);
  });
  std::stable_sort(all.begin(), all.end(),
                   [&](const auto& a, const auto& b) { return less_by(q.sort, a, b); });
  // The cursor is the number of rows already seen: live figures move, so a page is a look, not a
  // cut.
  std::size_t from = 0;
  std::from_chars(q.cursor.data(), q.cursor.data() + q.cursor.size(), from);
  from = std::min(from, all.size());
  const auto to = std::min(all.size(), from + std::max<std::size_t>(q.limit, 1));
  json::array data;
  for (auto i = from; i < to; ++i) data.push_back(to_json(all[i]));
  const bool more = to < all.size();
  return json::serialize(
      json::object{{"data", std::move(data)},
                   {"page",
                    {{"next_cursor", more ? json::value(std::to_string(to)) : json::value(nullptr)},
                     {"has_more", more}}}});
}

std::string runtime::actor(const std::string& id) const {
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(id.data(), id.data() + id.size(), n);
  std::shared_ptr<probe> p;
  if (ec == std::errc{} && end == id.data() + id.size()) p = impl_->parts.ctx->probes.find(n);
  if (!p) return {};
  const auto f = p->read(true);
  json::object o = to_json(f);
  json::array recent;
  for (const auto& e : f.recent)
    recent.push_back({{"at", format_rfc3339(e.at)}, {"event", e.what}});
  o["recent"] = std::move(recent);
  o["effect"] = f.in_flight.empty() ? json::value(nullptr) : json::value(f.in_flight);
  return json::serialize(json::object{{"data", std::move(o)}});
}

std::string runtime::scheduler() const {
  const auto& ctx = *impl_->parts.ctx;
  const auto& o = ctx.opt();
  json::array cron;
  for (const auto& l : impl_->crons->all())
    cron.push_back({{"name", l.name},
                    {"expression", l.expression},
                    {"next", l.next == timestamp{} ? "" : format_rfc3339(l.next)},
                    {"last", l.last == timestamp{} ? "" : format_rfc3339(l.last)},
                    {"problem", l.problem}});
  std::int64_t mailbox = 0;
  const auto all = ctx.probes.all();
  for (const auto& f : all) mailbox += f.mailbox;
  return json::serialize(json::object{{"data",
                                       {{"policy", "sharing"},
                                        {"threads", impl_->system.scheduler().num_workers()},
                                        {"throughput", o.scheduler_throughput},
                                        {"actors", all.size()},
                                        {"queued", mailbox},
                                        {"in_memory_events_limit", o.in_memory_events},
                                        {"live_actors_limit", o.live_actors},
                                        {"passivate_after_ms", o.passivate_after.count()},
                                        {"plane_parallel", o.plane_parallel},
                                        {"caldav_parallel", o.caldav_parallel},
                                        {"lark_parallel", o.lark_parallel},
                                        {"fact_wait_ms", o.facts_wait.count()},
                                        {"outcome_wait_ms", o.outcome_wait.count()},
                                        {"retry", retry_json(o.retry)},
                                        {"breaker", breaker_json(o.breaker)},
                                        {"restart", restart_json(o.restart)},
                                        {"timezone", o.timezone},
                                        {"gaps", gaps_json(ctx)},
                                        {"cron", std::move(cron)}}}});
}

std::string runtime::health(bool detailed) const {
  const auto& i = *impl_;
  const auto& ctx = *i.parts.ctx;
  const auto store = ctx.store.health();
  const auto now = ctx.clock.now();
  json::array down;
  if (store != persistence::store_health::up) down.emplace_back("store");
  if (ctx.opt().plane_on && in_trouble(*i.plane_status, now)) down.emplace_back("plane");
  if (ctx.opt().calendar_on && in_trouble(*i.caldav_status, now)) down.emplace_back("caldav");
  if (i.lark && in_trouble(*i.lark_status, now)) down.emplace_back("lark");
  const auto gaps = ctx.gaps.look();
  const char* status = store != persistence::store_health::up              ? "down"
                       : !down.empty() || gaps.alarm || !gaps.lost.empty() ? "degraded"
                                                                           : "ok";
  json::object o{{"status", status}, {"down", std::move(down)}};
  if (detailed) {
    json::object d;
    d["store"] = {{"state", store == persistence::store_health::up             ? "up"
                            : store == persistence::store_health::reconnecting ? "reconnecting"
                                                                               : "down"}};
    if (const auto q = i.parts.ctx->queues.look()) {
      auto& of_store = d["store"].as_object();
      of_store["latency_ms"] = static_cast<double>(q->took.count()) / 1000.0;
      of_store["queues_at"] = format_rfc3339(q->at);
      const auto seconds = [now](const std::optional<timestamp>& oldest) {
        return static_cast<double>(queue_watch::age(oldest, now).count()) / 1e6;
      };
      of_store["queues"] = {{"deliveries",
                             {{"pending", q->counts.pending},
                              {"dead", q->counts.dead_deliveries},
                              {"oldest_age_s", seconds(q->counts.oldest_pending)}}},
                            {"effects",
                             {{"waiting", q->counts.waiting_effects},
                              {"dead", q->counts.dead_effects},
                              {"oldest_age_s", seconds(q->counts.oldest_waiting)}}}};
    }
    const auto tell = [&](const char* name, const connector_status& s, const char* url,
                          const char* login) {
      auto row = to_json(s, now);
      if (in_trouble(s, now)) row["remedy"] = remedy_of(s, now, url, login);
      d[name] = std::move(row);
    };
    if (ctx.opt().plane_on) tell("plane", *i.plane_status, "PLANE_BASE_URL", "PLANE_API_KEY");
    if (ctx.opt().calendar_on)
      tell("caldav", *i.caldav_status, "CALDAV_URL", "CALDAV_USERNAME and CALDAV_PASSWORD");
    if (i.lark) tell("lark", *i.lark_status, "LARK_BASE_URL", "LARK_APP_ID and LARK_APP_SECRET");
    o["dependencies"] = std::move(d);
    o["gaps"] = gaps_json(ctx);
  }
  return json::serialize(json::object{{"data", std::move(o)}});
}

}  // namespace pb::actors
