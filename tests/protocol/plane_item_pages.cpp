#define BOOST_TEST_MODULE plane_item_pages
#include "protocol/plane/item_pages.hpp"

#include <boost/test/unit_test.hpp>

#include "exchange_steps.hpp"
#include "plane_fixture.hpp"

using namespace pb::protocol;
using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::errc;

using namespace exchange_steps;

namespace {

const std::string pid = "f08062b3-a567-4b64-828d-08c780a8c3dc";
const api at{"https://plane.example.test", "fake-works", "work-items"};

std::string id_of(int n) {
  const auto digits = std::to_string(n);
  return "6eee29da-fa28-4ffe-911a-" + std::string(12 - digits.size(), '0') + digits;
}
std::string item(int n, const std::string& updated_at, const std::string& more = {}) {
  return R"({"id":")" + id_of(n) + R"(","name":"Item","sequence_id":)" + std::to_string(n) +
         R"(,"project":")" + pid + R"(","updated_at":")" + updated_at + "\"" + more + "}";
}
std::string page_of(const std::vector<std::string>& items, const std::string& cursor, bool more) {
  std::string out = R"({"next_cursor":")" + cursor + R"(","next_page_results":)" +
                    (more ? "true" : "false") + R"(,"total_results":9,"results":[)";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ",") + items[i];
  return out + "]}";
}
pb::timestamp when(std::string_view text) { return *pb::parse_rfc3339(text); }
const std::string noon = "2026-11-21T12:00:00Z";

}  // namespace

BOOST_AUTO_TEST_CASE(a_poll_asks_for_the_newest_first_and_a_scan_in_an_order_that_stays) {
  read_item_pages poll{at, pid, when(noon)};
  const auto p = calls(poll.start());
  BOOST_TEST(p.operation == "plane.list_work_items");
  BOOST_TEST(p.idempotent);
  BOOST_TEST(p.request.method == "GET");
  BOOST_TEST(has(p.request.url, "/projects/" + pid + "/work-items/?"));
  BOOST_TEST(has(p.request.url, "order_by=-updated_at"));
  BOOST_TEST(has(p.request.url, "expand=state%2Cassignees%2Clabels"));
  BOOST_TEST(has(p.request.url, "per_page=100"));
  BOOST_TEST(!has(p.request.url, "cursor="));
  read_item_pages scan{at, pid, std::nullopt};
  BOOST_TEST(has(calls(scan.start()).request.url, "order_by=created_at"));
}

