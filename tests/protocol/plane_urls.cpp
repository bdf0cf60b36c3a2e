#define BOOST_TEST_MODULE plane_urls
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/urls.hpp"

using namespace pb::protocol::plane;

namespace {
const std::string P = "2f6d1c84-9b3a-4e57-8c21-5a0e7d9b4f63";
const std::string I = "f3a9d7c5-2e60-4b18-94cf-7b5e0d8a1c36";
const std::string O = "69d2a0e8-3c7b-4f14-b95e-8a1d4c6f0e27";
const std::vector<std::string> origins{"https://app.plane.so", "http://plane.internal.test:8080"};

std::string said(const plane_link& l) {
  std::string out{to_string(l.kind)};
  const auto add = [&](const char* name, const std::string& v) {
    if (!v.empty()) out += std::string{" "} + name + "=" + v;
  };
  add("ws", l.slug);
  add("p", l.project);
  add("key", l.identifier.empty() ? "" : l.identifier + "-" + std::to_string(l.sequence));
  add("i", l.item);
  add("o", l.object);
  add("board", l.anchor);
  return out;
}
std::string upper(std::string s) {
  for (auto& c : s)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return s;
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_form_of_address_is_taken_apart) {
  const std::string h = "https://app.plane.so";
  const std::string in_p = h + "/acme-rd/projects/" + P;
  const std::string ws = " ws=acme-rd", wp = ws + " p=" + P;
  const std::pair<std::string, std::string> rows[] = {
      {h + "/acme-rd/browse/GW-42/", "browse" + ws + " key=GW-42"},
      {h + "/acme-rd/browse/GW-42", "browse" + ws + " key=GW-42"},
      {h + "/acme-rd/browse/gw-42", "browse" + ws + " key=GW-42"},
      {h + "/acme-rd/browse/GW-42/?peek=1#comment-9", "browse" + ws + " key=GW-42"},
      {h + "//acme-rd//browse//GW-42//", "browse" + ws + " key=GW-42"},
      {h + ":443/acme-rd/browse/GW-42", "browse" + ws + " key=GW-42"},
      {"http://app.plane.so/acme-rd/browse/GW-42", "browse" + ws + " key=GW-42"},
      {"HTTPS://App.Plane.SO/acme-rd/browse/GW-42", "browse" + ws + " key=GW-42"},
      {"app.plane.so/acme-rd/browse/GW-42", "browse" + ws + " key=GW-42"},
      {"  <" + h + "/acme-rd/browse/GW-42>\n", "browse" + ws + " key=GW-42"},
      {"http://plane.internal.test:8080/acme-rd/browse/GW-42", "browse" + ws + " key=GW-42"},
      {h + "/acme-rd/browse/网关-7", "browse" + ws + " key=网关-7"},
      {h + "/acme-rd/browse/%E7%BD%91%E5%85%B3-7/", "browse" + ws + " key=网关-7"},
      {in_p + "/issues/" + I, "work_item" + wp + " i=" + I},
      {in_p + "/issues/" + I + "/", "work_item" + wp + " i=" + I},
      {in_p + "/issues/" + upper(I) + "/", "work_item" + wp + " i=" + I},
      {in_p + "/work-items/" + I, "work_item" + wp + " i=" + I},
      {in_p + "/archives/issues/" + I, "archived_item" + wp + " i=" + I},
      {in_p + "/archived-issues/" + I, "archived_item" + wp + " i=" + I},
      {in_p + "/archives/cycles", "project" + wp},
      {in_p + "/epics/" + I, "epic" + wp + " i=" + I},
      {in_p + "/intake/?currentTab=open&inboxIssueId=" + I, "intake_item" + wp + " i=" + I},
      {in_p + "/inbox/?inboxIssueId=" + I, "intake_item" + wp + " i=" + I},
      {in_p + "/intake/", "project" + wp},
      {in_p + "/issues/", "project" + wp},
      {in_p, "project" + wp},
      {in_p + "/cycles/" + O, "cycle" + wp + " o=" + O},
      {in_p + "/cycles/", "project" + wp},
      {in_p + "/modules/" + O + "/", "module" + wp + " o=" + O},
      {in_p + "/views/" + O, "view" + wp + " o=" + O},
      {in_p + "/pages/" + O, "page" + wp + " o=" + O},
      {in_p + "/settings/members/", "project" + wp},
      {in_p + "/something-new/x/y", "project" + wp},
      {h + "/acme-rd/settings/projects/" + P + "/members/", "project" + wp},
      {h + "/acme-rd/settings/webhooks/", "workspace" + ws},
      {h + "/acme-rd/workspace-views/all-issues/", "workspace" + ws},
      {h + "/acme-rd/drafts", "workspace" + ws},
      {h + "/acme-rd/notifications/", "workspace" + ws},
      {h + "/acme-rd/projects/", "workspace" + ws},
      {h + "/acme-rd/", "workspace" + ws},
      {h + "/spaces/issues/b1c2?peekId=" + I, "published_item i=" + I + " board=b1c2"},
      {h + "/issues/b1c2?peekId=" + I, "published_item i=" + I + " board=b1c2"},
  };
  BOOST_TEST(std::size(rows) >= 40u);
  for (const auto& [url, want] : rows) {
    const auto link = parse_link(url, origins);
    BOOST_TEST(link.has_value(), url + (link ? "" : ": " + link.error().detail));
    if (link) BOOST_TEST(said(*link) == want, url << " gives " << said(*link));
  }
}

BOOST_AUTO_TEST_CASE(foreign_hosts_and_what_is_no_address_of_plane_are_refused) {
  const std::string h = "https://app.plane.so";
  const std::string rows[] = {
      "",
      "   ",
      "GW-42",
      "https://app.plane.so.evil.test/acme/browse/GW-42",
      "https://evil.test/app.plane.so/acme/browse/GW-42",
      "https://app.plane.so@evil.test/acme/browse/GW-42",
      "https://user:pw@app.plane.so/acme/browse/GW-42",
      "https://app.plane.so:8443/acme/browse/GW-42",
      "https://plane.internal.test/acme/browse/GW-42",
      "https://evil.test\\@app.plane.so/acme",
      "ftp://app.plane.so/acme/browse/GW-42",
      "javascript://app.plane.so/%0aalert(1)",
      h,
      h + "/",
      h + "/api/v1/users/me/",
      h + "/sign-in",
      h + "/god-mode/",
      h + "/spaces/issues/b1c2",
      h + "/spaces/issues/b1c2?peekId=x",
      h + "/acme rd/browse/GW-42",
      h + "/acme%2Frd/browse/GW-42",
      h + "/" + std::string(49, 'a') + "/browse/GW-42",
      h + "/acme/browse/",
      h + "/acme/browse/GW",
      h + "/acme/browse/GW-",
      h + "/acme/browse/-42",
      h + "/acme/browse/GW-0",
      h + "/acme/browse/GW-4x",
      h + "/acme/browse/GW-99999999999",
      h + "/acme/browse/G%00W-1",
      h + "/acme/projects/not-a-uuid/issues/" + I,
      h + "/acme/projects/" + P + "/issues/GW-42",
      h + "/acme/projects/" + P + "/cycles/current",
      h + "/acme/projects/" + P + "/intake/?inboxIssueId=1",
      h + "/acme/browse/GW-42/extra",
      h + "/a/b/c/d/e/f/g/h/i/j/k/l/m",
      h + "/acme/browse/" + std::string(3000, 'G') + "-1",
      "https://[::1/acme",
  };
  for (const auto& url : rows) {
    const auto link = parse_link(url, origins);
    BOOST_TEST(link.has_error(), url << (link ? " gives " + said(*link) : ""));
    if (!link) {
      BOOST_TEST(link.error().code == pb::errc::bad_input);
      BOOST_TEST(!link.error().detail.empty());
    }
  }
  BOOST_TEST(parse_link(h + "/acme/browse/GW-42", {}).has_error());
}

BOOST_AUTO_TEST_CASE(the_page_of_an_item_uses_its_key_and_else_its_uuids) {
  BOOST_TEST(item_page_url("https://app.plane.so/", "acme-rd", "GW", 42, P, I) ==
             "https://app.plane.so/acme-rd/browse/GW-42/");
  BOOST_TEST(item_page_url("https://app.plane.so", "acme-rd", "", 42, P, I) ==
             "https://app.plane.so/acme-rd/projects/" + P + "/issues/" + I + "/");
  for (const auto* identifier : {"GW", ""}) {
    const auto link =
        parse_link(item_page_url("https://app.plane.so", "acme-rd", identifier, 42, P, I), origins);
    BOOST_REQUIRE(link.has_value());
    BOOST_TEST((link->sequence == 42 || link->item == I));
  }
}

BOOST_AUTO_TEST_CASE(the_app_address_follows_from_the_api_address) {
  const std::pair<const char*, const char*> rows[] = {
      {"https://api.plane.so", "https://app.plane.so"},
      {"https://api.plane.so/", "https://app.plane.so"},
      {"https://API.plane.so/api/v1/", "https://app.plane.so"},
      {"https://plane.example.test", "https://plane.example.test"},
      {"https://plane.example.test/api/v1", "https://plane.example.test"},
      {"http://10.0.0.5:8080/", "http://10.0.0.5:8080"},
      {"http://[fd00::1]:8080/x", "http://[fd00::1]:8080"},
  };
  for (const auto& [base, app] : rows) BOOST_TEST(default_app_url(base) == app);
}
