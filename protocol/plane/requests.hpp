// protocol/plane/requests: calls of Plane's REST API v1 as values. Paths always end in a slash:
// without it Plane answers 301, also to a POST. Credentials come last, by authorize().
// Called by the exchanges and by single calls of the connector.
#pragma once
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"
#include "protocol/plane/model.hpp"

namespace pb::protocol::plane {

/// Where the API is. `items_path` is "work-items" or, before v1.1.0, "issues" (probed once).
struct api {
  std::string base_url;  ///< with or without trailing slashes or "/api/v1"
  std::string workspace_slug;
  std::string items_path = "work-items";
};

/// 0 and empty mean: not sent.
struct list_query {
  std::uint32_t per_page = 0;
  std::string cursor;
  std::string order_by;
  std::string fields;  ///< comma list
  std::string expand;  ///< comma list
};

inline constexpr std::string_view item_expand = "state,assignees,labels";
inline constexpr std::string_view brief_fields = "id,updated_at,target_date,archived_at,project";

/// What a write sets; what is not set is not sent. Names are those that v1 honours: state_id,
/// assignee_ids and label_ids are ignored by Plane with 200 and so refused here.
struct item_fields {
  std::optional<std::string> name;
  std::optional<std::string> description_html;  ///< empty is sent as "<p></p>": Plane refuses ""
  std::optional<std::string> state;             ///< uuid
  std::optional<priority> prio;
  std::optional<std::vector<std::string>> assignees, labels;  ///< replace the whole set
  std::optional<std::string> parent;                          ///< empty sends null
  std::optional<std::string> start_date, target_date;         ///< empty sends null
  std::optional<std::string> external_source, external_id;
  boost::json::object extra{};  ///< further keys; read-only and silently ignored ones are refused
};

struct comment_fields {
  std::string html;    ///< Plane stores it as given: sanitize before
  std::string access;  ///< "INTERNAL", "EXTERNAL" or not sent
  std::string external_source, external_id;
};

// Reads.
http_request get_me(const api& a);
http_request list_projects(const api& a, const list_query& q);
http_request get_project(const api& a, std::string_view project);
http_request list_work_items(const api& a, std::string_view project, const list_query& q);
http_request get_work_item(const api& a, std::string_view project, std::string_view id,
                           std::string_view expand = item_expand);
/// "GW-42"; the identifier counts exactly, in upper case.
http_request get_by_identifier(const api& a, std::string_view identifier, std::int64_t sequence,
                               std::string_view expand = item_expand);
/// Answers one bare object, or 404.
http_request by_external_id(const api& a, std::string_view project, std::string_view source,
                            std::string_view id);
http_request list_states(const api& a, std::string_view project, const list_query& q);
http_request list_labels(const api& a, std::string_view project, const list_query& q);
http_request list_workspace_members(const api& a);
http_request list_project_members(const api& a, std::string_view project);
http_request list_comments(const api& a, std::string_view project, std::string_view item,
                           const list_query& q);
http_request get_comment(const api& a, std::string_view project, std::string_view item,
                         std::string_view comment);
http_request list_links(const api& a, std::string_view project, std::string_view item,
                        const list_query& q);

// Writes. bad_input names the field that Plane would refuse or ignore.
result<http_request> create_work_item(const api& a, std::string_view project,
                                      const item_fields& fields);
result<http_request> update_work_item(const api& a, std::string_view project, std::string_view id,
                                      const item_fields& fields);
http_request delete_work_item(const api& a, std::string_view project, std::string_view id);
http_request create_comment(const api& a, std::string_view project, std::string_view item,
                            const comment_fields& fields);
http_request update_comment(const api& a, std::string_view project, std::string_view item,
                            std::string_view comment, const comment_fields& fields);
http_request delete_comment(const api& a, std::string_view project, std::string_view item,
                            std::string_view comment);
result<http_request> create_state(const api& a, std::string_view project, std::string_view name,
                                  std::string_view color, state_group group);
http_request create_label(const api& a, std::string_view project, std::string_view name,
                          std::string_view color);
http_request create_link(const api& a, std::string_view project, std::string_view item,
                         std::string_view url, std::string_view title);
http_request delete_link(const api& a, std::string_view project, std::string_view item,
                         std::string_view link);

// Attachments; before v1.1.0 they are "issue-attachments".
struct attachment_fields {
  std::string name, type;
  std::size_t size = 0;
  std::string external_source, external_id;
};
/// Answers with where the bytes are to go.
http_request create_attachment(const api& a, std::string_view project, std::string_view item,
                               const attachment_fields& fields);
/// The bytes are there.
http_request complete_attachment(const api& a, std::string_view project, std::string_view item,
                                 std::string_view asset);
/// Redirects to the bytes; 400 while they are not there.
http_request get_attachment(const api& a, std::string_view project, std::string_view item,
                            std::string_view asset);
http_request list_attachments(const api& a, std::string_view project, std::string_view item);
http_request delete_attachment(const api& a, std::string_view project, std::string_view item,
                               std::string_view asset);

struct credential {
  enum class kind : std::uint8_t { api_key, bearer };
  kind how = kind::api_key;
  secret value;
};
/// Replaces whatever credentials the request has; the header is marked sensitive.
void authorize(http_request& request, const credential& c);

/// "https://host/api/v1/" and the like → "https://host".
std::string_view bare_base(std::string_view base_url) noexcept;

}  // namespace pb::protocol::plane
