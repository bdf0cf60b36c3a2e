// What somebody wrote: a command, a comment, or nothing to us.
#include <algorithm>

#include "protocol/html/utf8.hpp"
#include "protocol/lark/content.hpp"
#include "protocol/lark/to_html.hpp"
#include "sync/plane_write.hpp"
#include "sync/thread_dates.hpp"
#include "sync/thread_orders.hpp"
#include "sync/thread_words.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace {

bool is_silent(const lark::run& r, std::string_view bot) {
  if (r.what == lark::run::kind::mention) return r.bot && (bot.empty() || r.key == bot);
  return r.what == lark::run::kind::text && trim(r.text).empty();
}
/// Takes the bot's name off the front, and with `word` the command's word behind it.
void strip(lark::rich_text& text, std::string_view bot, bool word) {
  while (!text.blocks.empty()) {
    auto& line = text.blocks.front().line;
    while (!line.empty() && is_silent(line.front(), bot)) line.erase(line.begin());
    if (line.empty()) {
      if (text.blocks.front().what != lark::block::kind::paragraph) return;
      text.blocks.erase(text.blocks.begin());
      continue;
    }
    auto& first = line.front().text;
    if (!word || line.front().what != lark::run::kind::text) return;
    word = false;
    const auto rest = after_word(first);
    first.erase(0,
                rest.empty() ? first.size() : static_cast<std::size_t>(rest.data() - first.data()));
  }
}

/// A name that Plane and people can use; whatever is cut, the ending stays.
std::string file_name(std::string_view said, std::string_view otherwise) {
  constexpr std::size_t longest = 200, longest_ending = 9;
  std::string out{trim(said)};
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\') c = '_';
  if (out.empty()) return std::string{otherwise};
  if (out.size() <= longest) return out;
  const auto dot = out.rfind('.');
  const bool ends = dot != std::string::npos && out.size() - dot <= longest_ending;
  const auto ending = ends ? out.substr(dot) : std::string{};
  return std::string{protocol::html::cut_utf8(out, longest - ending.size())} + ending;
}

/// Each once, in the order in which they are read.
std::vector<chat_file> files_of(const lark::rich_text& text) {
  std::vector<chat_file> out;
  std::size_t pictures = 0;
  for (const auto& b : text.blocks)
    for (const auto& r : b.line) {
      const bool image = r.what == lark::run::kind::image;
      if ((!image && r.what != lark::run::kind::file) || r.key.empty()) continue;
      if (std::any_of(out.begin(), out.end(), [&](const auto& f) { return f.key == r.key; }))
        continue;
      const auto unnamed =
          !image ? std::string{"file"}
                 : "image" + (++pictures > 1 ? "-" + std::to_string(pictures) : std::string{});
      out.push_back({r.key, file_name(r.text, unnamed), image});
      if (out.size() > file_copy::most_of_a_message) return out;  // whoever plans tells of it
    }
  return out;
}

}  // namespace

std::string comment_html(thread_desk& desk, const lark::message& m, bool word) {
  auto text = lark::read_content(m);
  strip(text, desk.given.bot, word);
  const auto* project = desk.project(desk.plan.now.item.project);
  lark::html_writing options;
  options.seed = m.message_id;
  options.lang = desk.lang();
  options.plane_user = [project](std::string_view open_id) -> std::optional<std::string> {
    if (project != nullptr && !open_id.empty())
      for (const auto& p : project->members)
        if (p.open_id == open_id) return p.user.id;
    return std::nullopt;
  };
  return lark::to_html(text, options);
}

void comment(thread_desk& desk, const lark::message& m, bool word) {
  const auto& item = desk.plan.now.item;
  const auto author = desk.author_of(m.sender.open_id);
  auto html = comment_html(desk, m, word);
  if (desk.lacking() || html.empty()) return;
  desk.hand_over(entity_key::plane_issue(item.id),
                 thread_commented{.thread = desk.plan.now.root,
                                  .chat = desk.plan.now.chat,
                                  .message = m.message_id,
                                  .html = std::move(html),
                                  .author = author,
                                  .project = {},
                                  .files = files_of(lark::read_content(m))});
  if (word) desk.remember_asked(m.message_id);
}

