#include "protocol/lark/chat_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/lark/card.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace {
constexpr std::size_t value_limit = 200;
// A burst is one message, with those it calls: many changes are told in fewer words each.
constexpr std::size_t few_changes = 12;
constexpr std::size_t short_value_limit = 80;
constexpr std::size_t most_changes = 40;
constexpr std::size_t most_called = 20;

run words(std::string text, bool bold = false) {
  return {.what = run::kind::text, .text = std::move(text), .key = {}, .style = {bold}};
}

/// The item's number as a link to it, or what there is of both.
run link_to(const shown_item& item, language l) {
  auto label = one_line(item.number, 60);
  if (label.empty()) label = say(word::open_in_plane, l);
  if (!is_web_address(item.url)) return words(std::move(label));
  return {.what = run::kind::link, .text = std::move(label), .key = item.url};
}

std::string name_of(std::string_view name, language l) {
  auto out = one_line(name, 100);
  return out.empty() ? std::string{say(word::someone, l)} : out;
}

std::vector<shown_message> posts(const rich_text& text, language l,
                                 const message_limits& limits = {}) {
  std::vector<shown_message> out;
  for (auto& content : post_contents(text, l, limits))
    out.push_back({"post", std::move(content), {}});
  // What Feishu refuses is one post; in its place the text of all would come several times over.
  if (out.size() == 1)
    out.front().fallback = plain_texts(text, l).front();
  else
    for (auto& each : out) each.fallback = std::string{say(word::more_lines, l)};
  return out;
}

struct field_word {
  std::string_view field;
  word name;
};
constexpr std::array<field_word, 16> fields{{{"state", word::state},
                                             {"assignees", word::assignees},
                                             {"priority", word::priority},
                                             {"start_date", word::start_date},
                                             {"target_date", word::due_date},
                                             {"name", word::name},
                                             {"labels", word::labels},
                                             {"description", word::description},
                                             {"link", word::link},
                                             {"attachment", word::attachment},
                                             {"cycle", word::cycle},
                                             {"module", word::module},
                                             {"parent", word::parent},
                                             {"estimate", word::estimate},
                                             {"estimate_point", word::estimate},
                                             {"cycles", word::cycle}}};

std::string field_name(std::string_view field, language l) {
  const auto* found = std::find_if(fields.begin(), fields.end(),
                                   [&](const field_word& f) { return f.field == field; });
  return found == fields.end() ? one_line(field, 60) : std::string{say(found->name, l)};
}

std::string value_name(const changed_field& c, std::string_view value, std::size_t limit,
                       language l) {
  if (c.field == "priority")
    for (const auto p : {plane::priority::none, plane::priority::low, plane::priority::medium,
                         plane::priority::high, plane::priority::urgent})
      if (plane::to_string(p) == value) return std::string{priority_name(p, l)};
  auto out = one_line(value, limit);
  if (!out.empty()) return out;
  return std::string{say(c.field == "assignees" ? word::nobody : word::none, l)};
}

runs change_line(const changed_field& c, std::size_t limit, language l) {
  if (c.field == "deleted") return {words(std::string{say(word::deleted, l)}, true)};
  if (c.field == "archived") return {words(std::string{say(word::archived, l)}, true)};
  if (c.field == "restored") return {words(std::string{say(word::restored, l)}, true)};
  runs out{words(field_name(c.field, l), true), words(std::string{say(word::colon, l)})};
  const bool thing = c.field == "link" || c.field == "attachment";
  // A long text is not shown twice over: that it changed is what people want to know.
  if (c.field == "description" && c.before.empty() && c.after.empty())
    out.push_back(words(std::string{say(word::changed, l)}));
  else if (thing && (c.before.empty() || c.after.empty()))
    out.push_back(words(std::string{say(c.after.empty() ? word::removed : word::created, l)} + " " +
                        one_line(c.after.empty() ? c.before : c.after, limit)));
  else
    out.push_back(
        words(value_name(c, c.before, limit, l) + " → " + value_name(c, c.after, limit, l)));
  return out;
}
}  // namespace

std::vector<shown_message> comment_messages(const comment_text& in) {
  const auto l = in.lang;
  auto text = in.body;
  if (in.how == comment_text::what::deleted) text = {};
  runs lead{words(name_of(in.author, l), true)};
  if (in.internal) lead.push_back(words(" [" + std::string{say(word::internal, l)} + "]"));
  if (in.how != comment_text::what::written) {
    const auto what =
        in.how == comment_text::what::edited ? word::edited_comment : word::deleted_comment;
    lead.push_back(words(" " + std::string{say(what, l)}));
  }
  lead.push_back(words(" · "));
  lead.push_back(link_to(in.item, l));
  const bool short_one =
      text.blocks.size() == 1 && text.blocks.front().what == block::kind::paragraph;
  if (!text.blocks.empty() || !text.left_out.empty() || !text.title.empty())
    lead.push_back(words(std::string{say(word::colon, l)}));
  // One short paragraph stands behind the name; longer texts begin a line of their own.
  if (short_one) {
    auto& line = text.blocks.front().line;
    line.insert(line.begin(), std::make_move_iterator(lead.begin()),
                std::make_move_iterator(lead.end()));
  } else {
    block first;
    first.line = std::move(lead);
    text.blocks.insert(text.blocks.begin(), std::move(first));
  }
  return posts(text, l);
}

shown_message changes_message(const changes_text& in) {
  const auto l = in.lang;
  rich_text text;
  block first;
  const auto actor = one_line(in.actor, 100);
  if (!actor.empty()) {
    first.line.push_back(words(actor, true));
    first.line.push_back(words(" " + std::string{say(word::changed, l)} + " "));
  }
  first.line.push_back(link_to(in.item, l));
  if (const auto name = one_line(in.item.name, 200); !name.empty())
    first.line.push_back(words(" " + name));
  text.blocks.push_back(std::move(first));
  const auto limit = in.changes.size() > few_changes ? short_value_limit : value_limit;
  for (std::size_t i = 0; i < std::min(in.changes.size(), most_changes); ++i) {
    block b;
    b.line = change_line(in.changes[i], limit, l);
    text.blocks.push_back(std::move(b));
  }
  if (in.changes.size() > most_changes) {
    block b;
    b.line = {words("… +" + std::to_string(in.changes.size() - most_changes))};
    text.blocks.push_back(std::move(b));
  }
  block calls;
  for (std::size_t i = 0; i < std::min(in.call.size(), most_called); ++i) {
    if (!calls.line.empty()) calls.line.push_back(words(" "));
    calls.line.push_back(
        {.what = run::kind::mention, .text = in.call[i].name, .key = in.call[i].open_id});
  }
  if (!calls.line.empty()) text.blocks.push_back(std::move(calls));
  auto all = posts(text, l, {.messages = 1});
  return std::move(all.front());
}

shown_message answer_message(std::string_view said) {
  return {"text", text_content(for_message(cut_text(said, 4000))), {}};
}

shown_message answer_message(const called_person& to, std::string_view said) {
  return {"text",
          text_content(at_tag(to.open_id, to.name) + " " + for_message(cut_text(said, 4000))),
          {}};
}

}  // namespace pb::protocol::lark
