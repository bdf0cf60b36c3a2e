#include "chat_checker.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace pb::simulation {
namespace json = boost::json;
using persistence::delivery;
using persistence::delivery_status;
using persistence::effect_status;
namespace {

std::string text_in(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}
const json::object& object_in(const json::object& o, std::string_view key) {
  static const json::object none;
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_object() ? v->get_object() : none;
}

/// The element of that id, wherever it is on the card.
const json::object* element(const json::value& v, std::string_view id) {
  if (v.is_array()) {
    for (const auto& e : v.get_array())
      if (const auto* found = element(e, id)) return found;
  } else if (v.is_object()) {
    const auto& o = v.get_object();
    if (text_in(o, "element_id") == id) return &o;
    for (const auto& [key, inner] : o)
      if (inner.is_structured())
        if (const auto* found = element(inner, id)) return found;
  }
  return nullptr;
}

}  // namespace

void chat_checker::fail(std::string what) {
  if (failures_.size() < 20) failures_.push_back(std::move(what));
}

bool chat_checker::ended(const std::string& chat, const std::string& root) const {
  return known_.ended_chats.contains(chat) || known_.recalled_roots.contains(root);
}

void chat_checker::journal() {
  for (const auto& d : world_.deliveries()) {
    if (d.status == delivery_status::dead)
      fail("lost: delivery " + std::to_string(d.seq) + " is a dead letter: " + d.reason);
    if (d.status == delivery_status::pending)
      fail("lost: delivery " + std::to_string(d.seq) + " of " + d.entity.text() + " is pending");
  }
  for (const auto& e : world_.effects()) {
    if (e.status == effect_status::waiting)
      fail("lost: effect " + std::to_string(e.id) + " " + e.operation + " of " + e.entity.text() +
           " is waiting: " + e.last_error);
    if (e.status != effect_status::dead) continue;
    const std::string of{e.entity.id()};
    const auto at = chat_of_.find(of);
    const bool explained =
        e.entity.kind() == "issue"
            ? known_.gone_items.contains(of)
            : ended(e.entity.kind() == "chat" || at == chat_of_.end() ? of : at->second, of);
    if (!explained)
      fail("lost: effect " + std::to_string(e.id) + " " + e.operation + " of " + e.entity.text() +
           " is dead: " + e.last_error);
  }
}

void chat_checker::look() {
  deliveries_ = world_.deliveries();
  std::sort(deliveries_.begin(), deliveries_.end(),
            [](const auto& a, const auto& b) { return a.seq < b.seq; });
  bots_.clear();
  chat_of_.clear();
  by_marker_.clear();
  const auto view = tenant_.lark.view();
  for (const auto& c : view.at("chats").as_array())
    for (const auto& v : c.at("messages").as_array()) {
      const auto& m = v.as_object();
      const auto id = text_in(m, "message_id"), chat = text_in(m, "chat_id");
      auto root = text_in(m, "root_id");
      if (root.empty()) root = id;
      chat_of_[root] = chat;
      if (text_in(object_in(m, "sender"), "sender_type") != "app") continue;
      const auto* gone = m.if_contains("deleted");
      bots_.push_back({id, chat, root, text_in(m, "msg_type"),
                       text_in(object_in(m, "body"), "content"),
                       gone != nullptr && gone->is_bool() && gone->get_bool()});
    }
  for (const auto& [item, project] : known_.items) {
    const auto a = world_.try_page("GET", "projects/" + project + "/issues/" + item + "/comments/");
    if (a.status != 200) continue;
    const auto all = json::parse(a.body);
    for (const auto& v : all.is_array() ? all.as_array() : all.at("results").as_array()) {
      const auto& c = v.as_object();
      if (text_in(c, "external_source") == "planebridge")
        by_marker_.emplace(text_in(c, "external_id"),
                           comment_row{text_in(c, "id"), item, text_in(c, "comment_html")});
    }
  }
}

std::size_t chat_checker::saying(const std::string& root, const std::string& tag) const {
  return static_cast<std::size_t>(std::count_if(bots_.begin(), bots_.end(), [&](const auto& m) {
    return m.root == root && m.content.find(tag) != std::string::npos;
  }));
}

// Conversations
// ------------------------------------------------------------------------------------

