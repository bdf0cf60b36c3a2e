// app/lark_account: the running state of the Feishu app that the connector acts as: its tenant
// token, its pace, the month's calls. Outlives restarts of the connector; the connector uses it on
// its thread, metrics and health look at it from others. Any thread.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/connector_policy.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"
#include "http/transport.hpp"
#include "protocol/lark/pace.hpp"
#include "protocol/lark/requests.hpp"

namespace pb::app {

struct lark_credentials {
  protocol::lark::api where;
  protocol::lark::app_credentials app;
};

class lark_account {
public:
  struct hooks {
    /// Keeps the month's calls over restarts; called outside the lock.
    std::function<void(const std::string&)> save = [](const auto&) {};
    /// What an administrator should hear of.
    std::function<void(const protocol::lark::pace_notice&)> tell = [](const auto&) {};
    /// The token cannot be renewed, and what is left of it still lets us say so.
    std::function<void(const std::string& why, timestamp good_until)> token_ends = [](const auto&,
                                                                                      auto) {};
    /// It can again.
    std::function<void()> token_back = [] {};
  };
  lark_account(lark_credentials of, protocol::lark::pace_limits limits, const clock_source& clock,
               hooks to)
      : of_(std::move(of)), clock_(clock), to_(std::move(to)), pace_(limits) {}

  /// The key of the state entry that holds what `save` was given.
  static constexpr std::string_view month_key = "lark.month";
  /// Until it is called nothing is saved, so that what an earlier run kept is not lost.
  void restore_month(const std::string& saved);
  void use(protocol::lark::pace_limits limits);
  [[nodiscard]] protocol::lark::pace::view look();
  /// Calls that were told to wait since the start: a call may be told so more than once.
  struct waits {
    std::uint64_t account = 0, chat = 0, month = 0;
  };
  [[nodiscard]] waits waited() const;

  // For the policy.
  std::optional<failure> authorize(protocol::http_request& request);
  bool challenged(const protocol::http_request& sent, const protocol::http_response& answer);
  std::shared_ptr<protocol::exchange> renewal(timestamp now);
  void renewed(const actors::performed& done);
  std::optional<actors::admission_wait> admit(steady_time now, const protocol::call& c);
  void note(steady_time now, const protocol::call& c, const result<protocol::http_response>& r);
  std::optional<std::chrono::milliseconds> pause_after(const failure& f);

private:
  void tell(std::vector<protocol::lark::pace_notice> notices, std::optional<std::string> month);

  const lark_credentials of_;
  const clock_source& clock_;
  const hooks to_;
  mutable std::mutex lock_;
  protocol::lark::pace pace_;
  bool restored_ = false;
  secret token_;
  timestamp good_until_{}, ask_again_at_{}, fresh_at_{};
  waits waited_;
  std::optional<failure> no_token_;  ///< why the last renewal failed
};

/// A factory for each (re)started connector.
std::function<actors::connector_policy()> lark_policy(http::call_limits limits,
                                                      std::shared_ptr<lark_account> account);

}  // namespace pb::app
