// The facts directory: what it finds where, that one question is asked once, and how long an answer
// is believed; and the mapping of people by e-mail. Plane and Feishu are a few lines each.
#define BOOST_TEST_MODULE actors_facts
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <deque>
#include <map>

#include "actors/connector.hpp"
#include "actors/facts_directory.hpp"
#include "actors/people_mapping.hpp"
#include "actors/preview_desk.hpp"
#include "http/mapping_endpoints.hpp"
#include "persistence/inline_store.hpp"
#include "sync/knowledge.hpp"

using namespace pb;
using namespace pb::actors;
using namespace std::chrono_literals;
using kind = sync::need::kind;
using protocol::http_response;

namespace {

const std::string web = "11111111-1111-4111-8111-111111111111";
const std::string ann = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const std::string ben = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const std::string gus = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";
const std::string item = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";

http_response ok(std::string body) { return {200, {}, std::move(body)}; }
std::string member(const std::string& id, const std::string& name, const std::string& email,
                   int role) {
  return R"({"id":")" + id + R"(","display_name":")" + name + R"(","email":")" + email +
         R"(","role":)" + std::to_string(role) + "}";
}

struct bench {
  struct wire final : http::transport {
    explicit wire(bench& b) : of(b) {}
    void send(protocol::http_request r, http::call_limits, completion done) override {
      of.asked.push_back(r.method + " " + r.url.substr(r.url.find("test") + 4));
      of.waiting.emplace_back(std::move(r), std::move(done));
    }
    bench& of;
  };
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  std::unique_ptr<persistence::inline_store> store =
      std::move(*persistence::inline_store::open_in_memory(&random));
  wire way{*this};
  telemetry figures;
  context_ptr ctx = std::make_shared<context>(*store, way, clock, random, figures, with_pages());
  caf::actor_system_config config;
  caf::actor_system system{config.set("scheduler.policy", caf::atom("testing"))};
  std::vector<std::string> asked;
  std::deque<std::pair<protocol::http_request, http::transport::completion>> waiting;
  std::map<std::string, http_response> answers;  ///< by the path's end; the longest counts
  connector_port plane = connector_of("plane"), lark = connector_of("lark");
  std::shared_ptr<facts_desk> desk = make_facts_directory(sources());

