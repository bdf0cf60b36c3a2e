// Is Plane's webhook still well? The whole actor tree on virtual time, against what goes wrong with
// a webhook, and against what only looks like it. What the sentinel decides by is tested in
// tests/sync/sentinel.cpp, hundreds of months in tests/sync/sentinel_months.cpp.
#define BOOST_TEST_MODULE actors_sentinel
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <iomanip>
#include <iostream>
#include <map>
#include <set>

#include "sandbox/seed.hpp"
#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr auto poll = 60s;
constexpr const char* program_key = "plane_api_program";
#ifdef __SANITIZE_ADDRESS__  // many times slower, and judging memory needs no statistics
constexpr int days = 3, program_days = 2;
#else
constexpr int days = 28, program_days = 4;
#endif

std::size_t logged(const std::string& piece) {
  std::size_t n = 0;
  for (const auto& l : world::log()) n += l.find(piece) != std::string::npos ? 1U : 0U;
  return n;
}

/// A bridge without a calendar: nothing but what Plane tells and what is asked of it.
struct office : world {
  explicit office(sandbox::plane_options plane = {}) : world(1, plane) {
    settings.calendar.url.clear();
    tune = [](actors::options& o) { o.sweep_every = 60s; };
    start();
    run_for(10s);
  }
  /// A few days' work, told by webhooks: what is announced is known then.
  void used_for_a_while() {
    for (int n = 0; n < 6; ++n) items.push_back(create("Item " + std::to_string(n)));
    BOOST_REQUIRE(settle());
    for (int n = 0; n < 24; ++n) {
      work(n);
      run_for(5min);
    }
    BOOST_REQUIRE(settle());
    BOOST_REQUIRE(state() == "well");
  }
  /// One edit on the page, of another item and kind each time.
  void work(int n) {
    const auto& item = items[static_cast<std::size_t>(n) % items.size()];
    const auto number = std::to_string(++edits);
    switch (n % 4) {
      case 0:
        return edit(item, R"({"name":"Name )" + number + "\"}");
      case 1:
        return edit(item, edits / 12 % 2 == 0 ? R"({"priority":"high"})" : R"({"priority":"low"})");
      case 2:
        return edit(item, R"({"description_html":"<p>Text )" + number + "</p>\"}");
      default:
        return edit(item, R"({"target_date":"2027-01-)" + std::to_string(10 + edits % 19) + "\"}");
    }
  }
  json::object gaps() {
    return json::parse(inspector().health(true)).at("data").at("gaps").as_object();
  }
  std::string state() { return std::string{gaps().at("webhook").at("state").as_string()}; }
  std::string remedy() {
    const auto g = gaps();
    const auto* r = g.if_contains("remedy");
    return r == nullptr ? "" : std::string{r->as_string()};
  }
  std::string webhook() {
    return std::string{
        json::parse(page("GET", "webhooks/").body).as_array().front().at("id").as_string()};
  }
  void set_webhook(const std::string& body) { page("PATCH", "webhooks/" + webhook() + "/", body); }
  /// Until the state is `wanted`, in polls since now; 99 when it never came.
  double polls_until(const std::string& wanted, milliseconds limit = 30min) {
    const auto from = elapsed();
    if (!run_until([&] { return state() == wanted; }, limit)) return 99;
    return std::chrono::duration<double>(elapsed() - from) / poll;
  }
  std::size_t plane_calls(std::size_t from = 0) const {
    return calls_to("", "http://plane.test", from).size();
  }

  std::vector<std::string> items;
  int edits = 0;
};

