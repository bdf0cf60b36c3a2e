// persistence/sealing: secrets at rest. AES-256-GCM under the key of security.encryption_key, with
// the row's identity (tenant and name) bound in, so that a sealed value only opens where it
// belongs; every row names its key, so that keys can be changed: new values are sealed under the
// current key, old ones open under the previous ones until rotate() has sealed them again.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "persistence/store.hpp"

namespace pb::persistence {

class sealer {
public:
  /// Without a key: seal() and open() answer errc::key_missing.
  sealer() = default;
  /// Keys are 32 raw bytes each, as config::encryption_key_bytes() gives them; others are ignored.
  explicit sealer(const std::optional<secret>& current, const std::vector<secret>& previous = {});

  [[nodiscard]] bool has_key() const noexcept { return !keys_.empty() && has_current_; }
  /// Of the current key; empty without one.
  [[nodiscard]] std::string key_id() const;

  result<credential_row> seal(const std::string& tenant, const std::string& name,
                              const secret& value, timestamp now) const;
  /// errc::key_missing when the row's key is not among ours; errc::bad_input when it was changed or
  /// belongs to another row.
  result<secret> open(const credential_row& row) const;
  [[nodiscard]] bool is_current(const credential_row& row) const;
  /// The same value under the current key.
  result<credential_row> reseal(const credential_row& row, timestamp now) const;

private:
  struct key {
    std::string id;
    secret bytes;
  };
  std::vector<key> keys_;  ///< the current one first, if there is one
  bool has_current_ = false;
};

/// First 8 hex digits of the key's SHA-256.
std::string key_id_of(const secret& key_bytes);

struct rotation_report {
  std::size_t resealed = 0, current = 0;
  std::vector<std::string> unreadable;  ///< "tenant/name: why"
};
/// Every credential under the current key. At start-up or with the daemon stopped: a token that is
/// refreshed meanwhile could be put back to its old value.
result<rotation_report> rotate(store& s, const sealer& keys, timestamp now);

}  // namespace pb::persistence
