#define BOOST_TEST_MODULE knowledge
#include "sync/knowledge.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "items.hpp"

using namespace pb;
using namespace pb::sync;
using namespace sync_items;

namespace {

std::string any_text() {
  static const std::vector<std::string> pieces{"",  "a",  "\"", "\\",   "\n",   "\t",
                                               "é", "截", "🚀",  "\x01", "</p>", ","};
  std::string out;
  for (const auto i : *rc::gen::container<std::vector<std::size_t>>(
           rc::gen::inRange<std::size_t>(0, pieces.size())))
    out += pieces[i];
  return out;
}
std::vector<std::string> any_texts() {
  std::vector<std::string> out(*rc::gen::inRange<std::size_t>(0, 4));
  for (auto& t : out) t = any_text();
  return out;
}
timestamp any_time() {
  return from_micros(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000));
}

item_knowledge any_knowledge() {
  item_knowledge k;
  k.where = static_cast<presence>(*rc::gen::inRange(0, 4));
  k.id = any_text();
  k.project = any_text();
  k.sequence_id = *rc::gen::arbitrary<std::int64_t>();
  k.name = any_text();
  k.text = any_text();
  k.prio = static_cast<plane::priority>(*rc::gen::inRange(0, 5));
  k.start_date = any_text();
  k.target_date = any_text();
  k.state = {any_text(), any_text(), static_cast<plane::state_group>(*rc::gen::inRange(0, 6))};
  k.assignees = any_texts();
  k.labels = any_texts();
  if (*rc::gen::arbitrary<bool>()) {
    for (std::size_t n = 0; n < k.assignees.size(); ++n) k.assignee_ids.push_back(any_text());
    for (std::size_t n = 0; n < k.labels.size(); ++n) k.label_ids.push_back(any_text());
  }
  k.draft = *rc::gen::arbitrary<bool>();
  k.made_in = any_text();
  k.type = any_text();
  k.created_at = any_text();
  k.updated_at = any_text();
  k.last_event_at = any_time();
  return k;
}

bool equal(const calendar_base& a, const calendar_base& b) {
  return a.project == b.project && a.href == b.href && a.etag == b.etag && a.hash == b.hash &&
         a.agreed == b.agreed && a.planned == b.planned && a.labels == b.labels &&
         a.sequence == b.sequence && a.sent_at == b.sent_at && a.put_back == b.put_back;
}

}  // namespace

BOOST_AUTO_TEST_CASE(knowledge_comes_back_from_its_json_as_it_was) {
  BOOST_TEST(rc::check([] {
    const auto k = any_knowledge();
    const auto back = parse_item_knowledge(to_json(k));
    RC_ASSERT(back.has_value());
    RC_ASSERT(same_values(*back, k));
    RC_ASSERT(back->id == k.id && back->created_at == k.created_at);
    RC_ASSERT(back->assignee_ids == k.assignee_ids && back->label_ids == k.label_ids);
    RC_ASSERT(back->updated_at == k.updated_at && back->last_event_at == k.last_event_at);
  }));
}

BOOST_AUTO_TEST_CASE(the_base_of_a_link_comes_back_from_its_json_as_it_was) {
  BOOST_TEST(rc::check([] {
    calendar_base b;
    b.project = any_text();
    b.href = any_text();
    b.etag = any_text();
    b.hash = any_text();
    b.agreed = any_text();
    b.planned = any_text();
    b.labels = any_texts();
    b.sequence = *rc::gen::inRange(0, 1'000'000);
    b.sent_at = any_time();
    for (int n = *rc::gen::inRange(0, 4); n > 0; --n) b.put_back.push_back(any_time());
    const auto back = parse_calendar_base(to_json(b));
    RC_ASSERT(back.has_value());
    RC_ASSERT(equal(*back, b));
  }));
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_an_item_never_seen) {
  BOOST_TEST((parse_item_knowledge("").value().where == presence::unknown));
  BOOST_TEST(equal(parse_calendar_base("").value(), calendar_base{}));
}

BOOST_AUTO_TEST_CASE(what_is_not_an_object_is_a_storage_failure) {
  for (const char* text : {"{", "[]", "7", "null", "\"x\"", "{\"where\":1}x", "{\"a\":\"\xff\"}"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(!parse_item_knowledge(text));
      BOOST_TEST((parse_item_knowledge(text).error().code == errc::storage));
      BOOST_REQUIRE(!parse_calendar_base(text));
      BOOST_TEST((parse_calendar_base(text).error().code == errc::storage));
    }
  }
}

