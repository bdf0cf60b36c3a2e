#define BOOST_TEST_MODULE lark_card_check
#include "protocol/lark/card_check.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "protocol/lark/card.hpp"
#include "tests/protocol/lark_card_samples.hpp"

namespace json = boost::json;
using namespace pb::protocol::lark;

namespace {
std::string fixture(const std::string& name) {
  std::ifstream in{std::string{PB_FIXTURES} + "/lark/" + name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
/// A card whose body holds these elements.
std::string with(const std::string& elements) {
  return R"({"schema":"2.0","body":{"elements":[)" + elements + "]}}";
}
std::string verdict(const std::string& card) {
  const auto r = validate_card(card);
  return r ? "" : r.error().detail;
}
std::string nested(int depth) {
  std::string out = R"({"tag":"hr"})";
  for (int i = 0; i < depth; ++i)
    out = R"({"tag":"column_set","columns":[{"tag":"column","elements":[)" + out + "]}]}";
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(the_samples_of_the_contract_pass) {
  BOOST_TEST(verdict(json::serialize(json::parse(fixture("card.v2.work_item.json")))) == "");
  const auto answer =
      json::parse(fixture("callback.card.action.trigger.response.toast_and_card.json"));
  BOOST_TEST(verdict(json::serialize(answer.at("card").at("data"))) == "");
  BOOST_TEST(verdict(fixture("card.v1.work_item.json")) != "");
}

BOOST_AUTO_TEST_CASE(each_mistake_is_found_and_placed) {
  struct row {
    std::string card, detail;
  };
  const std::string select = R"({"tag":"select_static","options":[)";
  const std::string button = R"({"tag":"button","text":{"tag":"plain_text","content":"x"},)";
  const std::string send =
      button +
      R"("name":"s","form_action_type":"submit","behaviors":[{"type":"callback","value":{}}]})";
  const std::vector<row> rows{
      {"", "card: not JSON"},
      {"[]", "card: an object"},
      {R"({"schema":"1.0","body":{"elements":[]}})", "schema:"},
      {R"({"schema":"2.0"})", "body: is missing"},
      {R"({"schema":"2.0","body":{}})", "body.elements: is missing"},
      {R"({"schema":"2.0","x":1,"body":{"elements":[]}})", "x: unknown property"},
      {R"({"schema":"2.0","config":{"wide_screen_mode":true},"body":{"elements":[]}})",
       "config.wide_screen_mode: unknown"},
      {R"({"schema":"2.0","config":{"update_multi":false},"body":{"elements":[]}})",
       "config.update_multi"},
      {R"({"schema":"2.0","card_link":{"url":"ftp://x"},"body":{"elements":[]}})", "card_link.url"},
      {R"({"schema":"2.0","header":{},"body":{"elements":[]}})", "header.title: is missing"},
      {R"({"schema":"2.0","header":{"title":{"tag":"plain_text","content":"a"},"template":"#ff0000"},"body":{"elements":[]}})",
       "header.template"},
      {with(R"({"tag":"action","actions":[]})"), "body.elements[0].tag"},
      {with(R"({"tag":"note","elements":[]})"), "body.elements[0].tag"},
      {with(R"({"tag":"hr","color":"red"})"), "body.elements[0].color: unknown"},
      {with(R"({"tag":"markdown"})"), "body.elements[0].content: is missing"},
      {with(R"({"tag":"div"})"), "body.elements[0]: a div"},
      {with(R"({"tag":"div","text":{"tag":"md","content":"x"}})"), "body.elements[0].text.tag"},
      {with(R"({"tag":"hr","element_id":"1a"})"), "body.elements[0].element_id"},
      {with(R"({"tag":"hr","element_id":"a"},{"tag":"hr","element_id":"a"})"),
       "body.elements[1].element_id: used twice"},
      {with(select + R"({"value":"a"}]})"), "body.elements[0].options[0].text: is missing"},
      {with(select + R"({"text":{"tag":"plain_text","content":"x"},"value":""}]})"),
       "body.elements[0].options[0].value"},
      {with(select +
            R"({"text":{"tag":"plain_text","content":"x"},"value":"a"}],"initial_option":"b"})"),
       "body.elements[0].initial_option"},
      {with(R"({"tag":"select_person","options":[{"value":"ou_1","text":"x"}]})"),
       "body.elements[0].options[0].text: unknown"},
      {with(button + R"("behaviors":[{"type":"callback","value":"text"}]})"),
       "body.elements[0].behaviors[0].value: an object"},
      {with(button + R"("behaviors":[{"type":"open_url","default_url":"javascript:x"}]})"),
       "body.elements[0].behaviors[0].default_url"},
      {with(button + R"("behaviors":[{"type":"run"}]})"), "body.elements[0].behaviors[0].type"},
      {with(button + R"("url":"https://x.example"})"), "body.elements[0].url: unknown"},
      {with(button + R"("type":"pink"})"), "body.elements[0].type"},
      {with(button + R"("form_action_type":"submit"})"), "body.elements[0].form_action_type"},
      {with(R"({"tag":"form","name":"f","elements":[]})"), "body.elements[0]: a form needs"},
      {with(R"({"tag":"form","elements":[)" + send + "]}"), "body.elements[0].name: is missing"},
      {with(R"({"tag":"form","name":"f","elements":[{"tag":"input"},)" + send + "]}"),
       "body.elements[0].elements[0].name"},
      {with(R"({"tag":"form","name":"f","elements":[{"tag":"input","name":"s"},)" + send + "]}"),
       "body.elements[0].elements[1].name: used twice"},
      {with(R"({"tag":"form","name":"f","elements":[{"tag":"form","name":"g","elements":[)" + send +
            "]}]}"),
       "body.elements[0].elements[0]: a form stands"},
      {with(
           R"({"tag":"column_set","columns":[{"tag":"column","elements":[{"tag":"table","columns":[],"rows":[]}]}]})"),
       "body.elements[0].columns[0].elements[0]: a table stands"},
      {with(R"({"tag":"input","name":"i","max_length":1001})"), "body.elements[0].max_length"},
      {with(R"({"tag":"input","name":"i","required":true})"), "body.elements[0].required"},
      {with(R"({"tag":"multi_select_static","name":"m","options":[]})"),
       "body.elements[0]: a menu"},
      {with(R"({"tag":"date_picker","initial_date":"tomorrow"})"),
       "body.elements[0].initial_date"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.card << " → " << verdict(r.card)) {
      BOOST_TEST(verdict(r.card).starts_with(r.detail) |
                 (r.card.empty() && verdict(r.card).starts_with("not JSON")));
    }
  BOOST_TEST(verdict(with(R"({"tag":"form","name":"f","elements":[)" + send + "]}")) == "");
}

BOOST_AUTO_TEST_CASE(nesting_count_and_size_have_limits) {
  BOOST_TEST(verdict(with(nested(5))) == "");
  BOOST_TEST(validate_card(with(nested(6))).has_error());
  std::string many;
  for (int i = 0; i < 200; ++i) many += std::string{i ? "," : ""} + R"({"tag":"hr"})";
  BOOST_TEST(verdict(with(many)) == "");
  BOOST_TEST((validate_card(with(many + R"(,{"tag":"hr"})")).error().code == pb::errc::too_large));
  const auto text = R"({"tag":"markdown","content":")" + std::string(31'000, 'x') + "\"}";
  BOOST_TEST((validate_card(with(text)).error().code == pb::errc::too_large));
}

BOOST_AUTO_TEST_CASE(one_unknown_property_anywhere_is_found) {
  // The place of each object of a good card, and the same card with one property more there.
  const auto good = json::parse(card_work_item(lark_samples::item_card()));
  std::size_t places = 0;
  const std::function<void(json::value&, const json::value&)> walk = [&](json::value& at,
                                                                         const json::value& top) {
    if (auto* o = at.if_object()) {
      if (!o->contains("thread")) {  // what a click sends back is ours
        o->emplace("surprise", 1);
        ++places;
        BOOST_TEST(verdict(json::serialize(top)) != "", json::serialize(at));
        o->erase("surprise");
      }
      for (auto& e : *o) walk(e.value(), top);
    } else if (auto* a = at.if_array()) {
      for (auto& e : *a) walk(e, top);
    }
  };
  auto copy = good;
  walk(copy, copy);
  BOOST_TEST(places > 40U);
}
