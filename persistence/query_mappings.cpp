// The reader's questions about conversations: receipts, and who and what is mapped to whom.
#include <array>

#include "persistence/query_reader.hpp"
#include "persistence/row_taking.hpp"

namespace pb::persistence {
namespace {

const std::string user_columns =
    "open_id, tenant_id, union_id, name, email, plane_user, how, left_tenant, changed_at";
const std::string channel_columns = "chat, project, tenant_id, options, changed_at";

receipt_row receipt_of(result_row& r) {
  taking t{r};
  receipt_row out;
  out.integration = t.text();
  out.object = t.text();
  out.entity = t.key();
  out.remote_id = t.text();
  out.at = t.time();
  return out;
}

entity_key whose_of(result_row& r) {
  taking t{r};
  return t.key();
}

user_mapping_row user_of(result_row& r) {
  taking t{r};
  user_mapping_row out;
  out.open_id = t.text();
  out.tenant = t.text();
  out.union_id = t.text();
  out.name = t.text();
  out.email = t.text();
  out.plane_user = t.text();
  out.how = static_cast<mapped_by>(t.number());
  out.left = t.number() != 0;
  out.changed_at = t.time();
  return out;
}

channel_mapping_row channel_of(result_row& r) {
  taking t{r};
  channel_mapping_row out;
  out.chat = t.text();
  out.project = t.text();
  out.tenant = t.text();
  out.options = t.text();
  out.changed_at = t.time();
  return out;
}

}  // namespace

result<std::optional<receipt_row>> query_reader::receipt(const std::string& integration,
                                                         const std::string& object) {
  const std::array parameters{value::text(integration), value::text(object)};
  return one_of(run_("SELECT integration, object, entity, remote_id, at FROM receipts "
                     "WHERE integration = $1 AND object = $2",
                     parameters),
                receipt_of);
}

result<std::optional<entity_key>> query_reader::journaled_for(const std::string& source,
                                                              const std::string& identity) {
  const std::array parameters{value::text(source), value::bytes(identity)};
  return one_of(run_("SELECT d.entity FROM identities i JOIN deliveries d ON d.seq = i.seq "
                     "WHERE i.tenant_id = 'default' AND i.source = $1 AND i.identity = $2",
                     parameters),
                whose_of);
}

result<std::optional<user_mapping_row>> query_reader::user_mapping(const std::string& open_id) {
  const std::array parameters{value::text(open_id)};
  return one_of(
      run_("SELECT " + user_columns + " FROM mappings_users WHERE open_id = $1", parameters),
      user_of);
}

result<std::optional<user_mapping_row>> query_reader::user_mapping_by_plane_user(
    const std::string& plane_user) {
  if (plane_user.empty()) return std::optional<user_mapping_row>{};
  const std::array parameters{value::text(plane_user)};
  return one_of(run_("SELECT " + user_columns +
                         " FROM mappings_users WHERE plane_user = $1 AND left_tenant = 0 "
                         "ORDER BY how DESC, open_id LIMIT 1",
                     parameters),
                user_of);
}

result<std::vector<user_mapping_row>> query_reader::user_mappings(const std::string& after,
                                                                  std::size_t limit) {
  const std::array parameters{value::text(after), limit_of(limit)};
  return all_of(run_("SELECT " + user_columns +
                         " FROM mappings_users WHERE open_id > $1 ORDER BY open_id LIMIT $2",
                     parameters),
                user_of);
}

result<std::vector<channel_mapping_row>> query_reader::channel_mappings(const std::string& chat) {
  const std::array parameters{value::text(chat)};
  return all_of(
      run_("SELECT " + channel_columns + " FROM mappings_channels WHERE chat = $1 ORDER BY project",
           parameters),
      channel_of);
}

result<std::vector<channel_mapping_row>> query_reader::channel_mappings_of_project(
    const std::string& project) {
  const std::array parameters{value::text(project)};
  return all_of(
      run_("SELECT " + channel_columns + " FROM mappings_channels WHERE project = $1 ORDER BY chat",
           parameters),
      channel_of);
}

result<std::vector<channel_mapping_row>> query_reader::all_channel_mappings(
    const std::string& after_chat, const std::string& after_project, std::size_t limit) {
  const std::array parameters{value::text(after_chat), value::text(after_project), limit_of(limit)};
  return all_of(run_("SELECT " + channel_columns +
                         " FROM mappings_channels WHERE (chat, project) > ($1, $2) "
                         "ORDER BY chat, project LIMIT $3",
                     parameters),
                channel_of);
}

}  // namespace pb::persistence
