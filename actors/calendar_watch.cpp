#include "actors/calendar_watch.hpp"

#include <map>
#include <set>
#include <unordered_map>

#include "actors/delivery_forms.hpp"
#include "actors/edge.hpp"
#include "actors/first_look.hpp"
#include "actors/front.hpp"
#include "base/log.hpp"
#include "protocol/caldav/event.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

constexpr milliseconds cache_for{3'600'000};
constexpr milliseconds first_round_after{3'000};
constexpr std::size_t links_page = 2'000;
constexpr std::size_t journal_slice = 500;

/// "…/plane-issue-1%40calplanebot.ics" → "plane-issue-1@calplanebot".
std::string uid_in(const std::string& href) {
  auto file = href.substr(href.rfind('/') + 1);
  if (file.ends_with(".ics")) file.resize(file.size() - 4);
  return protocol::percent_decode(file);
}

class calendar_watch_state {
public:
  static inline const char* name = "calendar-watch";
  explicit calendar_watch_state(calendar_watch_actor::pointer self) : self_(self) {}

  calendar_watch_actor::behavior_type start(context_ptr ctx, dispatcher_actor dispatcher,
                                            connector_port caldav,
                                            std::shared_ptr<const remotes> calls,
                                            std::shared_ptr<sync_board> board) {
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

private:
  struct cached {
    std::string href;
    milliseconds until{0};
  };
  enum class call { discover, ensure, list };
  struct pending_call {
    call what;
    std::string key;
  };
  using reply_ptr = std::shared_ptr<reply_once<result<calendar_found>>>;

  std::string key_of(const std::string& project) const {
    return ctx_->opt().single_calendar ? "" : project;
  }

  // Finding and making calendars
  void on_want(const want_calendar& m) {
    probe_->handled();
    const auto key = key_of(m.project);
    if (const auto it = calendars_.find(key);
        it != calendars_.end() && it->second.until > ctx_->steady_ms())
      return (*m.reply)(calendar_found{it->second.href});
    waiters_[key].push_back(m.reply);
    find(key);
  }

  void forget(const std::string& project) {
    calendars_.erase(key_of(project));
    home_until_ = milliseconds{0};
  }

  void find(const std::string& key) {
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
      display = p && !p->name.empty() ? p->name : "Plane " + key.substr(0, 8);
    }
    ask(calls_->ensure_calendar(home_.home, key, display), urgency::person, {call::ensure, key});
  }

  /// Nobody asks again sooner than this: all that wait for a calendar would ask at once.
  failure not_available(failure f) {
    const auto doublings = std::min(failed_in_a_row_++, 6u);
    if (!f.retry_after) f.retry_after = milliseconds{1'000} * (1 << doublings);
    return f;
  }

  void discover() {
    if (discovering_) return;
    discovering_ = true;
    ask(calls_->discover(), urgency::person, {call::discover, {}});
  }

  void on_discovered(const performed& p) {
    discovering_ = false;
    if (p.failed) {
      refuse_all(*p.failed);
      if (round_) fail_round(*p.failed);
      return;
    }
    home_ = remotes::home_from(*p.what);
    home_until_ = ctx_->steady_ms() + cache_for;
    if (home_.home.empty() && home_.fixed.empty()) return no_home();
    if (home_.fixed.empty())
      std::erase_if(calendars_, [&](const auto& c) { return in_home(c.second.href) == nullptr; });
    std::vector<std::string> wanted;
    for (const auto& [key, replies] : waiters_) wanted.push_back(key);
    for (const auto& key : wanted) find(key);
    if (round_ && !round_->listing) list_calendars();
  }

  void no_home() {
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

  void refuse_all(const failure& f) {
    const auto told = not_available(f);
    for (auto& [key, replies] : std::exchange(waiters_, {}))
      for (auto& r : replies) (*r)(told);
  }

  void on_ensured(const std::string& key, const performed& p) {
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
    calendars_[key] = {href, ctx_->steady_ms() + cache_for};
    for (auto& r : replies) (*r)(calendar_found{href});
  }

  // A round: look into every calendar of ours
  struct round {
    start_sync ask;
    timestamp started{};
    bool listing = false;
    const options* rules = nullptr;   ///< of this round
    std::optional<first_look> first;  ///< the first round under these rules
    bool incomplete = false;
    std::set<entity_key> observed;
    std::map<std::string, std::string> to_list;  ///< project → calendar href
    std::map<std::string, std::map<std::string, std::string>> listed;  ///< project → href → etag
    std::string after_object;
    std::map<std::string, std::set<std::string>>
        seen;  ///< project → decoded hrefs that a link claims
    std::vector<persistence::delivery_append> found;
    std::size_t right = 0, events = 0;
  };

  void begin_round(const start_sync& ask) {
    if (ask.id.empty() && ctx_->opt().full_sync_every > milliseconds{0})
      self_->delayed_send(self_, ctx_->opt().full_sync_every, round_due{++round_generation_});
    if (round_) {
      if (!ask.id.empty()) queued_.push_back(ask);
      return;
    }
    round_ = round{};
    round_->ask = ask;
    round_->started = ctx_->clock.now();
    round_->rules = &ctx_->opt();
    if (round_->rules != checked_rules_ && !ask.dry_run) round_->first.emplace();
    probe_->state("looking into the calendars", ctx_->clock.now());
    board_->update(ask.id, [&](sync_report& r) { r.step = "calendars"; });
    // What exists is asked anew each round: a calendar may have been made or deleted elsewhere.
    discover();
  }

  void list_calendars() {
    round_->listing = true;
    if (ctx_->opt().single_calendar) {
      add_listing("");
    } else {
      for (const auto& p : ctx_->projects.all())
        if (round_->ask.project.empty() || round_->ask.project == p.id) add_listing(p.id);
    }
    board_->update(round_->ask.id,
                   [&](sync_report& r) { r.steps_total += round_->to_list.size(); });
    if (round_->to_list.empty()) return read_links();
    for (const auto& [project, href] : round_->to_list)
      ask(calls_->list_events(href), urgency::repair, {call::list, project});
  }

  void add_listing(const std::string& project) {
    if (!home_.fixed.empty()) {
      round_->to_list[project] = home_.fixed;
      return;
    }
    if (const auto* c = in_home(remotes::calendar_href(home_.home, project)))
      round_->to_list[project] = *c;
    else if (round_->ask.forced)
      round_->listed[project];  // a calendar that is gone holds nothing
  }

  const std::string* in_home(const std::string& href) const {
    for (const auto& c : home_.calendars)
      if (protocol::percent_decode(c) == protocol::percent_decode(href)) return &c;
    return nullptr;
  }

  void on_listed(const std::string& project, const performed& p) {
    if (!round_) return;
    round_->to_list.erase(project);
    if (p.failed) {
      log::warn("calendar not readable",
                {log::kv("project", project), log::kv("failure", *p.failed)});
      board_->update(round_->ask.id, [&](sync_report& r) {
        r.failures.push_back(describe(*p.failed));
        ++r.steps_done;
      });
    } else {
      auto& events = round_->listed[project];
      for (auto& e : remotes::events_from(*p.what)) {
        ++round_->events;
        events[protocol::percent_decode(e.href)] = e.etag;
      }
      board_->update(round_->ask.id, [&](sync_report& r) {
        ++r.steps_done;
        r.events_seen = round_->events;
      });
    }
    if (round_->to_list.empty()) read_links();
  }

  void read_links() {
    auto self = calendar_watch_actor{self_};
    const bool withheld = round_->first && round_->after_object.empty();
    ctx_->store.read(
        [self, withheld, after = round_->after_object](result<persistence::reader*> r) {
          auto rows = r ? (*r)->links_of("caldav", after, links_page)
                        : result<std::vector<persistence::link_row>>{r.error()};
          std::vector<entity_key> held;
          if (rows && withheld)
            if (auto bad = first_look::read_withheld(**r, held)) rows = *bad;
          caf::anon_send(
              self, links_read{0,
                               std::make_shared<const result<std::vector<persistence::link_row>>>(
                                   std::move(rows)),
                               std::make_shared<const std::vector<entity_key>>(std::move(held))});
        });
  }

  void on_links(const links_read& m) {
    if (!round_) return;
    if (!*m.rows) return fail_round(m.rows->error());
    if (round_->first && m.withheld) round_->first->withheld(*m.withheld);
    for (const auto& l : **m.rows) compare(l);
    if (!(*m.rows)->empty()) round_->after_object = (*m.rows)->back().object;
    if ((*m.rows)->size() == links_page) return read_links();
    for (const auto& [project, events] : round_->listed)
      for (const auto& [href, etag] : events)
        if (!round_->seen[project].contains(href)) unlinked(project, href, etag);
    if (round_->first) return read_entities({});
    journal_found();
  }

  void read_entities(const std::string& after) {
    auto self = calendar_watch_actor{self_};
    ctx_->store.read([self, after](result<persistence::reader*> r) {
      auto rows = r ? (*r)->entities_of("", after, links_page)
                    : result<std::vector<persistence::entity_row>>{r.error()};
      caf::anon_send(self,
                     known_entities_read{
                         0, std::make_shared<const result<std::vector<persistence::entity_row>>>(
                                std::move(rows))});
    });
  }

  void on_entities(const known_entities_read& m) {
    if (!round_ || !round_->first) return;
    if (!*m.rows) return fail_round(m.rows->error());
    for (const auto& c : round_->first->differing(**m.rows, round_->rules->calendar)) {
      if (round_->observed.contains(c.entity)) continue;
      const auto listing = round_->listed.find(key_of(c.project));
      if (c.href.empty()) {
        observe(c.entity, c.project, false, "", "", "not planned yet");
      } else if (listing == round_->listed.end()) {
        round_->incomplete = true;  // what is there is not known: asked again in the next round
      } else {
        const auto there = listing->second.find(protocol::percent_decode(c.href));
        const bool present = there != listing->second.end();
        observe(c.entity, c.project, present, present ? c.href : "", present ? there->second : "",
                "planned otherwise");
      }
    }
    if ((*m.rows)->size() == links_page) return read_entities((*m.rows)->back().key.text());
    if (!round_->incomplete) checked_rules_ = round_->rules;
    journal_found();
  }

  void compare(const persistence::link_row& l) {
    auto base = sync::parse_calendar_base(l.base);
    if (!base) return;
    if (round_->first) round_->first->linked(l, *base);
    const auto key = key_of(base->project);
    const auto listing = round_->listed.find(key);
    if (listing == round_->listed.end()) return;  // not looked into this time
    const auto state = sync::parse_link_state(l.state);
    const auto href = protocol::percent_decode(l.remote_id);
    const auto there = listing->second.find(href);
    if (there != listing->second.end()) {
      round_->seen[key].insert(href);
      const char* differs = nullptr;
      if (there->second != base->etag)
        differs = "changed in the calendar";
      else if (state != sync::link_state::live)
        differs = "not settled";
      else if (!rendering_unchanged(base->project))
        differs = "project renamed";
      if (differs == nullptr) {
        ++round_->right;
        return;
      }
      return observe(l.entity, base->project, true, l.remote_id, there->second, differs);
    }
    const bool expected = !l.remote_id.empty() &&
                          (state == sync::link_state::live || state == sync::link_state::diverged);
    const bool muted = state == sync::link_state::muted && round_->ask.forced;
    if (expected || muted || (state == sync::link_state::diverged && !base->planned.empty()))
      observe(l.entity, base->project, false, "", "", "missing");
  }

  /// Names and addresses that the item's own values do not hold: checked once per start and run.
  bool rendering_unchanged(const std::string& project) {
    const auto p = ctx_->projects.find(project);
    const std::string now = p ? p->identifier + "/" + p->name : "";
    auto& last = rendered_with_[project];
    if (round_->first || last.empty()) last = now;
    if (last != now) renamed_.insert(project);
    if (!renamed_.contains(project)) return true;
    return false;
  }

  void unlinked(const std::string& project, const std::string& href, const std::string& etag) {
    const auto item = protocol::caldav::work_item_of(uid_in(href));
    if (!item) return;  // a foreign event: never touched
    observe(entity_key::plane_issue(*item), project, true, href, etag, "not linked");
  }

  void observe(const entity_key& entity, const std::string& project, bool present,
               const std::string& href, const std::string& etag, const char* what) {
    round_->observed.insert(entity);
    board_->update(round_->ask.id, [&](sync_report& r) { r.found(entity.text(), what); });
    if (round_->ask.dry_run) return;
    sync::observed_event seen;
    seen.present = present;
    seen.href = href;
    seen.etag = etag;
    seen.forced = round_->ask.forced;
    seen.project = project;
    round_->found.push_back(own_delivery(*ctx_, "caldav", std::string{forms::calendar_observed},
                                         present ? "calendar.differs" : "calendar.missing", entity,
                                         observed_body(seen),
                                         "cal:" + std::string{entity.id()} + ":" + etag + ":" +
                                             std::to_string(to_micros(round_->started))));
  }

  void journal_found() {
    if (round_->found.empty()) return end_round();
    const auto n = std::min(journal_slice, round_->found.size());
    std::vector<persistence::delivery_append> slice(
        std::make_move_iterator(round_->found.end() - static_cast<std::ptrdiff_t>(n)),
        std::make_move_iterator(round_->found.end()));
    round_->found.resize(round_->found.size() - n);
    auto self = calendar_watch_actor{self_};
    journal_own(ctx_, dispatcher_, std::move(slice), [self](const result<std::size_t>& r) {
      caf::anon_send(
          self,
          deliveries_accepted{0, r ? *r : 0, r ? std::nullopt : std::optional<failure>{r.error()}});
    });
  }

  void on_accepted(const deliveries_accepted& m) {
    if (!round_) return;
    if (m.failed) return fail_round(*m.failed);
    journal_found();
  }

  void fail_round(const failure& f) {
    log::warn("look into the calendars failed", {log::kv("failure", f)});
    board_->update(round_->ask.id, [&](sync_report& r) { r.failures.push_back(describe(f)); });
    probe_->failed();
    end_round();
  }

  void end_round() {
    renamed_.clear();
    for (const auto& p : ctx_->projects.all()) rendered_with_[p.id] = p.identifier + "/" + p.name;
    board_->update(round_->ask.id, [&](sync_report& r) {
      r.right = round_->right;
      r.events_seen = round_->events;
      r.state = r.failures.empty() ? "done" : "failed";
      r.step = "done";
      r.finished_at = ctx_->clock.now();
    });
    probe_->event("looked at " + std::to_string(round_->events) + " events", ctx_->clock.now());
    probe_->state("idle", ctx_->clock.now());
    round_.reset();
    if (!queued_.empty()) {
      auto next = std::move(queued_.front());
      queued_.erase(queued_.begin());
      begin_round(next);
    }
  }

  // Calls
  void ask(exchange_ptr what, urgency how, pending_call c) {
    const auto token = ++last_token_;
    pending_.emplace(token, std::move(c));
    auto self = calendar_watch_actor{self_};
    performed lost;
    lost.what = what;
    lost.failed = failure{errc::crashed,
                          "connector",
                          "the connector crashed with this call in flight",
                          "",
                          0,
                          "",
                          {}};
    auto reply = std::make_shared<reply_once<performed>>(
        [self, token](performed p) {
          caf::anon_send(
              self, exchange_performed{token, std::make_shared<const performed>(std::move(p))});
        },
        std::move(lost));
    self_->send(caldav_, perform{std::move(what), how, "calendar-watch", std::move(reply)});
  }

  void on_performed(const exchange_performed& m) {
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

  calendar_watch_actor::pointer self_;
  context_ptr ctx_;
  dispatcher_actor dispatcher_;
  connector_port caldav_;
  std::shared_ptr<const remotes> calls_;
  std::shared_ptr<sync_board> board_;
  std::shared_ptr<probe> probe_;
  remotes::calendar_home home_;
  milliseconds home_until_{0};
  std::map<std::string, cached> calendars_;
  std::map<std::string, std::vector<reply_ptr>> waiters_;
  std::set<std::string> finding_, renamed_;
  std::map<std::string, std::string> rendered_with_;
  std::optional<round> round_;
  std::vector<start_sync> queued_;
  std::unordered_map<std::uint64_t, pending_call> pending_;
  std::uint64_t last_token_ = 0, round_generation_ = 0;
  bool discovering_ = false;
  unsigned failed_in_a_row_ = 0;
  const options* checked_rules_ = nullptr;  ///< every entity was compared with these
};

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
