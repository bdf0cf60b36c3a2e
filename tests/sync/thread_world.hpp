// tests/sync/thread_world: a chat, a project and its people, which answer what decisions ask for;
// and conversations that live on by their plans, with receipts, as the store would keep them.
#pragma once
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "sync/lark_effects.hpp"
#include "sync/thread_rules.hpp"

namespace thread_world {
using namespace pb;
using namespace pb::sync;
using namespace std::chrono_literals;
namespace lark = protocol::lark;
namespace plane = protocol::plane;

inline const std::string web = "11111111-1111-4111-8111-111111111111";
inline const std::string ops = "22222222-2222-4222-8222-222222222222";
inline const std::string item_42 = "42424242-4242-4242-8242-424242424242";
inline const std::string item_43 = "43434343-4343-4343-8343-434343434343";
inline const std::string item_ops = "77777777-7777-4777-8777-777777777777";
inline const std::string li_user = "aaaaaaaa-0000-4000-8000-000000000001";
inline const std::string guest_user = "aaaaaaaa-0000-4000-8000-000000000003";
inline const std::string mei_user = "aaaaaaaa-0000-4000-8000-000000000004";
inline const std::string todo = "51111111-0000-4000-8000-000000000001";
inline const std::string doing = "51111111-0000-4000-8000-000000000002";
inline const std::string done_state = "51111111-0000-4000-8000-000000000003";
inline const std::string bug = "61111111-0000-4000-8000-000000000001";
inline const std::string review = "61111111-0000-4000-8000-000000000002";

inline item_view view(const std::string& id, const std::string& project, std::string identifier,
                      std::int64_t n) {
  item_view v;
  v.id = id;
  v.project = project;
  v.identifier = std::move(identifier);
  v.sequence = n;
  v.name = "Login page is white";
  v.url = "https://plane.example.com/acme/browse/" + v.identifier + "-" + std::to_string(n) + "/";
  v.state = {todo, "Todo", plane::state_group::unstarted};
  v.start_date = "2026-11-20";
  return v;
}

struct world {
  facts all;
  thread_rules rules;
  timestamp now = parse_rfc3339("2026-11-25T04:00:00Z").value();  // a Wednesday noon in Shanghai
  std::map<std::string, receipt_fact> receipts;
  std::map<std::string, thread_knowledge> known;  ///< by entity
  int asked = 0;                                  ///< facts that decisions asked for
  std::vector<need> refused;                      ///< given up

  world() {
    rules.origins = {"https://plane.example.com"};
    rules.workspace = "acme";
    rules.timezone = "Asia/Shanghai";
    rules.language = "en";
    all.bot = "ou_bot";
    all.chats["oc_web"] = chat_facts{"oc_web", "Web", false, false};
    all.chats["oc_other"] = chat_facts{"oc_other", "Other", false, false};
    all.chats["oc_open"] = chat_facts{"oc_open", "With guests", true, false};
    channel_mapping m;
    m.chat = "oc_web";
    m.project = web;
    all.channels["oc_web"] = {m};
    m.chat = "oc_open";
    all.channels["oc_open"] = {m};
    all.channels["oc_other"] = {};
    all.people["ou_li"] = person_facts{"ou_li", "李雷", li_user, false, false};
    all.people["ou_mei"] = person_facts{"ou_mei", "Han Mei", mei_user, false, true};
    all.people["ou_new"] = person_facts{"ou_new", "Newcomer", "", false, false};
    all.people["ou_guest"] = person_facts{"ou_guest", "Guest", guest_user, false, false};
    all.people["ou_admin"] = person_facts{"ou_admin", "Admin", "", true, false};
    project_facts p;
    p.project.id = web;
    p.project.identifier = "WEB";
    p.project.name = "Website";
    p.states = {{todo, "Todo", plane::state_group::unstarted},
                {doing, "In Progress", plane::state_group::started},
                {done_state, "Done", plane::state_group::completed}};
    p.labels = {{bug, "bug"}, {review, "needs review"}};
    p.members = {{{li_user, "li.lei", "li@example.com"}, "ou_li", false},
                 {{mei_user, "han.mei", "mei@example.com"}, "ou_mei", false},
                 {{guest_user, "guest", ""}, "ou_guest", true}};
    all.projects[web] = p;
    p.project.id = ops;
    p.project.identifier = "OPS";
    p.project.name = "Operations";
    all.projects[ops] = p;
    all.all_projects = std::vector<plane::project>{all.projects[web]->project, p.project};
    put(view(item_42, web, "WEB", 42));
    put(view(item_43, web, "WEB", 43));
    put(view(item_ops, ops, "OPS", 7));
  }
  void put(const item_view& v) {
    for (const auto& key : {short_name(v), v.project + "/" + v.id, "/" + v.id})
      all.items[key] = {item_fact::found::yes, v};
  }

  void answer(facts& f, const need& n) {
    ++asked;
    if (std::find(refused.begin(), refused.end(), n) != refused.end()) {
      f.given_up.push_back(n);
      return;
    }
    switch (n.what) {
      case need::kind::bot:
        f.bot = all.bot;
        break;
      case need::kind::chat:
        f.chats[n.key] = all.chats[n.key];
        break;
      case need::kind::channels:
        f.channels[n.key] = all.channels[n.key];
        break;
      case need::kind::person:
        f.people[n.key] = all.people[n.key];
        break;
      case need::kind::project:
        f.projects[n.key] = all.projects[n.key];
        break;
      case need::kind::projects:
        f.all_projects = all.all_projects;
        break;
      case need::kind::item:
        f.items[n.key] = all.items[n.key];
        break;
      case need::kind::receipt: {
        const auto found = receipts.find(n.key);
        f.receipts[n.key] = found == receipts.end() ? std::nullopt : std::optional{found->second};
        break;
      }
      case need::kind::place:
        f.places[n.key] = all.places[n.key];
        break;
      case need::kind::quoted:
        f.quoted[n.key] = all.quoted[n.key];
        break;
    }
  }

