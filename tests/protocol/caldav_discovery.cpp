#define BOOST_TEST_MODULE caldav_discovery
#include "protocol/caldav/discovery.hpp"

#include <boost/test/unit_test.hpp>

#include "caldav_support.hpp"

using namespace pb;
using namespace pb::protocol;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;

namespace {
const std::string base = "http://127.0.0.1:5232";
const std::string principal_body =
    multi(found("/", "<d:current-user-principal><d:href>/p/</d:href></d:current-user-principal>"));
const std::string home_body =
    multi(found("/p/", "<c:calendar-home-set><d:href>/h/</d:href></c:calendar-home-set>"));
const std::string calendar_type = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";

ensure_calendar_request wanted() {
  return {base + "/h/", "planebridge-x", {"Core", "#3F76FFFF", "Work items"}};
}
}  // namespace

BOOST_AUTO_TEST_CASE(radicale_is_discovered_along_its_recorded_answers) {
  discover_exchange run{base + "/"};
  script s{run};
  BOOST_TEST(s.line() == "PROPFIND " + base + "/.well-known/caldav");
  BOOST_TEST(header_of(s.request(), "Depth") == "0");
  const auto body = s.request().body;
  s.answer(answer_of("radicale/02-well-known.http"));
  // A redirect keeps method, body and Depth.
  BOOST_TEST(s.line() == "PROPFIND " + base + "/");
  BOOST_TEST(s.request().body == body);
  BOOST_TEST(header_of(s.request(), "Depth") == "0");
  s.answer(answer_of("radicale/05-current-user-principal.http"));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/calplanebot/");
  s.answer(answer_of("radicale/06-calendar-home-set.http"));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/calplanebot/");
  BOOST_TEST(header_of(s.request(), "Depth") == "1");
  s.answer(answer_of("radicale/12-list-calendars.http"));
  BOOST_TEST(s.done());
  BOOST_TEST(run.moved_to() == base + "/");
  const auto& got = run.found();
  BOOST_TEST(got.principal == base + "/calplanebot/");
  BOOST_REQUIRE(got.homes.size() == 1U);
  BOOST_REQUIRE(got.calendars.size() == 2U);
  BOOST_TEST(got.calendars[0].href == base + "/calplanebot/plane-core/");
  BOOST_TEST(got.calendars[0].name == "Plane – Core Platform");
  BOOST_TEST(got.calendars[0].color == "#3F76FFFF");
  BOOST_TEST(got.calendars[0].writable);
}

BOOST_AUTO_TEST_CASE(xandikos_is_discovered_along_its_recorded_answers) {
  discover_exchange run{base};
  script s{run};
  s.answer(answer_of("xandikos/02-well-known.http"));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/");
  s.answer(answer_of("xandikos/04-current-user-principal.http"));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/user/");
  s.answer(answer_of("xandikos/05-calendar-home-set.http"));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/user/calendars/");
  s.answer(answer_of("xandikos/11-list-calendars.http"));
  BOOST_TEST(s.done());
  BOOST_TEST(run.moved_to() == "");  // 302 is not for ever
  BOOST_REQUIRE(!run.found().calendars.empty());
  BOOST_TEST(run.found().calendars[0].href == base + "/user/calendars/plane-core/");
  BOOST_TEST(run.found().calendars[0].writable);
}

BOOST_AUTO_TEST_CASE(without_well_known_the_configured_url_and_then_the_root_are_asked) {
  discover_exchange run{base + "/dav/x"};
  script s{run};
  s.answer(404);
  BOOST_TEST(s.line() == "PROPFIND " + base + "/dav/x");
  s.answer(207, multi(found("/dav/x", "<d:resourcetype><d:collection/></d:resourcetype>")));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/");
  s.answer(405);
  BOOST_TEST((s.failed().code == errc::not_found));
  BOOST_TEST(!s.failed().remedy.empty());
}

BOOST_AUTO_TEST_CASE(a_url_that_is_a_calendar_itself_is_taken) {
  discover_exchange run{base + "/cal"};
  script s{run};
  s.answer(404).answer(207, multi(found("/cal/", calendar_type)));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/cal/");
  s.answer(207, multi(found("/cal/", calendar_type + "<d:displayname>Mine</d:displayname>")));
  BOOST_TEST(s.done());
  BOOST_REQUIRE(run.found().calendars.size() == 1U);
  BOOST_TEST(run.found().calendars[0].name == "Mine");
}

BOOST_AUTO_TEST_CASE(refused_credentials_and_outages_end_the_search) {
  for (const int status : {401, 429, 500, 503}) {
    discover_exchange run{base};
    script s{run};
    s.answer(status);
    BOOST_TEST(s.failed().status == status);
  }
}