  static options with_pages() {
    options o;
    o.rendering.app_url = "https://plane.test";
    o.rendering.workspace_slug = "works";
    o.conversations.origins = {"https://plane.test"};
    o.conversations.language = "en";
    return o;
  }
  connector_port connector_of(const char* name) {
    return spawn_connector(
        system, ctx,
        [name] {
          connector_policy p;
          p.name = name;
          p.parallel = [](const options&) { return 8U; };
          return p;
        },
        std::make_shared<connector_status>());
  }
  facts_sources sources() {
    auto r = std::make_shared<remotes>();
    r->plane.base_url = "https://plane.test";
    r->plane.workspace_slug = "works";
    return {ctx, plane, lark, r, {"https://feishu.test"}, "", {"ou_admin"}};
  }
  bench() {
    answers["/members/"] =
        ok("[" + member(ann, "Ann", "Ann@Example.com", 20) + "," +
           member(ben, "Ben", "ben@example.com", 15) + "," + member(gus, "Gus", "", 5) + "]");
    answers["/projects/" + web + "/"] =
        ok(R"({"id":")" + web + R"(","identifier":"WEB","name":"Web","is_member":true})");
    answers["/states/"] = ok(R"([{"id":")" + item + R"(","name":"Todo","group":"unstarted"}])");
    answers["/labels/"] = ok("[]");
    answers["/projects/" + web + "/members/"] =
        ok("[" + member(ann, "Ann", "", 0) + "," + member(gus, "Gus", "", 0) + "]");
    answers["WEB-42/"] =
        ok(R"({"id":")" + item + R"(","project":")" + web +
           R"(","sequence_id":42,"name":"Login","description_html":"<p>white page</p>"})");
    answers["/contact/v3/users/ou_ann"] = ok(
        R"({"code":0,"data":{"user":{"open_id":"ou_ann","union_id":"on_1","name":"安","email":"ann@example.COM"}}})");
    answers["/bot/v3/info"] = ok(R"({"code":0,"bot":{"open_id":"ou_bot","app_name":"B"}})");
    answers["/chats/oc_1"] =
        ok(R"({"code":0,"data":{"name":"Team","chat_mode":"topic","external":true}})");
  }
  ~bench() {
    desk.reset();
    for (auto* p : {&plane, &lark}) {
      caf::anon_send_exit(*p, caf::exit_reason::user_shutdown);
      *p = nullptr;
    }
    scheduler().run();
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  http_response answer(const protocol::http_request& r) {
    const std::pair<const std::string, http_response>* best = nullptr;
    const auto path = r.url.substr(0, r.url.find('?'));
    for (const auto& a : answers)
      if (path.ends_with(a.first) && (best == nullptr || a.first.size() > best->first.size()))
        best = &a;
    return best == nullptr ? http_response{404, {}, R"({"error":"none"})"} : best->second;
  }
  void run() {
    scheduler().run();
    while (!waiting.empty()) {
      auto [r, done] = std::move(waiting.front());
      waiting.pop_front();
      done(answer(r));
      scheduler().run();
    }
  }
  std::optional<fact_answer> last;
  int told = 0;
  void ask_only(kind k, const std::string& key = {}) {
    desk->ask({k, key}, urgency::person, [this](fact_answer a) {
      last = std::move(a);
      ++told;
    });
  }
  fact_answer ask(kind k, const std::string& key = {}) {
    last.reset();
    ask_only(k, key);
    run();
    BOOST_REQUIRE(last.has_value());
    BOOST_TEST((last->what == sync::need{k, key}));
    return *last;
  }
  std::optional<persistence::user_mapping_row> row(const std::string& open_id) {
    std::optional<persistence::user_mapping_row> out;
    store->read([&](result<persistence::reader*> r) { out = *(*r)->user_mapping(open_id); });
    return out;
  }
  void write(persistence::user_mapping_row r) {
    persistence::write unit;
    unit.user_mappings.push_back(std::move(r));
    store->submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(one_question_is_under_way_once_and_its_answer_is_believed_for_a_while,
                        bench) {
  for (int n = 0; n < 10; ++n) ask_only(kind::bot);
  run();
  BOOST_TEST(told == 10);
  BOOST_TEST(asked.size() == 1u);
  BOOST_TEST(ask(kind::bot).found.bot == "ou_bot");
  BOOST_TEST(asked.size() == 1u);
  clock.advance(25h);
  (void)ask(kind::bot);
  BOOST_TEST(asked.size() == 2u);
  desk->forget({kind::bot, ""});
  (void)ask(kind::bot);
  BOOST_TEST(asked.size() == 3u);
}

BOOST_FIXTURE_TEST_CASE(what_is_forgotten_while_it_is_under_way_is_not_believed, bench) {
  ask_only(kind::chat, "oc_1");
  scheduler().run();
  desk->forget({kind::chat, "oc_1"});
  run();
  BOOST_TEST(told == 1);
  (void)ask(kind::chat, "oc_1");
  BOOST_TEST(asked.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_failure_is_told_and_not_kept, bench) {
  answers["/chats/oc_1"] = {503, {}, "<html>"};
  BOOST_TEST(ask(kind::chat, "oc_1").failed.has_value());
  answers["/chats/oc_1"] = ok(R"({"code":0,"data":{"name":"Team"}})");
  const auto a = ask(kind::chat, "oc_1");
  BOOST_TEST(!a.failed.has_value());
  BOOST_TEST(a.found.chats.at("oc_1")->name == "Team");
}

BOOST_FIXTURE_TEST_CASE(a_chat_that_is_closed_to_us_is_known_to_be_none, bench) {
  const auto is = ask(kind::chat, "oc_1");
  BOOST_TEST(is.found.chats.at("oc_1")->external);
  BOOST_TEST(is.found.chats.at("oc_1")->topic);
  answers["/chats/oc_2"] = {400, {}, R"({"code":230002,"msg":"out"})"};
  const auto none = ask(kind::chat, "oc_2");
  BOOST_TEST(!none.failed.has_value());
  BOOST_TEST(!none.found.chats.at("oc_2").has_value());
}

BOOST_FIXTURE_TEST_CASE(a_person_is_mapped_by_e_mail_once_and_for_all, bench) {
  const auto a = ask(kind::person, "ou_ann");
  const auto& p = a.found.people.at("ou_ann");
  BOOST_REQUIRE(p.has_value());
  BOOST_TEST(p->plane_user == ann);
  BOOST_TEST(p->name == "安");
  BOOST_TEST(!p->admin);
  const auto kept = row("ou_ann");
  BOOST_REQUIRE(kept.has_value());
  BOOST_TEST(kept->plane_user == ann);
  BOOST_TEST((kept->how == persistence::mapped_by::automatic));
  BOOST_TEST(kept->union_id == "on_1");
  const auto calls = asked.size();
  clock.advance(6min);
  (void)ask(kind::person, "ou_ann");  // from our own row now
  BOOST_TEST(asked.size() == calls);
}

BOOST_FIXTURE_TEST_CASE(what_was_mapped_by_hand_stays_and_who_left_is_nobody, bench) {
  persistence::user_mapping_row by_hand;
  by_hand.open_id = "ou_ann";
  by_hand.name = "Ann";
  by_hand.plane_user = ben;
  by_hand.changed_at = clock.now();
  write(by_hand);
  BOOST_TEST(ask(kind::person, "ou_ann").found.people.at("ou_ann")->plane_user == ben);
  by_hand.open_id = "ou_gone";
  by_hand.left = true;
  write(by_hand);
  BOOST_TEST(ask(kind::person, "ou_gone").found.people.at("ou_gone")->plane_user.empty());
  by_hand.open_id = "ou_nobody";
  by_hand.left = false;
  by_hand.plane_user.clear();
  write(by_hand);
  BOOST_TEST(ask(kind::person, "ou_nobody").found.people.at("ou_nobody")->plane_user.empty());
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(a_person_whom_the_app_may_not_read_is_unmapped_and_no_failure, bench) {
  answers["/contact/v3/users/ou_admin"] = {400, {}, R"({"code":99991672,"msg":"scope"})"};
  const auto a = ask(kind::person, "ou_admin");
  BOOST_TEST(!a.failed.has_value());
  BOOST_TEST(a.found.people.at("ou_admin")->plane_user.empty());
  BOOST_TEST(a.found.people.at("ou_admin")->admin);
  answers["/contact/v3/users/ou_x"] = {503, {}, ""};
  BOOST_TEST(ask(kind::person, "ou_x").failed.has_value());
}

BOOST_FIXTURE_TEST_CASE(an_address_that_two_members_have_maps_to_neither, bench) {
  answers["/members/"] = ok("[" + member(ann, "Ann", "ann@example.com", 20) + "," +
                            member(ben, "Ben", "ANN@example.com", 15) + "]");
  BOOST_TEST(ask(kind::person, "ou_ann").found.people.at("ou_ann")->plane_user.empty());
}

BOOST_FIXTURE_TEST_CASE(a_project_has_states_members_guests_and_who_they_are_in_feishu, bench) {
  persistence::user_mapping_row m;
  m.open_id = "ou_ann";
  m.plane_user = ann;
  m.changed_at = clock.now();
  write(m);
  const auto a = ask(kind::project, web);
  const auto& p = a.found.projects.at(web);
  BOOST_REQUIRE(p.has_value());
  BOOST_TEST(p->project.identifier == "WEB");
  BOOST_TEST(p->states.size() == 1u);
  BOOST_REQUIRE(p->members.size() == 2u);
  BOOST_TEST(p->members[0].open_id == "ou_ann");
  BOOST_TEST(!p->members[0].guest);
  BOOST_TEST(p->members[1].guest);  // as the workspace's list says
  const auto calls = asked.size();
  (void)ask(kind::project, web);
  BOOST_TEST(asked.size() == calls);
}

BOOST_FIXTURE_TEST_CASE(a_project_that_is_not_there_is_known_to_be_none, bench) {
  const auto a = ask(kind::project, ben);
  BOOST_TEST(!a.failed.has_value());
  BOOST_TEST(!a.found.projects.at(ben).has_value());
}

BOOST_FIXTURE_TEST_CASE(an_item_is_found_by_its_number_with_its_page_and_excerpt, bench) {
  const auto a = ask(kind::item, "WEB-42");
  const auto& f = a.found.items.at("WEB-42");
  BOOST_TEST((f.how == sync::item_fact::found::yes));
  BOOST_TEST(f.view.id == item);
  BOOST_TEST(f.view.identifier == "WEB");
  BOOST_TEST(f.view.sequence == 42);
  BOOST_TEST(f.view.excerpt == "white page");
  BOOST_TEST(f.view.url.starts_with("https://plane.test/works/browse/WEB-42"));
  const auto none = ask(kind::item, "WEB-43");
  BOOST_TEST((none.found.items.at("WEB-43").how == sync::item_fact::found::no));
  answers["WEB-44/"] = {403, {}, R"({"error":"no"})"};
  BOOST_TEST((ask(kind::item, "WEB-44").found.items.at("WEB-44").how ==
              sync::item_fact::found::forbidden));
}

BOOST_FIXTURE_TEST_CASE(keys_that_name_nothing_are_refused_without_a_call, bench) {
  for (const auto* key :
       {"", "WEB", "WEB-", "-5", "WEB-0", "WEB-x", "a/b", "/x", "WEB-99999999999999999999"})
    BOOST_TEST(ask(kind::item, key).failed.has_value(), key);
  BOOST_TEST(ask(kind::receipt, "no colon").failed.has_value());
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(receipts_and_channels_come_from_the_store, bench) {
  persistence::write unit;
  unit.receipts.push_back(
      {"lark", "om_1", entity_key::lark_thread("om_root"), "comment-1", clock.now()});
  persistence::channel_mapping_row c;
  c.chat = "oc_1";
  c.project = web;
  c.changed_at = clock.now();
  unit.channel_mappings.push_back(c);
  store->submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  const auto a = ask(kind::receipt, "lark:om_1");
  BOOST_REQUIRE(a.found.receipts.at("lark:om_1").has_value());
  BOOST_TEST(a.found.receipts.at("lark:om_1")->remote_id == "comment-1");
  BOOST_TEST(a.found.receipts.at("lark:om_1")->entity == "lark:thread:om_root");
  BOOST_TEST(!ask(kind::receipt, "lark:om_2").found.receipts.at("lark:om_2").has_value());
  BOOST_TEST(ask(kind::channels, "oc_1").found.channels.at("oc_1").size() == 1u);
  BOOST_TEST(ask(kind::channels, "oc_2").found.channels.at("oc_2").empty());
  store->fail_with(failure{errc::storage, "store", "away"});
  BOOST_TEST(ask(kind::receipt, "lark:om_1").failed.has_value());
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(people_are_mapped_all_at_once_and_who_is_left_is_said, bench) {
  persistence::user_mapping_row known;
  known.open_id = "ou_other";
  known.plane_user = ben;
  known.changed_at = clock.now();
  write(known);
  answers["batch_get_id"] =
      ok(R"({"code":0,"data":{"user_list":[{"email":"ann@example.com","user_id":"ou_ann"}]}})");
  for (const bool dry : {true, false}) {
    std::optional<result<people_report>> end;
    map_people(sources(), dry, [&](result<people_report> r) { end = std::move(r); });
    run();
    BOOST_REQUIRE(end.has_value() && end->has_value());
    const auto& r = **end;
    BOOST_TEST(r.members == 3u);
    BOOST_TEST(r.known == 1u);
    BOOST_TEST(r.mapped == 1u);
    BOOST_REQUIRE(r.left.size() == 1u);
    BOOST_TEST(r.left.front().name == "Gus");
    BOOST_TEST(to_json(r).find("\"mapped\":1") != std::string::npos);
    BOOST_TEST(row("ou_ann").has_value() == !dry);
  }
  BOOST_TEST(row("ou_ann")->plane_user == ann);
  // Once more: all are known, nobody is asked for but who has an address.
  std::optional<result<people_report>> again;
  map_people(sources(), false, [&](result<people_report> r) { again = std::move(r); });
  run();
  BOOST_TEST((*again)->known == 2u);
  BOOST_TEST((*again)->mapped == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_mapping_of_people_that_fails_writes_nothing, bench) {
  answers["batch_get_id"] = {400, {}, R"({"code":99991672,"msg":"scope"})"};
  std::optional<result<people_report>> end;
  map_people(sources(), false, [&](result<people_report> r) { end = std::move(r); });
  run();
  BOOST_REQUIRE(end.has_value());
  BOOST_TEST(end->has_error());
  BOOST_TEST(!row("ou_ann").has_value());
}

BOOST_FIXTURE_TEST_CASE(a_key_counts_while_its_owner_is_mapped_and_plane_takes_it, bench) {
  const auto has_key = [&] {
    desk->forget({kind::person, "ou_ann"});
    return ask(kind::person, "ou_ann").found.people["ou_ann"]->own_key;
  };
  persistence::credential_row key;
  key.name = http::personal_key_credential("ou_ann");
  key.key_id = "0123abcd";
  key.sealed = "sealed";
  key.changed_at = clock.now();
  const auto keep = [&](persistence::write unit) {
    store->submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  };
  const auto map = [&](bool left) {
    persistence::user_mapping_row r;
    r.open_id = "ou_ann";
    r.plane_user = ann;
    r.how = persistence::mapped_by::manual;
    r.left = left;
    r.changed_at = clock.now();
    persistence::write unit;
    unit.user_mappings.push_back(std::move(r));
    keep(std::move(unit));
  };
  map(false);
  BOOST_TEST(!has_key());
  persistence::write given;
  given.credentials.push_back(key);
  keep(given);
  BOOST_TEST(has_key());
  persistence::write refused;
  refused.states.push_back({http::refused_key_state("ou_ann"), http::which_key(key)});
  keep(refused);
  BOOST_TEST(!has_key());
  clock.advance(1min);
  given.credentials.front().changed_at = clock.now();
  keep(given);
  BOOST_TEST(has_key());
  map(true);
  BOOST_TEST(!has_key());
}

// Previews ----------------------------------------------------------------------------------------

namespace {

struct viewing : bench {
  std::shared_ptr<preview_desk> previews = make_preview_desk(system, sources(), desk);
  std::vector<std::string> shown;

  viewing() {
    answers["/chats/oc_1"] = ok(R"({"code":0,"data":{"name":"Team","chat_mode":"group"}})");
    answers["/url_previews/batch_update"] = ok(R"({"code":0})");
    persistence::channel_mapping_row c;
    c.chat = "oc_1";
    c.project = web;
    c.changed_at = clock.now();
    persistence::write unit;
    unit.channel_mappings.push_back(c);
    store->submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  }
  ~viewing() {
    previews->close();
    scheduler().run();
  }
  void view(const std::string& who = "ou_ann",
            const std::string& url = "https://plane.test/works/browse/WEB-42/") {
    protocol::lark::preview_request r;
    r.viewer.open_id = who;
    r.url = url;
    r.chat_id = "oc_1";
    r.preview_token = "t1";
    previews->preview(r, [this](std::string json) { shown.push_back(std::move(json)); });
    scheduler().run();
  }
  void pass(std::chrono::milliseconds span) {
    clock.advance(span);
    scheduler().advance_time(span);
    scheduler().run();
  }
  [[nodiscard]] auto calls(const std::string& part) const {
    return std::count_if(asked.begin(), asked.end(),
                         [&](const auto& a) { return a.find(part) != std::string::npos; });
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_link_is_shown_to_a_member_and_known_the_next_time, viewing) {
  view();
  run();
  BOOST_REQUIRE(shown.size() == 1u);
  BOOST_TEST(shown[0].find("Login") != std::string::npos);
  // From the store, as its webhooks have kept it.
  persistence::write unit;
  persistence::entity_row row;
  row.key = entity_key::plane_issue(item);
  sync::item_knowledge k;
  k.where = sync::presence::here;
  k.id = item;
  k.project = web;
  k.sequence_id = 42;
  k.name = "Renamed";
  row.known = sync::to_json(k);
  unit.entities.push_back(row);
  store->submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  const auto before = asked.size();
  clock.advance(5s);
  view();
  BOOST_REQUIRE(shown.size() == 2u);
  BOOST_TEST(shown[1].find("Renamed") != std::string::npos);
  BOOST_TEST(asked.size() == before);
}

BOOST_FIXTURE_TEST_CASE(slow_facts_answer_in_time_without_them_and_the_link_is_shown_anew_once,
                        viewing) {
  view();
  BOOST_TEST(shown.empty());
  pass(249ms);
  BOOST_TEST(shown.empty());
  pass(1ms);
  BOOST_REQUIRE(shown.size() == 1u);
  BOOST_TEST(shown[0].find("WEB-42") != std::string::npos);
  BOOST_TEST(shown[0].find("Login") == std::string::npos);
  run();
  BOOST_TEST(shown.size() == 1u);
  BOOST_TEST(calls("url_previews") == 1);
  // As slow again: no circle.
  for (const auto k : {kind::person, kind::item, kind::project, kind::chat}) desk->forget({k, ""});
  clock.advance(1min);
  view();
  pass(300ms);
  run();
  BOOST_TEST(shown.size() == 2u);
  BOOST_TEST(calls("url_previews") == 1);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_and_who_is_no_member_show_what_the_link_says,
                        viewing) {
  answers["/contact/v3/users/ou_ben"] =
      ok(R"({"code":0,"data":{"user":{"open_id":"ou_ben","name":"B","email":"ben@example.com"}}})");
  view("ou_ben");  // of the workspace, not of the project
  run();
  view("ou_x");
  run();
  BOOST_TEST(shown.size() == 2u);
  store->fail_with(failure{errc::storage, "store", "away"});
  view();
  run();
  BOOST_REQUIRE(shown.size() == 3u);
  for (const auto& s : shown) BOOST_TEST(s.find("Login") == std::string::npos);
  BOOST_TEST(calls("url_previews") == 0);
}

BOOST_FIXTURE_TEST_CASE(many_views_at_once_and_the_end_leave_nobody_without_an_answer, viewing) {
  for (int n = 0; n < 1'000; ++n) view();
  BOOST_TEST(shown.size() == 1'000u - 256u);
  view("ou_ann", "https://evil.test/works/browse/WEB-42/");
  BOOST_TEST(shown.back() == "{}");
  previews->close();
  scheduler().run();
  BOOST_TEST(shown.size() == 1'001u);
  view();
  BOOST_TEST(shown.size() == 1'002u);
  BOOST_TEST(shown.back() == "{}");
}
