// One message that is to be in a chat once.
#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "protocol/lark/content.hpp"
#include "protocol/lark/exchanges.hpp"
#include "protocol/lark/reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

constexpr std::size_t max_pages = 100;
/// Feishu's clock and ours.
constexpr std::chrono::minutes skew{1};

/// What survives Feishu's conversions of a sent text or post: letters, digits and all that is not
/// ASCII, without mentions, whose names only Feishu knows.
std::string essence(std::string_view text) {
  constexpr std::string_view zero_width = "\u200b";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(zero_width)) {
      i += zero_width.size() - 1;
      continue;
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      out += text[i];
  }
  return out;
}

/// Sent texts hold markup that comes back as nothing: <at …>name</at>, <b>, <i>, <u>, <s>.
std::string without_markup(std::string text) {
  for (auto at = text.find("<at "); at != std::string::npos; at = text.find("<at ", at)) {
    const auto end = text.find("</at>", at);
    if (end == std::string::npos) break;
    text.erase(at, end + 5 - at);
  }
  for (const std::string_view tag : {"<b>", "</b>", "<i>", "</i>", "<u>", "</u>", "<s>", "</s>"})
    for (auto at = text.find(tag); at != std::string::npos; at = text.find(tag, at))
      text.erase(at, tag.size());
  return text;
}

std::string essence_of(const message& m) {
  auto content = read_content(m);
  std::string out = essence(content.title);
  for (const auto& b : content.blocks) {
    out += essence(b.language) + essence(b.text);
    for (const auto& r : b.line) {
      if (r.what == run::kind::text || r.what == run::kind::link)
        out += essence(without_markup(r.text));
      if (r.what == run::kind::link && r.text != r.key) out += essence(r.key);
    }
  }
  return out;
}

std::string title_of_card(const json::value& card) {
  const auto* o = card.if_object();
  const auto* header = o == nullptr ? nullptr : o->if_contains("header");
  const auto* title = header == nullptr || !header->is_object()
                          ? nullptr
                          : header->get_object().if_contains("title");
  const auto* content = title == nullptr || !title->is_object()
                            ? nullptr
                            : title->get_object().if_contains("content");
  if (content == nullptr || !content->is_string()) return {};
  return std::string{view(content->get_string())};
}

/// The card as it was sent, or its lossy rendering with the same title.
bool same_card(const std::string& sent, const std::string& found) {
  boost::system::error_code bad_sent, bad_found;
  const auto a = json::parse(sent, bad_sent), b = json::parse(found, bad_found);
  if (bad_sent || bad_found) return false;
  if (a == b) return true;
  const auto* o = b.if_object();
  const auto* title = o == nullptr ? nullptr : o->if_contains("title");
  const auto wanted = title_of_card(a);
  return title != nullptr && title->is_string() && !wanted.empty() &&
         view(title->get_string()) == wanted;
}

bool same_content(const outgoing& sent, const message& found) {
  if (sent.msg_type != found.type) return false;
  if (sent.msg_type == "interactive") return same_card(sent.content, found.content);
  message ours;
  ours.type = sent.msg_type;
  ours.content = sent.content;
  if (const auto wanted = essence_of(ours); !wanted.empty()) return essence_of(found) == wanted;
  return sent.content == found.content;
}

outgoing as_text(std::string_view text, std::string uuid) {
  return {"text",
          json::serialize(json::object{{"text", json::string_view{text.data(), text.size()}}}),
          std::move(uuid)};
}

}  // namespace

post_message::post_message(api a, posting p)
    : api_(std::move(a)), p_(std::move(p)), what_(p_.what), in_thread_(p_.in_thread) {}

std::string_view post_message::operation() const noexcept {
  return p_.reply_to.empty() ? operation::send : operation::reply;
}

bool post_message::must_look() const noexcept {
  return p_.unknown_since && p_.now - *p_.unknown_since >= uuid_window;
}

call post_message::make_call(http_request r, std::string_view name, bool idempotent) const {
  const auto& chat = p_.chat.empty() ? p_.to : p_.chat;
  return {std::move(r), std::string{name}, idempotent, chat};
}

step post_message::start() {
  what_ = p_.what;
  in_thread_ = p_.in_thread;
  pages_ = 0;
  existed_ = false;
  fell_back_.reset();
  return must_look() ? look() : post();
}