BOOST_AUTO_TEST_CASE(cursors_are_opaque_and_passed_on_as_they_came) {
  for (const auto& [cursor, encoded] : std::vector<std::pair<std::string, std::string>>{
           {"100:1:0", "cursor=100%3A1%3A0"},
           {"a b&c=d/e?f#g%h", "cursor=a%20b%26c%3Dd%2Fe%3Ff%23g%25h"},
           {"截", "cursor=%E6%88%AA"},
           {"0", "cursor=0"}}) {
    read_item_pages x{at, pid, std::nullopt};
    (void)x.start();
    const auto next = calls(x.on_response(answer(200, page_of({item(1, noon)}, cursor, true))));
    BOOST_TEST(has(next.request.url, encoded), next.request.url);
    BOOST_TEST(has(next.request.url, "order_by=created_at"));
    ends(x.on_response(answer(200, page_of({item(2, noon)}, cursor, false))));
    BOOST_TEST(x.items().size() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_repeated_cursor_is_an_error_and_not_an_endless_loop) {
  read_item_pages x{at, pid, std::nullopt};
  (void)x.start();
  (void)calls(x.on_response(answer(200, page_of({item(1, noon)}, "100:1:0", true))));
  (void)calls(x.on_response(answer(200, page_of({item(2, noon)}, "100:2:0", true))));
  const auto f = fails(x.on_response(answer(200, page_of({item(3, noon)}, "100:1:0", true))));
  BOOST_TEST(f.code == errc::unexpected_answer);
  BOOST_TEST(has(f.detail, "came before"));
  // The same cursor in a listing begun anew is none that came before.
  (void)calls(x.start());
  BOOST_TEST(x.items().empty());
  (void)calls(x.on_response(answer(200, page_of({item(1, noon)}, "100:1:0", true))));
  BOOST_TEST(x.items().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_next_page_without_a_cursor_and_one_that_is_too_long_are_errors) {
  for (const auto& cursor : {std::string{}, std::string(100'000, '9')}) {
    read_item_pages x{at, pid, std::nullopt};
    (void)x.start();
    BOOST_TEST(fails(x.on_response(answer(200, page_of({}, cursor, true)))).code ==
               errc::unexpected_answer);
  }
}

BOOST_AUTO_TEST_CASE(a_poll_ends_at_the_first_item_below_its_watermark) {
  read_item_pages x{at, pid, when(noon)};
  (void)x.start();
  ends(x.on_response(
      answer(200, page_of({item(1, "2026-11-21T13:00:00Z"),
                           item(2, "2026-11-21T20:00:00+08:00"),  // noon: still in
                           item(3, "2026-11-21T11:59:59.999999Z"), item(4, "2026-11-21T14:00:00Z")},
                          "100:1:0", true))));
  BOOST_REQUIRE(x.items().size() == 2u);
  BOOST_TEST(x.items()[0].id == id_of(1));
  BOOST_TEST(x.items()[1].id == id_of(2));
  BOOST_TEST(x.items()[1].updated_at == "2026-11-21T20:00:00+08:00");  // as it came
}

BOOST_AUTO_TEST_CASE(a_poll_cannot_do_without_readable_times_and_a_scan_can) {
  const auto body = page_of({item(1, "yesterday")}, "", false);
  read_item_pages poll{at, pid, when(noon)};
  (void)poll.start();
  BOOST_TEST(fails(poll.on_response(answer(200, body))).code == errc::unexpected_answer);
  read_item_pages scan{at, pid, std::nullopt};
  (void)scan.start();
  ends(scan.on_response(answer(200, body)));
  BOOST_TEST(scan.items().size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_item_that_shows_twice_while_it_changes_is_kept_once) {
  read_item_pages x{at, pid, std::nullopt};
  (void)x.start();
  (void)calls(x.on_response(
      answer(200, page_of({item(1, noon), item(2, noon), item(1, noon)}, "100:1:0", true))));
  ends(x.on_response(answer(200, page_of({item(2, noon), item(3, noon)}, "100:2:0", false))));
  BOOST_TEST(x.items().size() == 3u);
}

BOOST_AUTO_TEST_CASE(each_row_is_kept_whole_and_can_be_read_again) {
  read_item_pages x{at, pid, std::nullopt};
  (void)x.start();
  ends(x.on_response(answer(
      200,
      page_of({item(1, noon, R"(,"of_the_future":{"a":[1,"截 🚀"]},"target_date":"2028-02-29")")},
              "", false))));
  BOOST_REQUIRE(x.items().size() == 1u);
  const auto& row = x.items().front();
  const auto kept = boost::json::parse(row.json);
  BOOST_TEST(kept.at("of_the_future").at("a").at(1).as_string() == "截 🚀");
  const auto again = parse_work_item(std::string_view{row.json});
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->target_date == "2028-02-29");
}

BOOST_AUTO_TEST_CASE(recorded_pages_of_plane_are_read) {
  const auto page = fixture::recorded("110-issue-list-page1").answer;
  read_item_pages x{at, pid, std::nullopt};
  (void)x.start();
  const auto next = calls(x.on_response(page));
  BOOST_TEST(!x.items().empty());
  std::string cursor = fixture::text(boost::json::parse(page.body).at("next_cursor"));
  for (auto colon = cursor.find(':'); colon != cursor.npos; colon = cursor.find(':'))
    cursor.replace(colon, 1, "%3A");
  BOOST_TEST(has(next.request.url, "cursor=" + cursor));
  for (const auto& i : x.items()) BOOST_TEST(parse_work_item(std::string_view{i.json}).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_page_is_an_error_and_not_an_end) {
  for (const std::string& body :
       {std::string{}, std::string{"{"}, std::string{"null"}, std::string{"<html>login</html>"},
        std::string{R"({"results":{}})"}, std::string{R"({"next_page_results":true})"},
        page_of({"7"}, "", false), page_of({"null"}, "", false), page_of({"{}"}, "", false),
        page_of({R"({"id":"../../x"})"}, "", false),
        std::string(200, '[') + std::string(200, ']')}) {
    BOOST_TEST_CONTEXT(body.substr(0, 80)) {
      read_item_pages x{at, pid, std::nullopt};
      (void)x.start();
      BOOST_TEST(fails(x.on_response(answer(200, body))).code == errc::unexpected_answer);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_statuses_are_told_by_what_they_are) {
  for (const auto& [status, code] : std::vector<std::pair<int, errc>>{{403, errc::forbidden},
                                                                      {404, errc::not_found},
                                                                      {429, errc::rate_limited},
                                                                      {500, errc::upstream_down},
                                                                      {503, errc::upstream_down}}) {
    read_item_pages x{at, pid, std::nullopt};
    (void)x.start();
    const auto f = fails(x.on_response(answer(status, "{}")));
    BOOST_TEST(f.code == code, status);
    BOOST_TEST(f.where == "plane.list_work_items");
  }
}

BOOST_AUTO_TEST_CASE(a_page_longer_than_any_of_planes_is_refused) {
  std::vector<std::string> many(10'001, item(1, noon));
  read_item_pages x{at, pid, std::nullopt};
  (void)x.start();
  BOOST_TEST(fails(x.on_response(answer(200, page_of(many, "", false)))).code ==
             errc::unexpected_answer);
}

BOOST_AUTO_TEST_CASE(a_listing_is_bounded_in_items_and_bytes_however_many_pages_it_has) {
  read_item_pages few{at, pid, std::nullopt, {.items = 3}};
  (void)few.start();
  (void)calls(few.on_response(answer(200, page_of({item(1, noon), item(2, noon)}, "a", true))));
  (void)calls(few.on_response(answer(200, page_of({item(2, noon), item(3, noon)}, "b", true))));
  BOOST_TEST(fails(few.on_response(answer(200, page_of({item(4, noon)}, "c", true)))).code ==
             errc::too_large);
  // Begun anew, it counts anew.
  (void)calls(few.start());
  (void)calls(few.on_response(answer(200, page_of({item(1, noon)}, "a", true))));

  read_item_pages small{at, pid, std::nullopt, {.bytes = 5'000}};
  (void)small.start();
  const auto large = R"(,"description_html":")" + std::string(3'000, 'x') + "\"";
  (void)calls(small.on_response(answer(200, page_of({item(1, noon, large)}, "a", true))));
  BOOST_TEST(
      fails(small.on_response(answer(200, page_of({item(2, noon, large)}, "b", true)))).code ==
      errc::too_large);
  (void)calls(small.start());
  (void)calls(small.on_response(answer(200, page_of({item(1, noon, large)}, "a", true))));
}
