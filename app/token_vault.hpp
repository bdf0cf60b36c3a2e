// app/token_vault: the bearer tokens of a Plane app, renewed before they expire. Read sealed from
// the store at start-up, kept in memory, sealed back when renewed. Any thread.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/connector_policy.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"
#include "protocol/plane/oauth.hpp"

namespace pb::app {

/// What is sealed under "plane.oauth.bot": tokens and what renews them.
struct bot_credential {
  secret access, refresh;
  std::string installation;
  timestamp expires_at{};  ///< the epoch: not known
  timestamp obtained_at{};
  secret rest;  ///< the JSON it was read from: what we do not use stays in it
};
std::string to_json(const bot_credential& c);  ///< holds secrets: only to be sealed
result<bot_credential> parse_bot_credential(std::string_view json);

class token_vault {
public:
  /// @param save  seals and stores; called outside the lock
  token_vault(protocol::plane::oauth_app app, const clock_source& clock,
              std::function<void(const bot_credential&)> save)
      : app_(std::move(app)), clock_(clock), save_(std::move(save)) {}

  void put(bot_credential c);
  [[nodiscard]] std::optional<secret> access() const;
  /// An exchange that asks for new tokens when less than a quarter hour is left, of short-lived
  /// ones less than a quarter of their life; else null.
  [[nodiscard]] std::shared_ptr<protocol::exchange> renewal(timestamp now);
  void renewed(const actors::performed& done);

private:
  protocol::plane::oauth_app app_;
  const clock_source& clock_;
  std::function<void(const bot_credential&)> save_;
  mutable std::mutex lock_;
  std::optional<bot_credential> held_;
  timestamp try_again_at_{};
};

}  // namespace pb::app
