// app/personal_key_vault: people's own keys of Plane while calls are made with them: read sealed
// from the store when the first call wants one, believed for some minutes, a bounded number at a
// time. Each has a request budget of its own, since Plane counts by key. A key that Plane refuses
// is used no more until another takes its place. Tokens of OAuth are such keys, renewed before they
// end and once when Plane refuses them; the person's calls wait for that, nobody else's. The
// connector uses it on its thread, endpoints forget from others. Any thread.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "actors/person_keys.hpp"
#include "actors/runtime.hpp"
#include "base/secret.hpp"
#include "http/personal_key.hpp"
#include "http/transport.hpp"
#include "persistence/sealing.hpp"
#include "persistence/store.hpp"
#include "protocol/plane/oauth.hpp"
#include "protocol/plane/rate_limit.hpp"

namespace pb::app {

/// Where tokens are renewed.
struct token_endpoint {
  protocol::plane::oauth_app app;
  http::transport* calls = nullptr;
};

class personal_key_vault final : public actors::person_keys,
                                 public std::enable_shared_from_this<personal_key_vault> {
public:
  static constexpr std::size_t most_held = 256;
  /// After a change that nobody told us of the old key may be used so long.
  static constexpr std::chrono::minutes believed{5};
  /// A token that Plane refuses again so soon after it was renewed for that is refused for good.
  static constexpr std::chrono::minutes renewed_for_nothing{10};

  /// Store, keys, clock and transport outlive it and every call that its policy made.
  /// @param per_minute  requests that Plane takes per key
  /// @param renewals    without it tokens are used until Plane refuses them
  personal_key_vault(persistence::store& from, const persistence::sealer& keys,
                     const clock_source& clock, std::uint32_t per_minute,
                     std::optional<token_endpoint> renewals = std::nullopt)
      : store_(from),
        sealer_(keys),
        clock_(clock),
        renewals_(std::move(renewals)),
        per_minute_(per_minute) {}

  void forget(const std::string& open_id) override;
  void use(std::uint32_t per_minute);
  [[nodiscard]] std::size_t held() const;

  // For the policy: calls whose credential is not empty.
  std::optional<actors::admission_wait> admit(steady_time now, const protocol::call& c);
  std::optional<failure> authorize(protocol::http_request& request, const std::string& name);
  void note(steady_time now, const protocol::call& c, const result<protocol::http_response>& r);

  std::optional<std::string> refused(const std::string& credential, timestamp begun) override;

private:
  /// Of a token of OAuth.
  struct renewing {
    bool under_way = false;  ///< never two: the second would bring a refresh token used before
    bool forgotten = false;  ///< meanwhile: what is in the store counts, not what comes of it
    bool due = false;        ///< Plane has refused the access token
    bool ended = false;      ///< Plane has refused the refresh token
    bool no_help = false;    ///< it is nothing that the person can mend: the bot writes meanwhile
    unsigned failures = 0;   ///< to renew, in a row
    bool unsaved = false;    ///< the store has an older one
    std::optional<steady_time> forced{};  ///< when it was last renewed because Plane refused it
    steady_time not_before{};             ///< the last attempt failed, or could not be stored
  };
  struct entry {
    enum class is : std::uint8_t { asked, there, unreadable };
    is how = is::asked;
    std::uint64_t asked_as = 0;  ///< the look-up that is under way
    http::personal_key held;     ///< its key empty: they have none that is good
    renewing token;
    std::string which;
    timestamp since{};  ///< of the key
    steady_time used{}, until{};
    protocol::plane::request_budget budget{60, 100};
  };
  void look_up(const std::string& name, std::uint64_t number);
  void found(const std::string& name, std::uint64_t number, steady_time now,
             std::optional<persistence::credential_row> row, const std::string& refused,
             bool readable);
  void make_room();
  [[nodiscard]] bool ends_soon(const entry& e, timestamp now) const;
  [[nodiscard]] bool is_good(const entry& e, timestamp now) const;
  [[nodiscard]] bool may_renew(const entry& e) const {
    return renewals_ && e.held.oauth && !e.held.refresh.empty() && !e.token.ended;
  }
  std::optional<actors::admission_wait> what_renewal_asks(steady_time now, entry& e, bool& begin);
  void renew(const std::string& name, const secret& refresh);
  void renewed(const std::string& name, const result<protocol::plane::oauth_tokens>& got);
  void save(const std::string& name);
  void saved(const std::string& name, const std::string& which, bool stored);
  void check_still_theirs(const std::string& name, const std::string& plane_user);
  /// Under the lock: nothing is under way for it any more.
  void end_renewal(const std::string& name, steady_time not_before);

  persistence::store& store_;
  const persistence::sealer& sealer_;
  const clock_source& clock_;
  const std::optional<token_endpoint> renewals_;
  mutable std::mutex lock_;  ///< of all below; never held while the store is asked
  std::uint32_t per_minute_;
  std::uint64_t last_look_up_ = 0;
  std::unordered_map<std::string, entry> held_;
};

/// Plane's connector makes calls with people's keys from now on, and lanes ask for them.
void join_personal_keys(actors::runtime_parts& parts, std::shared_ptr<personal_key_vault> vault);

}  // namespace pb::app
