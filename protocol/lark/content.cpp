#include "protocol/lark/content.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "protocol/lark/content_raw.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

using object = json::object;
constexpr std::string_view op_content = "lark.content";
constexpr std::size_t max_left_out = 20;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Text of a member, whatever else is wrong around it.
std::string_view text_of(const object& o, std::string_view key) noexcept {
  const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
  const auto* s = v == nullptr ? nullptr : v->if_string();
  return s == nullptr ? std::string_view{} : view(*s);
}

/// Collects blocks within the bounds; a mention's `key` is still the message's own "@_user_1".
class rich_text_writer {
public:
  explicit rich_text_writer(rich_text& out) : out_(out) {}

  void put(run r) {
    if (++runs_ > max_runs) return leave_out("too long");
    if (r.what == run::kind::text && r.text.empty()) return;
    line_.push_back(std::move(r));
  }
  void end_paragraph() {
    if (line_.empty()) return;
    block b;
    b.line = std::exchange(line_, {});
    put(std::move(b));
  }
  void put(block b) {
    end_paragraph();
    if (out_.blocks.size() == max_blocks) return leave_out("too long");
    out_.blocks.push_back(std::move(b));
  }
  void leave_out(std::string_view what) {
    const auto name = cut(std::string{what}, 50);
    auto& all = out_.left_out;
    if (all.size() < max_left_out && std::find(all.begin(), all.end(), name) == all.end())
      all.push_back(name);
  }

private:
  rich_text& out_;
  runs line_;
  std::size_t runs_ = 0;
};

run text_run(std::string_view text, text_style style = {}) {
  run r;
  r.text = text;
  r.style = style;
  return r;
}
run keyed_run(run::kind what, std::string_view key, std::string_view text = {}) {
  run r;
  r.what = what;
  r.key = key;
  r.text = text;
  return r;
}

// --- text ---

/// "[label](url)" at the front of `rest`: the scheme tells it from brackets that people write.
bool take_link(std::string_view& rest, run& out) {
  const auto close = rest.find_first_of("[]\n", 1);
  if (close == std::string_view::npos || rest[close] != ']') return false;
  if (close + 1 >= rest.size() || rest[close + 1] != '(') return false;
  const auto url = rest.substr(close + 2);
  if (!url.starts_with("http://") && !url.starts_with("https://") && !url.starts_with("mailto:"))
    return false;
  int depth = 1;
  std::size_t end = 0;
  for (; end < url.size() && depth > 0; ++end) {
    if (url[end] == ' ' || url[end] == '\n') return false;
    if (url[end] == '(') ++depth;
    if (url[end] == ')') --depth;
  }
  if (depth > 0) return false;
  out = keyed_run(run::kind::link, url.substr(0, end - 1), rest.substr(1, close - 1));
  rest.remove_prefix(close + 2 + end);
  return true;
}

/// A mention's key at the front of `rest`, the longest that fits: "@_user_10" before "@_user_1".
std::string_view key_at(std::string_view rest, const std::vector<mention>& mentions) noexcept {
  std::string_view best;
  for (const auto& m : mentions) {
    if (m.key.size() <= best.size() || !rest.starts_with(m.key)) continue;
    const bool goes_on =
        is_digit(m.key.back()) && rest.size() > m.key.size() && is_digit(rest[m.key.size()]);
    if (!goes_on) best = m.key;
  }
  return best;
}

void put_text(rich_text_writer& w, std::string_view text, const std::vector<mention>& mentions) {
  constexpr std::string_view all = "@_all";
  std::string plain;
  const auto flush = [&] {
    w.put(text_run(plain));
    plain.clear();
  };
  while (!text.empty()) {
    run link;
    if (text.front() == '[' && take_link(text, link)) {
      flush();
      w.put(std::move(link));
      continue;
    }
    if (text.front() == '@') {
      if (const auto key = key_at(text, mentions); !key.empty()) {
        flush();
        w.put(keyed_run(run::kind::mention, key));
        text.remove_prefix(key.size());
        continue;
      }
      if (text.starts_with(all) && (text.size() == all.size() || !is_word(text[all.size()]))) {
        flush();
        w.put(keyed_run(run::kind::mention_all, {}));
        text.remove_prefix(all.size());
        continue;
      }
    }
    plain += text.front();
    text.remove_prefix(1);
  }
  flush();
  w.end_paragraph();
}

// --- posts, and cards as they are shown to bots ---

text_style style_of(const object& node) {
  text_style out;
  const auto* all = node.if_contains("style");
  if (all == nullptr || !all->is_array()) return out;
  for (const auto& one : all->get_array()) {
    const auto* s = one.if_string();
    if (s == nullptr) continue;
    out.bold = out.bold || *s == "bold";
    out.italic = out.italic || *s == "italic";
    out.underline = out.underline || *s == "underline";
    out.strike = out.strike || *s == "lineThrough";
  }
  return out;
}

std::string language_of(std::string_view name) {
  std::string out = cut(std::string{name}, 40);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (out == "plain_text" || out == "plaintext") return {};
  if (out == "c++") return "cpp";
  if (out == "c#") return "csharp";
  return out;
}

