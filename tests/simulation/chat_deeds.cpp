// What people do in a story of Feishu and Plane.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "chat_stage.hpp"

namespace pb::simulation {
namespace json = boost::json;
namespace {

constexpr std::size_t items_at_most = 6, conversations_at_most = 6;

std::string quoted(std::string_view key, std::string_view text) {
  return json::serialize(json::object{{key, text}});
}
std::string id_in(const protocol::http_response& a) {
  return std::string{json::parse(a.body).at("id").as_string()};
}
/// Few days, so that changes are taken back and meet each other.
std::string day(std::uint64_t draw) {
  return std::array{"2026-12-04", "2026-12-05", "2026-12-24", "2027-01-01"}[draw % 4];
}

}  // namespace

std::string chat_stage::next_tag() { return "tag" + std::to_string(++named_) + "x"; }

chat_stage::item* chat_stage::pick_item(std::uint64_t draw) {
  return items_.empty() ? nullptr : &items_[draw % items_.size()];
}

std::optional<chat_stage::conversation> chat_stage::pick_conversation(std::uint64_t draw) {
  if (draw % 4 == 0) find_announcements();
  if (conversations_.empty()) return std::nullopt;
  return conversations_[draw / 4 % conversations_.size()];
}

void chat_stage::find_announcements() {
  for (const auto& chat : {tenant_.who.group, tenant_.who.topics})
    for (const auto& m : tenant_.lark.messages(chat)) {
      const auto& o = m.as_object();
      if (o.contains("root_id") || o.at("msg_type").as_string() != "interactive") continue;
      const std::string id{o.at("message_id").as_string()};
      const bool known = std::any_of(conversations_.begin(), conversations_.end(),
                                     [&](const auto& c) { return c.root == id; });
      if (!known && conversations_.size() < conversations_at_most + 2)
        conversations_.push_back({id, chat});
    }
}

void chat_stage::say_there(const conversation& c, chat_deed what, const std::string& words,
                           bool to_bot, chat_ledger::said said, std::uint64_t by) {
  const auto& who = tenant_.who;
  said.what = what;
  said.chat = c.chat;
  said.root = c.root;
  said.by = said.stranger ? who.guest : by % 3 == 0 ? who.member : who.owner;
  sandbox::lark_saying saying;
  saying.chat = c.chat;
  saying.by = said.by;
  saying.text = words;
  saying.mention_bot = to_bot;
  saying.reply_to = c.root;
  const auto id = tenant_.lark.say(saying);
  if (!id) return note("nobody lets them: " + id.error().detail);
  if (said.root.empty()) said.root = *id;
  said_.push_back({*id, said.by, said.root});
  ledger_.messages[*id] = said;
  note("says " + *id + " in " + said.root + ": " + words);
  if (c.root.empty()) conversations_.push_back({*id, c.chat});
}

void chat_stage::in_chat(const chat_step& s) {
  using enum chat_deed;
  if (s.what == start_thread) {
    if (conversations_.size() >= conversations_at_most) return;
    const auto& chat = s.subject % 3 == 0 ? tenant_.who.topics : tenant_.who.group;
    return say_there({{}, chat}, start_thread, "what about this one", false, {}, s.detail);
  }
  if (s.what == click) return this->click(s);
  if (s.what == recall) return this->recall(s);
  const auto c = pick_conversation(s.subject);
  if (!c) return;
  const auto d = s.detail;
  chat_ledger::said said;
  const auto command = [&](const std::string& words) {
    say_there(*c, s.what, words, true, said, d);
  };
  switch (s.what) {
    case bind: {
      const auto* i = pick_item(d / 8);
      if (i == nullptr) return;
      said.value = i->id;
      return command("/bind http://plane.test/" + world_.seeds().workspace_slug + "/projects/" +
                     i->project + "/issues/" + i->id);
    }
    case unbind:
      return command("/unbind");
    case comment:
      said.tag = next_tag();
      return command("/comment seen by " + said.tag);
    case reply:
      said.tag = next_tag();
      return say_there(*c, reply, "I think " + said.tag, false, said, d);
    case takes:
      said.value = std::array{"on", "on", "off", "comments", "commands"}[d / 8 % 5];
      return command("/sync " + said.value);
    case set_field:
      switch (d / 8 % 5) {
        case 0:
          return command(std::string{"/state "} +
                         std::array{"done", "todo", "in progress", "backlog"}[d / 64 % 4]);
        case 1:
          return command(std::string{"/priority "} +
                         std::array{"urgent", "high", "low", "none"}[d / 64 % 4]);
        case 2:
          return command("/due " + (d / 64 % 4 == 0 ? "none" : day(d / 256)));
        case 3:
          return command(d / 64 % 3 == 0 ? "/assign nobody" : "/assign me");
        default:
          return command("/label +nosuch");
      }
    case new_item:
      return command("/new Made in chat " + std::to_string(++named_));
    case card:
      return command("/link");
    case small_talk:
      return command(std::array{"/help", "/mute", "/quiet off", "/stat done", "hello"}[d / 8 % 5]);
    case stranger:
      said.stranger = true;
      if (d / 8 % 3 == 0) return command("/priority urgent");
      if (d / 8 % 3 == 1) return command("/unbind");
      said.tag = next_tag();
      say_there(*c, comment, "/comment says a stranger " + said.tag, true, said, d);
      return;
    default:
      return;
  }
}

void chat_stage::click(const chat_step& s) {
  const auto c = pick_conversation(s.subject);
  if (!c) return;
  std::vector<std::string> cards;
  for (const auto& m : tenant_.lark.messages(c->chat)) {
    const auto& o = m.as_object();
    const auto* root = o.if_contains("root_id");
    if (o.at("msg_type").as_string() == "interactive" &&
        ((root != nullptr && root->as_string() == c->root) ||
         o.at("message_id").as_string() == c->root))
      cards.emplace_back(o.at("message_id").as_string());
  }
  if (cards.empty()) return;
  const auto d = s.detail;
  sandbox::lark_click on;
  on.message_id = d % 4 == 0 ? cards.front() : cards.back();
  on.by = d % 3 == 0 ? tenant_.who.member : tenant_.who.owner;
  on.twice = d / 4 % 3 == 0;
  std::string tag;
  switch (d / 16 % 4) {
    case 0:
      on.on = "priority";
      on.option = std::array{"urgent", "high", "low", "none"}[d / 64 % 4];
      break;
    case 1:
      on.on = "due";
      on.option = day(d / 64);
      break;
    case 2:
      on.on = "assignee";
      on.option = "none";
      break;
    default:
      tag = next_tag();
      on.on = "send";
      on.form["comment"] = "by card " + tag;
  }
  const auto done = tenant_.lark.click(on);
  if (!done) return note("no such click: " + done.error().detail);
  note("clicks " + on.on + " " + on.option + tag + " on " + on.message_id);
  if (!tag.empty()) ledger_.forms.push_back({c->root, tag});
}

void chat_stage::recall(const chat_step& s) {
  if (said_.empty()) return;
  // Mostly one of the last.
  const auto back = s.subject % 3 == 0 ? s.subject / 3 % said_.size()
                                       : s.subject / 3 % std::min<std::size_t>(3, said_.size());
  const auto& m = said_[said_.size() - 1 - back];
  auto& said = ledger_.messages[m.id];
  if (said.what == chat_deed::start_thread && s.detail % 4 != 0) return;
  if (!tenant_.lark.recall(m.id, m.by)) return;
  note("recalls " + m.id);
  said.recalled = true;
  if (m.root == m.id) ledger_.recalled_roots.insert(m.id);
}

void chat_stage::patch(const item& i, const std::string& body) {
  (void)world_.try_page("PATCH", "projects/" + i.project + "/issues/" + i.id + "/", body);
}

void chat_stage::set_state(const item& i, std::uint64_t draw) {
  const auto states = json::parse(world_.page("GET", "projects/" + i.project + "/states/").body);
  const auto& list = states.is_array() ? states.as_array() : states.at("results").as_array();
  patch(i, json::serialize(json::object{{"state_id", list[draw % list.size()].at("id")}}));
}

void chat_stage::in_plane(const chat_step& s) {
  using enum chat_deed;
  const auto d = s.detail;
  if (s.what == create) {
    if (items_.size() >= items_at_most) return;
    const auto& project = s.subject % 4 == 1 ? world_.other_project : world_.project;
    const auto id =
        world_.create_in(project, "Item " + std::to_string(++named_), d % 2 == 0 ? "" : day(d / 2));
    items_.push_back({id, project});
    ledger_.items[id] = project;
    note("creates " + id);
    return;
  }
  if (s.what == edit_comment || s.what == delete_comment) {
    if (comments_.empty()) return;
    const auto id = comments_[s.subject % comments_.size()];
    auto& c = ledger_.comments[id];
    const auto at =
        "projects/" + ledger_.items[c.item] + "/issues/" + c.item + "/comments/" + id + "/";
    if (s.what == edit_comment) {
      (void)world_.try_page(
          "PATCH", at,
          quoted("comment_html", "<p>" + c.tag + " " + std::to_string(d % 5) + "</p>"));
      return;
    }
    c.unsure = c.removed = true;  // before anybody has heard of it, perhaps
    (void)world_.try_page("DELETE", at);
    return;
  }
  const auto* i = pick_item(s.subject);
  if (i == nullptr) return;
  const auto path = "projects/" + i->project + "/issues/" + i->id + "/";
  switch (s.what) {
    case rename:
      return patch(*i, quoted("name", "Name \"" + std::to_string(d % 7) + "\" <b>&"));
    case restate:
      return set_state(*i, d);
    case prioritize:
      return patch(*i, quoted("priority", std::array{"urgent", "low", "none"}[d % 3]));
    case redate:
      return patch(*i, d % 4 == 0 ? R"({"target_date":null})" : quoted("target_date", day(d / 4)));
    case burst:
      for (unsigned n = 0; n < 2 + d % 6; ++n) {
        patch(*i, n % 2 == 0 ? quoted("target_date", day(d / 8 + n))
                             : quoted("name", "Burst " + std::to_string((d + n) % 9)));
        if (d % 5 == 0) machine_.pass(ms_of(d * (n + 1), 1'500));
      }
      return;
    case revert: {
      const auto was = *i;
      patch(was, quoted("priority", "medium"));
      machine_.pass(ms_of(d, d % 2 == 0 ? 300 : 8'000));
      return patch(was, quoted("priority", "none"));
    }
    case write_comment: {
      const auto tag = next_tag();
      const auto a = world_.try_page("POST", path + "comments/",
                                     quoted("comment_html", "<p>written " + tag + "</p>"));
      if (a.status >= 300) return;
      const auto id = id_in(a);
      comments_.push_back(id);
      const bool unsure = webhooks_unsure_until_ && world_.elapsed() < *webhooks_unsure_until_;
      ledger_.comments[id] = {i->id, tag, unsure};
      note("writes " + tag + " as " + id);
      return;
    }
    case remove:
      if (d % 2 != 0) return;
      ledger_.gone_items.insert(i->id);
      (void)world_.try_page("DELETE", path);
      return;
    case archive:
      ledger_.gone_items.insert(i->id);
      patch(*i, R"({"priority":"none"})");
      (void)world_.try_page("POST", path + "archive/");
      return;
    case unarchive:
      (void)world_.try_page("DELETE", path + "archive/");
      return;
    default:
      return;
  }
}

}  // namespace pb::simulation
