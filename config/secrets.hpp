// config/secrets: what must be configured for what, and where to get it. One list: KEY_MISSING
// answers name the entry, the variable and the place in docs/secrets.md, which is made from it.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pb::config {

struct settings;

struct requirement {
  std::string_view entry;      ///< "security.admin_token"
  std::string_view variable;   ///< "ADMIN_TOKEN"
  std::string_view title;      ///< its heading in docs/secrets.md
  std::string_view anchor;     ///< "admin-token"
  bool is_secret = true;       ///< false: needed beside a secret, and no secret itself
  std::string_view needed_by;  ///< what does not work without it
  std::string_view get_it;     ///< where it comes from, step by step
  [[nodiscard]] std::string ssot_ref() const;  ///< "docs/secrets.md#admin-token"
};

std::span<const requirement> requirements();
/// By dotted entry name; nullptr for what is never missing.
const requirement* find_requirement(std::string_view entry);
/// What is not set and would be missed by whoever runs the daemon with these settings; said at the
/// start and by `config check`. What is a matter of taste (a feed, a proxy) is not in it.
std::vector<const requirement*> unmet(const settings& s);
/// docs/secrets.md
std::string secrets_markdown();

}  // namespace pb::config