void put_node(rich_text_writer& w, const object& node) {
  const auto tag = text_of(node, "tag");
  const auto text = text_of(node, "text");
  if (tag == "text" || tag == "md") {
    w.put(text_run(text, style_of(node)));
  } else if (tag == "a") {
    auto link = keyed_run(run::kind::link, text_of(node, "href"), text);
    link.style = style_of(node);
    w.put(std::move(link));
  } else if (tag == "at") {
    const auto who = text_of(node, "user_id");
    const bool all = who == "all" || who == "@_all";
    auto at = keyed_run(all ? run::kind::mention_all : run::kind::mention, all ? "" : who,
                        all ? "" : text_of(node, "user_name"));
    at.style = style_of(node);
    w.put(std::move(at));
  } else if (tag == "img") {
    w.put(keyed_run(run::kind::image, text_of(node, "image_key")));
  } else if (tag == "media") {
    w.put(keyed_run(run::kind::file, text_of(node, "file_key"), "video"));
  } else if (tag == "emotion") {
    w.put(keyed_run(run::kind::emotion, {}, text_of(node, "emoji_type")));
  } else if (tag == "code_block") {
    block b;
    b.what = block::kind::code;
    b.text = text;
    b.language = language_of(text_of(node, "language"));
    w.put(std::move(b));
  } else if (tag == "hr") {
    block b;
    b.what = block::kind::rule;
    w.put(std::move(b));
  } else if (!text.empty()) {  // buttons of cards and what a later client adds
    w.put(text_run(text, style_of(node)));
  } else {
    w.leave_out(tag.empty() ? "unreadable" : tag);
  }
}

void put_paragraphs(rich_text_writer& w, const json::value* content) {
  if (content == nullptr || !content->is_array()) return w.leave_out("unreadable");
  for (const auto& paragraph : content->get_array()) {
    const auto* nodes = paragraph.if_array();
    if (nodes == nullptr) {
      w.leave_out("unreadable");
      continue;
    }
    for (const auto& node : *nodes)
      if (const auto* o = node.if_object()) put_node(w, *o);
    w.end_paragraph();
  }
}

/// Received posts have no language level, sent ones do: the first of our two languages, else any.
const object& without_language(const object& post) {
  if (post.contains("content")) return post;
  for (const auto* language : {"zh_cn", "en_us"})
    if (const auto* v = post.if_contains(language); v != nullptr && v->is_object())
      return v->get_object();
  for (const auto& member : post)
    if (const auto* o = member.value().if_object(); o != nullptr && o->contains("content"))
      return *o;
  return post;
}

void put_post(rich_text_writer& w, rich_text& out, const object& content) {
  const auto& post = without_language(content);
  out.title = cut(std::string{text_of(post, "title")}, max_name_bytes);
  put_paragraphs(w, post.if_contains("content"));
}

void put_file(rich_text_writer& w, run::kind what, const object& o, std::string_view key,
              std::string_view name) {
  const auto k = text_of(o, key);
  if (!is_id(k)) return w.leave_out("unreadable");
  const auto said = text_of(o, "file_name");
  w.put(keyed_run(what, k, said.empty() ? name : said));
  w.end_paragraph();
}

}  // namespace

rich_text read_raw(const message& m) {
  rich_text out;
  rich_text_writer w{out};
  if (m.content.empty() || m.deleted) return out;
  const auto parsed = parse_json(m.content, max_push_bytes, errc::bad_input, op_content);
  const auto* o = parsed ? parsed->if_object() : nullptr;
  if (o == nullptr) {
    w.leave_out("unreadable");
    return out;
  }
  if (m.type == "text") {
    put_text(w, text_of(*o, "text"), m.mentions);
  } else if (m.type == "post") {
    put_post(w, out, *o);
  } else if (m.type == "image") {
    put_file(w, run::kind::image, *o, "image_key", {});
  } else if (m.type == "file") {
    put_file(w, run::kind::file, *o, "file_key", {});
  } else if (m.type == "audio") {
    put_file(w, run::kind::file, *o, "file_key", "audio.opus");
  } else if (m.type == "media") {
    put_file(w, run::kind::file, *o, "file_key", "video.mp4");
  } else if (m.type == "interactive") {
    // A lossy rendering, not the card that was sent.
    out.title = cut(std::string{text_of(*o, "title")}, max_name_bytes);
    if (o->contains("elements")) put_paragraphs(w, o->if_contains("elements"));
    w.leave_out("interactive");
  } else {
    w.leave_out(m.type.empty() ? "unreadable" : m.type);
  }
  w.end_paragraph();
  return out;
}

const mention* mention_of(const std::vector<mention>& all, std::string_view key) noexcept {
  const auto it = std::find_if(all.begin(), all.end(), [&](const mention& m) {
    return m.key == key || (!m.who.open_id.empty() && m.who.open_id == key);
  });
  return it == all.end() ? nullptr : &*it;
}

rich_text read_content(const message& m) {
  auto out = read_raw(m);
  for (auto& b : out.blocks)
    for (auto& r : b.line) {
      if (r.what != run::kind::mention) continue;
      const auto* who = mention_of(m.mentions, r.key);
      if (who != nullptr) {
        r.key = who->who.open_id;
        r.text = who->name.empty() ? r.text : who->name;
        r.bot = who->bot;
      } else if (r.key.starts_with('@')) {
        r.key.clear();  // a key that the message does not explain is nobody's id
      }
    }
  return out;
}

}  // namespace pb::protocol::lark