/// Another program that writes over Plane's API, with a key of its own.
struct program {
  explicit program(office& o) : at(o) {
    user = o.plane().add_user({"Pro", "Gram", "program@example.org", "program"});
    o.plane().add_workspace_member(o.settings.plane.workspace_slug, user, 15);
    o.plane().add_project_member(o.project, user, 15);
    o.plane().add_token(user, secret{program_key}, true);
  }
  void write(const std::string& item, const std::string& body) {
    sandbox::inbound in;
    in.method = "PATCH";
    in.path = "/api/v1/workspaces/" + at.settings.plane.workspace_slug + "/projects/" + at.project +
              "/issues/" + item + "/";
    in.headers = {{"X-API-Key", program_key, true}, {"Content-Type", "application/json"}};
    in.body = body;
    const auto a = at.plane().handle(in);
    if (a.status != 200) throw std::logic_error("the program was refused: " + a.body);
    (void)at.page("GET", "webhooks/");  // and webhooks go their way
  }
  office& at;
  std::string user;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_webhook_switched_off_is_noticed_within_two_polls_and_said_once, office) {
  used_for_a_while();
  set_webhook(R"({"is_active":false})");
  run_for(2h);  // nothing happens: nothing to notice
  BOOST_TEST(state() == "well");
  work(0);
  BOOST_TEST(polls_until("doubtful") <= 2.0);
  work(1);
  BOOST_TEST(polls_until("silent") <= 2.0);
  BOOST_TEST(remedy().find("is it active") != std::string::npos);
  for (int n = 2; n < 12; ++n) {
    work(n);
    run_for(7min);
  }
  BOOST_TEST(logged("webhooks are missing") == 1u);
  BOOST_TEST(gaps().at("unannounced").to_number<int>() == 12);

  // Started again, it still knows, and does not say it again.
  stop();
  start();
  run_for(10min);
  BOOST_TEST(state() == "silent");
  work(12);
  run_for(10min);
  BOOST_TEST(logged("webhooks are missing") == 1u);

  set_webhook(R"({"is_active":true})");
  run_for(1h);
  BOOST_TEST(state() == "silent");  // nothing came yet
  work(13);
  BOOST_TEST(polls_until("well") <= 2.0);
  BOOST_TEST(logged("webhooks arrive again") >= 1u);
  BOOST_TEST(remedy().empty());
}

BOOST_FIXTURE_TEST_CASE(a_changed_secret_is_named_within_two_polls, office) {
  used_for_a_while();
  page("POST", "webhooks/" + webhook() + "/regenerate/");
  work(0);
  BOOST_TEST(polls_until("wrong_secret") <= 2.0);
  BOOST_TEST(remedy().find("PLANE_WEBHOOK_SECRET") != std::string::npos);
  BOOST_TEST(logged("webhooks are missing") == 1u);
}

BOOST_FIXTURE_TEST_CASE(forged_deliveries_raise_no_alarm, office) {
  used_for_a_while();
  for (int n = 0; n < 50; ++n) {
    context().gaps.webhook_refused(items[static_cast<std::size_t>(n) % items.size()], now());
    run_for(1min);
  }
  BOOST_TEST(state() == "well");
  BOOST_TEST(logged("webhooks are missing") == 0u);
}

