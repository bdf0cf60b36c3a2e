#define BOOST_TEST_MODULE calendar_event
#include "sync/calendar_event.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "items.hpp"

using namespace pb;
using namespace pb::sync;
using namespace sync_items;
namespace caldav = protocol::caldav;

namespace {

const event_rendering here{"https://plane.example.org", "demo"};

plane::project web() {
  plane::project p;
  p.id = project_id;
  p.identifier = "WEB";
  p.name = "Website";
  return p;
}
caldav::event_values event_of(const plane::work_item& item, const calendar_rules& rules = {},
                              const std::optional<plane::project>& project = web()) {
  return render_event(learn({}, item), project, here, rules);
}
std::string day(std::chrono::year_month_day d) { return caldav::format_date(d); }
calendar_rules spanning() {
  calendar_rules r;
  r.start_to_target = true;
  return r;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_item_becomes_an_event_with_all_that_the_contract_names) {
  const auto v = event_of(work_item(5));
  BOOST_TEST(v.uid == std::string{"plane-issue-"} + item_id + "@calplanebot");
  BOOST_TEST(v.summary == "[42] Ship it");
  BOOST_TEST(v.url == "https://plane.example.org/demo/browse/WEB-42/");
  BOOST_TEST(v.description ==
             "Text\n"
             "\n"
             "State: Todo\n"
             "Priority: high\n"
             "Assignees: ada, lin\n"
             "Labels: api, web\n"
             "Project: Website\n"
             "Plane: https://plane.example.org/demo/browse/WEB-42/");
  BOOST_TEST(day(v.start) == "20261121");
  BOOST_TEST(day(v.end_exclusive) == "20261122");
  BOOST_TEST(!v.cancelled);
  BOOST_TEST(v.color == "orange");
  BOOST_TEST((v.categories == std::vector<std::string>{"api", "web"}));
  BOOST_TEST((v.created == at(-1000)));
  BOOST_TEST((v.updated == at(5)));
  BOOST_TEST(caldav::validate(v).has_value());
}

BOOST_AUTO_TEST_CASE(without_its_project_the_link_is_by_uuids_and_the_line_is_left_out) {
  const auto v = event_of(work_item(5), {}, std::nullopt);
  BOOST_TEST(v.url.find(project_id) != std::string::npos);
  BOOST_TEST(v.url.find(item_id) != std::string::npos);
  BOOST_TEST(v.description.find("Project: ") == std::string::npos);
  BOOST_TEST(v.description.ends_with("Plane: " + v.url));
}

BOOST_AUTO_TEST_CASE(what_an_item_lacks_has_no_line) {
  auto item = work_item(5);
  item.description_html.clear();
  item.assignees = {{"u3", "", "nobody@example.org"}};  // a member without a name to show
  item.labels.clear();
  item.state.reset();
  item.prio = plane::priority::none;
  const auto v = event_of(item, {}, std::nullopt);
  BOOST_TEST(v.description == "Priority: none\nPlane: " + v.url);
  BOOST_TEST(v.color.empty());
  BOOST_TEST(v.categories.empty());
}

BOOST_AUTO_TEST_CASE(states_and_priorities_as_a_table) {
  using group = plane::state_group;
  for (const auto& [g, cancelled] : std::vector<std::pair<group, bool>>{{group::backlog, false},
                                                                        {group::unstarted, false},
                                                                        {group::started, false},
                                                                        {group::triage, false},
                                                                        {group::completed, true},
                                                                        {group::cancelled, true}}) {
    auto item = work_item(5);
    item.state->group = g;
    BOOST_TEST(event_of(item).cancelled == cancelled, to_string(g));
  }
  using prio = plane::priority;
  for (const auto& [p, color] : std::vector<std::pair<prio, std::string>>{{prio::urgent, "red"},
                                                                          {prio::high, "orange"},
                                                                          {prio::medium, "yellow"},
                                                                          {prio::low, "green"},
                                                                          {prio::none, ""}}) {
    auto item = work_item(5);
    item.prio = p;
    BOOST_TEST(event_of(item).color == color);
  }
}

BOOST_AUTO_TEST_CASE(days_are_civil_days_as_a_table) {
  struct row {
    const char *start, *target;
    bool span;
    const char *from, *to;
  };
  for (const auto& r : std::vector<row>{
           {"", "2028-02-29", false, "20280229", "20280301"},
           {"", "2028-02-28", false, "20280228", "20280229"},
           {"", "2027-02-28", false, "20270228", "20270301"},
           {"", "2026-12-31", false, "20261231", "20270101"},
           {"", "2027-03-28", false, "20270328", "20270329"},  // 23 hours long in Europe
           {"2026-11-01", "2026-11-21", false, "20261121", "20261122"},
           {"2026-11-01", "2026-11-21", true, "20261101", "20261122"},
           {"2026-11-21", "2026-11-21", true, "20261121", "20261122"},
           {"", "2026-11-21", true, "20261121", "20261122"},
           {"2026-11-22", "2026-11-21", true, "20261121", "20261122"},  // ends before it begins
           {"2026-02-30", "2026-11-21", true, "20261121", "20261122"},  // no such day
       }) {
    BOOST_TEST_CONTEXT(r.start << " to " << r.target) {
      auto item = work_item(5);
      item.start_date = r.start;
      item.target_date = r.target;
      const auto v = event_of(item, r.span ? spanning() : calendar_rules{});
      BOOST_TEST(day(v.start) == r.from);
      BOOST_TEST(day(v.end_exclusive) == r.to);
      BOOST_TEST(caldav::validate(v).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_date_that_no_calendar_has_makes_no_event) {
  for (const char* target : {"2026-02-29", "2026-13-01", "tomorrow", "99999-01-01"}) {
    auto item = work_item(5);
    item.target_date = target;
    BOOST_TEST(!caldav::validate(event_of(item)).has_value(), target);
  }
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_and_the_facts_below_it_stay_whole) {
  auto item = work_item(5);
  item.description_html = "<p>";
  while (item.description_html.size() < 2 * caldav::description_limit)
    item.description_html += "截止日期🚀 ";
  item.description_html += "</p>";
  const auto v = event_of(item);
  BOOST_TEST(v.description.size() <= caldav::description_limit);
  BOOST_TEST(v.description.size() + 16 > caldav::description_limit);
  BOOST_TEST(v.description.find("…(cut)\n\nState: Todo\n") != std::string::npos);
  BOOST_TEST(v.description.ends_with("Plane: " + v.url));
}

BOOST_AUTO_TEST_CASE(facts_longer_than_the_limit_are_cut_themselves) {
  auto item = work_item(5);
  item.labels.clear();
  for (int i = 0; i < 2'000; ++i)
    item.labels.push_back({std::to_string(i), std::string(40, 'x') + std::to_string(i)});
  const auto v = event_of(item);
  BOOST_TEST(v.description.size() <= caldav::description_limit);
  BOOST_TEST(caldav::validate(v).has_value());
}

BOOST_AUTO_TEST_CASE(times_are_those_of_plane_to_the_second_and_unreadable_ones_do_no_harm) {
  auto item = work_item(5.9);
  item.created_at = "2026-03-01T08:00:00.123456+08:00";
  BOOST_TEST((event_of(item).updated == at(5)));
  BOOST_TEST((event_of(item).created == at(0)));
  item.created_at = "yesterday";
  BOOST_TEST((event_of(item).created == timestamp{}));
  BOOST_TEST(caldav::validate(event_of(item)).has_value());
}

BOOST_AUTO_TEST_CASE(an_address_outside_ascii_is_written_percent_encoded) {
  const auto v = render_event(learn({}, work_item(5)), web(),
                              event_rendering{"https://plane.example.org", "设计 team"}, {});
  for (const char c : v.url) BOOST_TEST((c > 0x20 && c < 0x7F));
}

BOOST_AUTO_TEST_CASE(what_an_event_shows_and_what_its_fingerprint_names_are_the_same) {
  // A value that changes the event and not the fingerprint would never be written; one that
  // changes the fingerprint alone would cost a call for nothing.
  BOOST_TEST(rc::check([] {
    const auto any_item = [] {
      auto item = work_item(1);
      const auto pick = [](std::vector<std::string> from) {
        return from[*rc::gen::inRange<std::size_t>(0, from.size())];
      };
      item.name = pick({"a", "b"});
      item.description_html = pick({"", "<p>x</p>", "<b>x</b>", "y"});
      item.prio = static_cast<plane::priority>(*rc::gen::inRange(0, 5));
      item.start_date = pick({"", "2026-11-02", "2026-11-03"});
      item.target_date = pick({"2026-11-20", "2026-11-21"});
      item.state->name = pick({"Todo", "Done"});
      item.state->group = static_cast<plane::state_group>(*rc::gen::inRange(0, 6));
      if (*rc::gen::inRange(0, 2) == 0) item.assignees.pop_back();
      if (*rc::gen::inRange(0, 2) == 0) item.labels.pop_back();
      item.sequence_id = *rc::gen::inRange(1, 3);
      item.created_by = pick({"u1", "u2"});
      item.parent = pick({"", item_id});
      item.updated_at = time_text(*rc::gen::inRange(1, 5));
      return learn({}, item);
    };
    for (int n = 0; n < 50; ++n) {
      const auto a = any_item(), b = any_item();
      const auto rules = *rc::gen::arbitrary<bool>() ? spanning() : calendar_rules{};
      const auto hash = [&](const item_knowledge& k) {
        return caldav::content_hash(render_event(k, web(), here, rules));
      };
      if (fingerprint(a, rules) == fingerprint(b, rules)) RC_ASSERT(hash(a) == hash(b));
    }
  }));
}

BOOST_AUTO_TEST_CASE(whatever_an_item_says_its_event_can_be_written) {
  BOOST_TEST(rc::check([] {
    static const std::vector<std::string> pieces{
        "a",    "\r\n", "\n",           ";",   ",",    "\\", "\"", "截", "🚀", "\x01",
        "\xff", " ",    "BEGIN:VEVENT", "<p>", "</p>", "\t"};
    const auto any_text = [] {
      std::string out;
      for (const auto i : *rc::gen::container<std::vector<std::size_t>>(
               rc::gen::inRange<std::size_t>(0, pieces.size())))
        out += pieces[i];
      return out;
    };
    auto item = work_item(1, any_text());
    item.description_html = any_text();
    item.state->name = any_text();
    item.labels = {{"l1", any_text()}, {"l2", any_text()}};
    item.assignees = {{"u1", any_text(), ""}};
    auto project = web();
    project.name = any_text();
    project.identifier = any_text();
    const auto v = event_of(item, {}, project);
    RC_ASSERT(caldav::validate(v).has_value());
    RC_ASSERT(v.summary.find('\n') == std::string::npos);
    // Written and normalized again, it is the same: nothing flaps.
    RC_ASSERT(caldav::content_hash(caldav::normalized(v)) == caldav::content_hash(v));
    const auto text = caldav::build_event(v);
    std::size_t events = 0;
    for (std::size_t p = text.find("\r\nBEGIN:VEVENT"); p != std::string::npos;
         p = text.find("\r\nBEGIN:VEVENT", p + 1))
      ++events;
    RC_ASSERT(events == 1U);
  }));
}

BOOST_AUTO_TEST_CASE(a_calendar_is_named_by_the_pattern_and_names_are_not_patterns) {
  BOOST_TEST(calendar_name("{project}", web(), "demo") == "Website");
  BOOST_TEST(calendar_name("{workspace}/{identifier}: {project}", web(), "demo") ==
             "demo/WEB: Website");
  BOOST_TEST(calendar_name("{Project} {", web(), "demo") == "{Project} {");
  auto odd = web();
  odd.name = "{identifier} 日历";
  BOOST_TEST(calendar_name("{project}", odd, "demo") == "{identifier} 日历");
}
