// app/personal_key_vault: people's own keys of Plane while calls are made with them: read sealed
// from the store when the first call wants one, believed for some minutes, a bounded number at a
// time. Each has a request budget of its own, since Plane counts by key. A key that Plane refuses
// is used no more until another takes its place. The connector uses it on its thread, endpoints
// forget from others. Any thread.
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
#include "persistence/sealing.hpp"
#include "persistence/store.hpp"
#include "protocol/plane/rate_limit.hpp"

namespace pb::app {

class personal_key_vault final : public actors::person_keys,
                                 public std::enable_shared_from_this<personal_key_vault> {
public:
  static constexpr std::size_t most_held = 256;
  /// After a change that nobody told us of the old key may be used so long.
  static constexpr std::chrono::minutes believed{5};

  /// Store, keys and clock outlive it and every call that its policy made.
  /// @param per_minute  requests that Plane takes per key
  personal_key_vault(persistence::store& from, const persistence::sealer& keys,
                     const clock_source& clock, std::uint32_t per_minute)
      : store_(from), sealer_(keys), clock_(clock), per_minute_(per_minute) {}

  void forget(const std::string& open_id) override;
  void use(std::uint32_t per_minute);
  [[nodiscard]] std::size_t held() const;

  // For the policy: calls whose credential is not empty.
  std::optional<actors::admission_wait> admit(steady_time now, const protocol::call& c);
  std::optional<failure> authorize(protocol::http_request& request, const std::string& name);
  void note(steady_time now, const protocol::call& c, const result<protocol::http_response>& r);

  std::optional<std::string> refused(const std::string& credential, timestamp begun) override;

private:
  struct entry {
    enum class is : std::uint8_t { asked, there, unreadable };
    is how = is::asked;
    std::uint64_t asked_as = 0;  ///< the look-up that is under way
    secret key;                  ///< empty: they have none that is good
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

  persistence::store& store_;
  const persistence::sealer& sealer_;
  const clock_source& clock_;
  mutable std::mutex lock_;  ///< of all below; never held while the store is asked
  std::uint32_t per_minute_;
  std::uint64_t last_look_up_ = 0;
  std::unordered_map<std::string, entry> held_;
};

/// Plane's connector makes calls with people's keys from now on, and lanes ask for them.
void join_personal_keys(actors::runtime_parts& parts, std::shared_ptr<personal_key_vault> vault);

}  // namespace pb::app