BOOST_FIXTURE_TEST_CASE(work_items_unticked_in_the_webhook_are_told_apart_from_silence, office) {
  used_for_a_while();
  set_webhook(R"({"issue":false})");
  work(0);
  BOOST_TEST(polls_until("doubtful") <= 2.0);
  page("PATCH", "projects/" + project + "/", R"({"description":"Something else"})");
  work(1);
  BOOST_TEST(polls_until("work_items_off") <= 2.0);
  BOOST_TEST(remedy().find("tick work items") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_webhook_that_was_never_made_is_said_with_how_to_make_one, office) {
  page("DELETE", "webhooks/" + webhook() + "/");
  items.push_back(create("First"));
  BOOST_TEST(polls_until("doubtful") <= 2.0);
  BOOST_TEST(remedy().find("add one") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_program_whose_writes_plane_announces_to_nobody_raises_no_alarm) {
  // 0.25.3: state, assignees and labels over the API tell nobody.
  office old{sandbox::plane_options{.release = sandbox::flavour::v0_25}};
  old.used_for_a_while();
  program p{old};
  const auto states = json::parse(old.page("GET", "projects/" + old.project + "/states/").body);
  const auto& list = states.is_array() ? states.as_array() : states.at("results").as_array();
  const auto write = [&](int n) {
    p.write(old.items[static_cast<std::size_t>(n) % old.items.size()],
            json::serialize(
                json::object{{"state", list[static_cast<std::size_t>(n) % list.size()].at("id")}}));
  };
  for (int n = 0; n < program_days * 24 * 4; ++n) {  // days and nights
    write(n);
    if (n % 96 < 40 && n % 4 == 0) old.work(n / 4);  // people work by day
    old.run_for(15min);
    BOOST_TEST(!old.gaps().at("webhook_silent").as_bool());
  }
  const auto learned = old.gaps().at("webhook").at("learned").at("state").as_object();
  BOOST_TEST(learned.at("missed").to_number<int>() > learned.at("told").to_number<int>());
  // And what people do still counts.
  old.set_webhook(R"({"is_active":false})");
  old.work(0);
  BOOST_TEST(old.polls_until("doubtful") <= 2.0);
  old.work(2);
  BOOST_TEST(old.polls_until("silent") <= 2.0);
}

BOOST_FIXTURE_TEST_CASE(deletions_that_nobody_announces_are_found_and_are_no_alarm, office) {
  used_for_a_while();
  for (int n = 0; n < 6; ++n) {
    remove(items[static_cast<std::size_t>(n)]);
    run_for(20min);
    BOOST_TEST(entity(items[static_cast<std::size_t>(n)]).row->tombstone);
    BOOST_TEST(state() == "well");
  }
}

BOOST_FIXTURE_TEST_CASE(after_hours_away_exactly_the_hole_is_fetched, office) {
  (void)create_in(other_project, "Other");
  for (int n = 0; n < 1'200; ++n) {
    items.push_back(create("Item " + std::to_string(n)));
    run_for(1s);
  }
  BOOST_REQUIRE(settle(2h));
  run_for(20min);
  const auto at_most = [&](const char* what, std::size_t got, std::size_t limit) {
    std::cout << "away for 3 h, " << what << ": " << got << " (bound " << limit << ")\n";
    BOOST_TEST(got <= limit, what << ": " << got << " > " << limit);
  };
  stop();
  for (int n = 0; n < 150; ++n) work(n);
  remove(items[200]);
  remove(items[201]);
  run_for(3h);
  const auto from = calls.size();
  const auto rows = deliveries().size();
  start();
  BOOST_REQUIRE(run_until([&] { return gaps().at("away").at("fetched").as_bool(); }, 5min));
  BOOST_REQUIRE(settle());
  std::set<std::string> read;
  std::size_t asked_twice = 0;
  const auto all = deliveries();
  for (auto n = rows; n < all.size(); ++n)
    if (all[n].form == "plane.read" && !read.insert(all[n].entity.text()).second) ++asked_twice;
  BOOST_TEST(read.size() == 150u);  // no item that did not change
  BOOST_TEST(asked_twice == 0u);
  BOOST_TEST(gaps().at("away").at("changes_found").to_number<int>() == 150);
  BOOST_TEST(entity(items[200]).row->tombstone);
  for (const auto& c : calls_to("GET", "order_by=created_at", from))
    BOOST_TEST(c.url.find("expand") == std::string::npos);  // ids, for deletions: never all items
  // The projects, and where items are; 3 pages of changes and 2 of ids, for deletions; the other
  // project's 2; and 2 for each deletion: that it is gone, and that its project is not.
  at_most("requests to Plane", plane_calls(from), 14);
  BOOST_TEST(logged("this service was away;") == 1u);
  BOOST_TEST(state() == "well");
  BOOST_TEST(logged("webhooks are missing") == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_project_that_is_new_to_us_is_read_without_any_doubt, office) {
  used_for_a_while();
  const auto a = page("POST", "projects/", R"({"name":"Old work","identifier":"OLD"})");
  const auto id = std::string{json::parse(a.body).at("id").as_string()};
  lose_webhooks = true;
  for (int n = 0; n < 30; ++n) (void)create_in(id, "Long there " + std::to_string(n));
  run_for(10s);
  lose_webhooks = false;
  run_for(10min);
  BOOST_TEST(state() == "well");
}

BOOST_FIXTURE_TEST_CASE(a_project_that_the_key_lost_is_said_once_and_said_again_when_it_is_back,
                        office) {
  used_for_a_while();
  faults.push_back(
      {.what = wire_fault::kind::status, .url = "/projects/" + project, .status = 403});
  const auto me = std::string{
      json::parse(page("GET", "projects/" + project + "/issues/" + items.front() + "/").body)
          .at("created_by")
          .as_string()};
  plane().add_project_member(project, me, 0);
  run_for(130s);
  BOOST_TEST(logged("a project is not shown to the key any more") == 1u);
  BOOST_REQUIRE(gaps().contains("projects_lost"));
  BOOST_TEST(gaps().at("projects_lost").as_array().front().at("project").as_string() == "Website");
  BOOST_TEST(json::parse(inspector().health(false)).at("data").at("status").as_string() ==
             "degraded");
  stop();
  start();
  run_for(1h);
  BOOST_TEST(logged("a project is not shown to the key any more") == 1u);
  BOOST_TEST(gaps().at("projects_lost").as_array().front().at("project").as_string() == "Website");
  faults.clear();
  plane().add_project_member(project, me, 20);
  run_for(2min);
  BOOST_TEST(!gaps().contains("projects_lost"));
  BOOST_TEST(logged("a project is shown to the key again") == 1u);
  BOOST_TEST(!entity(items.front()).row->tombstone);
}

BOOST_AUTO_TEST_CASE(a_start_without_a_store_waits_for_it_in_steps) {
  world w;
  w.settings.calendar.url.clear();
  unsigned reads = 0;
  w.store_away(true);
  w.on_read = [&] { ++reads; };
  w.start();
  w.run_for(1min);
  BOOST_TEST(reads < 200u);
  w.store_away(false);
  w.run_for(1min);
  BOOST_TEST(!w.calls_to("GET", "/projects/").empty());
}

BOOST_FIXTURE_TEST_CASE(a_healthy_month_costs_its_polls_and_raises_no_alarm, office) {
  used_for_a_while();
  std::map<std::string, std::size_t> spent;
  std::size_t doubts = 0;
  const auto count = [&] {
    for (const auto& c : calls_to("", "http://plane.test"))
      ++spent[c.url.ends_with("/projects/") || c.url.find("/projects/?") != std::string::npos
                  ? "project lists"
              : c.url.find("updated_at&") != std::string::npos ||
                      c.url.find("-updated_at") != std::string::npos
                  ? "polls"
              : c.url.find("created_at") != std::string::npos ? "scans"
                                                              : "reads of items"];
    calls.clear();
  };
  calls.clear();
  for (int day = 0; day < days; ++day) {
    const bool weekend = day % 7 >= 5;
    for (int hour = 0; hour < 24; ++hour) {
      const bool office_hours = !weekend && hour >= 8 && hour < 18;
      const int now = office_hours ? 6 : hour == 22 && day % 3 == 0 ? 1 : 0;
      for (int n = 0; n < now; ++n) {
        work(edits);
        run_for(9min);
      }
      if (office_hours && hour == 12) remove(create("Here and gone"));
      run_for(1h - now * 9min);
      doubts += state() == "doubtful" ? 1U : 0U;
      BOOST_TEST(!gaps().at("webhook_silent").as_bool());
    }
    count();
    webhook_bodies.clear();
  }
  std::size_t all = 0;
  std::cout << "requests to Plane per day, 2 projects, " << edits / days << " edits a day:\n";
  for (const auto& [what, n] : spent) {
    std::cout << "  " << std::left << std::setw(16) << what << n / days << '\n';
    all += n;
  }
  std::cout << "  " << std::setw(16) << "together" << all / days << " of 86400 that Plane allows\n";
  BOOST_TEST(logged("webhooks are missing") == 0u);
  BOOST_TEST(doubts == 0u);
  // A poll of each project and the list of projects each minute, a scan every quarter of an hour.
  BOOST_TEST(all / days <= 1440u * 3 + 96u * 2 + 60u);
}