thread_verdict judge_message(thread_desk& desk, const lark::message& m) {
  if (m.from_bot) return desk.ignored("written by a bot");
  if (m.deleted || m.content.empty()) return desk.ignored("recalled already");
  auto& k = desk.plan.now;
  k.chat = m.chat_id;
  k.root = m.root();
  if (!m.thread_id.empty()) k.thread_id = m.thread_id;
  k.p2p = m.chat == lark::chat_kind::p2p;
  const bool names_a_bot =
      std::any_of(m.mentions.begin(), m.mentions.end(), [](const auto& n) { return n.bot; });
  const auto bot = names_a_bot ? desk.bot() : std::string_view{desk.given.bot};
  if (desk.lacking()) return desk.ask();
  if (!bot.empty() && m.sender.open_id == bot) return desk.ignored("written by ourselves");

  const auto heard = lark::addressed_to(m, bot);
  spoken said{heard.text, {}, heard.to_bot || k.p2p};
  if (!said.addressed && !desk.bound()) return desk.ignored("nothing is bound here");
  for (const auto& n : m.mentions)
    if (!n.bot && n.who.open_id != bot && !n.who.open_id.empty())
      said.people.push_back(n.who.open_id);
  const auto meant = read_command(said, day_in(desk.now, desk.rules.timezone));

  const auto* order = std::get_if<command>(&meant);
  const auto* wrong = std::get_if<mistake>(&meant);
  const bool to_plane =
      order == nullptr && wrong == nullptr && desk.bound() && k.takes == inbound::all;
  if (order == nullptr && wrong == nullptr && !to_plane && !said.addressed)
    return desk.ignored("only /comment becomes a comment here");
  if (desk.receipt("lark", m.message_id) != nullptr)
    return desk.ignored("echo-by-receipt: handled before");
  if (desk.receipt(recalled_early, m.message_id) != nullptr)
    return desk.ignored("recalled already");
  desk.plan.receipts.push_back({"lark", m.message_id, k.item.id});

  if (order != nullptr) {
    k.language = order->chinese ? "zh" : "en";
    return obey(desk, m, *order);
  }
  if (wrong != nullptr) {
    k.language = wrong->chinese ? "zh" : "en";
    desk.answer(explain(*wrong), m.message_id);
    return desk.done("answered: no valid command");
  }
  if (to_plane) {
    comment(desk, m, false);
    if (!desk.lacking() && desk.plan.hand_overs.empty()) return desk.ignored("nothing to say");
    return desk.done("applied: reply becomes a comment");
  }
  const bool chinese = has_chinese(said.text) || (said.text.empty() && desk.chinese());
  desk.answer(say(desk.bound() ? phrase::use_comment : phrase::help_short, chinese), m.message_id);
  return desk.done("answered: no command");
}

namespace {

/// No comment was made of the message, at least not yet. A recall may overtake its message: on the
/// way to us, or while the conversation still works on it. What the journal has of it is judged in
/// its conversation, in journal order; of what is still on its way a note is kept, and then the
/// journal is looked at again, since the message may have come meanwhile.
thread_verdict recall_unknown(thread_desk& desk, const lark::message_recalled& r, bool again) {
  if (!desk.plan.now.root.empty()) return desk.ignored("no comment was made of this message");
  const auto place = desk.place(r.message_id);
  if (desk.lacking()) return desk.ask();
  const thread_recalled out{.thread = {}, .message = r.message_id, .comment = {}};
  if (place.kind() == "thread") {
    desk.hand_over(place, out);
    return desk.done("applied: recalled");
  }
  if (again) return desk.done("applied: recalled before it was heard");
  desk.plan.receipts.push_back({std::string{recalled_early}, r.message_id, "recalled"});
  desk.hand_over(entity_key::lark_chat(desk.plan.now.chat), out);
  return desk.done("applied: noted");
}

}  // namespace

thread_verdict judge_recall(thread_desk& desk, const lark::message_recalled& r, bool again) {
  const auto* kept = desk.receipt("lark", r.message_id);
  if (desk.lacking()) return desk.ask();
  if (kept == nullptr) return recall_unknown(desk, r, again);
  const entity_key owner{kept->entity};
  thread_recalled out{.thread = {}, .message = r.message_id, .comment = {}};
  if (owner.kind() == "issue") {
    out.comment = kept->remote_id;
    desk.hand_over(owner, out);
    return desk.done("applied: recalled");
  }
  const auto cut = kept->remote_id.find('/');
  const auto item = kept->remote_id.substr(0, cut);
  if (item.empty()) return desk.ignored("no comment was made of this message");
  if (cut != std::string::npos) out.comment = kept->remote_id.substr(cut + 1);
  out.thread = owner.id();
  // By way of the conversation: what it handed over before arrives before this.
  if (owner.kind() == "thread" && desk.plan.now.root != owner.id())
    desk.hand_over(owner, out);
  else
    desk.hand_over(entity_key::plane_issue(item), out);
  return desk.done("applied: recalled");
}

}  // namespace pb::sync
