#include "actors/calendar_watch.hpp"

#include <algorithm>

#include "actors/calendar_watch_state.hpp"
#include "actors/edge.hpp"
#include "base/log.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {
constexpr milliseconds first_round_after{3'000};
}  // namespace

calendar_watch_actor::behavior_type calendar_watch_state::start(
    context_ptr ctx, dispatcher_actor dispatcher, connector_port caldav,
    std::shared_ptr<const remotes> calls, std::shared_ptr<sync_board> board) {
  ctx_ = std::move(ctx);
  dispatcher_ = std::move(dispatcher);
  caldav_ = std::move(caldav);
  calls_ = std::move(calls);
  board_ = std::move(board);
  probe_ = ctx_->probes.add("calendar-watch", "caldav", "planebridge");
  probe_->state("idle", ctx_->clock.now());
  if (ctx_->opt().calendar_on)
    self_->delayed_send(self_, first_round_after, round_due{++round_generation_});
  return {[this](const want_calendar& m) { on_want(m); },
          [this](const forget_calendar& m) { forget(m.project); },
          [this](const round_due& m) {
            if (m.generation == round_generation_) begin_round({});
          },
          [this](const start_sync& m) { begin_round(m); },
          [this](const exchange_performed& m) { on_performed(m); },
          [this](const links_read& m) { on_links(m); },
          [this](const known_entities_read& m) { on_entities(m); },
          [this](const deliveries_accepted& m) { on_accepted(m); }};
}

std::string calendar_watch_state::key_of(const std::string& project) const {
  return ctx_->opt().single_calendar ? "" : project;
}

void calendar_watch_state::on_want(const want_calendar& m) {
  probe_->handled();
  const auto key = key_of(m.project);
  if (const auto it = calendars_.find(key);
      it != calendars_.end() && it->second.until > ctx_->steady_ms())
    return (*m.reply)(calendar_found{it->second.href});
  waiters_[key].push_back(m.reply);
  find(key);
}

void calendar_watch_state::forget(const std::string& project) {
  calendars_.erase(key_of(project));
  home_until_ = milliseconds{0};
}

void calendar_watch_state::find(const std::string& key) {
  if (finding_.contains(key)) return;
  if ((home_.home.empty() && home_.fixed.empty()) || home_until_ <= ctx_->steady_ms())
    return discover();
  if (!home_.fixed.empty()) {
    calendars_[key] = {home_.fixed, home_until_};
    for (auto& r : std::exchange(waiters_[key], {})) (*r)(calendar_found{home_.fixed});
    return;
  }
  finding_.insert(key);
  std::string display = ctx_->opt().single_name;
  if (!key.empty()) {
    const auto p = ctx_->projects.find(key);
    display = p && !p->name.empty() ? sync::calendar_name(ctx_->opt().project_calendar_name, *p,
                                                          ctx_->opt().rendering.workspace_slug)
                                    : "Plane " + key.substr(0, 8);
  }
  ask(calls_->ensure_calendar(home_.home, key, display), urgency::person, {call::ensure, key});
}

failure calendar_watch_state::not_available(failure f) {
  const auto doublings = std::min(failed_in_a_row_++, 6u);
  if (!f.retry_after) f.retry_after = milliseconds{1'000} * (1 << doublings);
  return f;
}

void calendar_watch_state::discover() {
  if (discovering_) return;
  discovering_ = true;
  ask(calls_->discover(), urgency::person, {call::discover, {}});
}

void calendar_watch_state::on_discovered(const performed& p) {
  discovering_ = false;
  if (p.failed) {
    refuse_all(*p.failed);
    if (round_) fail_round(*p.failed);
    return;
  }
  home_ = remotes::home_from(*p.what);
  home_until_ = ctx_->steady_ms() + ctx_->opt().discovery_cache;
  if (home_.home.empty() && home_.fixed.empty()) return no_home();
  if (home_.fixed.empty())
    std::erase_if(calendars_, [&](const auto& c) { return in_home(c.second.href) == nullptr; });
  std::vector<std::string> wanted;
  for (const auto& [key, replies] : waiters_) wanted.push_back(key);
  for (const auto& key : wanted) find(key);
  if (round_ && !round_->listing) list_calendars();
}

void calendar_watch_state::no_home() {
  const failure none{errc::unexpected_answer,
                     "caldav.discover",
                     "the server shows no calendar home for this account",
                     "set calendar.url to the account's or the calendar's own address",
                     0,
                     "",
                     {}};
  refuse_all(none);
  if (round_) fail_round(none);
}

void calendar_watch_state::refuse_all(const failure& f) {
  const auto told = not_available(f);
  for (auto& [key, replies] : std::exchange(waiters_, {}))
    for (auto& r : replies) (*r)(told);
}

void calendar_watch_state::on_ensured(const std::string& key, const performed& p) {
  finding_.erase(key);
  auto replies = std::exchange(waiters_[key], {});
  waiters_.erase(key);
  if (p.failed) {
    log::warn("calendar not available", {log::kv("project", key), log::kv("failure", *p.failed)});
    home_until_ = milliseconds{0};
    const auto told = not_available(*p.failed);
    for (auto& r : replies) (*r)(told);
    return;
  }
  failed_in_a_row_ = 0;
  const auto href = remotes::calendar_from(*p.what);
  calendars_[key] = {href, ctx_->steady_ms() + ctx_->opt().discovery_cache};
  for (auto& r : replies) (*r)(calendar_found{href});
}

void calendar_watch_state::ask(exchange_ptr what, urgency how, pending_call c) {
  const auto token = ++last_token_;
  pending_.emplace(token, std::move(c));
  self_->send(caldav_, call_for(calendar_watch_actor{self_}, token, std::move(what), how,
                                "calendar-watch", ctx_->clock.now()));
}

void calendar_watch_state::on_performed(const exchange_performed& m) {
  const auto it = pending_.find(m.token);
  if (it == pending_.end()) return;
  const auto c = std::move(it->second);
  pending_.erase(it);
  switch (c.what) {
    case call::discover:
      return on_discovered(*m.outcome);
    case call::ensure:
      return on_ensured(c.key, *m.outcome);
    case call::list:
      return on_listed(c.key, *m.outcome);
  }
}

namespace {

calendar_watch_actor::behavior_type calendar_watch(
    calendar_watch_actor::stateful_pointer<calendar_watch_state> self, context_ptr ctx,
    dispatcher_actor dispatcher, connector_port caldav, std::shared_ptr<const remotes> calls,
    std::shared_ptr<sync_board> board) {
  install_exception_edge(self, "calendar-watch");
  return self->state.start(std::move(ctx), std::move(dispatcher), std::move(caldav),
                           std::move(calls), std::move(board));
}

}  // namespace

calendar_watch_actor spawn_calendar_watch(caf::actor_system& system, context_ptr ctx,
                                          dispatcher_actor dispatcher, connector_port caldav,
                                          std::shared_ptr<const remotes> calls,
                                          std::shared_ptr<sync_board> board) {
  return system.spawn(calendar_watch, std::move(ctx), std::move(dispatcher), std::move(caldav),
                      std::move(calls), std::move(board));
}

}  // namespace pb::actors
