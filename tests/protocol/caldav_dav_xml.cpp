#define BOOST_TEST_MODULE caldav_dav_xml
#include "protocol/caldav/dav_xml.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>

#include "caldav_support.hpp"
#include "protocol/caldav/href.hpp"
#include "protocol/caldav/merge.hpp"

using namespace pb;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;

namespace {
multistatus listed(const std::string& name) {
  auto body = parse_multistatus(answer_of(name).body);
  BOOST_REQUIRE_MESSAGE(body.has_value(), name);
  return *body;
}
const dav_response& at_href(const multistatus& body, std::string_view end) {
  for (const auto& r : body.responses)
    if (r.href.ends_with(end)) return r;
  BOOST_FAIL("no such response");
  return body.responses.front();
}
}  // namespace

BOOST_AUTO_TEST_CASE(writes_succeed_only_on_200_201_and_204_on_both_servers) {
  struct row {
    const char* sample;
    int status;
    const char* condition;
  };
  const std::vector<row> rows{{"radicale/07-mkcalendar.http", 201, ""},
                              {"radicale/08-mkcalendar-again.http", 409, "resource-must-be-null"},
                              {"radicale/09-mkcalendar-no-parent.http", 403, ""},
                              {"radicale/10-mkcol-extended.http", 201, ""},
                              {"radicale/13-put-create.http", 201, ""},
                              {"radicale/14-put-create-again.http", 412, ""},
                              {"radicale/17-put-update-if-match.http", 201, ""},
                              {"radicale/18-put-update-stale.http", 412, ""},
                              {"radicale/19-put-not-icalendar.http", 400, ""},
                              {"radicale/20-put-missing-uid.http", 400, ""},
                              {"radicale/21-put-uid-conflict.http", 409, "no-uid-conflict"},
                              {"radicale/22-put-no-collection.http", 409, ""},
                              {"radicale/33-delete-stale.http", 412, ""},
                              {"radicale/34-delete.http", 200, ""},
                              {"radicale/35-delete-again.http", 404, ""},
                              {"radicale/37-put-unconditional.http", 201, ""},
                              {"radicale/41-put-too-large.http", 413, ""},
                              {"radicale/45-method-not-allowed.http", 405, ""},
                              {"xandikos/06-mkcalendar.http", 201, ""},
                              {"xandikos/07-mkcalendar-again.http", 403, "resource-must-be-null"},
                              {"xandikos/08-mkcalendar-no-parent.http", 409, ""},
                              {"xandikos/09-mkcol-extended.http", 201, ""},
                              {"xandikos/12-put-create.http", 201, ""},
                              {"xandikos/13-put-create-again.http", 412, ""},
                              {"xandikos/16-put-update-if-match.http", 204, ""},
                              {"xandikos/17-put-update-stale.http", 412, ""},
                              {"xandikos/18-put-not-icalendar.http", 412, "valid-calendar-data"},
                              {"xandikos/19-put-missing-uid.http", 201, ""},
                              {"xandikos/20-put-uid-conflict.http", 412, "no-uid-conflict"},
                              {"xandikos/21-put-no-collection.http", 404, ""},
                              {"xandikos/32-delete-stale.http", 412, ""},
                              {"xandikos/33-delete.http", 204, ""},
                              {"xandikos/34-delete-again.http", 404, ""},
                              {"xandikos/36-put-unconditional.http", 204, ""},
                              {"xandikos/43-method-not-allowed.http", 405, ""},
                              {"insufficient-storage/01-put-disk-full.http", 507, ""}};
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.sample) {
      const auto got = status_of(answer_of(r.sample));
      BOOST_TEST(got.status == r.status);
      BOOST_TEST(got.condition == r.condition);
      BOOST_TEST(got.ok() == (r.status < 300));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_207_that_says_nothing_is_still_no_success) {
  BOOST_TEST(!status_of({207, {}, ""}).ok());
  BOOST_TEST(!status_of({207, {}, "<x/>"}).ok());
  BOOST_TEST(!status_of({207, {}, multi(found("/x", "<d:getetag/>"))}).ok());
}

BOOST_AUTO_TEST_CASE(the_words_of_the_server_are_kept_with_the_inner_status) {
  const auto got = status_of(answer_of("xandikos/20-put-uid-conflict.http"));
  BOOST_TEST(got.description == "UID already in use.");
}

BOOST_AUTO_TEST_CASE(every_recorded_multistatus_is_read) {
  int count = 0;
  for (const auto* server : {"radicale", "xandikos", "digest-apache-radicale"})
    for (const auto& file :
         std::filesystem::directory_iterator{std::string{PB_FIXTURES} + "/caldav/" + server})
      for (const auto& one : recording(std::string{server} + "/" + file.path().filename().string()))
        if (one.answer.status == 207) {
          BOOST_TEST_CONTEXT(file.path()) { BOOST_TEST(!!parse_multistatus(one.answer.body)); }
          ++count;
        }
  BOOST_TEST(count > 20);
}

