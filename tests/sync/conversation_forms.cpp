#define BOOST_TEST_MODULE conversation_forms
#include <boost/test/unit_test.hpp>
#include <set>

#include "conversations.hpp"
#include "sync/lark_effects.hpp"
#include "sync/plane_write.hpp"

using namespace conversations;

// The forms are compared as text: members are written in a fixed order, so that equal texts are
// equal values, and a member that is not written would show as a default that does not return.

BOOST_AUTO_TEST_CASE(what_actors_hand_over_comes_back_from_its_json_as_it_was) {
  BOOST_TEST(rc::check([] {
    const auto b = any_between();
    const auto back = parse_between(form_of(b), to_json(b));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->index() == b.index());
    RC_ASSERT(to_json(*back) == to_json(b));
  }));
}

BOOST_AUTO_TEST_CASE(a_view_comes_back_from_its_json_as_it_was) {
  BOOST_TEST(rc::check([] {
    const auto v = any_view();
    const auto back = parse_item_view(to_json(v));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == v);
  }));
}

BOOST_AUTO_TEST_CASE(knowledge_of_a_conversation_comes_back_from_its_json_as_it_was) {
  BOOST_TEST(rc::check([] {
    const auto k = any_knowledge();
    const auto back = parse_thread_knowledge(to_json(k));
    RC_ASSERT(back.has_value());
    RC_ASSERT(to_json(*back) == to_json(k));
    RC_ASSERT(back->item == k.item && back->takes == k.takes && back->chat == k.chat);
    RC_ASSERT(back->gets_comments == k.gets_comments && back->muted == k.muted);
  }));
}

