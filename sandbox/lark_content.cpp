// sandbox: the content of messages in the in-memory Lark: what a bot may send, and how it is read
// back and received (contract 2.2, 2.3, 3.2).
#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

constexpr std::size_t longest_text = 150'000;  ///< of the request body
constexpr std::size_t longest_rich = 30'000;   ///< of a post or card

/// The value of user_id="…" in the tag that starts at `at`, and where the tag ends.
std::optional<std::pair<std::string, std::size_t>> at_tag(std::string_view text, std::size_t at) {
  constexpr std::string_view name = "user_id=\"";
  const auto end = text.find('>', at);
  if (end == std::string_view::npos) return std::nullopt;
  const auto tag = text.substr(at, end - at);
  const auto id = tag.find(name);
  if (id == std::string_view::npos) return std::nullopt;
  const auto from = id + name.size();
  const auto quote = tag.find('"', from);
  if (quote == std::string_view::npos) return std::nullopt;
  return std::pair{std::string{tag.substr(from, quote - from)}, end + 1};
}

bool alone_in_paragraph(std::string_view tag) {
  return tag == "md" || tag == "img" || tag == "media" || tag == "hr" || tag == "code_block";
}

constexpr std::array<std::string_view, 9> post_tags{"text",    "a",          "at", "img", "media",
                                                    "emotion", "code_block", "hr", "md"};

std::string_view string_in(const json::object& o, std::string_view key) {
  const json::value* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string_view{v->get_string()} : std::string_view{};
}

row text_node(std::string_view text) {
  return row{{"tag", "text"}, {"text", text}, {"style", json::array{}}};
}

}  // namespace

std::string lark::impl::mark_mentions(std::string_view text,
                                      std::vector<mention_row>& mentions) const {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto open = text.find("<at ", at);
    out += text.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const auto tag = at_tag(text, open);
    if (!tag) {
      out += '<';
      at = open + 1;
      continue;
    }
    at = tag->second;
    constexpr std::string_view close = "</at>";
    const auto end = text.find(close, at);
    const std::string_view inner =
        end == std::string_view::npos ? std::string_view{} : text.substr(at, end - at);
    if (end != std::string_view::npos) at = end + close.size();
    std::string id = tag->first == "bot" ? options.bot_open_id : tag->first;
    const auto by_id = [&](const person_row& p) {
      return p.open_id == id || p.union_id == id || p.user_id == id;
    };
    if (const auto p = std::ranges::find_if(people, by_id); p != people.end()) id = p->open_id;
    const bool known = id == options.bot_open_id ||
                       std::ranges::find(people, id, &person_row::open_id) != people.end();
    if (id == "all") {
      out += "@_all";
    } else if (!known) {
      out += "@" + std::string{inner};
    } else {
      const auto twice = std::ranges::find(mentions, id, &mention_row::open_id);
      if (twice != mentions.end()) {
        out += twice->key;
        continue;
      }
      const std::string key = "@_user_" + std::to_string(mentions.size() + 1);
      mentions.push_back({key, id});
      out += key;
    }
  }
  return out;
}

namespace {

/// The nodes of a sent post as they are received. False when a node is not allowed.
bool received_paragraphs(const json::array& sent, json::array& out, const lark::impl& in,
                         std::vector<mention_row>& mentions) {
  for (const auto& paragraph : sent) {
    if (!paragraph.is_array()) return false;
    const auto& nodes = paragraph.get_array();
    json::array line;
    for (const auto& n : nodes) {
      if (!n.is_object()) return false;
      const auto& node = n.get_object();
      const std::string_view tag = string_in(node, "tag");
      if (std::ranges::find(post_tags, tag) == post_tags.end()) return false;
      if (alone_in_paragraph(tag) && nodes.size() > 1) return false;
      if (tag == "md") {
        const std::string text = in.mark_mentions(string_in(node, "text"), mentions);
        std::size_t from = 0;
        while (from <= text.size()) {
          const auto end = std::min(text.find('\n', from), text.size());
          out.push_back(json::array{text_node(std::string_view{text}.substr(from, end - from))});
          from = end + 1;
        }
      } else if (tag == "at") {
        const std::string id{string_in(node, "user_id")};
        const std::string key = in.mark_mentions("<at user_id=\"" + id + "\"></at>", mentions);
        line.push_back(row{{"tag", "at"},
                           {"user_id", key},
                           {"user_name", string_in(node, "user_name")},
                           {"style", json::array{}}});
      } else {
        row kept = node;
        if ((tag == "text" || tag == "a") && !kept.contains("style")) kept["style"] = json::array{};
        line.push_back(std::move(kept));
      }
    }
    if (!line.empty() || nodes.empty()) out.push_back(std::move(line));
  }
  return true;
}

}  // namespace

std::optional<answer> lark::impl::take_content(message_row& m, const std::string& content,
                                               std::size_t body_size) {
  boost::system::error_code ec;
  const json::value v = json::parse(content, ec);
  if (ec || !v.is_object()) {
    if (m.type == "interactive")
      return refuse(230099, "ErrCode: 200621; ErrMsg: parse card json err");
    return refuse(230001, "content is not a string in json format");
  }
  const auto& given = v.get_object();
  m.sent = content;
  m.mentions.clear();
  if (m.type == "text") {
    if (body_size > longest_text) return refuse(230025);
    const std::string_view text = string_in(given, "text");
    if (text.empty()) return refuse(230001, "text is empty");
    m.seen = json::serialize(row{{"text", mark_mentions(text, m.mentions)}});
    return std::nullopt;
  }
  if ((m.type == "post" || m.type == "interactive") && content.size() > longest_rich)
    return refuse(230025);
  if (m.type == "post") {
    const json::object* body = nullptr;
    for (const auto& [language, value] : given)
      if (body == nullptr && value.is_object()) body = &value.get_object();
    if (body == nullptr || given.contains("content"))
      return refuse(230001, "a post needs a language level");
    const json::value* paragraphs = body->if_contains("content");
    json::array out;
    if (paragraphs == nullptr || !paragraphs->is_array() ||
        !received_paragraphs(paragraphs->get_array(), out, *this, m.mentions))
      return refuse(230001, "invalid post content");
    m.seen =
        json::serialize(row{{"title", string_in(*body, "title")}, {"content", std::move(out)}});
    return std::nullopt;
  }
  if (m.type == "interactive") {
    const card_world world{
        [this](std::string_view id) { return id == "all" || person(id) || person(id, "user_id"); },
        [this](std::string_view key) { return files.contains(std::string{key}); }};
    if (const auto bad = check_card(v, world)) return refuse(230099, bad->text);
    std::string title;
    boost::system::error_code none;
    if (const json::value* t = v.find_pointer("/header/title/content", none);
        t != nullptr && t->is_string())
      title = t->get_string();
    // What bots read back of a card is lossy.
    m.seen = json::serialize(
        row{{"title", title},
            {"elements", json::array{json::array{row{
                             {"tag", "text"}, {"text", "请升级至最新版本客户端，以查看内容"}}}}}});
    return std::nullopt;
  }
  if (m.type == "image") {
    if (!files.contains(std::string{string_in(given, "image_key")}))
      return refuse(230001, "the image_key is unknown");
    m.seen = content;
    return std::nullopt;
  }
  return refuse(230001, "invalid msg_type");
}

}  // namespace pb::sandbox