BOOST_AUTO_TEST_CASE(wrong_types_and_impossible_numbers_become_what_an_empty_object_says) {
  const auto k = parse_item_knowledge(
      R"({"where":99,"id":7,"n":"x","priority":-5,"state":[],"assignees":{"a":1},)"
      R"("labels":["a",1,null,"b"],"draft":"yes","event_at":9223372036854775807})");
  BOOST_REQUIRE(k);
  BOOST_TEST((k->where == presence::gone));  // the nearest there is
  BOOST_TEST((k->prio == plane::priority::none));
  BOOST_TEST(k->id.empty());
  BOOST_TEST(k->assignees.empty());
  BOOST_TEST((k->labels == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(!k->draft);
  // Sums made with such a time must not overflow.
  BOOST_TEST((k->last_event_at == timestamp{}));

  const auto b = parse_calendar_base(
      R"({"sequence":99999999999999,"sent_at":-9223372036854775808,"put_back":[1,"x",-1]})");
  BOOST_REQUIRE(b);
  BOOST_TEST(b->sequence > 0);
  BOOST_TEST((b->sent_at == timestamp{}));
  BOOST_TEST(b->put_back.size() == 2U);
}

BOOST_AUTO_TEST_CASE(any_bytes_are_read_or_refused_without_harm) {
  BOOST_TEST(rc::check([](const std::string& bytes) {
    const auto a = parse_item_knowledge(bytes);
    const auto b = parse_calendar_base(bytes);
    RC_ASSERT(a.has_value() == b.has_value());
  }));
}

BOOST_AUTO_TEST_CASE(cut_json_is_refused_at_every_length) {
  const auto whole = to_json(known_item(1));
  for (std::size_t n = 1; n < whole.size(); ++n)
    BOOST_TEST(!parse_item_knowledge(whole.substr(0, n)).has_value());
}

BOOST_AUTO_TEST_CASE(learning_takes_the_values_and_keeps_when_it_was_heard) {
  item_knowledge before;
  before.last_event_at = at(3);
  auto item = work_item(1);
  const auto k = learn(before, item);
  BOOST_TEST((k.where == presence::here));
  BOOST_TEST(k.text == "Text");
  BOOST_TEST((k.assignees == std::vector<std::string>{"ada", "lin"}));
  BOOST_TEST((k.labels == std::vector<std::string>{"api", "web"}));
  BOOST_TEST((k.last_event_at == at(3)));
  item.archived_at = "2026-03-01";
  BOOST_TEST((learn(before, item).where == presence::archived));
  item.deleted_at = time_text(5);
  BOOST_TEST((learn(before, item).where == presence::gone));
}

BOOST_AUTO_TEST_CASE(the_order_of_labels_times_and_markup_are_no_change) {
  auto a = work_item(1), b = work_item(2);
  std::swap(b.labels[0], b.labels[1]);
  b.description_html = "<p class=\"x\">Text</p>";
  b.created_by = "someone";
  BOOST_TEST(same_values(learn({}, a), learn({}, b)));
}

BOOST_AUTO_TEST_CASE(each_mapped_value_counts_as_a_change) {
  using change = void (*)(plane::work_item&);
  const std::vector<std::pair<const char*, change>> table{
      {"name", [](auto& i) { i.name = "x"; }},
      {"text", [](auto& i) { i.description_html = "<p>x</p>"; }},
      {"priority", [](auto& i) { i.prio = plane::priority::low; }},
      {"start", [](auto& i) { i.start_date = "2026-11-01"; }},
      {"target", [](auto& i) { i.target_date = ""; }},
      {"state", [](auto& i) { i.state->group = plane::state_group::completed; }},
      {"no state", [](auto& i) { i.state.reset(); }},
      {"assignees", [](auto& i) { i.assignees.pop_back(); }},
      {"labels", [](auto& i) { i.labels.clear(); }},
      {"project", [](auto& i) { i.project = other_project; }},
      {"number", [](auto& i) { i.sequence_id = 1; }},
      {"draft", [](auto& i) { i.is_draft = true; }},
      {"archived", [](auto& i) { i.archived_at = "2026-03-01"; }},
      {"deleted", [](auto& i) { i.deleted_at = "2026-03-01"; }},
  };
  for (const auto& [name, make] : table) {
    auto item = work_item(1);
    make(item);
    BOOST_TEST(!same_values(known_item(1), learn({}, item)), name);
  }
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_on_a_character_border) {
  for (std::size_t shift = 0; shift < 5; ++shift) {
    auto item = work_item(1);
    item.description_html = std::string(shift, 'a');
    while (item.description_html.size() < item_knowledge::text_limit + 9)
      item.description_html += "🚀截";
    const auto k = learn({}, item);
    BOOST_TEST(k.text.size() <= item_knowledge::text_limit);
    BOOST_TEST(k.text.size() + 4 > item_knowledge::text_limit);
    BOOST_TEST(parse_item_knowledge(to_json(k)).has_value());
  }
}