void chat_checker::expect_comment(const std::string& message, const chat_ledger::said& said,
                                  const std::string& item) {
  const auto [from, to] = by_marker_.equal_range("lark:" + message);
  const auto there = std::distance(from, to);
  if (there > 1)
    fail("doubled: " + message + " (" + said.tag + ") is " + std::to_string(there) + " comments");
  if (known_.gone_items.contains(item)) return;
  if (there == 0) {
    if (!said.recalled) fail("lost: " + message + " (" + said.tag + ") is no comment of " + item);
    return;
  }
  ++commented_;
  if (from->second.item != item)
    fail("astray: " + message + " (" + said.tag + ") is a comment of " + from->second.item);
  const bool struck = from->second.html.find("<s>") != std::string::npos;
  if (struck != said.recalled && !ended(said.chat, said.root))
    fail(std::string{"recall: the comment of "} + message + " (" + said.tag +
         (struck ? ") is struck out" : ") is not struck out"));
}

void chat_checker::hear_person(conversation& c, const delivery& d) {
  const auto body = json::parse(*d.body);
  const auto& event = object_in(body.as_object(), "event");
  const auto id = text_in(object_in(event, "message"), "message_id");
  const auto found = known_.messages.find(id);
  if (found == known_.messages.end()) return;
  const auto& said = found->second;
  if (!heard_.insert(id).second) fail("doubled: " + id + " is in the journal twice");
  const bool command = said.what != chat_deed::reply && said.what != chat_deed::start_thread;
  const auto is = [&](std::string_view how) { return d.reason.starts_with(how); };
  if (command && is("ignored") && !ended(said.chat, said.root) && !said.recalled)
    fail("lost: the command " + id + " (" + std::string{to_string(said.what)} + ") is " + d.reason);
  const bool open =
      !c.item.empty() && !known_.gone_items.contains(c.item) && !ended(said.chat, said.root);
  const auto must = [&](bool wanted, std::string_view how) {
    // What was recalled before it was looked at has nothing to say any more.
    const bool recalled = said.recalled && is("ignored: recalled");
    if (wanted && open && !is(how) && !recalled)
      fail("lost: " + id + " (" + said.tag + ") in a conversation of " + c.item + " is \"" +
           d.reason + "\"");
    if (!wanted && is(how) && !ended(said.chat, said.root))
      fail("rules: " + id + " (" + said.tag + ") should not be \"" + d.reason + "\"");
    if (is(how)) expect_comment(id, said, c.item);
  };
  switch (said.what) {
    case chat_deed::comment:
      return must(!c.item.empty() && c.gives_commands, "applied: comment");
    case chat_deed::reply:
      return must(!c.item.empty() && c.gives_all, "applied: reply becomes a comment");
    case chat_deed::bind:
      if (!is("applied: bound")) return;
      if (said.stranger) fail("rules: somebody unknown has bound " + c.root);
      c.end();
      c.item = said.value;
      return;
    case chat_deed::unbind:
      if (is("applied: unbound")) c.end();
      return;
    case chat_deed::takes:
      if (!is("applied: sync")) return;
      c.gives_all = said.value == "on" || said.value == "comments";
      c.gives_commands = said.value != "off";
      c.gets_comments = said.value != "off";
      return;
    default:
      if (said.stranger && is("applied: command"))
        fail("rules: somebody unknown has changed " + c.item);
      return;
  }
}

void chat_checker::hear_comment(const conversation& c, const delivery& d,
                                const sync::item_commented& what) {
  if (what.how != sync::item_commented::what::written) return;
  if (!handed_.emplace(what.comment, c.root).second && what.from_thread != c.root)
    fail("doubled: comment " + what.comment + " is handed to " + c.root + " twice");
  const bool wanted = c.item == what.now.id && c.gets_comments && what.from_thread != c.root;
  const bool applied = d.reason.starts_with("applied: comment");
  if (wanted != applied && !(wanted && ended(chat_of_[c.root], c.root)))
    fail("rules: comment " + what.comment + " for " + c.root + " is \"" + d.reason + "\"");
}

void chat_checker::hear(conversation& c, const delivery& d) {
  if (d.form == "lark.event") {
    if (d.event == "im.message.receive_v1") hear_person(c, d);
    return;
  }
  const auto b = sync::parse_between(d.form, *d.body);
  if (!b) return fail("lost: delivery " + std::to_string(d.seq) + ": " + describe(b.error()));
  if (const auto* said = std::get_if<sync::item_commented>(&*b)) hear_comment(c, d, *said);
  if (const auto* s = std::get_if<sync::thread_started>(&*b);
      s != nullptr && d.reason == "applied: bound by announcement")
    c.item = s->item.id;
  if (const auto* a = std::get_if<sync::item_answered>(&*b);
      a != nullptr && d.reason == "applied: bound to the new item")
    c.item = a->now->id;
  if (std::holds_alternative<sync::thread_ended>(*b)) c.end();
}

