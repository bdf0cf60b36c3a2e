#define BOOST_TEST_MODULE caldav_exchanges
#include "protocol/caldav/exchanges.hpp"

#include <boost/test/unit_test.hpp>

#include "caldav_support.hpp"

using namespace pb;
using namespace pb::protocol;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;

namespace {
const std::string base = "http://127.0.0.1:5232";
const std::string href = base + "/h/cal/e.ics";
const host_policy hosts{base};
http_response ok(std::string body, std::string etag = "\"e2\"") {
  return {200, {{"ETag", std::move(etag)}}, std::move(body)};
}
}  // namespace

BOOST_AUTO_TEST_CASE(an_event_is_deleted_with_its_etag) {
  for (const auto* name : {"radicale/34-delete.http", "xandikos/33-delete.http"}) {
    delete_event_exchange run{{href, "\"e1\""}, hosts};
    script s{run};
    BOOST_TEST(s.line() == "DELETE " + href);
    BOOST_TEST(header_of(s.request(), "If-Match") == "\"e1\"");
    s.answer(answer_of(name));
    BOOST_TEST(s.done());
    BOOST_TEST(run.deleted());
  }
}

BOOST_AUTO_TEST_CASE(an_event_that_is_gone_counts_as_deleted) {
  for (const auto* name : {"radicale/35-delete-again.http", "xandikos/34-delete-again.http"}) {
    delete_event_exchange run{{href, "\"e1\""}, hosts};
    script s{run};
    s.answer(answer_of(name));
    BOOST_TEST(s.done());
    BOOST_TEST(!run.deleted());
  }
}

BOOST_AUTO_TEST_CASE(an_event_that_changed_is_read_and_deleted_only_when_it_is_ours) {
  delete_event_exchange ours{{href, "\"e1\""}, hosts};
  script s{ours};
  s.answer(answer_of("radicale/33-delete-stale.http"));
  BOOST_TEST(s.line() == "GET " + href);
  s.answer(ok(fixture("ics/merge-1-server-copy.ics")));
  BOOST_TEST(header_of(s.request(), "If-Match") == "\"e2\"");
  s.answer(204);
  BOOST_TEST(ours.deleted());

  delete_event_exchange theirs{{href, "\"e1\""}, hosts};
  script t{theirs};
  auto foreign = fixture("ics/leap-day.ics");
  foreign.replace(foreign.find("plane-issue-"), 12, "other-thing-");
  t.answer(412).answer(ok(foreign));
  BOOST_TEST(t.done());
  BOOST_TEST(theirs.foreign());
  BOOST_TEST(!theirs.deleted());
}

BOOST_AUTO_TEST_CASE(without_a_usable_etag_the_event_is_read_first) {
  for (const auto* etag : {"", "W/\"1\""}) {
    delete_event_exchange run{{href, etag}, hosts};
    script s{run};
    BOOST_TEST(s.line() == "GET " + href);
    s.answer(404);
    BOOST_TEST(s.done());
  }
  delete_event_exchange unreadable{{href, ""}, hosts};
  script s{unreadable};
  s.answer(ok("not a calendar"));
  BOOST_TEST(unreadable.foreign());
}

