// persistence/postgres_library: libpq, loaded with the first PostgreSQL connection instead of with
// the program. It brings LDAP, Kerberos and GnuTLS along, 3 MB of resident memory that a daemon on
// SQLite has no use for. For postgres_connection.cpp only.
#pragma once
#include "base/failure.hpp"

namespace pb::persistence {

/// Loads it unless it is there; errc::storage with the loader's words when it cannot be. Until this
/// succeeded no function of libpq may be called. Any thread.
result<void> load_postgres_library();

}  // namespace pb::persistence
