// actors/chat_calls: makes the calls that effects on lane "lark" ask for, with this installation's
// app filled in, and reads what came of them. Pure glue to protocol/lark; no CAF. Any thread.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "protocol/exchange.hpp"
#include "protocol/lark/answers.hpp"
#include "protocol/lark/requests.hpp"
#include "sync/between.hpp"
#include "sync/lark_effects.hpp"

namespace pb::actors {

struct chat_request {
  std::string_view operation;  ///< "lark.reply", "lark.send" …
  const sync::lark_effect& what;
  std::int64_t effect = 0;          ///< its message carries this number
  std::string chat{}, thread_id{};  ///< where the conversation is, as far as known
  /// It may have been sent before, at this time at the earliest: when that is too long ago for
  /// Feishu to tell a repetition, whoever sends looks first.
  std::optional<timestamp> perhaps_sent_since{};
  timestamp now{};
};

struct chat_calls {
  protocol::lark::api api;
  std::string app_id;
  /// lark.connect_link as the lark.send that it becomes: with a link that works once, which is in
  /// no payload. Unset: there is no such page.
  std::function<result<sync::lark_effect>(const sync::lark_effect&)> with_link{};

  /// errc::bad_input for what cannot be sent.
  [[nodiscard]] result<std::shared_ptr<protocol::exchange>> make(const chat_request& r) const;
  /// The message that was sent; empty: the operation makes none.
  [[nodiscard]] static std::string message_of(const protocol::exchange& done);
  /// Why plain text went out in place of a card or post; nothing: what was wanted did.
  [[nodiscard]] static std::optional<failure> fell_back(const protocol::exchange& done);

  /// The bytes of a picture or file of somebody's message.
  [[nodiscard]] std::shared_ptr<protocol::exchange> download(const std::string& message,
                                                             const sync::chat_file& file,
                                                             std::size_t most_bytes) const;
  [[nodiscard]] static protocol::lark::downloaded take_download(protocol::exchange& done);

private:
  [[nodiscard]] std::shared_ptr<protocol::exchange> post(const chat_request& r,
                                                         const sync::lark_effect& what) const;
};

}  // namespace pb::actors
