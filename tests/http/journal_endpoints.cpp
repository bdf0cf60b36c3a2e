#define BOOST_TEST_MODULE http_journal_endpoints
#include "http/journal_endpoints.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "ask.hpp"
#include "persistence/inline_store.hpp"

using namespace pb;
using namespace pb::http;
using namespace pb::persistence;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const timestamp start{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 8h};
const auto entity = entity_key::plane_issue("00000000-0000-4000-8000-000000000001");
const auto other = entity_key::plane_issue("00000000-0000-4000-8000-000000000002");

struct no_operations final : operations {
  void retry_dead_letter(const std::string&, std::function<void(result<std::string>)>) override {}
  void skip_dead_letter(const std::string&, std::function<void(result<std::string>)>) override {}
  void sync_now(const sync_request&, std::function<void(result<std::string>)>) override {}
  std::string sync_status(const std::string&) const override { return {}; }
};

struct fixture {
  std::unique_ptr<inline_store> store = inline_store::open_in_memory().value();
  no_operations ops;
  std::vector<route> routes =
      journal_routes(*store, ops, admin_auth{secret_list::list{secret{ask::admin_token}}});

  void put(persistence::write unit) {
    bool ok = false;
    store->submit(std::move(unit), [&](const result<written>& w) { ok = w.has_value(); });
    BOOST_REQUIRE(ok);
  }
  std::int64_t deliver(const entity_key& to, timestamp at, const std::string& body = "{}",
                       delivery_status status = delivery_status::done, std::string reason = "") {
    delivery_append a;
    a.row.tenant = "default";
    a.row.source = "plane";
    a.row.form = "plane.webhook";
    a.row.event = "issue.updated";
    a.row.entity = to;
    a.row.body = std::make_shared<const std::string>(body);
    a.row.received_at = at;
    a.row.remote_id = "remote";
    a.identities = {"id-" + std::to_string(++delivered)};
    persistence::write unit;
    unit.appends.push_back(std::move(a));
    std::int64_t seq = 0;
    store->submit(std::move(unit),
                  [&](const result<written>& w) { seq = w.value().appends.front().seq; });
    if (status != delivery_status::pending) {
      persistence::write mark;
      mark.marks.push_back({seq, status, std::move(reason), 0});
      put(std::move(mark));
    }
    return seq;
  }
  std::int64_t plan(std::int64_t cause, timestamp at, effect_status status = effect_status::done,
                    const entity_key& of = entity, int n = 1) {
    effect e;
    e.id = cause << 8 | n;
    e.entity = of;
    e.integration = "caldav";
    e.operation = "caldav.put_event";
    e.object = "plane-issue@calplanebot";
    e.payload = "payload";
    e.rule = "due-date";
    e.status = status;
    e.created_at = e.due_at = at;
    e.cause = cause;
    e.attempts = 1;
    if (status == effect_status::dead) e.last_error = "refused";
    persistence::write unit;
    unit.effects.push_back(e);
    put(std::move(unit));
    return e.id;
  }
  void attempted(std::int64_t effect, int number, timestamp at, int status, std::string detail) {
    persistence::write unit;
    unit.attempts.push_back({effect, number, at, 1500us, status, "none", std::move(detail), "r"});
    put(std::move(unit));
  }
  response get(const std::string& pattern, const std::string& query = "",
               std::map<std::string, std::string> params = {}) {
    ask::question q;
    q.query = query;
    q.path_params = std::move(params);
    return ask::now(routes, "GET", pattern, std::move(q));
  }
  std::vector<std::string> ids(const response& r) {
    std::vector<std::string> out;
    for (const auto& row : ask::data_of(r)) out.push_back(ask::text(row, "id"));
    return out;
  }
  /// All pages, one after the other.
  std::vector<std::string> all(const std::string& pattern, const std::string& query) {
    std::vector<std::string> out;
    std::string cursor;
    do {
      const auto page = get(pattern, query + (cursor.empty() ? "" : "&cursor=" + cursor));
      BOOST_REQUIRE(page.status == 200);
      for (auto& id : ids(page)) out.push_back(std::move(id));
      cursor = ask::next_cursor(page);
      BOOST_REQUIRE(out.size() < 1000u);
    } while (!cursor.empty());
    return out;
  }
  int delivered = 0;
};

