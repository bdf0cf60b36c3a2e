// sandbox: what people do in the in-memory Lark: post, reply, recall, react, click, look at links;
// and the view of it all for the page.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <stdexcept>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

constexpr auto interaction_window = std::chrono::days{14};

/// Received posts name people by mention key: <at> nodes with an open_id become such.
void mark_post(json::value& v, const lark::impl& in, std::vector<mention_row>& mentions) {
  if (v.is_array()) {
    for (auto& e : v.get_array()) mark_post(e, in, mentions);
  } else if (v.is_object()) {
    auto& o = v.get_object();
    if (text_of(o, "tag") == "at")
      o["user_id"] =
          in.mark_mentions("<at user_id=\"" + text_of(o, "user_id") + "\"></at>", mentions);
    for (auto& [key, inner] : o) mark_post(inner, in, mentions);
  }
}

}  // namespace

result<std::string> lark::say(const lark_saying& what) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  person_row* by = in.person(what.by);
  if (by == nullptr || by->resigned) return not_possible("nobody of that id works here");
  chat_row* where = what.chat.empty() ? nullptr : in.chat(what.chat);
  message_row* parent = what.reply_to.empty() ? nullptr : in.message(what.reply_to);
  if (!what.reply_to.empty() && (parent == nullptr || parent->deleted))
    return not_possible("the message to answer is not there");
  if (parent != nullptr) {
    chat_row* its = in.chat(parent->chat);
    if (where != nullptr && where != its) return not_possible("that message is in another chat");
    where = its;
  }
  if (where == nullptr && !what.chat.empty()) return not_possible("no such chat");
  if (where == nullptr) where = &in.chat_with(*by);
  if (where->dissolved) return not_possible("the chat was dissolved");
  if (std::ranges::find(where->members, by->open_id) == where->members.end())
    return not_possible("not a member of the chat");
  message_row m;
  m.by = by->open_id;
  m.type = what.type;
  if (m.type == "text") {
    std::string text = what.text;
    if (what.mention_bot) text = R"(<at user_id="bot"></at> )" + text;
    if (text.empty()) return not_possible("a message needs a text");
    m.seen = json::serialize(row{{"text", in.mark_mentions(text, m.mentions)}});
  } else {
    boost::system::error_code ec;
    json::value v = json::parse(what.content, ec);
    if (ec || !v.is_object()) return not_possible("the content is not a JSON object");
    if (m.type == "post") mark_post(v, in, m.mentions);
    m.seen = json::serialize(v);
  }
  m.sent = m.seen;
  const message_row& made = in.put(*where, std::move(m), parent, what.in_thread);
  for (auto& [key, file] : in.files)
    if (file.message == "-" && made.seen.find(key) != std::string::npos) file.message = made.id;
  in.tell_message(made);
  return made.id;
}

result<void> lark::recall(std::string_view message_id, std::string_view by) {
  const std::scoped_lock held{impl_->lock};
  message_row* m = impl_->message(message_id);
  if (m == nullptr || m->deleted) return not_possible("the message is not there");
  const chat_row& where = *impl_->chat(m->chat);
  if (m->by != by && where.owner != by) return not_possible("only its author or the owner may");
  m->deleted = true;
  m->recalled_by = m->by == by ? "message_owner" : "group_owner";
  m->updated = impl_->stamp();
  impl_->changed();
  impl_->tell_recalled(*m);
  return {};
}

result<void> lark::react(std::string_view message_id, std::string_view by, std::string_view emoji,
                         bool removed) {
  const std::scoped_lock held{impl_->lock};
  message_row* m = impl_->message(message_id);
  if (m == nullptr || m->deleted) return not_possible("the message is not there");
  if (impl_->person(by) == nullptr) return not_possible("nobody of that id works here");
  const auto found = std::ranges::find_if(
      m->reactions, [&](const message_row::reaction& r) { return r.by == by && r.emoji == emoji; });
  if (removed == (found == m->reactions.end())) return {};
  impl_->changed();
  if (removed) {
    const auto gone = *found;
    m->reactions.erase(found);
    impl_->tell_reaction(*m, gone, true);
  } else {
    m->reactions.push_back({"ZCaCIjUBVVWSrm5L-" + impl_->hex(16), std::string{emoji},
                            std::string{by}, impl_->stamp()});
    impl_->tell_reaction(*m, m->reactions.back(), false);
  }
  return {};
}

