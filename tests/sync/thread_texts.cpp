// Whatever stands in a text: nobody is mentioned because of it, and a decision ends.
#define BOOST_TEST_MODULE sync_thread_texts
#include "sync/thread_rules.hpp"

#include <rapidcheck.h>

#include <algorithm>

#include "thread_world.hpp"

using namespace thread_world;

namespace {

bool calls(std::string_view text) {
  return text.find("<at ") != std::string_view::npos ||
         text.find("<person ") != std::string_view::npos;
}
/// Does a part of a content call somebody? What stands in plain_text is shown as it is.
bool calls(const boost::json::value& v) {
  if (const auto* a = v.if_array())
    return std::any_of(a->begin(), a->end(), [](const auto& e) { return calls(e); });
  const auto* o = v.if_object();
  if (o == nullptr) return false;
  const auto* tag = o->if_contains("tag");
  const bool marked = tag != nullptr && (*tag == "markdown" || *tag == "lark_md" || *tag == "md");
  if (tag != nullptr && *tag == "at") return true;
  for (const auto& m : *o) {
    const bool text = m.value().is_string() && (marked || tag == nullptr) && o->size() <= 2;
    if (text && m.key() == "text" && calls(std::string_view{m.value().get_string()})) return true;
    if (marked && m.value().is_string() && calls(std::string_view{m.value().get_string()}))
      return true;
    if (calls(m.value())) return true;
  }
  return false;
}
bool calls(const thread_plan& p) {
  return std::any_of(p.effects.begin(), p.effects.end(), [](const wanted_message& m) {
    const auto e = payload(m);
    return calls(e.fallback) || (!e.content.empty() && calls(boost::json::parse(e.content)));
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_plan_mentions_anybody_because_of_a_text) {
  // The check itself finds what it looks for.
  BOOST_TEST(calls(boost::json::parse(R"({"text":"<at user_id=\"all\"></at>"})")));
  BOOST_TEST(
      calls(boost::json::parse(R"({"zh_cn":{"content":[[{"tag":"at","user_id":"all"}]]}})")));
  BOOST_TEST(calls(boost::json::parse(R"([{"tag":"markdown","content":"<at id=all></at>"}])")));
  BOOST_TEST(!calls(boost::json::parse(R"([{"tag":"plain_text","content":"<at id=all></at>"}])")));
  static const std::vector<std::string> traps{"<at user_id=\"all\"></at>",
                                              "<at user_id=\"ou_mei\">x</at>",
                                              "<at id=all></at>",
                                              "@_all",
                                              "@_user_1",
                                              "<at",
                                              "[a](b)",
                                              "</at>",
                                              "<person id='ou_mei'>",
                                              "登录"};
  const auto trap = [] {
    std::string out;
    for (int n = *rc::gen::inRange(1, 5); n > 0; --n)
      out += traps[*rc::gen::inRange<std::size_t>(0, traps.size())];
    return out;
  };
  BOOST_TEST(rc::check([&] {
    world w;
    auto v = view(item_42, web, "WEB", 42);
    v.name = trap();
    v.excerpt = trap();
    v.state.name = trap();
    v.labels = {{bug, trap()}};
    w.put(v);
    w.all.projects[web]->states[0].name = trap();
    w.all.projects[web]->members[0].user.display_name = trap();
    const auto thread = entity_key::lark_thread("om_root");
    RC_ASSERT(!calls(w.say("/bind WEB-42")));
    RC_ASSERT(
        !calls(w.changed({{"name", trap(), trap()}, {"state", trap(), trap()}}, trap(), "x")));
    item_commented c;
    c.comment = "c-9";
    c.html = "<p>" + trap() + "</p>";
    c.author = trap();
    c.now = w.thread().item;
    RC_ASSERT(!calls(w.decide(thread, between{c})));
    RC_ASSERT(!calls(w.decide(thread, between{item_answered{"om_1", false, trap(), "", {}}})));
    RC_ASSERT(!calls(w.say("/state " + trap())));
    RC_ASSERT(!calls(w.say("/link")));
    chat_announcement a;
    a.item = w.thread().item;
    a.author = trap();
    RC_ASSERT(!calls(w.decide(entity_key::lark_chat("oc_web"), between{a})));
  }));
}

BOOST_AUTO_TEST_CASE(whatever_is_written_in_a_bound_conversation_is_decided_within_few_rounds) {
  BOOST_TEST(rc::check([] {
    world w;
    if (*rc::gen::arbitrary<bool>()) w.bound();
    static const std::vector<std::string> starts{"",       "/",        "/state ",  "/bind ",
                                                 "/new ",  "/label ",  "/assign ", "/due ",
                                                 "/sync ", "/comment "};
    const auto text =
        starts[*rc::gen::inRange<std::size_t>(0, starts.size())] + *rc::gen::string<std::string>();
    std::string clean;
    for (const char ch : text)
      if (ch >= ' ' && ch < 0x7f) clean += ch;
    const auto p = w.say(clean, *rc::gen::elementOf(std::vector<std::string>{"ou_li", "ou_new"}),
                         *rc::gen::arbitrary<bool>());
    RC_ASSERT(!p.rule.empty());
    RC_ASSERT(p.effects.size() <= 3);
  }));
}