using words = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_CASE(deliveries_come_newest_first_in_pages, fixture) {
  words expected;
  for (int i = 0; i < 7; ++i)
    expected.push_back("d" + std::to_string(deliver(entity, start + i * 1s)));
  BOOST_TEST(all("/api/v1/deliveries", "limit=3&order=oldest") == expected,
             boost::test_tools::per_element());
  BOOST_TEST(all("/api/v1/deliveries", "limit=7&order=oldest") == expected,
             boost::test_tools::per_element());
  BOOST_TEST(all("/api/v1/deliveries", "limit=1&body=1&order=oldest") == expected,
             boost::test_tools::per_element());
  std::reverse(expected.begin(), expected.end());
  BOOST_TEST(all("/api/v1/deliveries", "limit=3") == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(more_deliveries_than_are_read_at_once_are_all_there, fixture) {
  words expected;
  for (int i = 0; i < 31; ++i) expected.push_back("d" + std::to_string(deliver(entity, start)));
  BOOST_TEST(all("/api/v1/deliveries", "limit=200&order=oldest&body=1") == expected,
             boost::test_tools::per_element());
  BOOST_TEST(all("/api/v1/deliveries", "limit=30&order=oldest&body=1") == expected,
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(deliveries_are_filtered, fixture) {
  const auto a = deliver(entity, start);
  const auto b = deliver(other, start, "{}", delivery_status::dead, "poison");
  const auto id = [](std::int64_t n) { return words{"d" + std::to_string(n)}; };
  BOOST_TEST(ids(get("/api/v1/deliveries", "status=dead")) == id(b));
  BOOST_TEST(ids(get("/api/v1/deliveries", "status=done")) == id(a));
  BOOST_TEST(ids(get("/api/v1/deliveries", "entity=" + protocol::percent_encode(other.text()))) ==
             id(b));
  BOOST_TEST(ids(get("/api/v1/deliveries", "source=caldav")).empty());
  BOOST_TEST(ids(get("/api/v1/deliveries", "event=issue.updated")).size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(parameters_that_mean_nothing_are_refused, fixture) {
  for (const auto* query : {"limit=0", "limit=201", "limit=x", "cursor=x", "cursor=e1", "cursor=d",
                            "status=gone", "order=random"}) {
    const auto out = get("/api/v1/deliveries", query);
    BOOST_TEST_CONTEXT(query) {
      BOOST_TEST(out.status == 400);
      BOOST_TEST(ask::code_of(out) == "BAD_REQUEST");
    }
  }
  for (const auto* query : {"limit=0", "cursor=d1", "status=pending", "order=x"})
    BOOST_TEST(get("/api/v1/effects", query).status == 400);
  for (const auto* query : {"limit=0", "cursor=1", "cursor=x1"})
    BOOST_TEST(get("/api/v1/dead-letters", query).status == 400);
  BOOST_TEST(get("/api/v1/dead-letters/export", "cursor=x").status == 400);
  BOOST_TEST(get("/api/v1/links", "limit=0").status == 400);
}

BOOST_FIXTURE_TEST_CASE(a_body_is_shown_only_when_asked_for_and_cut, fixture) {
  std::string big(70'000, 'x');
  big += "\xFF";
  const auto seq = deliver(entity, start, big);
  const auto one = [&](const std::string& query) {
    return ask::json_of(get("/api/v1/deliveries/{seq}", query, {{"seq", std::to_string(seq)}}))
        .at("data")
        .as_object();
  };
  BOOST_TEST(!one("").contains("body"));
  BOOST_TEST(!one("body=0").contains("body"));
  BOOST_TEST(one("").at("bytes").to_number<int>() == 70'001);
  const auto shown = one("body=1");
  BOOST_TEST(shown.at("body").as_string().size() == 64u * 1024);
  BOOST_TEST(shown.at("body_truncated").as_bool());
  const auto listed = ask::data_of(get("/api/v1/deliveries", "body=1"));
  BOOST_TEST(listed.front().at("body").as_string().size() == 64u * 1024);
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_no_text_do_not_break_the_answer, fixture) {
  const auto seq = deliver(entity, start, "a\xFF\xC3(b");
  const auto out = get("/api/v1/deliveries/{seq}", "body=1", {{"seq", "d" + std::to_string(seq)}});
  BOOST_TEST(ask::text(ask::json_of(out).at("data"), "body") == "a\xEF\xBF\xBD\xEF\xBF\xBD(b");
}

BOOST_FIXTURE_TEST_CASE(one_delivery_is_found_by_both_forms_of_its_id, fixture) {
  const auto n = std::to_string(deliver(entity, start));
  for (const auto& id : {n, "d" + n})
    BOOST_TEST(get("/api/v1/deliveries/{seq}", "", {{"seq", id}}).status == 200);
  for (const auto* id : {"999", "e1", "x", "", "-1"})
    BOOST_TEST(get("/api/v1/deliveries/{seq}", "", {{"seq", id}}).status == 404);
}

BOOST_FIXTURE_TEST_CASE(an_effect_comes_with_every_attempt, fixture) {
  const auto id = plan(deliver(entity, start), start + 1s);
  attempted(id, 1, start + 2s, 503, "busy \xFF");
  attempted(id, 2, start + 3s, 201, "");
  const auto out = get("/api/v1/effects/{id}", "body=1", {{"id", "e" + std::to_string(id)}});
  const auto data = ask::json_of(out).at("data");
  BOOST_TEST(ask::text(data, "status") == "done");
  BOOST_TEST(ask::text(data, "payload") == "payload");
  const auto& log = data.at("attempt_log").as_array();
  BOOST_REQUIRE(log.size() == 2u);
  BOOST_TEST(log[0].at("status").to_number<int>() == 503);
  BOOST_TEST(log[0].at("took_ms").to_number<double>() == 1.5);
  BOOST_TEST(ask::text(log[0], "detail") == "busy \xEF\xBF\xBD");
  BOOST_TEST(get("/api/v1/effects/{id}", "", {{"id", "e999"}}).status == 404);
}

BOOST_FIXTURE_TEST_CASE(effects_are_listed_and_filtered, fixture) {
  words expected;
  for (int i = 0; i < 5; ++i)
    expected.push_back("e" + std::to_string(plan(deliver(entity, start), start)));
  BOOST_TEST(all("/api/v1/effects", "limit=2&order=oldest") == expected,
             boost::test_tools::per_element());
  BOOST_TEST(ids(get("/api/v1/effects", "status=waiting")).empty());
  BOOST_TEST(ids(get("/api/v1/effects", "integration=caldav&status=done")).size() == 5u);
  BOOST_TEST(ids(get("/api/v1/effects", "integration=lark")).empty());
}

BOOST_FIXTURE_TEST_CASE(dead_letters_are_deliveries_and_effects_in_one_list, fixture) {
  words expected;
  std::vector<std::int64_t> seqs;
  for (int i = 0; i < 3; ++i) {
    seqs.push_back(deliver(entity, start, "{}", delivery_status::dead, "poison"));
    expected.push_back("d" + std::to_string(seqs.back()));
  }
  deliver(entity, start);
  for (int i = 0; i < 3; ++i)
    expected.push_back("e" + std::to_string(plan(seqs[static_cast<std::size_t>(i)], start,
                                                 effect_status::dead, i == 0 ? other : entity)));
  plan(deliver(entity, start), start);
  for (int limit = 1; limit <= 8; ++limit)
    BOOST_TEST(all("/api/v1/dead-letters", "limit=" + std::to_string(limit)) == expected,
               boost::test_tools::per_element());
  const auto rows = ask::data_of(get("/api/v1/dead-letters"));
  BOOST_TEST(ask::text(rows.front(), "type") == "delivery");
  BOOST_TEST(ask::text(rows.front(), "reason") == "poison");
  BOOST_TEST(ask::text(rows.back(), "type") == "effect");
  BOOST_TEST(ask::text(rows.back(), "last_error") == "refused");
  BOOST_TEST(
      ids(get("/api/v1/dead-letters", "entity=" + protocol::percent_encode(other.text()))).size() ==
      1u);
}

BOOST_FIXTURE_TEST_CASE(dead_letters_are_exported_one_a_line, fixture) {
  const auto seq = deliver(entity, start, "body\nof two lines", delivery_status::dead, "poison");
  plan(seq, start, effect_status::dead);
  for (const bool body : {false, true}) {
    const auto out = get("/api/v1/dead-letters/export", body ? "body=1" : "");
    BOOST_TEST(out.content_type == "application/x-ndjson");
    std::istringstream lines{out.body};
    std::size_t n = 0;
    for (std::string line; std::getline(lines, line); ++n)
      BOOST_TEST(json::parse(line).as_object().contains(n == 0 ? "body" : "payload") == body);
    BOOST_TEST(n == 2u);
  }
}

BOOST_FIXTURE_TEST_CASE(an_empty_export_is_empty, fixture) {
  BOOST_TEST(get("/api/v1/dead-letters/export").body.empty());
  BOOST_TEST(ask::data_of(get("/api/v1/dead-letters")).empty());
}

BOOST_FIXTURE_TEST_CASE(links_are_listed_by_integration_and_by_entity, fixture) {
  persistence::write unit;
  for (int i = 0; i < 5; ++i) {
    link_row l;
    l.entity = i == 4 ? other : entity;
    l.integration = i == 3 ? "lark" : "caldav";
    l.object = "object-" + std::to_string(i);
    l.remote_id = "/href/" + std::to_string(i);
    l.state = "live";
    l.changed_at = start;
    unit.links.push_back(l);
  }
  put(std::move(unit));
  const auto objects = [](const response& r) {
    words out;
    for (const auto& row : ask::data_of(r)) out.push_back(ask::text(row, "object"));
    return out;
  };
  const auto first = get("/api/v1/links", "limit=3");
  BOOST_TEST(objects(first) == (words{"object-0", "object-1", "object-2"}),
             boost::test_tools::per_element());
  const auto second = get("/api/v1/links", "limit=3&cursor=" + ask::next_cursor(first));
  BOOST_TEST(objects(second) == words{"object-4"}, boost::test_tools::per_element());
  BOOST_TEST(ask::next_cursor(second).empty());
  BOOST_TEST(objects(get("/api/v1/links", "integration=lark")) == words{"object-3"},
             boost::test_tools::per_element());
  BOOST_TEST(
      objects(get("/api/v1/links", "entity=" + protocol::percent_encode(entity.text()))).size() ==
      4u);
}

BOOST_FIXTURE_TEST_CASE(a_timeline_tells_all_by_time, fixture) {
  const auto first = deliver(entity, start);
  deliver(other, start + 1s);
  const auto effect = plan(first, start + 2s);
  attempted(effect, 1, start + 3s, 201, "");
  const auto second = deliver(entity, start + 4s);
  persistence::write unit;
  unit.provenances.push_back({effect, "default", entity, "caldav", "caldav.put_event", "object",
                              "/href", "due-date", first, start + 5s});
  put(std::move(unit));
  const auto rows = ask::data_of(get("/api/v1/timeline/{entity}", "", {{"entity", entity.text()}}));
  words got;
  for (const auto& row : rows) got.push_back(ask::text(row, "type") + " " + ask::text(row, "id"));
  const auto e = "e" + std::to_string(effect);
  BOOST_TEST(got == (words{"delivery d" + std::to_string(first), "effect " + e, "attempt " + e,
                           "delivery d" + std::to_string(second), "provenance " + e}),
             boost::test_tools::per_element());
  BOOST_TEST(ask::text(rows[0], "at") == format_rfc3339(start));
}

BOOST_FIXTURE_TEST_CASE(pages_of_a_timeline_hold_what_their_deliveries_caused, fixture) {
  std::vector<std::int64_t> seqs;
  for (int i = 0; i < 5; ++i) {
    seqs.push_back(deliver(entity, start + i * 10s));
    attempted(plan(seqs.back(), start + i * 10s + 1s), 1, start + i * 10s + 2s, 200, "");
  }
  words types;
  std::string cursor;
  std::size_t pages = 0;
  do {
    const auto page =
        get("/api/v1/timeline/{entity}", "limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor),
            {{"entity", entity.text()}});
    for (const auto& row : ask::data_of(page)) types.push_back(ask::text(row, "type"));
    cursor = ask::next_cursor(page);
    ++pages;
  } while (!cursor.empty() && pages < 10);
  BOOST_TEST(pages == 3u);
  words expected;
  for (int i = 0; i < 5; ++i)
    for (const auto* type : {"delivery", "effect", "attempt"}) expected.emplace_back(type);
  BOOST_TEST(types == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(provenance_outlives_the_delivery_on_the_timeline, fixture) {
  persistence::write unit;
  unit.provenances.push_back(
      {257, "default", entity, "caldav", "caldav.put_event", "object", "/href", "rule", 1, start});
  put(std::move(unit));
  const auto rows = ask::data_of(get("/api/v1/timeline/{entity}", "", {{"entity", entity.text()}}));
  BOOST_REQUIRE(rows.size() == 1u);
  BOOST_TEST(ask::text(rows[0], "cause") == "d1");
}

BOOST_FIXTURE_TEST_CASE(an_entity_nobody_heard_of_has_no_timeline, fixture) {
  BOOST_TEST(get("/api/v1/timeline/{entity}", "", {{"entity", "plane:issue:x"}}).status == 404);
  BOOST_TEST(get("/api/v1/timeline/{entity}", "cursor=x", {{"entity", entity.text()}}).status ==
             400);
  persistence::write unit;
  entity_row seen;
  seen.key = entity;
  seen.changed_at = start;
  unit.entities.push_back(std::move(seen));
  put(std::move(unit));
  BOOST_TEST(get("/api/v1/timeline/{entity}", "", {{"entity", entity.text()}}).status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_asks_for_patience, fixture) {
  store->fail_with(failure{.code = errc::storage, .where = "store", .detail = "away"});
  for (const auto& r : routes) {
    if (r.method != "GET" || r.pattern == "/api/v1/sync/{id}") continue;
    const auto out = get(r.pattern, "", {{"seq", "1"}, {"id", "1"}, {"entity", entity.text()}});
    BOOST_TEST(out.status == 503);
    BOOST_TEST(!ask::header(out, "Retry-After").empty());
  }
}

BOOST_FIXTURE_TEST_CASE(everything_is_behind_the_admins_token, fixture) {
  for (const auto& r : routes) {
    ask::question q;
    q.headers = {{"Authorization", "Bearer wrong", true}};
    q.path_params = {{"seq", "1"}, {"id", "1"}, {"entity", entity.text()}};
    BOOST_TEST(ask::now(routes, r.method, r.pattern, std::move(q)).status == 401);
  }
}
