#define BOOST_TEST_MODULE caldav_put_event
#include <boost/test/unit_test.hpp>

#include "caldav_support.hpp"
#include "protocol/caldav/exchanges.hpp"

using namespace pb;
using namespace pb::protocol;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;

namespace {
const std::string base = "http://127.0.0.1:5232";
const std::string calendar = base + "/h/cal/";
const std::string derived =
    calendar + "plane-issue-1a2b3c4d-0000-4000-8000-00000000feb9%40calplanebot.ics";

event_values wanted() {
  auto v = leap_day();
  v.start = *parse_civil_date("2028-03-01");
  v.end_exclusive = *parse_civil_date("2028-03-02");
  v.description = "Target 2028-03-01.";
  v.color = "orange";
  v.categories = {"release"};
  v.updated = at("2026-11-22T10:00:00Z");
  return v;
}
put_event_request create() {
  put_event_request r;
  r.calendar = calendar;
  r.wanted = wanted();
  r.now = at("2026-12-24T00:00:00Z");
  return r;
}
put_event_request update() {
  auto r = create();
  r.href = derived;
  r.base_labels = {"release"};
  return r;
}
http_response ok(std::string body, std::string etag = "\"e1\"") {
  http_response r{200, {}, std::move(body)};
  if (!etag.empty()) r.headers.push_back({"ETag", std::move(etag)});
  return r;
}
http_response written(int status, std::string etag = "\"e2\"") {
  http_response r{status, {}, ""};
  if (!etag.empty()) r.headers.push_back({"ETag", std::move(etag)});
  return r;
}
const std::string server_copy = fixture("ics/merge-1-server-copy.ics");
const std::string merged_copy = fixture("ics/merge-2-after-update.ics");

put_event_request remembered() {
  auto r = update();
  auto before = leap_day();
  before.categories = {"release"};
  r.known_hash = content_hash(before);
  r.known_etag = "\"e1\"";
  r.known_text = server_copy;
  return r;
}

struct running {
  explicit running(put_event_request r) : run(std::move(r), host_policy{base}), s(run) {}
  put_event_exchange run;
  script s;
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_new_event_is_created_only_where_nothing_is) {
  running t{create()};
  BOOST_TEST(t.s.line() == "PUT " + derived);
  BOOST_TEST(header_of(t.s.request(), "If-None-Match") == "*");
  BOOST_TEST(header_of(t.s.request(), "Content-Type") == "text/calendar; charset=utf-8");
  BOOST_TEST(t.s.request().body == build_event(wanted()));
  t.s.answer(written(201));
  BOOST_TEST(t.s.done());
  const auto& out = t.run.outcome();
  BOOST_TEST(out.href == derived);
  BOOST_TEST(out.etag == "\"e2\"");
  BOOST_TEST(out.hash == content_hash(wanted()));
  BOOST_TEST(out.sequence == 0);
  BOOST_TEST(out.wrote);
  BOOST_TEST(out.created);
  BOOST_TEST(out.labels.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_update_reads_merges_and_writes_with_the_etag_it_read) {
  for (const int status : {200, 201, 204}) {
    running t{update()};
    BOOST_TEST(t.s.line() == "GET " + derived);
    t.s.answer(ok(server_copy));
    BOOST_TEST(t.s.line() == "PUT " + derived);
    BOOST_TEST(header_of(t.s.request(), "If-Match") == "\"e1\"");
    BOOST_TEST(t.s.request().body == merged_copy);
    t.s.answer(written(status));
    BOOST_TEST(t.s.done());
    BOOST_TEST(t.run.outcome().sequence == 1);
    BOOST_TEST(!t.run.outcome().created);
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_written_when_the_server_copy_already_holds_our_values) {
  running t{update()};
  t.s.answer(ok(merged_copy));
  BOOST_TEST(t.s.done());
  BOOST_TEST(!t.run.outcome().wrote);
  BOOST_TEST(t.run.outcome().etag == "\"e1\"");
  BOOST_TEST(t.run.outcome().sequence == 1);
}

BOOST_AUTO_TEST_CASE(a_clients_edit_of_our_values_is_told_apart_from_our_own_change) {
  auto r = update();
  auto before = leap_day();
  before.categories = {"release"};
  r.known_hash = content_hash(before);
  running edited{r};
  edited.s.answer(ok(server_copy)).answer(written(204));
  BOOST_TEST(edited.run.outcome().put_back);  // the title had been moved by hand
  auto untouched = server_copy;
  const std::string by_hand = "SUMMARY;LANGUAGE=en:[7] Leap day release (moved by hand)";
  untouched.replace(untouched.find(by_hand), by_hand.size(), "SUMMARY:[7] Leap day release");
  running own{r};
  own.s.answer(ok(untouched)).answer(written(204));
  BOOST_TEST(own.run.outcome().wrote);
  BOOST_TEST(!own.run.outcome().put_back);
}

BOOST_AUTO_TEST_CASE(what_is_remembered_is_merged_with_and_written_over_without_reading_it) {
  running t{remembered()};
  BOOST_TEST(t.s.line() == "PUT " + derived);
  BOOST_TEST(header_of(t.s.request(), "If-Match") == "\"e1\"");
  BOOST_TEST(t.s.request().body == merged_copy);
  t.s.answer(written(204));
  BOOST_TEST(t.s.done());
  // What the next one may remember.
  BOOST_TEST(t.run.outcome().text == merged_copy);
  BOOST_TEST(t.run.outcome().etag == "\"e2\"");
}

BOOST_AUTO_TEST_CASE(what_is_remembered_and_stands_no_more_ends_as_if_it_had_been_read_at_once) {
  const std::string theirs = "X-THEIRS:added between two of our writes";
  auto added = server_copy;
  added.insert(added.find("END:VEVENT"), theirs + "\r\n");
  struct row {
    const char* what;
    http_response refusal, found;
  };
  std::vector<row> rows;
  for (const auto& [what, refusal] : std::vector<std::pair<const char*, http_response>>{
           {"412", {412, {}, ""}},
           {"inner 412", answer_of("xandikos/17-put-update-stale.http")},
           {"404", {404, {}, ""}},
           {"409", {409, {}, ""}},
           {"410", {410, {}, ""}}}) {
    rows.push_back({what, refusal, ok(added, "\"theirs\"")});
    rows.push_back({what, refusal, ok(added, "")});
    rows.push_back({what, refusal, ok(merged_copy, "\"ours\"")});
    rows.push_back({what, refusal, {404, {}, ""}});
  }
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.what << " then " << r.found.status) {
      auto without = remembered();
      without.known_text.clear();
      running first{remembered()}, plain{without};
      first.s.answer(r.refusal);
      for (auto* t : {&first, &plain}) {
        BOOST_TEST(t->s.line() == "GET " + derived);
        t->s.answer(r.found);
        if (!t->s.done() && t->s.request().method == "PROPFIND")
          t->s.answer(207, multi(found("/x", "<d:getetag>\"p\"</d:getetag>")));
        BOOST_TEST((t->s.done() || t->s.request().method == "PUT"));
      }
      BOOST_TEST(first.s.done() == plain.s.done());
      if (!first.s.done()) {
        const auto &a = first.s.request(), &b = plain.s.request();
        BOOST_TEST(a.body == b.body);
        for (const auto* precondition : {"If-Match", "If-None-Match"})
          BOOST_TEST(header_of(a, precondition) == header_of(b, precondition));
        if (r.found.body == added) BOOST_TEST(a.body.find(theirs) != std::string::npos);
        first.s.answer(written(204));
        plain.s.answer(written(204));
      }
      const auto &a = first.run.outcome(), &b = plain.run.outcome();
      BOOST_TEST(first.s.done());
      BOOST_TEST(a.href == b.href);
      BOOST_TEST(a.etag == b.etag);
      BOOST_TEST(a.hash == b.hash);
      BOOST_TEST(a.text == b.text);
      BOOST_TEST(a.sequence == b.sequence);
      BOOST_TEST(a.labels == b.labels, boost::test_tools::per_element());
      BOOST_TEST(a.wrote == b.wrote);
      BOOST_TEST(a.created == b.created);
      BOOST_TEST(a.put_back == b.put_back);
      BOOST_TEST(a.put_back == (r.found.body == added));  // its title had been moved by hand
      BOOST_TEST(a.missing == b.missing);
      BOOST_TEST(a.foreign == b.foreign);
    }
}

BOOST_AUTO_TEST_CASE(what_is_remembered_costs_no_round_of_the_race) {
  running t{remembered()};
  t.s.answer(412);
  for (int round = 0; round < put_event_exchange::round_limit; ++round)
    t.s.answer(ok(server_copy)).answer(412);
  t.s.answer(ok(server_copy)).answer(412);
  BOOST_TEST((t.s.failed().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_guarded_or_says_nothing_is_read) {
  struct row {
    const char* why;
    void (*change)(put_event_request&);
    std::string line;
  };
  const std::vector<row> rows{
      {"no text", [](auto& r) { r.known_text.clear(); }, "GET " + derived},
      {"no etag", [](auto& r) { r.known_etag.clear(); }, "GET " + derived},
      {"a weak etag", [](auto& r) { r.known_etag = "W/\"e1\""; }, "GET " + derived},
      {"no href yet", [](auto& r) { r.href.clear(); }, "PUT " + derived},
      // Nothing to write by what is remembered: perhaps somebody changed it, and that is put back.
      {"our values already", [](auto& r) { r.known_text = merged_copy; }, "GET " + derived}};
  for (const auto& r : rows) {
    auto request = remembered();
    r.change(request);
    running t{request};
    BOOST_TEST_CONTEXT(r.why) {
      BOOST_TEST(t.s.line() == r.line);
      BOOST_TEST(header_of(t.s.request(), "If-Match") == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_write_over_what_was_remembered_whose_answer_was_lost_is_looked_for) {
  running t{remembered()};
  // The PUT was carried out, its answer lost: the connector starts anew.
  script again{t.run};
  BOOST_TEST(again.line() == "GET " + derived);
  again.answer(ok(merged_copy, "\"e2\""));
  BOOST_TEST(again.done());
  BOOST_TEST(!t.run.outcome().wrote);
}

BOOST_AUTO_TEST_CASE(only_what_a_strong_etag_came_with_may_be_remembered) {
  running made{create()};
  made.s.answer(written(201));
  BOOST_TEST(made.run.outcome().text == build_event(wanted()));
  running weak{create()};
  weak.s.answer(written(201, "W/\"f\""));
  BOOST_TEST(weak.run.outcome().text == "");
  // What was asked for later may belong to somebody else's write.
  running late{create()};
  late.s.answer(written(201, "")).answer(207, multi(found("/x", "<d:getetag>\"l\"</d:getetag>")));
  BOOST_TEST(late.run.outcome().etag == "\"l\"");
  BOOST_TEST(late.run.outcome().text == "");
  running held{update()};
  held.s.answer(ok(merged_copy));
  BOOST_TEST(held.run.outcome().text == merged_copy);
  running held_weak{update()};
  held_weak.s.answer(ok(merged_copy, "W/\"e\""));
  BOOST_TEST(held_weak.run.outcome().text == "");
}

BOOST_AUTO_TEST_CASE(a_create_that_meets_our_own_event_adopts_and_merges_it) {
  running t{create()};
  t.s.answer(answer_of("radicale/14-put-create-again.http"));
  BOOST_TEST(t.s.line() == "GET " + derived);
  t.s.answer(ok(server_copy));
  BOOST_TEST(header_of(t.s.request(), "If-Match") == "\"e1\"");
  t.s.answer(written(204));
  BOOST_TEST(t.s.done());
  BOOST_TEST(!t.run.outcome().created);
}

BOOST_AUTO_TEST_CASE(starting_anew_after_a_lost_answer_writes_nothing_twice) {
  running t{create()};
  // The first PUT was carried out, its answer lost: the connector starts anew.
  script again{t.run};
  again.answer(412).answer(ok(build_event(wanted())));
  BOOST_TEST(again.done());
  BOOST_TEST(!t.run.outcome().wrote);
}

BOOST_AUTO_TEST_CASE(a_foreign_object_at_our_place_is_not_touched) {
  auto foreign = server_copy;
  foreign.replace(foreign.find("feb9@calplanebot"), 16, "feb9@elsewhere!!");
  running t{create()};
  t.s.answer(412).answer(ok(foreign));
  BOOST_TEST(t.s.done());
  BOOST_TEST(t.run.outcome().foreign);
  BOOST_TEST(!t.run.outcome().wrote);
}

BOOST_AUTO_TEST_CASE(a_lost_race_is_read_and_merged_again_at_most_three_times) {
  running t{update()};
  for (int round = 0; round < 3; ++round) {
    t.s.answer(ok(server_copy));
    t.s.answer(answer_of("xandikos/17-put-update-stale.http"));
    BOOST_TEST(t.s.line() == "GET " + derived);
  }
  t.s.answer(ok(server_copy)).answer(412);
  BOOST_TEST((t.s.failed().code == errc::conflict));
  BOOST_TEST((react(t.s.failed()) == reaction::retry_later));
}

BOOST_AUTO_TEST_CASE(an_event_that_is_gone_is_created_again_or_reported_missing) {
  running again{update()};
  again.s.answer(404);
  BOOST_TEST(again.s.line() == "PUT " + derived);
  BOOST_TEST(header_of(again.s.request(), "If-None-Match") == "*");
  auto r = update();
  r.create_if_missing = false;
  running muted{r};
  muted.s.answer(404);
  BOOST_TEST(muted.s.line() == "PROPFIND " + calendar);
  muted.s.answer(207, multi(""));
  BOOST_TEST(muted.s.done());
  BOOST_TEST(muted.run.outcome().missing);
  // Radicale and Xandikos say 412 for If-Match on an object that has just gone.
  running raced{r};
  raced.s.answer(ok(server_copy)).answer(412).answer(404).answer(207, multi(""));
  BOOST_TEST(raced.run.outcome().missing);
}

BOOST_AUTO_TEST_CASE(a_deleted_calendar_is_not_taken_for_a_deleted_event) {
  auto r = update();
  r.create_if_missing = false;
  running t{r};
  t.s.answer(404).answer(404);
  BOOST_TEST(t.s.failed().detail == "collection");
  BOOST_TEST((react(t.s.failed()) == reaction::rediscover));
}

BOOST_AUTO_TEST_CASE(a_create_of_what_existed_before_keeps_its_sequence) {
  auto r = update();
  r.last_sequence = 4;
  r.alarm = std::chrono::minutes{900};
  running t{r};
  t.s.answer(404);
  BOOST_TEST(t.s.request().body == build_event(wanted(), std::chrono::minutes{900}, 4));
  t.s.answer(written(201));
  BOOST_TEST(t.run.outcome().sequence == 4);
}

BOOST_AUTO_TEST_CASE(a_missing_collection_asks_for_rediscovery) {
  for (const auto* name :
       {"radicale/22-put-no-collection.http", "xandikos/21-put-no-collection.http"}) {
    running t{create()};
    t.s.answer(answer_of(name));
    BOOST_TEST((t.s.failed().code == errc::not_found));
    BOOST_TEST(t.s.failed().detail == collection_gone);
  }
}

BOOST_AUTO_TEST_CASE(a_uid_under_another_href_is_found_adopted_and_updated) {
  for (const auto* name :
       {"radicale/21-put-uid-conflict.http", "xandikos/20-put-uid-conflict.http"}) {
    running t{create()};
    t.s.answer(answer_of(name));
    BOOST_TEST(t.s.line() == "REPORT " + calendar);
    BOOST_TEST(t.s.request().body.find(uid_of(leap_uuid)) != std::string::npos);
    t.s.answer(207, multi(found("/h/cal/other.ics", "<d:getetag>\"x\"</d:getetag>")));
    BOOST_TEST(t.s.line() == "GET " + calendar + "other.ics");
    t.s.answer(ok(server_copy));
    BOOST_TEST(t.s.line() == "PUT " + calendar + "other.ics");
    t.s.answer(written(204));
    BOOST_TEST(t.run.outcome().href == calendar + "other.ics");
  }
}

BOOST_AUTO_TEST_CASE(a_uid_that_cannot_be_found_ends_in_a_conflict) {
  running t{create()};
  t.s.answer(answer_of("radicale/21-put-uid-conflict.http")).answer(207, multi(""));
  BOOST_TEST((t.s.failed().code == errc::conflict));
  BOOST_TEST(!t.s.failed().remedy.empty());
}

BOOST_AUTO_TEST_CASE(an_event_that_is_too_large_loses_text_once_and_then_fails) {
  auto r = create();
  r.wanted.description = std::string(200'000, 'x');
  running t{r};
  const auto first = t.s.request().body.size();
  BOOST_TEST(first < 36'000U);
  t.s.answer(answer_of("radicale/41-put-too-large.http"));
  BOOST_TEST(t.s.request().method == "PUT");
  BOOST_TEST(t.s.request().body.size() < 6'000U);
  BOOST_TEST(unfold(t.s.request().body).find("x…(cut)") != std::string::npos);
  running gives_up{r};
  gives_up.s.answer(413).answer(413);
  BOOST_TEST((gives_up.s.failed().code == errc::too_large));
  BOOST_TEST((react(gives_up.s.failed()) == reaction::dead_letter));
  t.s.answer(written(201));
  BOOST_TEST(t.run.outcome().hash == content_hash(r.wanted));
  BOOST_TEST(t.run.outcome().notes.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_server_that_leaves_out_the_etag_is_asked_for_it) {
  running t{create()};
  t.s.answer(written(201, ""));
  BOOST_TEST(t.s.line() == "PROPFIND " + derived);
  t.s.answer(207, multi(found("/x", "<d:getetag>\"late\"</d:getetag>")));
  BOOST_TEST(t.run.outcome().etag == "\"late\"");
  running silent{create()};
  silent.s.answer(written(201, "")).answer(404);
  BOOST_TEST(silent.s.done());
  BOOST_TEST(silent.run.outcome().etag == "");
  running read{update()};
  read.s.answer(ok(server_copy, ""));
  BOOST_TEST(read.s.line() == "PROPFIND " + derived);
  read.s.answer(207, multi(found("/x", "<d:getetag>\"p\"</d:getetag>")));
  BOOST_TEST(header_of(read.s.request(), "If-Match") == "\"p\"");
}

BOOST_AUTO_TEST_CASE(a_weak_etag_is_stored_and_never_sent) {
  running t{update()};
  t.s.answer(ok(server_copy, "W/\"e\""));
  BOOST_TEST(t.s.request().method == "PUT");
  BOOST_TEST(header_of(t.s.request(), "If-Match") == "");
  t.s.answer(written(204, "W/\"f\""));
  BOOST_TEST(t.run.outcome().etag == "W/\"f\"");
}

BOOST_AUTO_TEST_CASE(a_moved_event_is_followed_with_method_body_and_precondition) {
  for (const int status : {301, 302, 307, 308}) {
    running t{update()};
    t.s.answer(ok(server_copy));
    const auto body = t.s.request().body;
    t.s.answer(status, "", {{"Location", "/new/e.ics"}});
    BOOST_TEST(t.s.line() == "PUT " + base + "/new/e.ics");
    BOOST_TEST(t.s.request().body == body);
    BOOST_TEST(header_of(t.s.request(), "If-Match") == "\"e1\"");
    t.s.answer(written(204));
    BOOST_TEST(t.run.outcome().href == base + "/new/e.ics");
  }
}

BOOST_AUTO_TEST_CASE(what_the_server_refuses_for_good_or_for_now_is_told_apart) {
  struct row {
    http_response answer;
    errc code;
    reaction then;
  };
  const std::vector<row> rows{
      {answer_of("radicale/19-put-not-icalendar.http"), errc::bad_input, reaction::dead_letter},
      {answer_of("xandikos/18-put-not-icalendar.http"), errc::bad_input, reaction::dead_letter},
      {{401, {}, ""}, errc::unauthorized, reaction::pause_connector},
      {{403, {}, ""}, errc::forbidden, reaction::dead_letter},
      {{405, {}, ""}, errc::unexpected_answer, reaction::dead_letter},
      {{501, {}, ""}, errc::unexpected_answer, reaction::dead_letter},
      {{423, {}, ""}, errc::conflict, reaction::retry_later},
      {{429, {{"Retry-After", "7"}}, ""}, errc::rate_limited, reaction::retry_later},
      {{503, {{"Retry-After", "7"}}, ""}, errc::upstream_down, reaction::retry_later},
      {{500, {}, ""}, errc::upstream_down, reaction::retry_later},
      {{502, {}, ""}, errc::upstream_down, reaction::retry_later},
      {{504, {}, ""}, errc::upstream_down, reaction::retry_later},
      {answer_of("insufficient-storage/01-put-disk-full.http"), errc::insufficient_storage,
       reaction::pause_connector}};
  for (const auto& r : rows) {
    running t{create()};
    t.s.answer(r.answer);
    BOOST_TEST_CONTEXT(r.answer.status) {
      BOOST_TEST((t.s.failed().code == r.code));
      BOOST_TEST((react(t.s.failed()) == r.then));
      if (r.answer.has_header("Retry-After"))
        BOOST_TEST((t.s.failed().retry_after == std::chrono::milliseconds{7000}));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_server_copy_that_cannot_be_read_is_left_alone) {
  running t{update()};
  t.s.answer(ok("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"));
  BOOST_TEST((t.s.failed().code == errc::unexpected_answer));
}

BOOST_AUTO_TEST_CASE(an_impossible_event_is_never_sent) {
  auto r = create();
  r.wanted.end_exclusive = r.wanted.start;
  put_event_exchange run{r, host_policy{base}};
  BOOST_TEST((std::get<failure>(run.start()).code == errc::bad_input));
}

BOOST_AUTO_TEST_CASE(an_href_on_a_foreign_host_is_never_called) {
  auto r = update();
  r.href = "https://evil.example/x.ics";
  put_event_exchange run{r, host_policy{base}};
  BOOST_TEST((std::get<failure>(run.start()).code == errc::forbidden));
}