BOOST_AUTO_TEST_CASE(redirects_end_after_five_and_never_leave_the_allowed_hosts) {
  discover_exchange run{base};
  script s{run};
  for (int i = 0; i < 5; ++i) s.answer(307, "", {{"Location", "/" + std::to_string(i)}});
  BOOST_TEST(s.line() == "PROPFIND " + base + "/4");
  s.answer(308, "", {{"Location", "/5"}});
  BOOST_TEST((s.failed().code == errc::unexpected_answer));

  discover_exchange leaves{base};
  script t{leaves};
  t.answer(301, "", {{"Location", "http://evil.example/"}});
  BOOST_TEST((t.failed().code == errc::forbidden));

  discover_exchange allowed{"https://caldav.icloud.com/"};
  script u{allowed};
  u.answer(301, "", {{"Location", "https://p01-caldav.icloud.com/x"}});
  BOOST_TEST(u.line() == "PROPFIND https://p01-caldav.icloud.com/x");
}

BOOST_AUTO_TEST_CASE(hrefs_to_foreign_hosts_are_not_followed) {
  discover_exchange run{base};
  script s{run};
  s.answer(207, multi(found("/",
                            "<d:current-user-principal><d:href>https://evil.example/p/"
                            "</d:href></d:current-user-principal>")));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/");  // the next candidate
}

BOOST_AUTO_TEST_CASE(several_homes_and_absolute_hrefs_are_listed_once) {
  discover_exchange run{base};
  script s{run};
  s.answer(207, principal_body);
  s.answer(207, multi(found("/p/", "<c:calendar-home-set><d:href>/h1</d:href><d:href>" + base +
                                       "/h2/</d:href></c:calendar-home-set>")));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/h1/");
  s.answer(207, multi(found(base + "/h1/a%40b/", calendar_type)));
  BOOST_TEST(s.line() == "PROPFIND " + base + "/h2/");
  s.answer(207, multi(found("/h1/a@b", calendar_type)));
  BOOST_TEST(s.done());
  BOOST_TEST(run.found().calendars.size() == 1U);
}

BOOST_AUTO_TEST_CASE(only_calendars_for_events_are_kept_and_rights_are_told) {
  discover_exchange run{base};
  script s{run};
  s.answer(207, principal_body).answer(207, home_body);
  const std::string todo =
      "<c:supported-calendar-component-set><c:comp name='VTODO'/>"
      "</c:supported-calendar-component-set>";
  const auto rights = [](const std::string& p) {
    return "<d:current-user-privilege-set><d:privilege><d:" + p +
           "/></d:privilege></d:current-user-privilege-set>";
  };
  s.answer(207, multi(found("/h/tasks/", calendar_type + todo) +
                      found("/h/inbox/",
                            "<d:resourcetype><d:collection/><c:schedule-inbox/>"
                            "<c:calendar/></d:resourcetype>") +
                      found("/h/plain/", "<d:resourcetype><d:collection/></d:resourcetype>") +
                      found("/h/ro/", calendar_type + rights("read")) +
                      found("/h/wc/", calendar_type + rights("write-content")) +
                      found("/h/all/", calendar_type + rights("all")) +
                      found("/h/silent/", calendar_type)));
  BOOST_TEST(s.done());
  BOOST_REQUIRE(run.found().calendars.size() == 4U);
  BOOST_TEST(!run.found().calendars[0].writable);
  BOOST_TEST(run.found().calendars[1].writable);
  BOOST_TEST(run.found().calendars[2].writable);
  BOOST_TEST(run.found().calendars[3].writable);
}

BOOST_AUTO_TEST_CASE(a_url_that_is_none_is_reported) {
  discover_exchange run{"cal.example"};
  BOOST_TEST((std::get<failure>(run.start()).code == errc::bad_input));
}

BOOST_AUTO_TEST_CASE(the_calendar_of_a_project_has_one_place) {
  BOOST_TEST(calendar_slug("1A2B") == "planebridge-1a2b");
  BOOST_TEST(calendar_href("http://h/home", "planebridge-x") == "http://h/home/planebridge-x/");
}

BOOST_AUTO_TEST_CASE(a_calendar_that_is_there_is_left_as_it_is) {
  ensure_calendar_exchange run{wanted(), host_policy{base}};
  script s{run};
  BOOST_TEST(s.line() == "PROPFIND " + base + "/h/planebridge-x/");
  s.answer(207, multi(found("/h/planebridge-x/",
                            calendar_type + "<d:displayname>Renamed</d:displayname>")));
  BOOST_TEST(s.done());
  BOOST_TEST(!run.created());
  BOOST_TEST(run.calendar().name == "Renamed");
}

