// http/mapping_endpoints: /admin/mappings/users and /admin/mappings/channel-project: list, upsert,
// delete, import from CSV, all or nothing, and people matched by e-mail. Behind the admin token, in
// the API's answer shapes. A mapping set here counts as made by a person: what e-mail addresses
// suggest never overwrites it. Wired by app/.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/admin_auth.hpp"
#include "http/mapping_rows.hpp"
#include "http/server.hpp"
#include "persistence/store.hpp"

namespace pb::http {

enum class mapping_kind { user, channel };

/// Store and clock outlive the server.
struct mapping_dependencies {
  persistence::store& store;
  const clock_source& clock;
  admin_auth auth;
  /// Knows projects by their identifier; empty: uuids only. Any thread, must not block.
  project_resolver resolve_project;
  /// After the commit, for each mapping that changed, with its open_id or chat: who cached it reads
  /// again. May be empty; any thread, must not block.
  std::function<void(mapping_kind, const std::string& key)> changed;
  /// Maps all people by their e-mail addresses; `done` comes once, on any thread, with the report
  /// as JSON. May be empty: 503 then.
  std::function<void(bool dry_run, std::function<void(result<std::string>)> done)> match{};
};

void add_mapping_endpoints(server& to, const mapping_dependencies& needs);
/// The same as routes that are not added anywhere yet.
std::vector<route> mapping_routes(const mapping_dependencies& needs);

/// The name under which a person's own API key is sealed; gone with their mapping.
std::string personal_key_credential(std::string_view open_id);
/// The state entry that says which key of theirs Plane refuses: which_key() of its row.
std::string refused_key_state(std::string_view open_id);
std::string which_key(const persistence::credential_row& row);

}  // namespace pb::http
