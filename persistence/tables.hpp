// persistence/tables: how rows become parameters of bulk statements. Each function writes the rows
// of one table for all units of a batch; a row that a later unit writes again goes in once, as the
// later one (a statement may touch a row only once, and whole rows make the earlier one moot).
#pragma once
#include <span>

#include "persistence/connection.hpp"
#include "persistence/store.hpp"

namespace pb::persistence::tables {

using units = std::span<const write* const>;

result<void> put_entities(connection& c, units all);
result<void> put_effects(connection& c, units all);
result<void> put_links(connection& c, units all);
result<void> put_marks(connection& c, units all);
result<void> put_attempts(connection& c, units all);
result<void> put_provenances(connection& c, units all);
result<void> put_states(connection& c, units all);
result<void> put_credentials(connection& c, units all);
result<void> put_receipts(connection& c, units all);
result<void> put_user_mappings(connection& c, units all);
result<void> put_channel_mappings(connection& c, units all);
result<void> put_fact(connection& c, std::string_view name, std::string_view text);

}  // namespace pb::persistence::tables
