// persistence/query_reader: the reader of store.hpp as SQL. Given to the functions that read()
// runs.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "persistence/connection.hpp"
#include "persistence/store.hpp"

namespace pb::persistence {

class query_reader final : public reader {
public:
  /// Runs one query; the store's own one reconnects once when the session turns out to be lost.
  using runner = std::function<result<row_set>(const std::string& sql, std::span<const value>)>;
  using bulk_runner = std::function<result<std::vector<row_set>>(
      std::span<const std::string> statements, const bulk_rows&)>;
  query_reader(runner run, bulk_runner bulk) : run_(std::move(run)), bulk_(std::move(bulk)) {}

  result<entity_state> entity(const entity_key& key) override;
  result<std::vector<entity_state>> entities(std::span<const entity_key> keys) override;
  result<std::vector<delivery>> pending(const page_of& page) override;
  result<std::vector<delivery>> pending_of(const entity_key& key, std::size_t limit) override;
  result<std::vector<entity_key>> due_entities(timestamp now, std::size_t limit) override;
  result<std::vector<delivery>> deliveries(const delivery_filter& f, const page_of& page) override;
  result<std::optional<delivery>> delivery_by_seq(std::int64_t seq) override;
  result<std::vector<effect>> effects(const effect_filter& f, const page_of& page) override;
  result<std::optional<effect>> effect_by_id(std::int64_t id) override;
  result<std::vector<attempt>> attempts_of(std::int64_t effect) override;
  result<std::vector<provenance>> provenance_of(const entity_key& key, std::size_t limit) override;
  result<std::vector<link_row>> links_of(const std::string& integration,
                                         const std::string& after_object,
                                         std::size_t limit) override;
  result<std::vector<entity_row>> entities_of(const std::string& parent,
                                              const std::string& after_key,
                                              std::size_t limit) override;
  result<std::optional<std::string>> state(const std::string& key) override;
  result<std::vector<std::pair<std::string, std::string>>> states(
      const std::string& prefix) override;
  result<std::optional<credential_row>> credential(const std::string& tenant,
                                                   const std::string& name) override;
  result<std::vector<credential_row>> credentials() override;
  result<std::optional<receipt_row>> receipt(const std::string& integration,
                                             const std::string& object) override;
  result<std::optional<entity_key>> journaled_for(const std::string& source,
                                                  const std::string& identity) override;
  result<std::optional<user_mapping_row>> user_mapping(const std::string& open_id) override;
  result<std::optional<user_mapping_row>> user_mapping_by_plane_user(
      const std::string& plane_user) override;
  result<std::vector<user_mapping_row>> user_mappings(const std::string& after,
                                                      std::size_t limit) override;
  result<std::vector<channel_mapping_row>> channel_mappings(const std::string& chat) override;
  result<std::vector<channel_mapping_row>> channel_mappings_of_project(
      const std::string& project) override;
  result<std::vector<channel_mapping_row>> all_channel_mappings(const std::string& after_chat,
                                                                const std::string& after_project,
                                                                std::size_t limit) override;
  result<journal_counts> counts() override;

private:
  runner run_;
  bulk_runner bulk_;
};

}  // namespace pb::persistence
