#include "stage.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "actors/remotes.hpp"
#include "base/log.hpp"
#include "protocol/caldav/event.hpp"

namespace pb::simulation {
namespace json = boost::json;
using namespace std::chrono_literals;
namespace {

constexpr std::size_t items_at_most = 14;
/// After the last step: webhooks are repeated for most of an hour, effects back off for ten
/// minutes, scans find what is left.
constexpr milliseconds quiet_at_least = 30min, quiet_slice = 15min, quiet_at_most = 4h;

sandbox::plane_options plane_of(const story& s) {
  sandbox::plane_options o;
  if (s.old_plane) o.release = sandbox::flavour::v0_25;
  return o;
}

std::string quoted(std::string_view key, std::string_view text) {
  return json::serialize(json::object{{key, text}});
}

}  // namespace

outcome play(const story& s, bool shown) { return stage{s, shown}.run(); }

stage::stage(const story& s, bool shown)
    : story_(s),
      trace_(shown),
      world_(s.seed, plane_of(s)),
      checker_(world_, ledger_),
      luck_(s.seed * 7919 + 3),
      machine_(world_, luck_,
               {[this](const std::string& line) { say(line); }, [this] { checker_.on_death(); }}) {
  log::configure(shown ? log::level::info : log::level::error, log::format::logfmt);
  set_up(s.seed, 0, world_.settings);
  if (s.shuffled) world_.shuffle(s.seed);
  if (s.slow_store) world_.store_delay = [this] { return ms_of(luck_.next(), 4); };
  world_.leg = [this] {
    const std::uint64_t most = luck_.next() % 16 == 0 ? 900 : 40;
    return 1ms + ms_of(luck_.next(), most);
  };
  wire_up();
}

void stage::say(const std::string& line) {
  if (trace_.shown())
    for (auto& log = test::world::log(); logged_ < log.size(); ++logged_)
      trace_.show("            | " + log[logged_]);
  trace_.add(std::to_string(world_.elapsed().count()) + " " + line);
}

void stage::wire_up() {
  world_.fate = [this](const auto& r) { return fate(r); };
  world_.on_call = [this](const auto& r) { checker_.on_call(r); };
  world_.on_answer = [this](const test::sent_call& c, const auto& answer) {
    checker_.on_answer(c.method, c.url);
    say("call " + c.method + " " + c.url + " -> " +
        (answer ? std::to_string(answer->status) : describe(answer.error())));
  };
  world_.on_commit = [this](const persistence::write& unit,
                            const result<persistence::written>& answer) {
    say(line_of(unit, answer));
    checker_.on_commit(unit, answer);
  };
}

// Faults
// ------------------------------------------------------------------------------------------

std::optional<test::wire_fault> stage::fate(const protocol::http_request& r) {
  const bool dav = r.url.starts_with(test::dav_server::origin);
  const double rate = dav ? weather_.dav : weather_.plane;
  if (rate <= 0 || luck_.unit_draw() >= rate) return std::nullopt;
  const auto f = draw_fault(luck_);
  say("fault " + std::to_string(static_cast<int>(f.what)) + " " + r.method + " " + r.url);
  return f;
}

// Steps
// -------------------------------------------------------------------------------------------

std::string stage::date(std::uint64_t draw) const {
  // Few days, so that changes are taken back and meet each other.
  return std::array{"2026-12-04", "2026-12-05", "2026-12-24", "2027-01-01", "2028-02-29"}[draw % 5];
}

stage::known_item* stage::pick(std::uint64_t draw) {
  return items_.empty() ? nullptr : &items_[draw % items_.size()];
}

std::optional<stage::seen_event> stage::pick_event(std::uint64_t draw) {
  std::vector<seen_event> all;
  for (const auto& [home, c] : world_.dav.calendars)
    for (const auto& [path, e] : c.events)
      if (const auto item = protocol::caldav::work_item_of(test::property(e.text, "UID")))
        all.push_back({path, *item});
  if (all.empty()) return std::nullopt;
  return all[draw % all.size()];
}

void stage::patch(known_item& item, const std::string& body) {
  ++ledger_.causes[item.id];
  (void)world_.try_page("PATCH", "projects/" + item.project + "/issues/" + item.id + "/", body);
}

void stage::set_state(known_item& item, const char* group) {
  const auto states = json::parse(world_.page("GET", "projects/" + item.project + "/states/").body);
  const auto& list = states.is_array() ? states.as_array() : states.at("results").as_array();
  for (const auto& s : list)
    if (s.at("group").as_string() == group)
      return patch(item, json::serialize(json::object{{"state_id", s.at("id")}}));
}

void stage::act(const step& s) {
  say("step " + std::string{to_string(s.what)} + " " + std::to_string(s.subject % 1000) + " " +
      std::to_string(s.detail % 1000));
  if (s.what == deed::create) {
    if (items_.size() >= items_at_most) return;
    const auto& project = s.subject % 3 == 0 ? world_.other_project : world_.project;
    const auto id = world_.create_in(project, "Item " + std::to_string(++named_),
                                     s.detail % 4 == 0 ? "" : date(s.detail / 4));
    items_.push_back({id, project});
    ledger_.causes[id] = 1;
    if (s.detail % 4 == 0) {
      ledger_.may_be_deleted.insert(id);
      if (s.detail % 16 == 0) add_others_event(items_.back());
    }
    return;
  }
  if (s.what <= deed::move) {
    auto* item = pick(s.subject);
    if (item == nullptr) return;
    using enum deed;
    const bool may_delete = s.what == clear_date || s.what == remove || s.what == archive ||
                            s.what == move || s.what == revert;
    if (may_delete) ledger_.may_be_deleted.insert(item->id);
    if (may_delete || s.what == set_date || s.what == burst || s.what == unarchive)
      std::erase_if(ledger_.others,
                    [&](const auto& o) { return o.first.find(item->id) != std::string::npos; });
    in_plane(s, *item);
    return;
  }
  if (s.what >= deed::retitle_event && s.what <= deed::edit_foreign) return in_calendar(s);
  between(s);
}

/// Another installation has shown this item in the same account, and then it lost its date.
void stage::add_others_event(const known_item& item) {
  if (world_.settings.calendar.layout == config::calendar_layout::single) return;
  const auto home = actors::remotes::calendar_href("/cal/bot/", item.project);
  const auto uid = protocol::caldav::uid_of(item.id);
  const auto text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:" + uid +
                    "\r\nSUMMARY:[77] Theirs\r\nDTSTART;VALUE=DATE:20261224\r\nEND:VEVENT\r\n"
                    "END:VCALENDAR\r\n";
  world_.dav.add(home, uid + ".ics", text);
  ledger_.others[home + uid + ".ics"] = text;
  ledger_.once_others.insert(item.id);
}

void stage::in_plane(const step& s, known_item& item) {
  const auto path = "projects/" + item.project + "/issues/" + item.id + "/";
  const auto d = s.detail;
  switch (s.what) {
    case deed::rename:
      return patch(item, quoted("name", std::array{"Short", "Commas, and; more\\", "今天 🎉",
                                                   "A name"}[d % 4] +
                                            std::to_string(d / 4 % 5)));
    case deed::describe:
      return patch(item, quoted("description_html", "<p>Words " + std::to_string(d % 7) + "</p>"));
    case deed::set_date:
      return patch(item, quoted("target_date", date(d)));
    case deed::clear_date:
      return patch(item, R"({"target_date":null})");
    case deed::set_start:
      return patch(item, quoted("start_date", "2026-12-02"));
    case deed::set_priority:
      return patch(item, quoted("priority", std::array{"urgent", "low", "none"}[d % 3]));
    case deed::set_people:
      return patch(item, json::serialize(json::object{
                             {"assignee_ids",
                              d % 2 == 0 ? json::array{} : json::array{world_.seeds().owner_id}}}));
    case deed::complete:
      return set_state(item, d % 3 == 0 ? "cancelled" : "completed");
    case deed::reopen:
      return set_state(item, "started");
    case deed::burst:
      for (unsigned n = 0; n < 2 + d % 6; ++n) {
        if (n % 2 == 0)
          patch(item, quoted("target_date", date(d / 8 + n)));
        else
          patch(item, quoted("name", "Burst " + std::to_string((d + n) % 9)));
        if (d % 5 == 0) machine_.pass(ms_of(d * (n + 1), 1'500));
      }
      return;
    case deed::revert: {
      patch(item, quoted("target_date", "2026-12-31"));
      const auto id = item.id;
      machine_.pass(ms_of(d, d % 2 == 0 ? 300 : 8'000));
      patch(item, d % 3 == 0 ? R"({"target_date":null})" : quoted("target_date", date(d)));
      return;
    }
    case deed::comment:
      (void)world_.try_page("POST", path + "comments/", R"({"comment_html":"<p>So?</p>"})");
      return;
    case deed::remove:
      ++ledger_.causes[item.id];
      (void)world_.try_page("DELETE", path);
      return;
    case deed::archive:
      set_state(item, "completed");
      (void)world_.try_page("POST", path + "archive/");
      return;
    case deed::unarchive:
      ++ledger_.causes[item.id];
      (void)world_.try_page("DELETE", path + "archive/");
      return;
    case deed::move: {
      const auto& to = item.project == world_.project ? world_.other_project : world_.project;
      ledger_.causes[item.id] += 2;  // a new event and the end of the old one
      if (world_.move_between(item.id, to)) item.project = to;
      return;
    }
    default:
      return;
  }
}

void stage::in_calendar(const step& s) {
  auto& dav = world_.dav;
  if (s.what == deed::add_foreign) {
    if (dav.calendars.empty()) dav.calendars["/cal/bot/private/"].name = "Private";
    auto at = dav.calendars.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(s.subject % dav.calendars.size()));
    const auto file = "theirs-" + std::to_string(++named_) + ".ics";
    const auto text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:" + file +
                      "\nSUMMARY:Dentist\nDTSTART:20261224T100000Z\nEND:VEVENT\nEND:VCALENDAR\n";
    dav.add(at->first, file, text);
    ledger_.foreign[at->first + file] = text;
    return;
  }
  if (s.what == deed::edit_foreign) {
    if (ledger_.foreign.empty()) return;
    auto at = ledger_.foreign.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(s.subject % ledger_.foreign.size()));
    const auto slash = at->first.rfind('/') + 1;
    at->second += "X-EDIT:1\n";
    dav.add(at->first.substr(0, slash), at->first.substr(slash), at->second);
    return;
  }
  const auto event = pick_event(s.subject);
  if (!event || ledger_.others.contains(event->path)) return;
  ++ledger_.causes[event->item];
  const auto home = event->path.substr(0, event->path.rfind('/') + 1);
  switch (s.what) {
    case deed::retitle_event:
      return dav.edit(event->item, "SUMMARY:", "SUMMARY:Mine ");
    case deed::redate_event: {
      const auto day = test::property(dav.calendars[home].events[event->path].text, "DTSTART");
      return dav.edit(event->item, "DTSTART;VALUE=DATE:" + day, "DTSTART;VALUE=DATE:20261001");
    }
    case deed::note_in_event: {
      const auto& text = dav.calendars[home].events[event->path].text;
      if (!test::property(text, "LOCATION").empty()) return;
      const auto note = "Room " + std::to_string(s.detail % 9);
      dav.edit(event->item, "END:VEVENT", "LOCATION:" + note + "\r\nEND:VEVENT");
      ledger_.notes[event->path] = {note, dav.writes.size()};
      return;
    }
    case deed::delete_event:
      dav.remove(event->item);
      std::erase_if(ledger_.notes,
                    [&](const auto& n) { return n.first.find(event->item) != std::string::npos; });
      return;
    case deed::delete_calendar:
      ++ledger_.everywhere;
      for (const auto& [path, e] : dav.calendars[home].events) {
        ledger_.notes.erase(path);
        ledger_.foreign.erase(path);
        ledger_.others.erase(path);
      }
      dav.calendars.erase(home);
      ledger_.calendars_deleted.insert(home);
      return;
    default:
      return;
  }
}

void stage::reload() {
  set_up(story_.seed, version_, world_.settings);
  ++ledger_.everywhere;
  ledger_.all_may_be_deleted = true;
  if (world_.running()) world_.reload();
}

void stage::between(const step& s) {
  const auto d = s.detail;
  switch (s.what) {
    case deed::rename_project:
      ++ledger_.everywhere;
      world_.page("PATCH", "projects/" + world_.project + "/",
                  quoted("name", "Website " + std::to_string(d % 4)));
      return;
    case deed::weather: {
      weather_ = forecast(d);
      auto& faults = world_.plane_faults();
      faults.clear();
      const auto add = [&](sandbox::fault_kind kind, double rate) {
        if (rate <= 0) return;
        sandbox::fault f;
        f.kind = kind;
        f.probability = rate;
        f.delay = ms_of(d / 7, d % 3 == 0 ? 240'000 : 6'000);
        faults.add(f);
      };
      add(sandbox::fault_kind::webhook_lost, weather_.webhook_lost);
      add(sandbox::fault_kind::webhook_duplicated, weather_.webhook_twice);
      add(sandbox::fault_kind::webhook_reordered, weather_.webhook_late);
      return;
    }
    case deed::crash:
      world_.crash_at(
          {static_cast<test::crash_point::at>(d % 4), static_cast<unsigned>(d / 4 % 14) + 1});
      return;
    case deed::stop:
      return machine_.stop(d % 3 == 0 ? 8min : 2s);
    case deed::jump_clock:
      ledger_.clock_jumped = true;
      world_.jump_clock((d % 2 == 0 ? 1 : -1) * ms_of(d / 2, d % 3 == 0 ? 1'800'000 : 20'000));
      return;
    case deed::lose_store:
      return machine_.lose_store(ms_of(d, d % 4 == 0 ? 1'200'000 : 30'000));
    case deed::lose_commit_answers:
      world_.lose_commit_answers(1 + static_cast<unsigned>(d % 3));
      return;
    case deed::back_up_plane:
      world_.back_up_plane();
      return;
    case deed::restore_plane:
      if (!world_.restore_plane()) return;
      ++ledger_.everywhere;
      ledger_.all_may_be_deleted = true;
      ledger_.others.clear();
      if (!ledger_.restored) ledger_.restored_at = world_.dav.writes.size();
      ledger_.restored = true;
      return;
    case deed::switch_webhook_off:
      world_.switch_webhook_off();
      return;
    case deed::resend_webhook:
      if (!world_.webhook_bodies.empty() && world_.running())
        (void)world_.resend_webhook(d % world_.webhook_bodies.size());
      return;
    case deed::sync_now:
      ++ledger_.everywhere;
      if (world_.running()) {
        http::sync_request r;
        r.dry_run = d % 3 == 0;
        world_.operations().sync_now(r, [](const auto&) {});
      }
      return;
    case deed::reload:
      ++version_;
      return reload();
    default:
      return;
  }
}

// The end
// ------------------------------------------------------------------------------------------

void stage::heal() {
  say("edits and faults end");
  weather_ = {};
  world_.plane_faults().clear();
  world_.no_crash();
  world_.lose_commit_answers(0);
  machine_.mend();
  world_.right_clock();
}

void stage::quiet() {
  machine_.pass(quiet_at_least);
  milliseconds waited = quiet_at_least;
  while (!world_.at_rest() && waited < quiet_at_most) {
    machine_.pass(quiet_slice);
    waited += quiet_slice;
  }
  // A copy that an earlier write left elsewhere is found by the round after the last write.
  machine_.pass(quiet_slice);
  say("checked without an operator");
  checker_.journal();
  checker_.calendars(false);
  (void)world_.sync_now();
  world_.settle(30min);
  say("checked after a sync");
  checker_.journal();
  checker_.calendars(true);
  // And then nothing is left to do: a while and another sync bring no write and no delivery.
  const auto before = world_.dav_writes();
  const auto journaled = [this] {
    // Each round looks anew at what another installation left.
    const auto all = world_.deliveries();
    return std::count_if(all.begin(), all.end(), [this](const auto& d) {
      return d.form != "calendar.observed" ||
             !ledger_.once_others.contains(std::string{d.entity.id()});
    });
  };
  const auto had = journaled();
  world_.run_for(20min);
  if (world_.dav_writes() != before) checker_.fail("loop: writes go on when nothing changes");
  if (journaled() != had) checker_.fail("loop: deliveries go on when nothing changes");
  (void)world_.sync_now();
  world_.settle(30min);
  if (world_.dav_writes() != before) checker_.fail("converged: another sync still writes");
}

outcome stage::run() {
  outcome o;
  try {
    machine_.start();
    for (const auto& s : story_.steps) {
      machine_.pass(s.pause);
      act(s);
      ++o.steps;
    }
    machine_.pass(2s);
    heal();
    quiet();
    checker_.writes();
  } catch (const std::exception& e) {
    checker_.fail(std::string{"exception: "} + e.what());
  }
  o.failures = checker_.failures();
  for (const auto& f : o.failures) say("FAILED " + f);
  o.trace = trace_.hash();
  o.crashes = world_.crashes();
  o.calls = world_.calls.size();
  o.writes = world_.dav.writes.size();
  o.deliveries = world_.deliveries().size();
  o.messages = world_.handled();
  o.virtual_time = world_.elapsed();
  return o;
}

}  // namespace pb::simulation
