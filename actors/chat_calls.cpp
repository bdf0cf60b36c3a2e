#include "actors/chat_calls.hpp"

#include "protocol/lark/exchanges.hpp"

namespace pb::actors {
namespace lark = protocol::lark;
namespace {

failure cannot(std::string_view operation, std::string detail, std::string remedy = {}) {
  return {errc::bad_input, std::string{operation}, std::move(detail), std::move(remedy), 0, "", {}};
}

}  // namespace

std::shared_ptr<protocol::exchange> chat_calls::post(const chat_request& r,
                                                     const sync::lark_effect& what) const {
  lark::posting p;
  p.reply_to = what.root;
  p.in_thread = what.in_thread;
  p.chat = what.chat.empty() ? r.chat : what.chat;
  if (what.root.empty()) {
    p.kind = what.chat.empty() ? lark::receiver::person : lark::receiver::chat;
    p.to = what.chat.empty() ? what.open_id : what.chat;
  }
  p.what = {what.msg_type, what.content,
            what.root.empty() ? lark::send_uuid(r.effect) : lark::reply_uuid(r.effect)};
  p.fallback_text = what.fallback;
  p.thread_id = r.thread_id;
  p.unknown_since = r.perhaps_sent_since;
  p.now = r.now;
  p.app_id = app_id;
  return std::make_shared<lark::post_message>(api, std::move(p));
}

result<std::shared_ptr<protocol::exchange>> chat_calls::make(const chat_request& r) const {
  const auto& w = r.what;
  const auto single = [&](protocol::http_request q,
                          std::string_view operation) -> std::shared_ptr<protocol::exchange> {
    return std::make_shared<lark::single_call>(std::move(q), operation, r.chat);
  };
  if (r.operation == "lark.reply") {
    if (w.root.empty()) return cannot(r.operation, "replies to no message");
    return post(r, w);
  }
  if (r.operation == "lark.send") {
    if (w.chat.empty() && w.open_id.empty()) return cannot(r.operation, "goes to nobody");
    auto what = w;
    what.root.clear();
    return post(r, what);
  }
  if (r.operation == "lark.connect_link") {
    if (!with_link)
      return cannot(r.operation, "there is no page to enter a key on", "set public_url");
    auto what = with_link(w);
    if (!what) return what.error();
    return post(r, *what);
  }
  if (w.message.empty()) return cannot(r.operation, "names no message");
  // Feishu counts it against the message, not against what the chat takes: a card of a busy chat
  // need not wait for messages, nor they for it.
  if (r.operation == "lark.update_card")
    return std::make_shared<lark::single_call>(lark::patch_card(api, w.message, w.content),
                                               lark::operation::update_card, w.message, true, true);
  if (r.operation == "lark.edit")
    return single(lark::edit_message(api, w.message, w.msg_type, w.content), lark::operation::edit);
  if (r.operation == "lark.react")
    return single(lark::add_reaction(api, w.message, w.emoji), lark::operation::react);
  if (r.operation == "lark.recall")
    return single(lark::recall_message(api, w.message), lark::operation::recall);
  return cannot(r.operation, "an operation that this version does not know");
}

std::string chat_calls::message_of(const protocol::exchange& done) {
  const auto* posted = dynamic_cast<const lark::post_message*>(&done);
  return posted != nullptr ? posted->sent().message_id : std::string{};
}

std::optional<failure> chat_calls::fell_back(const protocol::exchange& done) {
  const auto* posted = dynamic_cast<const lark::post_message*>(&done);
  return posted != nullptr ? posted->fell_back() : std::nullopt;
}

std::shared_ptr<protocol::exchange> chat_calls::download(const std::string& message,
                                                         const sync::chat_file& file,
                                                         std::size_t most_bytes) const {
  return std::make_shared<lark::download_file>(
      api, message, file.key, file.image ? lark::resource::image : lark::resource::file,
      most_bytes);
}

lark::downloaded chat_calls::take_download(protocol::exchange& done) {
  return dynamic_cast<lark::download_file&>(done).take();
}

}  // namespace pb::actors