result<std::uint64_t> lark::click(const lark_click& what) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  const message_row* m = in.message(what.message_id);
  if (m == nullptr || m->deleted || m->type != "interactive")
    return not_possible("no card of that id");
  const person_row* by = in.person(what.by);
  const auto& members = in.chat(m->chat)->members;
  if (by == nullptr || by->resigned || std::ranges::find(members, what.by) == members.end())
    return not_possible("not a member of the chat");
  if (in.clock.now() - m->created > interaction_window)
    return not_possible("the card can no longer be used");
  boost::system::error_code ec;
  const json::value card = json::parse(m->sent, ec);
  if (ec || !card.is_object()) return not_possible("the card cannot be read");
  const auto found = find_component(card, what.on);
  if (!found) return not_possible("the card has no " + what.on);
  auto action = action_of(*found, what, in.options.legacy_cards);
  if (!action) return action.error();
  auto& i = in.interact(in.options.legacy_cards ? "card.action.trigger_v1" : "card.action.trigger",
                        what.by);
  i.message_id = m->id;
  const std::uint64_t number = i.number;
  for (int times = what.twice ? 2 : 1; times > 0; --times) {
    const std::string token = "c-" + in.hex(40);
    in.card_tokens[token] = {m->id, in.clock.now(), 0, number};
    if (in.options.legacy_cards) {
      in.push_callback("card.action.trigger_v1",
                       row{{"open_id", by->open_id},
                           {"user_id", by->user_id},
                           {"open_message_id", m->id},
                           {"open_chat_id", m->chat},
                           {"tenant_key", in.options.tenant_key},
                           {"token", token},
                           {"action", *action}},
                       m->id, number);
      continue;
    }
    in.push_callback("card.action.trigger",
                     row{{"operator", row{{"tenant_key", in.options.tenant_key},
                                          {"union_id", by->union_id},
                                          {"user_id", by->user_id},
                                          {"open_id", by->open_id}}},
                         {"token", token},
                         {"action", *action},
                         {"host", "im_message"},
                         {"context", row{{"open_message_id", m->id}, {"open_chat_id", m->chat}}}},
                     m->id, number);
  }
  return number;
}

result<std::uint64_t> lark::view_link(std::string_view message_id, std::string_view by,
                                      std::string_view url) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  message_row* m = in.message(message_id);
  if (m == nullptr || m->deleted) return not_possible("the message is not there");
  const auto& members = in.chat(m->chat)->members;
  if (std::ranges::find(members, by) == members.end())
    return not_possible("not a member of the chat");
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return not_possible("not a link");
  // One token for one link in one message, whoever looks.
  std::string& token = m->previews[std::string{url}];
  if (token.empty()) {
    token = make_uuid(in.random);
    in.preview_tokens[token] = {m->id, std::string{url}};
  }
  auto& i = in.interact("url.preview.get", by);
  i.url = url;
  in.ask_preview(i, token, m->id, m->chat);
  return i.number;
}

std::uint64_t lark::type_link(std::string_view by, std::string_view url) {
  const std::scoped_lock held{impl_->lock};
  auto& i = impl_->interact("url.preview.get", by);
  i.url = url;
  impl_->ask_preview(i, "", "", "");
  return i.number;
}

void lark::open_menu(std::string_view by, std::string_view key) {
  const std::scoped_lock held{impl_->lock};
  const person_row* p = impl_->person(by);
  if (p == nullptr) throw std::invalid_argument("sandbox: no such person");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(impl_->clock.now());
  impl_->push_event(
      "application.bot.menu_v6",
      row{{"operator", row{{"operator_name", p->name}, {"operator_id", impl_->id_object(*p)}}},
          {"event_key", key},
          {"timestamp", seconds.time_since_epoch().count()}},
      p->open_id);
}

json::value lark::view(std::optional<std::uint64_t> since) const {
  const std::scoped_lock held{impl_->lock};
  const auto& in = *impl_;
  if (since && *since == in.revision) return nullptr;
  json::array people, chats, interactions;
  for (const auto& p : in.people)
    people.push_back(row{
        {"open_id", p.open_id}, {"name", p.name}, {"email", p.email}, {"resigned", p.resigned}});
  for (const auto& c : in.chats) {
    json::array messages;
    for (const auto& id : c.messages) {
      const message_row& m = in.messages.at(id);
      row line = in.message_view(m, true);
      json::array reactions;
      for (const auto& r : m.reactions) reactions.push_back(row{{"emoji", r.emoji}, {"by", r.by}});
      line["reactions"] = std::move(reactions);
      messages.push_back(std::move(line));
    }
    chats.push_back(row{{"chat_id", c.id},
                        {"name", c.name},
                        {"form", c.form == chat_form::topic ? "topic"
                                 : c.form == chat_form::p2p ? "p2p"
                                                            : "group"},
                        {"external", c.external},
                        {"bot", c.bot},
                        {"dissolved", c.dissolved},
                        {"members", json::value_from(c.members)},
                        {"messages", std::move(messages)}});
  }
  for (const auto& i : in.interactions)
    interactions.push_back(row{{"number", i.number},
                               {"what", i.what},
                               {"by", i.by},
                               {"message_id", i.message_id},
                               {"url", i.url},
                               {"state", i.state},
                               {"shown_error", i.shown_error},
                               {"toast_type", i.toast_type},
                               {"toast", i.toast},
                               {"inline_title", i.inline_title}});
  return row{{"revision", in.revision},
             {"bot", row{{"open_id", in.options.bot_open_id}, {"name", in.options.app_name}}},
             {"calls", in.all_calls},
             {"people", std::move(people)},
             {"chats", std::move(chats)},
             {"interactions", std::move(interactions)}};
}

}  // namespace pb::sandbox
