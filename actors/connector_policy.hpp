// actors/connector_policy: what differs between the remotes that connectors serve, and what their
// calls come back with. No CAF here: app/ fills policies in.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "http/transport.hpp"
#include "protocol/exchange.hpp"

namespace pb::actors {

struct options;

enum class urgency : std::uint8_t { person = 0, repair = 1, scan = 2 };

/// How an exchange ended; `what` holds its result when `failed` is empty.
struct performed {
  std::shared_ptr<protocol::exchange> what;
  std::optional<failure> failed;
  std::string operation;
  int status = 0;
  int calls = 0;
  bool sent = false;  ///< a call left, whatever became of it: it may have been done
  std::string request_id;
  timestamp started_at{};
  std::chrono::microseconds took{0};
};
/// Who has to wait, and how long.
struct admission_wait {
  enum class who : std::uint8_t {
    account,  ///< every call
    key,      ///< calls of this budget_key; others may go meanwhile
    call,     ///< this one, for longer than it is worth holding: it is given back as not sent
  };
  std::chrono::milliseconds pause{};
  who waits = who::account;
};
/// What differs between remotes. Functions are called on the connector's thread only.
struct connector_policy {
  std::string name;  ///< integration: "plane", "caldav"
  /// Calls at the same time, by the options as of now.
  std::function<unsigned(const options&)> parallel = [](const options&) { return 2U; };
  http::call_limits limits;
  /// Adds credentials; a failure (KEY_MISSING) ends the exchange.
  std::function<std::optional<failure>(protocol::http_request&)> authorize;
  /// The same for a call with a credential of its own, by its name (protocol::call::credential).
  /// What the remote says of it is its owner's trouble: it pauses nobody else's calls. Unset: such
  /// calls end with key_missing.
  std::function<std::optional<failure>(protocol::http_request&, const std::string& name)>
      authorize_as;
  /// True when this answer refuses the credentials and the same call should be made once more with
  /// new ones.
  std::function<bool(const protocol::http_request& sent, const protocol::http_response&)>
      challenged = [](const auto&, const auto&) { return false; };
  /// A failure after which nobody should ask for a while (wrong credentials, a full disk).
  std::function<std::optional<std::chrono::milliseconds>(const failure&)> pause_after =
      [](const auto&) { return std::nullopt; };
  /// Nothing: go now (and it is counted). Otherwise wait this long.
  std::function<std::optional<admission_wait>(steady_time now, urgency, const protocol::call&)>
      admit = [](auto, auto, const auto&) { return std::nullopt; };
  /// Every end of an admitted call, answered or not.
  std::function<void(steady_time now, const protocol::call&,
                     const result<protocol::http_response>&)>
      note = [](auto, const auto&, const auto&) {};
  /// Does this end of a call count against the circuit breaker?
  std::function<bool(const result<protocol::http_response>&)> is_down = [](const auto& r) {
    return !r || r->status >= 500;
  };
  /// A pause before the same call is tried again here and now; nothing: no quick retry.
  std::function<std::optional<std::chrono::milliseconds>(
      const protocol::call&, const result<protocol::http_response>&, unsigned tries, double draw)>
      again = [](const auto&, const auto&, auto, auto) { return std::nullopt; };
  /// An exchange that must run first (token refresh); one in flight, shared by all.
  std::function<std::shared_ptr<protocol::exchange>(timestamp now)> renewal = [](auto) {
    return nullptr;
  };
  std::function<void(const performed&)> renewed = [](const auto&) {};
};

/// The connector's figures, readable from any thread.
struct connector_status {
  std::atomic<int> breaker{0};  ///< sync::breaker::state
  std::atomic<std::int64_t> last_success_us{0}, last_failure_us{0}, latency_us{0};
  std::atomic<std::int64_t> waiting{0}, in_flight{0}, paused_until_us{0};
  std::atomic<std::int64_t> suspended_until_us{0};  ///< paused because of last_error, not of a rate
  mutable std::mutex lock;
  std::string last_error;
};

}  // namespace pb::actors
