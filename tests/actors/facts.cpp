// The facts directory: what it finds where, that one question is asked once, and how long an answer
// is believed; and what previews of links show.
#define BOOST_TEST_MODULE actors_facts
#include <boost/json.hpp>

#include "actors/preview_desk.hpp"
#include "facts_bench.hpp"
#include "http/mapping_endpoints.hpp"
#include "sync/knowledge.hpp"

using namespace facts_bench;

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
