#include "checker.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/digest.hpp"
#include "protocol/caldav/event.hpp"

namespace pb::simulation {
namespace json = boost::json;
using persistence::delivery_status;
using persistence::effect_status;
namespace {

constexpr const char* reader_key = "plane_api_checker";

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'n' || c == 'N' ? '\n' : c;
  }
  return out;
}

std::string plain(const std::string& ics, const std::string& name) {
  return unescaped(test::property(ics, name));
}

/// Without the lines that say when and how often it was written.
std::string content(const std::string& ics) {
  std::string out;
  std::size_t at = 0;
  while (at < ics.size()) {
    auto end = ics.find("\r\n", at);
    if (end == std::string::npos) end = ics.size();
    const std::string_view l{ics.data() + at, end - at};
    if (!l.starts_with("DTSTAMP") && !l.starts_with("LAST-MODIFIED") && !l.starts_with("SEQUENCE"))
      out.append(l).append("\n");
    at = end + 2;
  }
  return out;
}

std::string compact(const std::string& date) {
  std::string out = date;
  std::erase(out, '-');
  return out;
}

std::string day_after(const std::string& date) {
  const auto t = parse_rfc3339(date + "T00:00:00Z");
  return t ? compact(format_rfc3339(*t + std::chrono::hours{24}).substr(0, 10)) : std::string{};
}

/// The path of the calendar that an event's URL or path is in.
std::string calendar_of(const std::string& href) {
  const std::string_view origin = test::dav_server::origin;
  const auto path = protocol::percent_decode(
      href.starts_with(origin) ? std::string_view{href}.substr(origin.size()) : href);
  return path.substr(0, path.rfind('/') + 1);
}

std::string text_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}

}  // namespace

void checker::fail(std::string what) {
  if (failures_.size() < 20) failures_.push_back(std::move(what));
}

// While it runs
// --------------------------------------------------------------------------------------

void checker::note(const persistence::delivery& d, std::int64_t seq) {
  pending_[d.entity.text()].insert(seq);
  journaled_[seq] = {d.entity.text(), d.form, world_.elapsed()};
}

