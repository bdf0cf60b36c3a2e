// sandbox/plane_state: the inside of the in-memory Plane, shared by the plane_*.cpp files and by
// nobody else. Everything runs under the one lock that plane's public functions take.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/fields.hpp"
#include "sandbox/plane.hpp"
#include "sandbox/rows.hpp"

namespace pb::sandbox {

using answer = protocol::http_response;

struct api_token {
  std::string user_id;
  bool is_service = false;
  std::optional<timestamp> expires;
  std::deque<timestamp> recent;  ///< requests of the last 60 s
};

/// What somebody agreed to, until the app fetches its tokens.
struct oauth_code {
  std::string user_id, redirect_uri, scope;
  timestamp ends{};
};

/// A JSON value that texts turn into by themselves.
struct cell {
  cell() = default;
  cell(json::value v) : value(std::move(v)) {}
  cell(const std::string& text) : value(text) {}
  cell(std::string_view text) : value(text) {}
  cell(const char* text) : value(text) {}
  json::value value;
};

/// A webhook's `activity`, and an activity row's columns of the same names.
struct change {
  cell field{}, old_value{}, new_value{}, old_identifier{}, new_identifier{};
};

/// What is put in the worker's queue by a change; the body is built when it is taken.
struct webhook_task {
  timestamp due{};
  std::string workspace_id, event, action, actor_id;
  std::string object_id;  ///< empty: null (a v0.25 trap)
  change what;
};

/// One request on its way through the handlers.
struct call {
  const inbound* in = nullptr;
  std::vector<std::string> ids;  ///< the pattern's {…} pieces, in order
  std::vector<std::pair<std::string, std::string>> query;
  row* user = nullptr;
  row* workspace = nullptr;
  row* project = nullptr;
  row body;
  bool session = false;  ///< by cookie, not by key

  [[nodiscard]] const std::string& method() const { return in->method; }
  [[nodiscard]] std::string param(std::string_view name) const;
  [[nodiscard]] bool has_param(std::string_view name) const;
  [[nodiscard]] std::string user_id() const { return text_of(*user, "id"); }
  [[nodiscard]] std::string project_id() const { return text_of(*project, "id"); }
  [[nodiscard]] std::string workspace_id() const { return text_of(*workspace, "id"); }
};

struct plane::impl {
  impl(clock_source& c, random_source& r, plane_options o) : clock(c), random(r), options(o) {}

  clock_source& clock;
  random_source& random;
  plane_options options;
  mutable std::mutex lock;

  table users{"all"}, workspaces{"all"}, projects{"workspace"}, states{"project"},
      labels{"project"}, items{"project"}, comments{"issue"}, links{"issue"}, activities{"issue"},
      modules{"project"}, cycles{"project"}, webhooks{"workspace"}, relations{"issue"},
      attachments{"issue"};
  struct upload_permit {
    std::string signature, type;
    std::size_t largest = 0;
    timestamp until{};
  };
  std::map<std::string, upload_permit> permits;                       ///< by the store's key
  std::map<std::string, std::string> upload_bytes;                    ///< likewise
  std::map<std::string, std::map<std::string, int>> workspace_roles;  ///< workspace → user → role
  std::map<std::string, std::vector<std::string>> member_order;       ///< newest first
  std::map<std::string, std::map<std::string, row>> project_members;  ///< project → user → row
  std::map<std::string, api_token, std::less<>> tokens;
  std::map<std::string, std::string, std::less<>> sessions;
  std::map<std::string, oauth_code> oauth_codes;
  std::map<std::string, api_token, std::less<>> bearers;  ///< of OAuth, by access token
  std::map<std::string, std::string> bearer_scopes;
  std::map<std::string, std::pair<std::string, std::string>> refresh_tokens;  ///< → user, scope
  std::vector<row> installations;
  std::map<std::string, std::string, std::less<>> bots;  ///< of installations → workspace
  std::map<std::string, std::vector<std::string>> module_items, cycle_items;
  std::map<std::string, std::uint64_t> last_sequence;
  std::unordered_map<std::string, std::string> stripped;  ///< item id → description_stripped
  /// v0.25 keeps showing assignees and labels in webhooks that were taken off: recorded.
  std::unordered_map<std::string, row> ever_listed;
  std::deque<webhook_task> queue;
  std::deque<row> webhook_logs;
  bool external_id_race = false;
  timestamp last_stamp{};

  // plane.cpp: routing, who may, how often
  answer handle(const inbound& request);
  answer guarded(call& c, const struct route& r, std::string_view tail);
  answer check_token(call& c, api_token*& token);
  answer check_session(call& c);
  answer check_access(call& c, const struct route& r);
  answer check_rate(api_token& token, std::optional<std::size_t>& remaining);
  bool old() const { return options.release == flavour::v0_25; }
  std::string stamp();  ///< now with microseconds; strictly later than the last one
  std::string new_id() { return make_uuid(random); }
  int project_role(std::string_view project_id, std::string_view user_id) const;
  row base_row(const call& c, bool updated_by);  ///< id and the four common columns
  void touch(row& r, const call& c);