void chat_checker::conversations() {
  look();
  handed_.clear();
  heard_.clear();
  told_ = commented_ = 0;
  std::map<std::string, conversation> all;
  for (const auto& d : deliveries_) {
    if (d.entity.source() != "lark" || d.entity.kind() != "thread") continue;
    const std::string root{d.entity.id()};
    hear(all.try_emplace(root, conversation{root, {}}).first->second, d);
  }
  for (const auto& [id, said] : known_.messages)
    if (!heard_.contains(id) && !ended(said.chat, said.root))
      fail("lost: " + id + " (" + std::string{to_string(said.what)} + ") was never heard");
  for (const auto& [marker, c] : by_marker_)
    if (by_marker_.count(marker) > 1) fail("doubled: " + marker + " is written twice");
  check_told();
}

/// Along the journal of each work item: who followed it when a comment was heard of.
void chat_checker::check_told() {
  std::map<std::string, std::map<std::string, bool>> following;  // item → conversation, comments
  std::set<std::string> heard;
  for (const auto& d : deliveries_) {
    if (d.entity.kind() != "issue") continue;
    const std::string item{d.entity.id()};
    if (d.form == sync::thread_bound::form) {
      const auto b = sync::parse_between(d.form, *d.body);
      const auto& is = std::get<sync::thread_bound>(*b);
      if (is.bound)
        following[item][is.thread] = is.comments;
      else
        following[item].erase(is.thread);
    }
    if (d.form != "plane.webhook" || d.event.find("comment") == std::string::npos) continue;
    const bool written = d.event.ends_with("created");  // an edit may overtake it
    for (const auto& [id, c] : known_.comments) {
      if (c.item != item || d.body->find(id) == std::string::npos) continue;
      heard.insert(id);
      if (!written || known_.gone_items.contains(item)) continue;
      for (const auto& [root, gets] : following[item]) {
        const auto times = saying(root, c.tag);
        const bool lost = ended(chat_of_[root], root);
        if (gets && !lost && !handed_.contains({id, root}) && !c.unsure)
          fail("lost: comment " + c.tag + " of " + item + " was not handed to " + root);
        (void)times;
      }
    }
  }
  // Plane may have given up a delivery while nobody listened, and its webhook with it: nothing
  // tells of comments then, and polls read items only.
  const bool told = world_.webhook_is_on();
  for (const auto& [id, c] : known_.comments) {
    if (told && !heard.contains(id) && !c.unsure && !known_.gone_items.contains(c.item))
      fail("lost: comment " + c.tag + " of " + c.item + " was never heard of");
    for (const auto& [root, chat] : chat_of_) {
      const auto times = saying(root, c.tag);
      told_ += times;
      if (times > 1)
        fail("doubled: comment " + c.tag + " is shown " + std::to_string(times) + " times in " +
             root);
    }
  }
  // What was handed over and wanted is there, whoever wrote it; and never where it came from.
  for (const auto& d : deliveries_) {
    if (d.form != sync::item_commented::form || d.reason != "applied: comment") continue;
    const std::string root{d.entity.id()};
    const auto b = sync::parse_between(d.form, *d.body);
    const auto& is = std::get<sync::item_commented>(*b);
    if (is.how != sync::item_commented::what::written || ended(chat_of_[root], root)) continue;
    std::string tag;
    if (const auto c = known_.comments.find(is.comment); c != known_.comments.end())
      tag = c->second.removed ? "" : c->second.tag;
    if (const auto m = known_.messages.find(is.from_message); m != known_.messages.end())
      tag = m->second.recalled ? "" : m->second.tag;
    if (!tag.empty() && saying(root, tag) != 1)
      fail("lost: comment " + tag + " is shown " + std::to_string(saying(root, tag)) +
           " times in " + root);
  }
  for (const auto& [id, said] : known_.messages)
    if (!said.tag.empty() && saying(said.root, said.tag) != 0)
      fail("loop: " + said.tag + " came back to " + said.root);
  for (const auto& f : known_.forms) {
    std::size_t times = 0;
    for (const auto& [marker, c] : by_marker_) times += c.html.find(f.tag) != std::string::npos;
    if (times > 1) fail("doubled: the comment by card " + f.tag + " is there twice");
    if (saying(f.root, f.tag) != 0) fail("loop: " + f.tag + " came back to " + f.root);
  }
}

// Messages
// -----------------------------------------------------------------------------------------

