// A round of the calendar watcher: list every calendar of ours, compare with the links, and journal
// a look for whatever differs.
#include <algorithm>

#include "actors/calendar_watch_state.hpp"
#include "actors/delivery_forms.hpp"
#include "actors/front.hpp"
#include "base/log.hpp"
#include "protocol/caldav/event.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {
constexpr std::size_t links_page = 2'000;
constexpr std::size_t findings_at_once = 500;

/// "…/plane-issue-1%40calplanebot.ics" → "plane-issue-1@calplanebot".
std::string uid_in(const std::string& href) {
  auto file = href.substr(href.rfind('/') + 1);
  if (file.ends_with(".ics")) file.resize(file.size() - 4);
  return protocol::percent_decode(file);
}
}  // namespace

void calendar_watch_state::begin_round(const start_sync& ask) {
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

void calendar_watch_state::list_calendars() {
  round_->listing = true;
  if (ctx_->opt().single_calendar) {
    add_listing("");
  } else {
    for (const auto& p : ctx_->projects.all())
      if (round_->ask.project.empty() || round_->ask.project == p.id) add_listing(p.id);
  }
  board_->update(round_->ask.id, [&](sync_report& r) { r.steps_total += round_->to_list.size(); });
  if (round_->to_list.empty()) return read_links();
  for (const auto& [project, href] : round_->to_list)
    ask(calls_->list_events(href), urgency::repair, {call::list, project});
}

void calendar_watch_state::add_listing(const std::string& project) {
  if (!home_.fixed.empty()) {
    round_->to_list[project] = home_.fixed;
    return;
  }
  if (const auto* c = in_home(remotes::calendar_href(home_.home, project)))
    round_->to_list[project] = *c;
  else if (round_->ask.forced)
    round_->listed[project];  // a calendar that is gone holds nothing
}

const std::string* calendar_watch_state::in_home(const std::string& href) const {
  for (const auto& c : home_.calendars)
    if (protocol::percent_decode(c) == protocol::percent_decode(href)) return &c;
  return nullptr;
}

void calendar_watch_state::on_listed(const std::string& project, const performed& p) {
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

void calendar_watch_state::read_links() {
  auto self = calendar_watch_actor{self_};
  const bool withheld = round_->first && round_->after_object.empty();
  ctx_->store.read([self, withheld, after = round_->after_object](result<persistence::reader*> r) {
    auto rows = r ? (*r)->links_of("caldav", after, links_page)
                  : result<std::vector<persistence::link_row>>{r.error()};
    std::vector<entity_key> held;
    if (rows && withheld)
      if (auto bad = first_look::read_withheld(**r, held)) rows = *bad;
    caf::anon_send(
        self,
        links_read{
            0, std::make_shared<const result<std::vector<persistence::link_row>>>(std::move(rows)),
            std::make_shared<const std::vector<entity_key>>(std::move(held))});
  });
}

void calendar_watch_state::on_links(const links_read& m) {
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

void calendar_watch_state::read_entities(const std::string& after) {
  auto self = calendar_watch_actor{self_};
  ctx_->store.read([self, after](result<persistence::reader*> r) {
    auto rows = r ? (*r)->entities_of("", after, links_page)
                  : result<std::vector<persistence::entity_row>>{r.error()};
    caf::anon_send(
        self,
        known_entities_read{0, std::make_shared<const result<std::vector<persistence::entity_row>>>(
                                   std::move(rows))});
  });
}

void calendar_watch_state::on_entities(const known_entities_read& m) {
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

void calendar_watch_state::compare(const persistence::link_row& l) {
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
    else if (!same_names(*base))
      differs = "project renamed";
    if (differs == nullptr) {
      ++round_->right;
      return;
    }
    return observe(l.entity, base->project, true, l.remote_id, there->second, differs);
  }
  const bool expected = !l.remote_id.empty() &&
                        (state == sync::link_state::live || state == sync::link_state::diverged);
  const bool left_to_people =
      state == sync::link_state::muted || state == sync::link_state::conflict;
  const bool asked_for = round_->ask.forced || ctx_->opt().calendar.restore_deleted;
  if (expected || (left_to_people && asked_for) ||
      (state == sync::link_state::diverged && !base->planned.empty()))
    observe(l.entity, base->project, false, "", "", "missing");
}

bool calendar_watch_state::same_names(const sync::calendar_base& base) {
  const auto p = ctx_->projects.find(base.project);
  return !p || base.names == sync::rendered_names(p, ctx_->opt().rendering);
}

void calendar_watch_state::unlinked(const std::string& project, const std::string& href,
                                    const std::string& etag) {
  const auto item = protocol::caldav::work_item_of(uid_in(href));
  if (!item) return;  // a foreign event: never touched
  observe(entity_key::plane_issue(*item), project, true, href, etag, "not linked");
}

void calendar_watch_state::observe(const entity_key& entity, const std::string& project,
                                   bool present, const std::string& href, const std::string& etag,
                                   const char* what) {
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

void calendar_watch_state::journal_found() {
  if (round_->found.empty()) return end_round();
  const auto n = std::min(findings_at_once, round_->found.size());
  std::vector<persistence::delivery_append> slice(
      std::make_move_iterator(round_->found.end() - static_cast<std::ptrdiff_t>(n)),
      std::make_move_iterator(round_->found.end()));
  round_->found.resize(round_->found.size() - n);
  auto self = calendar_watch_actor{self_};
  journal_own(ctx_, dispatcher_, std::move(slice), [self](const result<std::size_t>& r) {
    caf::anon_send(self, deliveries_accepted{0, r ? *r : 0,
                                             r ? std::nullopt : std::optional<failure>{r.error()}});
  });
}

void calendar_watch_state::on_accepted(const deliveries_accepted& m) {
  if (!round_) return;
  if (m.failed) return fail_round(*m.failed);
  journal_found();
}

void calendar_watch_state::fail_round(const failure& f) {
  log::warn("look into the calendars failed", {log::kv("failure", f)});
  board_->update(round_->ask.id, [&](sync_report& r) { r.failures.push_back(describe(f)); });
  probe_->failed();
  end_round();
}

void calendar_watch_state::end_round() {
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

}  // namespace pb::actors