  template <class Heard>
  thread_plan decide(const entity_key& to, const Heard& heard) {
    auto& k = known[to.text()];
    if (to.kind() == "thread") k.root = to.id();
    if (to.kind() == "chat") k.chat = to.id();
    facts given;
    // What was asked once is never asked again; a decision that wants for ever is a bug.
    for (int round = 0; round < 8; ++round) {
      auto v = judge(k, heard, given, now, rules);
      if (auto* plan = std::get_if<thread_plan>(&v)) {
        keep(to, *plan);
        return std::move(*plan);
      }
      const auto& needs = std::get<std::vector<need>>(v);
      BOOST_REQUIRE(!needs.empty());
      for (const auto& n : needs) answer(given, n);
    }
    BOOST_FAIL("asks for ever");
    return {};
  }
  /// Knowledge passes through its JSON, as in the store.
  void keep(const entity_key& of, const thread_plan& plan) {
    known[of.text()] = parse_thread_knowledge(to_json(plan.now)).value();
    for (const auto& r : plan.receipts)
      receipts[r.integration + ":" + r.object] = {of.text(), r.remote_id};
  }

  // What people do -------------------------------------------------------------------------------
  int messages = 0;
  lark::event message(std::string text, std::string by = "ou_li", bool to_bot = true,
                      std::string root = "om_root", std::string chat = "oc_web") {
    lark::message m;
    m.message_id = "om_" + std::to_string(++messages);
    m.root_id = std::move(root);
    m.chat_id = std::move(chat);
    m.type = "text";
    if (to_bot) {
      m.mentions.push_back({"@_user_1", {"ou_bot", "", ""}, "planebridge", true});
      text = "@_user_1 " + text;
    }
    m.content = boost::json::serialize(boost::json::object{{"text", text}});
    m.sender.open_id = std::move(by);
    m.created_at = now;
    lark::event e;
    e.id = "ev_" + std::to_string(messages);
    e.type = "im.message.receive_v1";
    e.what = m;
    return e;
  }
  static const lark::message& message_of(const lark::event& e) {
    return std::get<lark::message>(e.what);
  }
  thread_plan hear(const lark::event& e) {
    return decide(entity_key::lark_thread(message_of(e).root()), e);
  }
  thread_plan say(std::string text, std::string by = "ou_li", bool to_bot = true) {
    return hear(message(std::move(text), std::move(by), to_bot));
  }
  thread_knowledge& thread(const std::string& root = "om_root") {
    return known[entity_key::lark_thread(root).text()];
  }
  void bound() { (void)say("/bind WEB-42"); }

  thread_plan changed(std::vector<field_change> changes, std::string by = "han.mei",
                      std::string by_id = mei_user) {
    item_changed c;
    c.now = thread().item;
    c.changes = std::move(changes);
    c.actor = std::move(by);
    c.actor_id = std::move(by_id);
    return decide(entity_key::lark_thread("om_root"), between{c});
  }
  lark::event click(std::string what, std::string option, std::string by = "ou_li",
                    std::string card = "om_card", std::string item = item_42) {
    lark::card_action a;
    a.by.open_id = std::move(by);
    a.message_id = std::move(card);
    a.chat_id = "oc_web";
    a.tag = "select_static";
    a.option = std::move(option);
    a.value = boost::json::serialize(
        boost::json::object{{"thread", "om_root"}, {"item", item}, {"do", what}});
    lark::event e;
    e.id = "cev_" + std::to_string(++messages);
    e.type = "card.action.trigger";
    e.what = a;
    return e;
  }
  thread_plan clicked(const lark::event& e) {
    return decide(entity_key::lark_thread("om_root"), e);
  }
};

inline lark_effect payload(const wanted_message& m) { return parse_lark_effect(m.payload).value(); }
/// All that a plan says, contents as they are sent.
inline std::string said(const thread_plan& p) {
  std::string out;
  for (const auto& e : p.effects)
    if (e.lane == "lark") out += payload(e).content + "\n" + payload(e).fallback + "\n";
  return out;
}
inline bool says(const thread_plan& p, std::string_view words) {
  return said(p).find(words) != std::string::npos;
}
template <class T>
std::vector<T> handed(const thread_plan& p) {
  std::vector<T> out;
  for (const auto& h : p.hand_overs)
    if (const auto* t = std::get_if<T>(&h.what)) out.push_back(*t);
  return out;
}
inline std::size_t count(const thread_plan& p, std::string_view operation) {
  return static_cast<std::size_t>(std::count_if(
      p.effects.begin(), p.effects.end(), [&](const auto& e) { return e.operation == operation; }));
}
inline bool does_nothing(const thread_plan& p) {
  return p.effects.empty() && p.hand_overs.empty() && p.receipts.empty();
}

/// As the lane does when a message was sent.
inline thread_plan sent(world& w, const wanted_message& m, std::string id) {
  auto p = settle(w.thread(), m, {true, std::move(id), {}, 0}, w.now, w.rules);
  w.keep(entity_key::lark_thread("om_root"), p);
  return p;
}
/// A bound conversation whose card was sent as om_card.
inline void bound_with_card(world& w) {
  const auto p = w.say("/bind WEB-42");
  (void)sent(w, p.effects.at(1), "om_card");
}

}  // namespace thread_world
