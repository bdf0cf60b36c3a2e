#include "sync/calendar_rules.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "protocol/caldav/href.hpp"

namespace pb::sync {
using namespace std::chrono_literals;
namespace caldav = protocol::caldav;
namespace {

constexpr const char* not_listed_yet =
    "parked: whether its project is mirrored is known when Plane's projects are read";

bool contains(const std::vector<std::string>& list, const std::string& v) {
  return std::find(list.begin(), list.end(), v) != list.end();
}

calendar_plan nothing(const calendar_link& link, std::string rule) {
  calendar_plan p;
  p.link = link;
  p.rule = std::move(rule);
  return p;
}

/// The newest effect that was never sent; state effects replace it in place. There are two when the
/// first was under way as the second was planned, and came back unsent.
const queued_effect* replaceable(std::span<const queued_effect> queued, bool withheld) {
  const queued_effect* newest = nullptr;
  for (const auto& q : queued)
    if (!q.attempted && q.withheld == withheld && (newest == nullptr || q.id > newest->id))
      newest = &q;
  return newest;
}

void withdraw_unsent(std::span<const queued_effect> queued, bool withheld, calendar_plan& from) {
  for (const auto& q : queued)
    if (!q.attempted && q.withheld == withheld) from.cancel.push_back(q.id);
}

bool in_flight(std::span<const queued_effect> queued) {
  return std::any_of(queued.begin(), queued.end(),
                     [](const auto& q) { return q.attempted && !q.withheld; });
}

calendar_plan want(calendar_link link, std::span<const queued_effect> queued,
                   const std::string& print, timestamp now, const calendar_rules& rules,
                   std::string rule) {
  calendar_plan p;
  calendar_plan::wanted w;
  w.operation = print.empty() ? calendar_operation::remove : calendar_operation::put;
  w.fingerprint = print;
  w.rule = rule;
  w.withheld = rules.shadow;
  // The first change goes at once, further ones within the window as one trailing call.
  w.due_at = now;
  if (link.base.sent_at != timestamp{}) w.due_at = std::max(now, link.base.sent_at + rules.window);
  if (in_flight(queued)) w.due_at = std::max(w.due_at, now + rules.window);
  if (const auto* q = replaceable(queued, rules.shadow)) p.replace = q->id;
  p.effect = std::move(w);
  p.rule = std::move(rule);
  p.link = std::move(link);
  if (!rules.shadow) {  // withheld effects never move a base
    p.link.base.planned = print;
    p.link.state = link_state::live;
    p.link_changed = true;
  }
  return p;
}

}  // namespace

std::string_view to_string(link_state s) noexcept {
  switch (s) {
    case link_state::none:
      return "none";
    case link_state::live:
      return "live";
    case link_state::muted:
      return "muted";
    case link_state::diverged:
      return "diverged";
    case link_state::conflict:
      return "conflict";
    case link_state::removed:
      return "removed";
  }
  return "none";
}

link_state parse_link_state(std::string_view text) noexcept {
  for (const auto s : {link_state::live, link_state::muted, link_state::diverged,
                       link_state::conflict, link_state::removed})
    if (text == to_string(s)) return s;
  return link_state::none;
}

calendar_rules with_names(calendar_rules rules, std::span<const protocol::plane::project> known,
                          bool listed) {
  rules.names_pending = false;
  for (auto* list : {&rules.only_projects, &rules.without_projects}) {
    const auto as_written = *list;
    for (const auto& name : as_written) {
      if (is_uuid(name)) continue;
      bool found = false;
      for (const auto& p : known)
        if (p.identifier == name) {
          found = true;
          if (!contains(*list, p.id)) list->push_back(p.id);
        }
      if (!found && !listed) rules.names_pending = true;
    }
  }
  return rules;
}

bool undecided(const item_knowledge& k, const calendar_rules& rules) {
  return rules.names_pending && !contains(rules.only_projects, k.project) &&
         !contains(rules.without_projects, k.project);
}

bool wants_event(const item_knowledge& k, const calendar_rules& rules) {
  if (k.where != presence::here || k.draft || k.target_date.empty()) return false;
  if (undecided(k, rules)) return true;
  if (!rules.only_projects.empty() && !contains(rules.only_projects, k.project)) return false;
  return !contains(rules.without_projects, k.project);
}

std::string fingerprint(const item_knowledge& k, const calendar_rules& rules) {
  if (!wants_event(k, rules)) return {};
  std::string all;
  const auto add = [&all](std::string_view piece) {
    all += std::to_string(piece.size());
    all += ':';
    all += piece;
  };
  add(k.project);
  add(std::to_string(k.sequence_id));
  add(k.name);
  add(k.text);
  add(to_string(k.prio));
  add(k.target_date);
  add(rules.start_to_target ? k.start_date : "");
  add(k.state.name);
  add(protocol::plane::to_string(k.state.group));
  for (const auto& a : k.assignees) add(a);
  all += '|';
  for (const auto& l : k.labels) add(l);
  return sha256_hex(all).substr(0, 32);
}

calendar_plan plan_calendar(const item_knowledge& known, const calendar_link& link,
                            std::span<const queued_effect> queued, timestamp now,
                            const calendar_rules& rules) {
  const std::string print = fingerprint(known, rules);
  if (!print.empty() && undecided(known, rules)) return nothing(link, not_listed_yet);
  if (rules.shadow) {
    const auto* held = replaceable(queued, true);
    const std::string& last = held != nullptr ? held->fingerprint : link.base.planned;
    if (print == last) return nothing(link, "calendar: nothing to change");
    if (held != nullptr && print == link.base.planned) {
      auto back = nothing(link, "shadow: reverted");
      withdraw_unsent(queued, true, back);
      return back;
    }
    return want(link, queued, print, now, rules, "shadow: withheld");
  }
  calendar_plan p;
  // Going live drops what shadow mode withheld; the item is planned anew below.
  for (const auto& q : queued)
    if (q.withheld) p.cancel.push_back(q.id);

  if (print == link.base.planned) {
    p.link = link;
    p.rule = "calendar: nothing to change";
    return p;
  }
  const queued_effect* waiting = replaceable(queued, false);
  const bool attempted = in_flight(queued);
  const bool on_server = !link.base.href.empty();
  if (waiting != nullptr && !attempted && print == link.base.agreed) {
    // Back to the base while our write waited: it is no longer wanted.
    withdraw_unsent(queued, false, p);
    p.link = link;
    p.link.base.planned = print;
    p.link.state = on_server ? link_state::live : link_state::removed;
    p.link_changed = true;
    p.rule = "calendar: reverted before it was sent";
    return p;
  }
  if (print.empty() && !on_server && !attempted) {
    withdraw_unsent(queued, false, p);
    p.link = link;
    p.link.base.planned.clear();
    p.link_changed = link.state != link_state::none;
    if (p.link_changed) p.link.state = link_state::removed;
    p.rule = "calendar: nothing to remove";
    return p;
  }
  auto wanted = want(link, queued, print, now, rules,
                     print.empty() ? "calendar: event no longer wanted" : "calendar: item changed");
  wanted.cancel = std::move(p.cancel);
  return wanted;
}

observation_verdict judge_observation(const observed_event& seen, const item_knowledge& known,
                                      const calendar_link& link,
                                      std::span<const queued_effect> queued, bool just_read,
                                      timestamp now, const calendar_rules& rules) {
  observation_verdict v;
  // Going live drops what shadow mode withheld, whatever the look shows.
  const auto drop_withheld = [&] {
    if (!rules.shadow)
      for (const auto& q : queued)
        if (q.withheld) v.plan.cancel.push_back(q.id);
  };
  const auto settle_with = [&](std::string rule) {
    v.plan = nothing(link, std::move(rule));
    drop_withheld();
    return v;
  };
  const auto put = [&](calendar_link anew, std::string rule) {
    v.plan = want(std::move(anew), queued, fingerprint(known, rules), now, rules, std::move(rule));
    drop_withheld();
    return v;
  };
  const std::string print = fingerprint(known, rules);
  const bool busy =
      std::any_of(queued.begin(), queued.end(), [](const auto& q) { return !q.withheld; });
  if (busy) return settle_with("absorbed: a write of this event is on its way");
  if (!print.empty() && undecided(known, rules)) return settle_with(not_listed_yet);
  if (const auto* held = replaceable(queued, true);
      rules.shadow && held != nullptr && held->fingerprint == print)
    return settle_with("shadow: withheld already");

  if (!seen.present) {
    calendar_link absent = link;
    absent.base.href.clear();
    absent.base.etag.clear();
    if (print.empty()) {
      settle_with("calendar: absent, and none is wanted");
      // Whoever removed it did our work; and what was planned for it and died is not looked for
      // again.
      if ((!link.base.href.empty() || !link.base.planned.empty()) && !rules.shadow) {
        absent.base.hash.clear();
        absent.base.agreed.clear();
        absent.base.planned.clear();
        absent.state = link_state::removed;
        v.plan.link = std::move(absent);
        v.plan.link_changed = true;
      }
      return v;
    }
    if (seen.forced) return put(std::move(absent), "calendar: put again on request");
    if (rules.restore_deleted)
      return put(std::move(absent), "calendar: deleted by a person, put back");
    if (link.state == link_state::muted) return settle_with("calendar: stays deleted (muted)");
    if (link.base.href.empty() || link.state == link_state::diverged)
      return put(std::move(absent), "calendar: missing");
    settle_with("calendar: deleted by a person, stays deleted until the item changes");
    if (!rules.shadow) {
      absent.state = link_state::muted;
      absent.base.agreed.clear();  // the sides agree on nothing now: only `planned` is remembered
      v.plan.link = std::move(absent);
      v.plan.link_changed = true;
    }
    return v;
  }

  if (print.empty()) {
    // Ours to delete only if it is tombstoned here or was written here: a fresh database never
    // deletes another installation's events. What we removed may come back: a call that we gave up
    // on lands late.
    const bool linked = !link.base.href.empty();
    const bool written = linked || link.base.sent_at != timestamp{};
    if (known.where != presence::gone && known.where != presence::archived && !written) {
      if (known.where == presence::unknown && !just_read) {
        v.needs_read = unknown_event{"an event of an item never seen"};
        return v;
      }
      return settle_with("calendar: an event that is not ours to delete");
    }
    calendar_link orphan = link;
    // A linked event that is elsewhere goes first; this copy is met again in the next round.
    if (!linked || caldav::same_href(link.base.href, seen.href)) {
      orphan.base.href = seen.href;
      orphan.base.etag = seen.etag;
      if (!seen.project.empty()) orphan.base.project = seen.project;
    }
    return put(std::move(orphan), "calendar: orphan removed");
  }

  if (link.state == link_state::conflict && !seen.forced)
    return settle_with("calendar: conflict, waits for a person");
  const bool known_event = !link.base.href.empty();
  if (!seen.project.empty() && seen.project != known.project &&
      (!known_event || !caldav::same_href(link.base.href, seen.href))) {
    // A copy in a calendar that the item has left. Whose it is, only a link of ours tells.
    if (!known_event) {
      if (print == link.base.planned)
        return settle_with("calendar: a copy elsewhere that is not ours to delete");
      // The right one was never planned, since its project was not mirrored: that is made up for.
      calendar_link own = link;
      own.base.project = known.project;
      return put(std::move(own), "calendar: missing, with a copy elsewhere");
    }
    calendar_link moved = link;  // settle() finds it stale once the right one is confirmed
    moved.base.project = seen.project;
    moved.base.href = seen.href;
    moved.base.etag = seen.etag;
    return put(std::move(moved), "calendar: a copy in a former calendar");
  }
  if (known_event && seen.etag == link.base.etag && seen.rendered_hash == link.base.hash &&
      link.state == link_state::live) {
    settle_with("calendar: already right");
    if (seen.names != link.base.names && !rules.shadow) {  // other names that look the same
      v.plan.link.base.names = seen.names;
      v.plan.link_changed = true;
    }
    return v;
  }
  calendar_link mended = link;
  mended.base.href = seen.href;
  if (!known_event) {
    mended.base.project = known.project;
    mended.base.etag.clear();
  }
  if (seen.forced) mended.base.put_back.clear();  // a person has looked: counted anew
  return put(std::move(mended), !known_event                  ? "calendar: adopted"
                                : seen.etag != link.base.etag ? "calendar: edited in a client"
                                                              : "calendar: content differs");
}

outcome_plan settle(const calendar_outcome& o, const calendar_link& link,
                    const calendar_rules& rules) {
  outcome_plan p;
  p.link = link;
  calendar_base& b = p.link.base;
  b.sent_at = o.at;
  b.agreed = o.fingerprint;
  if (o.operation == calendar_operation::remove) {
    b.href.clear();
    b.etag.clear();
    b.hash.clear();
    b.labels.clear();
    if (b.planned.empty()) p.link.state = link_state::removed;
    p.rule = "calendar: removed";
    return p;
  }
  if (!b.href.empty() && !b.project.empty() && b.project != o.project &&
      !caldav::same_href(b.href, o.href)) {
    p.stale_href = b.href;
    p.stale_etag = b.etag;
  }
  b.project = o.project;
  b.href = o.href;
  b.etag = o.etag;
  b.hash = o.hash;
  b.names = o.names;
  b.labels = o.labels;
  b.sequence = o.sequence;
  p.link.state = link_state::live;
  p.rule = o.wrote ? "calendar: written" : "calendar: already right";
  if (o.wrote && o.put_back) {
    std::erase_if(b.put_back, [&](timestamp t) { return o.at - t > rules.put_back_window; });
    b.put_back.push_back(o.at);
    if (b.put_back.size() >= rules.put_back_limit) {
      p.link.state = link_state::conflict;
      p.rule = "calendar: put back " + std::to_string(b.put_back.size()) +
               " times in a short while, a person must look";
    }
  }
  return p;
}

}  // namespace pb::sync