BOOST_AUTO_TEST_CASE(properties_with_404_are_absent_and_not_empty) {
  const auto radicale = listed("radicale/12-list-calendars.http");
  const auto& home = at_href(radicale, "/calplanebot/");
  BOOST_TEST(home.property(xml_space::dav, "displayname") == nullptr);
  BOOST_TEST(home.property(xml_space::dav, "resourcetype") != nullptr);
  const auto& calendar = at_href(radicale, "plane-core/");
  BOOST_TEST(calendar.text_of(xml_space::dav, "displayname") == "Plane – Core Platform");
  BOOST_TEST(calendar.text_of(xml_space::apple, "calendar-color") == "#3F76FFFF");
  const auto xandikos = listed("xandikos/11-list-calendars.http");
  const auto& other = at_href(xandikos, "plane-core/");
  BOOST_TEST(other.text_of(xml_space::dav, "displayname") == "Plane – Core Platform");
  BOOST_TEST(other.property(xml_space::dav, "resourcetype")->child(xml_space::caldav, "calendar") !=
             nullptr);
}

BOOST_AUTO_TEST_CASE(the_sync_token_may_be_the_first_or_the_last_child) {
  BOOST_TEST(
      listed("radicale/27-sync-initial.http").sync_token.starts_with("http://radicale.org/"));
  const auto xandikos = listed("xandikos/26-sync-initial.http");
  BOOST_TEST(xandikos.sync_token == "aaa38630081115ba8aa60dabf5eb287b4cd6ef5c");
  BOOST_TEST(xandikos.responses.size() == 5U);
}

BOOST_AUTO_TEST_CASE(removed_and_missing_members_have_a_status_of_their_own) {
  for (const auto* name : {"radicale/38-sync-delta.http", "xandikos/37-sync-delta.http"}) {
    const auto body = listed(name);
    BOOST_TEST(at_href(body, "444455556666%40calplanebot.ics").status == 404);
    BOOST_TEST(!at_href(body, "90a1b2c3d4e5%40calplanebot.ics")
                    .text_of(xml_space::dav, "getetag")
                    .empty());
  }
  for (const auto* name : {"radicale/32-multiget.http", "xandikos/31-multiget.http"})
    BOOST_TEST(at_href(listed(name), "not-there%40calplanebot.ics").status == 404);
}

BOOST_AUTO_TEST_CASE(calendar_data_is_trimmed_and_can_be_read) {
  for (const auto* name : {"radicale/32-multiget.http", "xandikos/31-multiget.http"}) {
    const auto data = at_href(listed(name), "00000000feb9%40calplanebot.ics")
                          .text_of(xml_space::caldav, "calendar-data");
    const auto event = read_owned(data);
    BOOST_REQUIRE(event.has_value());
    BOOST_TEST(event->owned.start == "20280229");
    BOOST_TEST(event->owned.summary == "[7] Leap day release");
  }
}

BOOST_AUTO_TEST_CASE(only_namespace_and_local_name_count) {
  const auto body = parse_multistatus(
      "<q:multistatus xmlns:q='DAV:' xmlns='urn:ietf:params:xml:ns:caldav'><q:response>"
      "<q:href><![CDATA[/a&b]]></q:href><q:propstat><q:prop><calendar-data>x &amp; &#x79;"
      "</calendar-data><getetag>wrong</getetag><w:getetag xmlns:w='DAV:'> \"1\" </w:getetag>"
      "</q:prop><q:status>HTTP/1.1 200 OK</q:status></q:propstat></q:response></q:multistatus>");
  BOOST_REQUIRE(body.has_value());
  const auto& r = body->responses.at(0);
  BOOST_TEST(r.href == "/a&b");
  BOOST_TEST(r.text_of(xml_space::caldav, "calendar-data") == "x & y");
  BOOST_TEST(r.text_of(xml_space::dav, "getetag") == "\"1\"");
}

BOOST_AUTO_TEST_CASE(an_xml_bomb_is_refused_before_it_expands) {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\">";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string{"<!ENTITY "} + c + " \"";
    for (int i = 0; i < 10; ++i) bomb += std::string{"&"} + static_cast<char>(c - 1) + ";";
    bomb += "\">";
  }
  bomb += "]><multistatus xmlns=\"DAV:\"><sync-token>&j;</sync-token></multistatus>";
  BOOST_TEST((parse_multistatus(bomb).error().code == errc::unexpected_answer));
  BOOST_TEST(!parse_multistatus("<!DOCTYPE m SYSTEM \"file:///etc/passwd\"><multistatus "
                                "xmlns=\"DAV:\"/>")
                  .has_value());
}