BOOST_AUTO_TEST_CASE(a_payload_comes_back_from_its_json_as_it_was) {
  BOOST_TEST(rc::check([] {
    const lark_effect e{any_text(), any_text(), any_text(), any_text(), any_flag(), any_text(),
                        any_text(), any_text(), any_text(), any_text(), any_text(), {}};
    const auto back = parse_lark_effect(to_json(e));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == e);
    // The first time that it was tried again by hand counts.
    const auto first = pb::from_micros(*rc::gen::inRange<std::int64_t>(1, 2'000'000'000'000'000));
    const auto twice = parse_lark_effect(
        sent_perhaps(sent_perhaps(to_json(e), first), first + std::chrono::hours{3}));
    RC_ASSERT(twice.has_value());
    RC_ASSERT(twice->perhaps_sent_since == first);
    auto same = *twice;
    same.perhaps_sent_since = {};
    RC_ASSERT(same == e);
  }));
}

BOOST_AUTO_TEST_CASE(each_kind_has_a_form_of_its_own_and_no_other_reads_it) {
  std::set<std::string_view> forms;
  for (const between& b :
       {between{thread_commented{}}, between{thread_recalled{}}, between{thread_edited{}},
        between{thread_bound{}}, between{thread_wants_item{}}, between{item_changed{}},
        between{item_commented{}}, between{item_answered{}}, between{chat_announcement{}},
        between{chat_alarm{}}, between{thread_started{}}, between{thread_ended{}},
        between{key_refused{}}}) {
    BOOST_TEST(forms.insert(form_of(b)).second);
    const auto back = parse_between(form_of(b), to_json(b));
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST(back->index() == b.index());
  }
  BOOST_TEST(forms.size() == std::variant_size_v<between>);
  for (const char* form : {"", "thread", "thread.commented ", "THREAD.COMMENTED", "lark.event"}) {
    BOOST_REQUIRE(!parse_between(form, "{}"));
    BOOST_TEST((parse_between(form, "{}").error().code == errc::bad_input));
  }
}

BOOST_AUTO_TEST_CASE(members_of_another_type_are_refused_in_what_is_handed_over) {
  const std::pair<const char*, const char*> rows[]{
      {"thread.commented", R"({"thread":7})"},
      {"thread.commented", R"({"author":"x"})"},
      {"thread.commented", R"({"author":{"own_key":1}})"},
      {"thread.edited", R"({"priority":5})"},
      {"thread.edited", R"({"priority":-1})"},
      {"thread.edited", R"({"priority":"high"})"},
      {"thread.edited", R"({"state":null})"},
      {"thread.edited", R"({"assignees":[1]})"},
      {"thread.edited", R"({"labels_added":"a"})"},
      {"item.changed", R"({"changes":[7]})"},
      {"item.changed", R"({"now":{"state":{"group":6}}})"},
      {"item.changed", R"({"now":{"n":"42"}})"},
      {"item.commented", R"({"how":3})"},
      {"item.answered", R"({"now":[]})"},
      {"thread.bound", R"({"bound":"yes"})"},
      {"chat.alarm", R"([])"},
      {"chat.alarm", R"({"text":"a"}x)"},
      {"chat.alarm", "{\"text\":\"\xff\"}"},
      {"chat.alarm", ""}};
  for (const auto& [form, text] : rows) BOOST_TEST_CONTEXT(form << ' ' << text) {
      const auto b = parse_between(form, text);
      BOOST_REQUIRE(!b);
      BOOST_TEST((b.error().code == errc::bad_input));
    }
}

BOOST_AUTO_TEST_CASE(knowledge_of_another_type_is_read_as_if_it_were_absent) {
  const auto k = parse_thread_knowledge(
      R"({"chat":7,"takes":9,"gets_comments":"no","muted":[1,"ou_a"],"cards":[1,{"message":"om_c",)"
      R"("sent_at":-5}],"item":[],"clicks":{},"threads":"x"})");
  BOOST_REQUIRE(k.has_value());
  BOOST_TEST(k->chat.empty());
  BOOST_TEST((k->takes == inbound::commands));
  BOOST_TEST(k->gets_comments);
  BOOST_TEST((k->muted == std::vector<std::string>{"ou_a"}));
  BOOST_REQUIRE_EQUAL(k->cards.size(), 1U);
  BOOST_TEST((k->cards[0].sent_at == timestamp{}));
  BOOST_TEST(k->item.id.empty());
  BOOST_TEST((parse_thread_knowledge("").value().takes == inbound::commands));
  for (const char* text : {"{", "[]", "null", "{}x"}) {
    BOOST_REQUIRE(!parse_thread_knowledge(text));
    BOOST_TEST((parse_thread_knowledge(text).error().code == errc::storage));
  }
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_before_it_is_read) {
  const std::string huge(max_between_bytes + 1, ' ');
  BOOST_TEST((parse_between("chat.alarm", huge).error().code == errc::too_large));
  BOOST_TEST((parse_lark_effect(huge).error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(lists_of_knowledge_are_bounded_and_the_newest_stay) {
  thread_knowledge k;
  for (int i = 0; i < 100; ++i) {
    k.cards.push_back({"om_" + std::to_string(i), {}, {}, {}, {}, {}});
    k.clicks.push_back({std::to_string(i), {}});
  }
  const auto back = parse_thread_knowledge(to_json(k));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(back->cards.size() == thread_knowledge::max_cards);
  BOOST_TEST(back->cards.back().message_id == "om_99");
  BOOST_TEST(back->clicks.size() == thread_knowledge::max_recent);
  BOOST_TEST(back->clicks.back().what == "99");
}

BOOST_AUTO_TEST_CASE(an_item_is_named_by_its_number_or_by_the_start_of_its_uuid) {
  item_view v;
  v.id = "1a2b3c4d-0000-4000-8000-000000000000";
  BOOST_TEST(short_name(v) == "1a2b3c4d");
  v.identifier = "WEB";
  BOOST_TEST(short_name(v) == "1a2b3c4d");
  v.sequence = 42;
  BOOST_TEST(short_name(v) == "WEB-42");
}

BOOST_AUTO_TEST_CASE(markers_are_read_back_and_others_are_not_ours) {
  BOOST_TEST(read_marker("planebridge", "lark:om_1")->message == "om_1");
  BOOST_TEST(read_marker("planebridge", "lark:om_1")->chat.empty());
  BOOST_TEST(!read_marker("jira", "lark:om_1"));
  BOOST_TEST(!read_marker("planebridge", "cnb:1"));
  BOOST_TEST(!read_marker("", ""));
}

BOOST_AUTO_TEST_CASE(broken_payloads_of_writes_to_plane_are_refused) {
  for (const auto operation : {"plane.create_comment", "plane.strike_comment", "plane.update_item",
                               "plane.create_item", "plane.unheard_of"})
    for (const char* payload : {"", "{", "[]", R"({"fields":7,"html":[],"comment":{},"name":1})"})
      BOOST_TEST(!parse_plane_write(operation, payload), operation << " " << payload);
}
