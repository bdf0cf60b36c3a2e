// protocol/lark/exchanges: operations on Feishu that take one or several requests, as the state
// machines of protocol/exchange.hpp. Made by the Lark connector for one use; each names its result
// in accessors that count after `finished`. A failure ends an exchange; remedy_of() says what to do
// about it; start() begins anew.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "protocol/exchange.hpp"
#include "protocol/lark/answers.hpp"
#include "protocol/lark/requests.hpp"

namespace pb::protocol::lark {

/// A repeat with the same uuid is the same message for one hour; this much of it is relied on.
inline constexpr std::chrono::minutes uuid_window{55};

/// One message that is to be in a chat once.
struct posting {
  /// Empty: sent to `to`; else a reply to this message.
  std::string reply_to;
  bool in_thread = true;
  receiver kind = receiver::chat;
  std::string to;
  outgoing what;
  /// Sent as "text" when a card or post is refused or too long; empty: that is a failure.
  std::string fallback_text;
  std::string chat;       ///< where it will be, as far as known: pace, and where to look
  std::string thread_id;  ///< omt_…, when known: where to look
  /// When it was tried first, if that ended without an answer. Older than uuid_window: look
  /// before it is repeated.
  std::optional<timestamp> unknown_since;
  timestamp now{};
  std::string app_id;                ///< ours are from this sender
  std::vector<std::string> claimed;  ///< messages known to be others of ours
};

/// Sends or replies once.
/// - An unknown outcome beyond the uuid's hour: lists the conversation and matches sender, time and
///   content among the unclaimed (sync-rules: unknown-outcome).
/// - A reply that cannot be in a thread is repeated without; a message that is gone is a failure,
///   never a new message.
/// - A refused card is sent as text; fell_back() says why.
class post_message final : public exchange {
public:
  post_message(api a, posting p);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const message& sent() const noexcept { return sent_; }
  [[nodiscard]] bool existed() const noexcept { return existed_; }  ///< found, not sent again
  [[nodiscard]] const std::optional<failure>& fell_back() const noexcept { return fell_back_; }

private:
  enum class stage : std::uint8_t { asking_root, listing_thread, listing_chat, posting };
  [[nodiscard]] bool must_look() const noexcept;
  [[nodiscard]] std::string_view operation() const noexcept;
  [[nodiscard]] bool is_ours(const message& m) const;
  step look();
  step list(std::string page);
  step on_root(const http_response& answer);
  step on_page(const http_response& answer);
  step post();
  step on_posted(const http_response& answer);
  call make_call(http_request r, std::string_view operation, bool idempotent) const;
  api api_;
  posting p_;
  stage stage_ = stage::posting;
  outgoing what_;
  bool in_thread_ = true;
  std::size_t pages_ = 0;
  message sent_;
  bool existed_ = false;
  std::optional<failure> fell_back_;
};

/// One request whose good answer says nothing more: edit, card update, recall, removed reactions,
/// previews. `operation` is one of the names below.
class single_call final : public exchange {
public:
  /// @param budget_key  what Feishu counts it against: the chat, or the message of a card
  single_call(http_request r, std::string_view operation, std::string budget_key,
              bool idempotent = true, bool deferrable = false);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const http_response& answer() const noexcept { return answer_; }

private:
  call call_;
  http_response answer_;
};

/// Labels of calls: a closed set.
namespace operation {
inline constexpr std::string_view token = "lark.token", endpoint = "lark.endpoint",
                                  send = "lark.send", reply = "lark.reply", edit = "lark.edit",
                                  update_card = "lark.update_card",
                                  update_clicked = "lark.update_clicked", recall = "lark.recall",
                                  react = "lark.react", unreact = "lark.unreact",
                                  get_message = "lark.get_message", list = "lark.list",
                                  find_people = "lark.find_people", person = "lark.person",
                                  chat = "lark.chat", bot = "lark.bot",
                                  upload_image = "lark.upload_image", download = "lark.download",
                                  previews = "lark.previews";
}  // namespace operation

/// A tenant token; sent without one.
class renew_token final : public exchange {
public:
  renew_token(api a, app_credentials c) : api_(std::move(a)), app_(std::move(c)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const granted_token& value() const noexcept { return value_; }

private:
  api api_;
  app_credentials app_;
  granted_token value_;
};

/// Our own open_id.
class read_bot final : public exchange {
public:
  explicit read_bot(api a) : api_(std::move(a)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const bot_details& value() const noexcept { return value_; }

private:
  api api_;
  bot_details value_;
};

class read_chat final : public exchange {
public:
  read_chat(api a, std::string chat) : api_(std::move(a)), chat_(std::move(chat)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const chat_details& value() const noexcept { return value_; }

private:
  api api_;
  std::string chat_;
  chat_details value_;
};

class read_person final : public exchange {
public:
  read_person(api a, std::string open_id) : api_(std::move(a)), open_id_(std::move(open_id)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const person_details& value() const noexcept { return value_; }

private:
  api api_;
  std::string open_id_;
  person_details value_;
};

/// One message as it is now; recalled ones have `deleted`.
class read_message final : public exchange {
public:
  read_message(api a, std::string message) : api_(std::move(a)), message_(std::move(message)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const message& value() const noexcept { return value_; }

private:
  api api_;
  std::string message_;
  message value_;
};

/// A picture or file of anybody's message in a chat that the bot is in.
class download_file final : public exchange {
public:
  /// @param most_bytes  a larger one is errc::too_large
  download_file(api a, std::string message, std::string key, resource kind, std::size_t most_bytes)
      : api_(std::move(a)),
        message_(std::move(message)),
        key_(std::move(key)),
        kind_(kind),
        most_bytes_(most_bytes) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const downloaded& value() const noexcept { return value_; }
  downloaded take() { return std::exchange(value_, {}); }  ///< it is large

private:
  api api_;
  std::string message_, key_;
  resource kind_;
  std::size_t most_bytes_;
  downloaded value_;
};

/// A whole topic, oldest first, at most `most` messages.
class list_thread_all final : public exchange {
public:
  list_thread_all(api a, std::string thread_id, std::size_t most = 1'000)
      : api_(std::move(a)), thread_id_(std::move(thread_id)), most_(most) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const std::vector<message>& values() const noexcept { return values_; }
  [[nodiscard]] bool cut() const noexcept { return cut_; }  ///< there are more

private:
  step ask(std::string page);
  api api_;
  std::string thread_id_;
  std::size_t most_;
  std::vector<message> values_;
  bool cut_ = false;
};

/// Who has these e-mail addresses; any number, asked for in batches of 50.
class look_up_people final : public exchange {
public:
  look_up_people(api a, std::vector<std::string> emails)
      : api_(std::move(a)), emails_(std::move(emails)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  /// One for each address that was asked for, in that order.
  [[nodiscard]] const std::vector<found_person>& values() const noexcept { return values_; }

private:
  step ask();
  api api_;
  std::vector<std::string> emails_;
  std::size_t asked_ = 0, batch_ = 0;
  std::vector<found_person> values_;
};

}  // namespace pb::protocol::lark