void checker::reload_pending() {
  pending_.clear();
  world_.store().read([&](result<persistence::reader*> r) {
    const auto page = (*r)->pending({0, 100'000});
    for (const auto& d : *page) note(d, d.seq);
  });
}

namespace {

/// Whose event a request changes; empty: none of ours.
std::string written_entity(const std::string& method, const std::string& url) {
  if (method != "PUT" && method != "DELETE") return {};
  auto uid = protocol::percent_decode(url.substr(url.rfind('/') + 1));
  if (uid.ends_with(".ics")) uid.resize(uid.size() - 4);
  const auto item = protocol::caldav::work_item_of(uid);
  return item ? entity_key::plane_issue(*item).text() : std::string{};
}

}  // namespace

void checker::on_call(const protocol::http_request& r) {
  const auto entity = written_entity(r.method, r.url);
  if (entity.empty()) return;
  in_flight_[entity].reset();
  possibly_sent_.insert(entity);
}
void checker::on_answer(const std::string& method, const std::string& url) {
  const auto it = in_flight_.find(written_entity(method, url));
  if (it != in_flight_.end()) it->second = world_.elapsed();
}
/// Until its outcome is committed; one that is not was dropped, with its actor, and the next one
/// comes seconds later.
bool checker::write_under_way(const std::string& entity) const {
  const auto it = in_flight_.find(entity);
  return it != in_flight_.end() &&
         (!it->second || world_.elapsed() - *it->second < std::chrono::seconds{1});
}
void checker::on_death() { in_flight_.clear(); }

void checker::check_effect(const persistence::effect& e) {
  const auto entity = e.entity.text();
  if (finished_effects_.contains(e.id))
    fail("doubled: effect " + std::to_string(e.id) + " of " + entity + " goes on after its end");
  if (e.status == effect_status::done || e.status == effect_status::cancelled)
    finished_effects_.insert(e.id);
  const auto before = effects_.find(e.id);
  if (before == effects_.end()) ++planned_[std::string{e.entity.id()}];
  if (before != effects_.end()) {
    const auto& was = before->second;
    const bool replaced = e.revision > was.revision;
    if (replaced && (e.created_at != was.created_at || e.due_at > was.due_at))
      fail("replaced: effect " + std::to_string(e.id) + " of " + entity + " waits anew");
    const bool head = std::none_of(effects_.begin(), effects_.end(), [&](const auto& x) {
      return x.first < e.id && x.second.entity == e.entity &&
             x.second.status == effect_status::waiting;
    });
    if (replaced && (was.attempts > 0 || (head && possibly_sent_.contains(entity))))
      fail("replaced: effect " + std::to_string(e.id) + " of " + entity + " was sent already");
    if (e.attempts > was.attempts || e.status != effect_status::waiting) {
      in_flight_.erase(entity);
      possibly_sent_.erase(entity);
    }
  }
  effects_[e.id] = e;
}

void checker::on_commit(const persistence::write& unit,
                        const result<persistence::written>& answer) {
  if (!answer && answer.error().code != errc::timed_out) {
    // The outcome of a write is not kept, yet the write has ended.
    if (!unit.attempts.empty())
      for (const auto& e : unit.effects) in_flight_.erase(e.entity.text());
    return;
  }
  if (answer) {
    for (std::size_t n = 0; n < unit.appends.size(); ++n) {
      const auto& a = answer->appends[n];
      if (!a.duplicate && unit.appends[n].row.status == delivery_status::pending)
        note(unit.appends[n].row, a.seq);
    }
  }
  for (const auto& m : unit.marks) {
    if (m.status == delivery_status::pending) continue;
    const auto& d = journaled_[m.seq];
    auto& waiting = pending_[d.entity];
    if (!waiting.contains(m.seq))
      fail("order: #" + std::to_string(m.seq) + " of " + d.entity + " is finished a second time");
    else if (*waiting.begin() != m.seq)
      fail("order: #" + std::to_string(m.seq) + " of " + d.entity + " is finished before #" +
           std::to_string(*waiting.begin()));
    waiting.erase(m.seq);
    if (d.form == "calendar.observed" && write_under_way(d.entity) && !known_.clock_jumped &&
        world_.elapsed() - d.at < world_.settings.concurrency.outcome_wait)
      fail("wait: what was seen of " + d.entity + " is judged while our write is under way");
  }
  for (const auto& e : unit.entities) {
    auto& before = cursor_[e.key.text()];
    if (e.cursor < before) fail("order: the cursor of " + e.key.text() + " goes back");
    before = std::max(before, e.cursor);
  }
  for (const auto& e : unit.effects) check_effect(e);
  // The answer was lost, not the commit: the store itself says what it appended.
  if (!answer) reload_pending();
}

// Afterwards
// -----------------------------------------------------------------------------------------

void checker::writes() {
  struct last_write {
    std::string revised;
    int sequence = -1;
    bool unheard = false;
  };
  std::map<std::string, last_write> last;  // by UID
  std::map<std::string, unsigned> effective;
  for (std::size_t n = 0; n < world_.dav.writes.size(); ++n) {
    const auto& w = world_.dav.writes[n];
    const auto of = w.text.empty() ? w.before : w.text;
    const auto uid = test::property(of, "UID");
    const auto item = protocol::caldav::work_item_of(uid);
    if (!item) {
      fail("foreign: " + w.path + " was written by us");
      continue;
    }
    ++effective[*item];
    if (w.text.empty()) {
      if (!known_.all_may_be_deleted && !known_.may_be_deleted.contains(*item))
        fail("deleted: the event of " + *item + ", which was wanted all the time");
      continue;
    }
    auto& before = last[uid];
    if (content(w.text) == content(w.before))
      fail("doubled: write " + std::to_string(n) + " of " + *item + " says what stood there");
    const int sequence = std::atoi(test::property(w.text, "SEQUENCE").c_str());
    if (!w.before.empty()) {
      const int stood = std::atoi(test::property(w.before, "SEQUENCE").c_str());
      const bool moved = test::property(w.text, "DTSTART") != test::property(w.before, "DTSTART") ||
                         test::property(w.text, "DTEND") != test::property(w.before, "DTEND") ||
                         test::property(w.text, "STATUS") != test::property(w.before, "STATUS");
      // Nobody's calendar counts back; what a client set, we may overtake by one.
      if (sequence < stood || (!moved && sequence > std::max(stood, before.sequence)))
        fail("sequence: " + std::to_string(stood) + " to " + std::to_string(sequence) + " of " +
             *item + (moved ? ", moved" : ", not moved"));
    }
    const auto revised = test::property(w.text, "LAST-MODIFIED");
    const bool went_back = known_.restored && n >= known_.restored_at;
    if (!w.unheard && !before.unheard && !went_back && !before.revised.empty() &&
        revised < before.revised)
      fail("stale: write " + std::to_string(n) + " of " + *item + " is of " + revised +
           ", the one before of " + before.revised);
    before = {revised, sequence, w.unheard};
  }
  const auto bound = [&](const std::map<std::string, unsigned>& counted, const char* what) {
    for (const auto& [item, n] : counted) {
      const auto own = known_.causes.find(item);
      const unsigned causes = known_.everywhere + (own == known_.causes.end() ? 0 : own->second);
      if (n > 2 * causes + 4)
        fail("loop: " + std::to_string(n) + what + item + " for " + std::to_string(causes) +
             " changes");
    }
  };
  bound(effective, " writes of ");
  bound(planned_, " effects of ");
}

void checker::journal() {
  const auto c = world_.counts();
  if (c.pending != 0) fail("lost: " + std::to_string(c.pending) + " deliveries are never handled");
  if (c.waiting_effects != 0)
    fail("lost: " + std::to_string(c.waiting_effects) + " effects are never carried out");
  for (const auto& d : world_.deliveries()) {
    if (d.status == delivery_status::dead)
      fail("lost: delivery " + std::to_string(d.seq) + " is a dead letter: " + d.reason);
    if (d.status == delivery_status::pending)
      fail("lost: delivery " + std::to_string(d.seq) + " of " + d.entity.text() + " is pending");
  }
  for (const auto& e : world_.effects())
    if (e.status == effect_status::dead || e.status == effect_status::waiting)
      fail("lost: effect " + std::to_string(e.id) + " of " + e.entity.text() + " is " +
           (e.status == effect_status::dead ? "dead: " : "waiting: ") + e.last_error);
  std::map<std::string, std::int64_t> bodies;
  for (const auto& d : world_.deliveries()) {
    if (d.form != "plane.webhook") continue;
    const auto [it, fresh] = bodies.emplace(sha256_hex(*d.body), d.seq);
    if (!fresh)
      fail("doubled: deliveries " + std::to_string(it->second) + " and " + std::to_string(d.seq) +
           " are the same webhook");
  }
}

std::vector<checker::expected> checker::read_plane() {
  const auto& seeds = world_.seeds();
  world_.plane().add_token(seeds.owner_id, secret{reader_key}, true);
  const auto get = [&](const std::string& path, const std::string& query) {
    sandbox::inbound in;
    in.method = "GET";
    in.path = "/api/v1/workspaces/" + seeds.workspace_slug + "/" + path;
    in.query = query;
    in.headers = {{"X-API-Key", reader_key, true}};
    const auto a = world_.plane().handle(in);
    if (a.status != 200) throw std::logic_error(path + ": " + a.body);
    return json::parse(a.body).at("results").as_array();
  };
  std::vector<expected> out;
  const auto& s = world_.settings;
  for (const auto& p : get("projects/", "")) {
    const auto id = text_in(p.as_object(), "id");
    const auto& without = s.plane.projects_exclude;
    if (std::find(without.begin(), without.end(), text_in(p.as_object(), "identifier")) !=
        without.end())
      continue;
    for (const auto& v : get("projects/" + id + "/issues/", "expand=state,labels&per_page=100")) {
      const auto& i = v.as_object();
      const auto target = text_in(i, "target_date"), start = text_in(i, "start_date");
      if (target.empty()) continue;
      expected e;
      e.item = text_in(i, "id");
      e.project = id;
      e.project_name = text_in(p.as_object(), "name");
      e.summary = "[" + std::to_string(i.at("sequence_id").as_int64()) + "] " + text_in(i, "name");
      const bool span = s.calendar.span == config::calendar_span::start_to_target &&
                        !start.empty() && start <= target;
      e.start = compact(span ? start : target);
      e.end = day_after(target);
      const auto& state = i.at("state").as_object();
      const auto group = text_in(state, "group");
      e.state = text_in(state, "name");
      e.status = group == "completed" || group == "cancelled" ? "CANCELLED" : "CONFIRMED";
      out.push_back(std::move(e));
    }
  }
  return out;
}

void checker::check_event(const expected& e, const std::string& path, const std::string& text) {
  const auto differs = [&](const char* what, const std::string& is, const std::string& wanted) {
    if (is != wanted)
      fail("converged: " + std::string{what} + " of " + e.item + " is \"" + is + "\", not \"" +
           wanted + "\"");
  };
  differs("SUMMARY", plain(text, "SUMMARY"), e.summary);
  differs("DTSTART", test::property(text, "DTSTART"), e.start);
  differs("DTEND", test::property(text, "DTEND"), e.end);
  differs("STATUS", test::property(text, "STATUS"), e.status);
  const auto description = plain(text, "DESCRIPTION");
  for (const auto& fact : {"State: " + e.state, "Project: " + e.project_name})
    if (description.find(fact) == std::string::npos)
      fail("converged: the text of " + e.item + " does not say \"" + fact + "\"");
  if (world_.settings.calendar.layout == config::calendar_layout::per_project &&
      path.find(e.project) == std::string::npos)
    fail("converged: " + e.item + " is in another project's calendar, " + path);
}

void checker::calendars(bool strict) {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> held;  // item → events
  std::map<std::string, std::string> foreign;
  for (const auto& [home, c] : world_.dav.calendars)
    for (const auto& [path, e] : c.events) {
      const auto item = protocol::caldav::work_item_of(test::property(e.text, "UID"));
      if (item)
        held[*item].push_back({path, e.text});
      else
        foreign[path] = e.text;
    }
  if (foreign != known_.foreign) fail("foreign: an event of others is not as its owner left it");
  std::set<std::string> wanted;
  for (const auto& e : read_plane()) {
    wanted.insert(e.item);
    const auto& events = held[e.item];
    const auto link = world_.link(e.item);
    // A person who deletes a calendar deletes its events: they stay away, too.
    const bool with_calendar =
        link && known_.calendars_deleted.contains(calendar_of(link->remote_id));
    const bool left_to_people =
        !strict && link &&
        (link->state == "muted" || link->state == "conflict" || (with_calendar && events.empty()));
    if (events.size() > 1) fail("converged: " + e.item + " is there twice");
    if (left_to_people) continue;
    if (events.empty())
      fail("converged: " + e.item + " (" + e.summary + ") has no event");
    else
      check_event(e, events.front().first, events.front().second);
  }
  for (const auto& [item, events] : held) {
    if (wanted.contains(item)) continue;
    for (const auto& [path, text] : events) {
      if (const auto other = known_.others.find(path); other != known_.others.end()) {
        if (other->second != text) fail("foreign: " + path + " is another installation's");
        continue;
      }
      const bool ours = !known_.once_others.contains(item) ||
                        std::any_of(world_.dav.writes.begin(), world_.dav.writes.end(),
                                    [&](const auto& w) { return w.path == path; });
      if (ours) fail("converged: " + item + " has an event, and none is wanted: " + path);
    }
  }
  for (const auto& [path, text] : known_.others) {
    const auto at = world_.dav.calendars.find(calendar_of(path));
    if (at == world_.dav.calendars.end() || !at->second.events.contains(path))
      fail("foreign: " + path + " of another installation is gone");
  }
  for (const auto& [path, note] : known_.notes) {
    const auto since = world_.dav.writes.begin() + static_cast<std::ptrdiff_t>(note.writes_before);
    if (std::any_of(since, world_.dav.writes.end(),
                    [&](const auto& w) { return w.path == path && w.text.empty(); }))
      continue;  // that event is no more
    const auto at = world_.dav.calendars.find(calendar_of(path));
    if (at == world_.dav.calendars.end() || !at->second.events.contains(path)) continue;
    const auto now = test::property(at->second.events.at(path).text, "LOCATION");
    if (now != note.text)
      fail("foreign: what a person noted in " + path + " is now \"" + now + "\"");
  }
}

}  // namespace pb::simulation