BOOST_AUTO_TEST_CASE(a_missing_calendar_is_made_named_and_read_back) {
  for (const auto* made : {"radicale/07-mkcalendar.http", "xandikos/06-mkcalendar.http"}) {
    ensure_calendar_exchange run{wanted(), host_policy{base}};
    script s{run};
    s.answer(404);
    BOOST_TEST(s.line() == "MKCALENDAR " + base + "/h/planebridge-x/");
    BOOST_TEST(header_of(s.request(), "Depth") == "");
    s.answer(answer_of(made));
    BOOST_TEST(s.line() == "PROPPATCH " + base + "/h/planebridge-x/");
    s.answer(answer_of("xandikos/10-proppatch.http"));
    BOOST_TEST(s.line() == "PROPFIND " + base + "/h/planebridge-x/");
    s.answer(207, multi(found("/h/planebridge-x/",
                              calendar_type + "<d:displayname>Core</d:displayname>")));
    BOOST_TEST(s.done());
    BOOST_TEST(run.created());
    BOOST_TEST(run.notes().empty());
    BOOST_TEST(run.calendar().href == base + "/h/planebridge-x/");
  }
}

BOOST_AUTO_TEST_CASE(a_calendar_whose_absence_is_told_inside_a_207_is_made) {
  // As Xandikos 0.2.8 answers, with its broken escape of the whole URL.
  ensure_calendar_exchange run{wanted(), host_policy{base}};
  script s{run};
  s.answer(207, multi("<d:response><d:href>http%3A//127.0.0.1%3A20214/h/planebridge-x/</d:href>"
                      "<d:status>HTTP/1.1 404 Not Found</d:status></d:response>"));
  BOOST_TEST(s.line() == "MKCALENDAR " + base + "/h/planebridge-x/");
}

BOOST_AUTO_TEST_CASE(a_calendar_that_exists_after_all_is_a_success) {
  for (const auto* exists :
       {"radicale/08-mkcalendar-again.http", "xandikos/07-mkcalendar-again.http"}) {
    ensure_calendar_exchange run{wanted(), host_policy{base}};
    script s{run};
    s.answer(404).answer(answer_of(exists));
    BOOST_TEST(s.line() == "PROPFIND " + base + "/h/planebridge-x/");
    s.answer(207, multi(found("/h/planebridge-x/",
                              calendar_type + "<d:displayname>Core</d:displayname>")));
    BOOST_TEST(s.done());
    BOOST_TEST(!run.created());
  }
}

BOOST_AUTO_TEST_CASE(a_server_without_mkcalendar_is_asked_for_an_extended_collection) {
  for (const int status : {403, 405, 501}) {
    ensure_calendar_exchange run{wanted(), host_policy{base}};
    script s{run};
    s.answer(404).answer(status);
    BOOST_TEST(s.line() == "MKCOL " + base + "/h/planebridge-x/");
    s.answer(answer_of("xandikos/09-mkcol-extended.http"));
    BOOST_TEST(s.request().method == "PROPPATCH");
    s.answer(403);
    s.answer(207, multi(found("/h/planebridge-x/", calendar_type)));
    BOOST_TEST(s.done());
    BOOST_TEST(run.created());
    BOOST_TEST(run.notes().size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(where_no_calendar_can_be_made_the_operator_is_told_to_make_it) {
  ensure_calendar_exchange run{wanted(), host_policy{base}};
  script s{run};
  s.answer(404).answer(answer_of("radicale/09-mkcalendar-no-parent.http")).answer(403).answer(404);
  BOOST_TEST((s.failed().code == errc::forbidden));
  BOOST_TEST(s.failed().remedy.find("by hand") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_calendar_left_without_a_name_by_a_crash_is_named) {
  ensure_calendar_exchange run{wanted(), host_policy{base}};
  script s{run};
  s.answer(207, multi(found("/h/planebridge-x/", calendar_type)));
  BOOST_TEST(s.request().method == "PROPPATCH");
  s.answer(207).answer(207, multi(found("/h/planebridge-x/", calendar_type)));
  BOOST_TEST(s.done());
}

BOOST_AUTO_TEST_CASE(something_else_at_the_place_is_reported_and_left_alone) {
  ensure_calendar_exchange run{wanted(), host_policy{base}};
  script s{run};
  s.answer(207,
           multi(found("/h/planebridge-x/", "<d:resourcetype><d:collection/></d:resourcetype>")));
  BOOST_TEST((s.failed().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(an_outage_or_a_full_disk_while_making_is_reported_as_such) {
  for (const int status : {401, 429, 500, 503, 507}) {
    ensure_calendar_exchange run{wanted(), host_policy{base}};
    script s{run};
    s.answer(404).answer(status);
    BOOST_TEST(s.failed().status == status);
  }
}