BOOST_AUTO_TEST_CASE(depth_count_size_and_namespaces_are_bounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  BOOST_TEST((parse_xml(deep).error().code == errc::too_large));
  std::string spaces = "<a";
  for (int i = 0; i < 1000; ++i) spaces += " xmlns:n" + std::to_string(i) + "='x'";
  BOOST_TEST((parse_xml(spaces + "/>").error().code == errc::too_large));
  xml_limits small;
  small.nodes = 3;
  BOOST_TEST((parse_xml("<a><b/><b/><b/></a>", small).error().code == errc::too_large));
  small.bytes = 5;
  BOOST_TEST((parse_xml("<aaaaaaa/>", small).error().code == errc::too_large));
  for (const auto* text : {"", "nope", "<a>", "<a></b>", "<html>"})
    BOOST_TEST(!parse_multistatus(text).has_value());
}

BOOST_AUTO_TEST_CASE(status_lines_are_read_or_zero) {
  BOOST_TEST(parse_status_line("HTTP/1.1 404 Not Found") == 404);
  BOOST_TEST(parse_status_line("\n HTTP/1.1 200 OK\n") == 200);
  for (const auto* text : {"", "404", "HTTP/1.1", "HTTP/1.1 4", "HTTP/1.1 abc", "HTTP/1.1 000 x"})
    BOOST_TEST(parse_status_line(text) == 0);
}

BOOST_AUTO_TEST_CASE(request_bodies_are_well_formed_and_escaped) {
  const calendar_properties p{"A & B <c> \"d\" 会", "#3F76FFFF", "x"};
  for (const auto& body :
       {body_find_principal(), body_find_home(), body_list_calendars(), body_list_etags(),
        body_get_etag(), body_collection_state(), body_make_calendar(p), body_make_collection(p),
        body_patch_properties(p), body_multiget({"http://h/a%40b.ics"}),
        body_query_uid("a&b@calplanebot"), body_sync("t<1>")})
    BOOST_TEST(parse_xml(body).has_value());
  const auto made = parse_xml(body_make_calendar(p));
  BOOST_TEST(made->is(xml_space::caldav, "mkcalendar"));
  const auto* prop = made->child(xml_space::dav, "set")->child(xml_space::dav, "prop");
  BOOST_TEST(prop->child(xml_space::dav, "displayname")->text == p.name);
  BOOST_TEST(prop->child(xml_space::apple, "calendar-color")->text == p.color);
  BOOST_TEST(
      parse_xml(body_multiget({"http://h/a%40b.ics"}))->child(xml_space::dav, "href")->text ==
      "/a%40b.ics");
  BOOST_TEST(parse_xml(body_sync("t<1>"))->child(xml_space::dav, "sync-token")->text == "t<1>");
}

BOOST_AUTO_TEST_CASE(hrefs_are_resolved_against_the_request) {
  const std::string base = "https://Host.example:443/dav/home/";
  BOOST_TEST(resolve_href(base, "/a%40b") == "https://host.example/a%40b");
  BOOST_TEST(resolve_href(base, "x y.ics") == "https://host.example/dav/home/x%20y.ics");
  BOOST_TEST(resolve_href(base, "https://p01.example/x") == "https://p01.example/x");
  BOOST_TEST(resolve_href(base, "//p01.example/x") == "https://p01.example/x");
  BOOST_TEST(resolve_href(base, "  /会 ") == "https://host.example/%E4%BC%9A");
  for (const auto* bad : {"", "  ", "ftp://x/", "https://user@x/", "https:///x"})
    BOOST_TEST(resolve_href(base, bad) == "");
  BOOST_TEST(same_href("http://h/a@b.ics", "http://h:80/a%40b.ics"));
  BOOST_TEST(same_href("http://h/cal", "http://h/cal/"));
  BOOST_TEST(!same_href("http://h/cal", "http://g/cal"));
}

BOOST_AUTO_TEST_CASE(credentials_go_to_the_configured_and_the_allowed_hosts_only) {
  const host_policy plain{"http://cal.example:5232/x", {"other.example"}};
  BOOST_TEST(plain.allows("http://cal.example:5232/y"));
  BOOST_TEST(plain.allows("https://cal.example/y"));
  BOOST_TEST(!plain.allows("http://cal.example/y"));
  BOOST_TEST(!plain.allows("http://other.example/"));
  BOOST_TEST(plain.allows("https://other.example/"));
  BOOST_TEST(!plain.allows("https://evil-other.example/"));
  const host_policy secure{"https://cal.example/"};
  BOOST_TEST(!secure.allows("http://cal.example/"));
  BOOST_TEST(!secure.allows("https://cal.example:8443/"));
  const host_policy cloud{"https://caldav.icloud.com/"};
  BOOST_TEST(cloud.allows("https://p42-caldav.icloud.com:443/1/"));
  BOOST_TEST(!cloud.allows("https://icloud.com.evil.example/"));
}