step post_message::look() {
  const bool reply = !p_.reply_to.empty();
  if (!p_.thread_id.empty()) {
    stage_ = stage::listing_thread;
    return list({});
  }
  if (reply) {
    stage_ = stage::asking_root;
    return make_call(get_message(api_, p_.reply_to), operation::get_message, true);
  }
  if (p_.kind != receiver::chat && p_.chat.empty()) return post();  // no list holds it
  stage_ = stage::listing_chat;
  return list({});
}

step post_message::list(std::string page) {
  // The fetched message's topic, once it is known, is as good as ours.
  auto r = stage_ == stage::listing_thread
               ? list_thread(api_, p_.thread_id, page)
               : list_chat(api_, p_.chat.empty() ? p_.to : p_.chat, *p_.unknown_since - skew, page);
  return make_call(std::move(r), operation::list, true);
}

step post_message::on_root(const http_response& answer) {
  const auto found = parse_messages(answer, operation::get_message);
  if (!found) return found.error();
  const auto& root = found->front();
  if (p_.chat.empty()) p_.chat = root.chat_id;
  if (!root.thread_id.empty()) {
    p_.thread_id = root.thread_id;
    stage_ = stage::listing_thread;
    return list({});
  }
  // Had it arrived in a topic there would be a topic now.
  if (in_thread_ || p_.chat.empty()) return post();
  stage_ = stage::listing_chat;
  return list({});
}

bool post_message::is_ours(const message& m) const {
  if (!m.from_bot || m.deleted || m.created_at < *p_.unknown_since - skew) return false;
  if (!p_.app_id.empty() && m.sender.open_id != p_.app_id) return false;
  if (std::find(p_.claimed.begin(), p_.claimed.end(), m.message_id) != p_.claimed.end())
    return false;
  if (stage_ == stage::listing_chat && !p_.reply_to.empty() && m.root_id != p_.reply_to &&
      m.parent_id != p_.reply_to)
    return false;
  if (same_content(p_.what, m)) return true;
  return !p_.fallback_text.empty() && same_content(as_text(p_.fallback_text, {}), m);
}

step post_message::on_page(const http_response& answer) {
  auto page = parse_page(answer, operation::list);
  if (!page) return page.error();
  for (auto& one : page->messages) {
    if (!is_ours(one)) continue;
    sent_ = std::move(one);
    existed_ = true;
    return finished{};
  }
  if (page->next.empty()) return post();
  if (++pages_ == max_pages)
    return failure{.code = errc::unexpected_answer,
                   .where = std::string{operation::list},
                   .detail = "more messages than are looked through for one that may be there"};
  return list(std::move(page->next));
}

step post_message::post() {
  stage_ = stage::posting;
  auto r = p_.reply_to.empty() ? send_message(api_, p_.kind, p_.to, what_)
                               : reply_message(api_, p_.reply_to, what_, in_thread_);
  return make_call(std::move(r), operation(), !what_.uuid.empty());
}

step post_message::on_posted(const http_response& answer) {
  if (auto f = refusal_of(answer, operation())) {
    const auto what = remedy_of(*f);
    const auto again = [&](std::string_view suffix) {
      // Another request than the refused one, so another uuid.
      if (!what_.uuid.empty()) what_.uuid += suffix;
      if (!fell_back_) fell_back_ = std::move(*f);
      return post();
    };
    if (what == remedy::retry_without_thread && in_thread_ && !p_.reply_to.empty()) {
      in_thread_ = false;
      return again("-n");
    }
    if ((what == remedy::fall_back_to_text || what == remedy::split) && what_.msg_type != "text" &&
        !p_.fallback_text.empty()) {
      what_ = as_text(p_.fallback_text, what_.uuid);
      return again("-t");
    }
    return std::move(*f);
  }
  auto sent = parse_sent(answer, operation());
  if (!sent) return sent.error();
  sent_ = std::move(*sent);
  return finished{};
}

step post_message::on_response(const http_response& answer) {
  switch (stage_) {
    case stage::asking_root:
      return on_root(answer);
    case stage::listing_thread:
    case stage::listing_chat:
      return on_page(answer);
    case stage::posting:
      break;
  }
  return on_posted(answer);
}

}  // namespace pb::protocol::lark