  // plane_oauth.cpp
  using form_fields = std::vector<std::pair<std::string, std::string>>;
  answer oauth(const inbound& request);
  answer oauth_page(const inbound& request);
  answer oauth_agreed(const inbound& request);
  answer oauth_token(const inbound& request);
  answer oauth_revoke(const inbound& request);
  answer oauth_installations(const inbound& request);
  answer oauth_issue(const std::string& user, const std::string& scope, bool with_refresh);
  std::string oauth_install(const row& workspace, const std::string& by);
  std::optional<answer> oauth_stranger(const form_fields& given) const;
  bool is_app(std::string_view id, std::string_view secret_text) const;
  answer check_bearer(call& c, std::string_view value, api_token*& token);
  // plane_people.cpp
  answer me(call& c);
  answer workspace_members(call& c);
  answer members_of_project(call& c);
  json::value user_view(std::string_view id);
  // plane_projects.cpp
  answer project_list(call& c);
  answer project_one(call& c);
  answer project_archive(call& c);
  row project_view(const row& p, const call& c, bool in_list);
  // plane_states.cpp
  answer state_list(call& c);
  answer state_one(call& c);
  answer label_list(call& c);
  answer label_one(call& c);
  row& add_state(row r);
  // plane_work_items.cpp
  answer item_list(call& c);
  answer item_one(call& c);
  answer item_by_identifier(call& c);
  answer item_search(call& c);
  answer item_create(call& c);
  answer item_update(call& c, row& item);
  answer item_delete(call& c, row& item);
  std::vector<field_rule> item_rules(bool session);
  bool visible(const row& item) const;
  row* external_twin(const call& c, const row& wanted, const row* except);
  std::optional<answer> clean_description(row& values, const row* item, std::string& text);
  void keep_members_only(const call& c, row& values);
  void remember_lists(const row& item);
  row item_view(const row& item) const;
  row session_item_view(const row& item) const;
  row shape(row r, const call& c);  ///< fields= and expand=
  json::value expanded(std::string_view column, const json::value& v);
  // plane_comments.cpp
  answer comment_list(call& c);
  answer comment_one(call& c);
  answer link_list(call& c);
  answer link_one(call& c);
  answer activity_list(call& c);
  answer relation_list(call& c);
  answer reaction_add(call& c);
  row session_comment_view(const row& comment);
  void note_activity(const call& c, const row& item, std::string_view verb, change what,
                     std::string_view text);
  // plane_files.cpp
  answer attachment_list(call& c);
  answer attachment_one(call& c);
  answer storage(const inbound& request);
  answer store_upload(const inbound& request);
  std::string storage_base(const inbound& request) const;
  // plane_groups.cpp
  answer module_list(call& c);
  answer module_one(call& c);
  answer module_item_list(call& c);
  answer module_item_one(call& c);
  answer cycle_list(call& c);
  answer cycle_one(call& c);
  answer cycle_item_list(call& c);
  answer cycle_item_one(call& c);
  row with_counts(const row& group, const std::vector<std::string>& members);
  answer items_of(call& c, const std::vector<std::string>& members);
  void forget_item(const std::string& item_id);
  // plane_session.cpp: what only the page's API has
  answer item_archive(call& c);
  answer bulk_delete(call& c);
  answer webhook_list(call& c);
  answer webhook_one(call& c);
  answer webhook_regenerate(call& c);
  answer webhook_log_list(call& c);
  answer check_webhook_url(const std::string& url, const call& c);
  // plane_webhooks.cpp
  void announce(const call& c, std::string_view event, std::string_view action,
                std::string_view object_id, change what = {});
  /// One announcement per key of the body that `before` has with another value.
  void announce_changes(const call& c, std::string_view event, std::string_view object_id,
                        const row& before);
  void announce_item_change(const call& c, const row& item, const row& before);
  void announce_old_item_change(const call& c, const row& item, const row& before);
  json::value webhook_data(const webhook_task& t);
  std::vector<webhook_delivery> deliveries_of(const webhook_task& t);
  webhook_delivery delivery_to(const row& hook, const webhook_task& t, std::string body);
};

/// One line of the routing table in plane.cpp.
struct route {
  std::string_view pattern;  ///< "workspaces/{slug}/projects/{id}/states"
  std::string_view allow;    ///< "GET, POST"
  enum class scope { user, workspace, project } needs = scope::project;
  answer (plane::impl::*handle)(call&) = nullptr;
};

// plane_session.cpp
/// With its port, without a user; empty when the URL has none.
std::string_view host_of(std::string_view url);
// plane_answers.cpp
answer reply(int status, const json::value& body);
answer empty_reply(int status);
answer not_found();
answer page_not_found();
answer server_error();
answer forbidden();
answer error_reply(int status, std::string_view text);
answer error_with_id(int status, std::string_view text, std::string_view id);
/// The list envelope; 400 and 500 for the per_page and cursor values that Plane refuses so.
answer page_of(const call& c, const std::vector<row*>& rows,
               const std::function<json::value(row&)>& view);
/// By created_at, newest first; the usual order of a list.
std::vector<row*> newest_first(const std::vector<row*>& rows);
/// Copies the named columns in that order.
row pick(const row& from, std::initializer_list<std::string_view> columns);
/// Moves `given` into `target` (columns that are there keep their place).
void assign(row& target, const row& given);

}  // namespace pb::sandbox
