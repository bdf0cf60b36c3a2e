// protocol/exchange: one remote operation that may take several requests (discover, read, merge,
// write again on 412 …) as a pure state machine. The connector carries each request out, applies
// rate limit, credentials, retries and breaker, and feeds the answer back. An exchange does no
// I/O, reads no clock and is used by one connector at a time.
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol {

/// What is wanted next: this request carried out.
struct call {
  http_request request;
  std::string operation;   ///< metric and log label from a closed set: "plane.get_work_item"
  bool idempotent = true;  ///< may be repeated blindly after an unknown outcome
  /// What the remote counts this call against besides the account: a chat, a message. Calls of one
  /// key keep their order; a key that has to wait delays no other. Empty: the account alone.
  std::string budget_key{};
  /// The first to be left out when a budget runs low: the refresh of a card, not an answer.
  bool deferrable = false;
  /// Whose credential it is made with, by its name in the store; empty: the connector's own.
  std::string credential{};
  /// It goes to another server than the remote's own (storage, by an address that the remote gave):
  /// no credentials go along, and neither budget nor breaker of the remote have part in it.
  bool elsewhere = false;
  /// A larger answer is refused as too_large; 0: the connector's own limit.
  std::size_t max_answer_bytes = 0;
};

/// Ended well. `value` is read by who made the exchange (each exchange type names its result).
struct finished {};

using step = std::variant<call, finished, failure>;

class exchange {
public:
  virtual ~exchange() = default;
  /// The first request. Also called again when the connector starts the exchange anew.
  virtual step start() = 0;
  /// An HTTP answer of any status that the connector did not consume itself (it consumes 401
  /// challenges, 429 and retryable 5xx while it still has tries).
  virtual step on_response(const http_response& answer) = 0;
};

/// Another exchange, each of its calls made with a credential of its own: what a person does as
/// themselves. Remotes count by credential, so it is the calls' budget key too. Results are read
/// from inner().
class with_credential final : public exchange {
public:
  with_credential(std::shared_ptr<exchange> inner, std::string credential)
      : inner_(std::move(inner)), credential_(std::move(credential)) {}
  step start() override { return signed_by_them(inner_->start()); }
  step on_response(const http_response& answer) override {
    return signed_by_them(inner_->on_response(answer));
  }
  [[nodiscard]] const exchange& inner() const noexcept { return *inner_; }

private:
  step signed_by_them(step s) const {
    if (auto* c = std::get_if<call>(&s); c != nullptr && !c->elsewhere)
      c->credential = c->budget_key = credential_;
    return s;
  }
  std::shared_ptr<exchange> inner_;
  std::string credential_;
};

}  // namespace pb::protocol
