// app/wiring: from settings to what each layer is given. Pure mapping, but for the policies, which
// hold the running state of an account (its request budget, its token).
#pragma once
#include <functional>
#include <memory>
#include <mutex>

#include "actors/connector_policy.hpp"
#include "actors/context.hpp"
#include "actors/remotes.hpp"
#include "base/random.hpp"
#include "config/settings.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "persistence/shelter.hpp"
#include "protocol/plane/rate_limit.hpp"

namespace pb::app {

actors::options actor_options(const config::settings& s);
http::server_options server_options(const config::settings& s);
http::client_options client_options(const config::settings& s);
http::call_limits call_limits(const config::settings& s);
persistence::shelter_options shelter_options(const config::settings& s, const clock_source& clock);
std::shared_ptr<const actors::remotes> remotes_of(const config::settings& s);

/// Bearer tokens of an app installation, when no API key is configured. Any thread.
class token_vault;

/// The request budget of one API key: used on the connector's thread, looked at by metrics.
class shared_budget {
public:
  using budget = protocol::plane::request_budget;
  explicit shared_budget(const config::settings& s)
      : it_(s.plane.requests_per_minute, s.plane.scan_share_percent) {}
  /// Anything done to it, one at a time. Any thread.
  template <class F>
  auto with(F&& f) {
    const std::lock_guard hold{lock_};
    return f(it_);
  }
  /// A reload: other limits, the same window.
  void use(const config::settings& s) {
    with([&](budget& b) { b.use(s.plane.requests_per_minute, s.plane.scan_share_percent); });
  }

private:
  std::mutex lock_;
  budget it_;
};

/// A factory for each (re)started connector; the budget outlives restarts.
std::function<actors::connector_policy()> plane_policy(const config::settings& s,
                                                       std::shared_ptr<token_vault> vault,
                                                       std::shared_ptr<shared_budget> budget);
std::function<actors::connector_policy()> caldav_policy(const config::settings& s,
                                                        random_source& random);

}  // namespace pb::app