void chat_checker::messages() {
  std::map<std::string, unsigned> made;
  bool unsure = false;
  for (const auto& e : world_.effects()) {
    if (e.integration != "lark") continue;
    const bool makes = e.operation == "lark.reply" || e.operation == "lark.send";
    unsure = unsure || (makes && e.status == effect_status::dead);
    if (!makes || e.status != effect_status::done) continue;
    if (e.remote_id.empty())
      fail("lost: effect " + std::to_string(e.id) + " has sent nothing");
    else if (++made[e.remote_id] > 1)
      fail("doubled: " + e.remote_id + " is the message of two effects");
  }
  for (const auto& m : bots_) {
    if (!made.contains(m.id) && !unsure)
      fail("doubled: message " + m.id + " in " + m.root + " is no effect's: " + m.content);
    made.erase(m.id);
  }
  for (const auto& [id, n] : made) fail("lost: " + id + " was sent and is not there");
  if (bots_.size() > 4 * known_.causes + 10)
    fail("loop: " + std::to_string(bots_.size()) + " messages for " +
         std::to_string(known_.causes) + " things that people did");
}

// Bindings and values
// ------------------------------------------------------------------------------

void chat_checker::check_card(const std::string& root, const sync::item_view& is,
                              const std::string& message) {
  const auto at =
      std::find_if(bots_.begin(), bots_.end(), [&](const auto& m) { return m.id == message; });
  if (at == bots_.end() || at->deleted || at->type != "interactive") return;
  // Feishu has no precondition for updates: what it carries out late stands.
  if (known_.overtaken.contains(message)) return;
  const auto card = json::parse(at->content);
  const auto same = [&](std::string_view id, std::string_view key, const std::string& wanted) {
    const auto* e = element(card, id);
    if (e != nullptr && text_in(*e, key) != wanted)
      fail("card: " + std::string{id} + " on " + message + " in " + root + " is \"" +
           text_in(*e, key) + "\", not \"" + wanted + "\"");
  };
  same("state", "initial_option", is.state.id);
  same("priority", "initial_option", std::string{protocol::plane::to_string(is.prio)});
  same("due", "initial_date", is.target_date);
  const auto name = json::serialize(json::string{is.name});
  if (at->content.find(name.substr(1, name.size() - 2)) == std::string::npos)
    fail("card: " + message + " in " + root + " does not say \"" + is.name + "\"");
}

void chat_checker::check_item(const std::string& root, const sync::thread_knowledge& k) {
  const auto project = known_.items.find(k.item.id);
  if (project == known_.items.end()) return;
  const auto a =
      world_.try_page("GET", "projects/" + project->second + "/issues/" + k.item.id + "/");
  if (a.status != 200) {
    if (!k.item.gone && !k.item.archived)
      fail("converged: " + root + " does not know that " + k.item.id + " is gone");
    return;
  }
  const auto v = json::parse(a.body);
  const auto& o = v.as_object();
  if (!text_in(o, "archived_at").empty()) return;
  const auto same = [&](const char* what, const std::string& held, const std::string& is) {
    if (held != is)
      fail("converged: " + std::string{what} + " of " + k.item.id + " is \"" + held + "\" in " +
           root + ", not \"" + is + "\"");
  };
  same("name", k.item.name, text_in(o, "name"));
  same("state", k.item.state.id, text_in(o, "state_id"));
  same("priority", std::string{protocol::plane::to_string(k.item.prio)}, text_in(o, "priority"));
  same("due date", k.item.target_date, text_in(o, "target_date"));
  if (ended(k.chat, root)) return;
  auto is = k.item;
  for (const auto& c : k.cards) check_card(root, is, c.message_id);
}

void chat_checker::bindings() {
  look();
  std::map<std::string, std::set<std::string>> live;  // conversation → items
  for (const auto& [item, project] : known_.items)
    for (const auto& l : world_.entity(item).links)
      if (l.integration == "lark" && l.state == "live") live[l.object].insert(item);
  for (const auto& [root, chat] : chat_of_) {
    const auto state = world_.entity(entity_key::lark_thread(root));
    const auto k = sync::parse_thread_knowledge(state.row ? state.row->known : "");
    if (!k) {
      fail("lost: what is known of " + root + " does not read");
      continue;
    }
    const auto& items = live[root];
    if (items.size() > 1) fail("bindings: two work items tell " + root);
    const std::string bound = items.empty() ? "" : *items.begin();
    if (bound != k->item.id)
      fail("bindings: " + root + " follows \"" + k->item.id + "\", and \"" + bound + "\" tells it");
    const auto place = world_.entity(entity_key::lark_chat(chat));
    const auto of_chat = sync::parse_thread_knowledge(place.row ? place.row->known : "");
    const bool counted = of_chat && std::find(of_chat->threads.begin(), of_chat->threads.end(),
                                              root) != of_chat->threads.end();
    if (counted == k->item.id.empty() && !k->p2p && !known_.ended_chats.contains(chat))
      fail("bindings: " + chat + (counted ? " still counts " : " does not count ") + root);
    if (!k->item.id.empty()) check_item(root, *k);
  }
}

}  // namespace pb::simulation
