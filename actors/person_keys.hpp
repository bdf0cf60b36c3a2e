// actors/person_keys: people's own keys of Plane, as the lanes that write with them see them. Who
// holds the keys is app/'s business (app/personal_key_vault). Any thread.
#pragma once
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace pb::actors {

class person_keys {
public:
  virtual ~person_keys() = default;
  /// Plane has refused the key under this name in an exchange that began then: it is used no more.
  /// Returns which key of theirs it was, as marks of refused keys name it; nothing: it has been
  /// replaced or withdrawn meanwhile, and the exchange is worth another try.
  virtual std::optional<std::string> refused(const std::string& credential, timestamp begun) = 0;
  /// The person's key or mapping was changed, or they left.
  virtual void forget(const std::string& open_id) = 0;
};

}  // namespace pb::actors