BOOST_AUTO_TEST_CASE(deleting_gives_up_after_three_lost_races) {
  delete_event_exchange run{{href, "\"e1\""}, hosts};
  script s{run};
  for (int i = 0; i < 3; ++i) s.answer(412).answer(ok(fixture("ics/leap-day.ics")));
  s.answer(412);
  BOOST_TEST((s.failed().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(a_failed_delete_inside_a_207_is_a_failure) {
  delete_event_exchange run{{href, "\"e1\""}, hosts};
  script s{run};
  s.answer(207, multi("<d:response><d:href>x</d:href><d:status>HTTP/1.1 403 Forbidden</d:status>"
                      "</d:response>"));
  BOOST_TEST((s.failed().code == errc::forbidden));
}

BOOST_AUTO_TEST_CASE(members_are_listed_without_the_collection_itself) {
  for (const auto* name : {"radicale/28-etags-depth1.http", "xandikos/27-etags-depth1.http"}) {
    const auto sample = recording(name).front();
    list_events_exchange run{base + sample.request.url, hosts};
    script s{run};
    BOOST_TEST(header_of(s.request(), "Depth") == "1");
    s.answer(sample.answer);
    BOOST_TEST(s.done());
    BOOST_TEST(run.events().size() >= 4U);
    for (const auto& e : run.events()) {
      BOOST_TEST(e.href.ends_with(".ics"));
      BOOST_TEST(e.etag.starts_with("\""));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_calendar_that_is_gone_asks_for_rediscovery) {
  list_events_exchange list{base + "/h/cal/", hosts};
  script s{list};
  s.answer(404);
  BOOST_TEST((react(s.failed()) == reaction::rediscover));
  // As Xandikos says it; read as an empty calendar it would mean that all events were deleted.
  list_events_exchange told_inside{base + "/h/cal/", hosts};
  script t{told_inside};
  t.answer(207, multi("<d:response><d:href>http%3A//h/cal/</d:href>"
                      "<d:status>HTTP/1.1 404 Not Found</d:status></d:response>"));
  BOOST_TEST((react(t.failed()) == reaction::rediscover));
  probe_calendar_exchange probe{base + "/h/cal/", hosts};
  script p{probe};
  p.answer(404);
  BOOST_TEST((react(p.failed()) == reaction::rediscover));
}

BOOST_AUTO_TEST_CASE(events_are_fetched_in_any_order_with_the_missing_ones_marked) {
  for (const auto* name : {"radicale/32-multiget.http", "xandikos/31-multiget.http"}) {
    const auto sample = recording(name).front();
    fetch_events_exchange run{base + sample.request.url, {"a", "b", "c"}, hosts};
    script s{run};
    s.answer(sample.answer);
    BOOST_TEST(s.done());
    BOOST_REQUIRE(run.events().size() == 3U);
    int missing = 0;
    for (const auto& e : run.events()) {
      missing += e.missing ? 1 : 0;
      if (!e.missing) BOOST_TEST(read_owned(e.data).has_value());
    }
    BOOST_TEST(missing == 1);
  }
}

BOOST_AUTO_TEST_CASE(many_events_are_fetched_a_hundred_at_a_time) {
  std::vector<std::string> hrefs;
  for (int i = 0; i < 250; ++i) hrefs.push_back(base + "/h/cal/" + std::to_string(i) + ".ics");
  fetch_events_exchange run{base + "/h/cal/", hrefs, hosts};
  script s{run};
  int calls = 0;
  while (!s.done()) {
    const auto& body = s.request().body;
    std::size_t asked = 0;
    for (auto at = body.find("<D:href>"); at != std::string::npos;
         at = body.find("<D:href>", at + 1))
      ++asked;
    BOOST_TEST(asked <= 100U);
    ++calls;
    s.answer(207, multi(""));
  }
  BOOST_TEST(calls == 3);
  fetch_events_exchange none{base + "/h/cal/", {}, hosts};
  BOOST_TEST(std::holds_alternative<finished>(none.start()));
}

BOOST_AUTO_TEST_CASE(the_state_of_a_collection_is_opaque_text) {
  struct row {
    const char* name;
    const char* ctag;
  };
  for (const auto& [name, ctag] :
       {row{"radicale/26-collection-state.http",
            "\"43e4b5f68213a3baf41d964cc7ec0aa7591b227089a786dde20b274348d15080\""},
        row{"xandikos/25-collection-state.http", "aaa38630081115ba8aa60dabf5eb287b4cd6ef5c"}}) {
    const auto sample = recording(name).front();
    probe_calendar_exchange run{base + sample.request.url, hosts};
    script s{run};
    s.answer(sample.answer);
    BOOST_TEST(run.state().ctag == ctag);
    BOOST_TEST(!run.state().sync_token.empty());
  }
}

BOOST_AUTO_TEST_CASE(changes_since_a_token_are_told_with_removals) {
  for (const auto* name : {"radicale/38-sync-delta.http", "xandikos/37-sync-delta.http"}) {
    const auto sample = recording(name).front();
    sync_calendar_exchange run{base + sample.request.url, "old", hosts};
    script s{run};
    BOOST_TEST(header_of(s.request(), "Depth") == "1");
    s.answer(sample.answer);
    BOOST_TEST(s.done());
    BOOST_TEST(run.changes().removed.size() == 1U);
    BOOST_TEST(run.changes().changed.size() == 1U);
    BOOST_TEST(!run.changes().reset);
    BOOST_TEST(run.changes().token != "old");
  }
}

BOOST_AUTO_TEST_CASE(a_token_that_is_not_taken_starts_a_full_listing) {
  std::vector<http_response> refusals{answer_of("radicale/39-sync-bad-token.http"),
                                      answer_of("xandikos/38-sync-bad-token.http"),
                                      {409, {}, ""},
                                      {410, {}, ""}};
  for (const auto& refusal : refusals) {
    sync_calendar_exchange run{base + "/calplanebot/plane-core/", "old", hosts};
    script s{run};
    s.answer(refusal);
    BOOST_TEST(s.request().body.find("old") == std::string::npos);
    s.answer(answer_of("radicale/27-sync-initial.http"));
    BOOST_TEST(s.done());
    BOOST_TEST(run.changes().reset);
    BOOST_TEST(run.changes().changed.size() == 4U);
  }
  sync_calendar_exchange never{base + "/h/cal/", "old", hosts};
  script s{never};
  s.answer(403).answer(403);
  BOOST_TEST((s.failed().code == errc::forbidden));
}

BOOST_AUTO_TEST_CASE(an_outage_during_a_sync_does_not_drop_the_token) {
  for (const int status : {401, 429, 503}) {
    sync_calendar_exchange run{base + "/h/cal/", "old", hosts};
    script s{run};
    s.answer(status);
    BOOST_TEST(s.failed().status == status);
  }
}

BOOST_AUTO_TEST_CASE(a_truncated_sync_goes_on_with_the_new_token) {
  const std::string cut =
      "<d:response><d:href>/h/cal/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status>"
      "</d:response>";
  sync_calendar_exchange run{base + "/h/cal/", "", hosts};
  script s{run};
  s.answer(207, multi(found("/h/cal/1.ics", "<d:getetag>\"1\"</d:getetag>") + cut +
                      "<d:sync-token>t1</d:sync-token>"));
  BOOST_TEST(s.request().body.find("t1") != std::string::npos);
  s.answer(207, multi(found("/h/cal/2.ics", "<d:getetag>\"2\"</d:getetag>") +
                      "<d:sync-token>t2</d:sync-token>"));
  BOOST_TEST(s.done());
  BOOST_TEST(run.changes().changed.size() == 2U);
  BOOST_TEST(run.changes().token == "t2");
  sync_calendar_exchange stuck{base + "/h/cal/", "t1", hosts};
  script t{stuck};
  t.answer(207, multi(cut + "<d:sync-token>t1</d:sync-token>"));
  BOOST_TEST((t.failed().code == errc::unexpected_answer));
}

BOOST_AUTO_TEST_CASE(every_failure_code_has_a_reaction) {
  const auto then = [](errc code, std::string detail = {}) {
    return react({code, "caldav.test", std::move(detail), "", 0, "", {}});
  };
  for (const auto code : {errc::upstream_down, errc::timed_out, errc::dns, errc::tls,
                          errc::rate_limited, errc::breaker_open, errc::cancelled, errc::conflict})
    BOOST_TEST((then(code) == reaction::retry_later));
  BOOST_TEST((then(errc::not_found) == reaction::dead_letter));
  BOOST_TEST((then(errc::not_found, "collection") == reaction::rediscover));
  BOOST_TEST(to_string(reaction::pause_connector) == "pause_connector");
}

BOOST_AUTO_TEST_CASE(a_pause_asked_for_is_bounded_and_nonsense_is_ignored) {
  const auto asked = [](std::string value) {
    return failure_of("x", {503, {{"Retry-After", std::move(value)}}, ""}).retry_after;
  };
  BOOST_TEST((asked("120") == std::chrono::milliseconds{120'000}));
  BOOST_TEST((asked("99999999999") == std::chrono::hours{24 * 7}));
  BOOST_TEST(!asked("-1").has_value());
  BOOST_TEST(!asked("soon").has_value());
}
