// http/journal_endpoints: what was received, planned and done, over the API: deliveries, effects,
// dead letters, links, one entity's timeline; retry and skip of dead letters; a full sync now.
// Reads run on the store's reader thread. All behind the admin token. Wired by app/.
#pragma once
#include <vector>

#include "http/admin_auth.hpp"
#include "http/operations.hpp"
#include "http/server.hpp"
#include "persistence/store.hpp"

namespace pb::http {

/// Store and operations outlive the server.
void add_journal_endpoints(server& to, persistence::store& store, operations& ops,
                           const admin_auth& auth);
/// The same as routes that are not added anywhere yet (tests drive them without a listener).
std::vector<route> journal_routes(persistence::store& store, operations& ops,
                                  const admin_auth& auth);

}  // namespace pb::http
