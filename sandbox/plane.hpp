// sandbox/plane: an in-memory Plane (open edition) for tests, the demo and for trying things out:
// the v1 REST API, the session API that Plane's own page uses, the OAuth of an app (of the other
// editions, when it is told of one), and the webhooks that follow. It is
// written from the public contract, not from our own client. Used by sandbox_transport
// (in-process), by run_sandbox (over HTTP) and by tests directly. Any thread: one call at a time
// inside.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"
#include "sandbox/inbound.hpp"

namespace pb::sandbox {

/// Which release's webhooks and row shapes: 1.3.1, or 0.25.3 (deletions are announced, several
/// webhooks per edit on the page, none for state, assignees and labels over REST).
enum class flavour { v1_3, v0_25 };

struct plane_options {
  flavour release = flavour::v1_3;
  bool work_items_path = true;        ///< false: only /issues/, as before v1.1
  unsigned requests_per_minute = 60;  ///< per API key, sliding; 0: no limit and no headers
  unsigned service_requests_per_minute = 300;
  /// Plane touches created_at and updated_at again some ms after it answered; on, stored times
  /// run that little bit ahead of the answer's.
  bool late_timestamps = false;
  bool workspace_slug_in_webhooks = false;  ///< v1.4 adds it
  std::size_t file_size_limit = 5'242'880;  ///< FILE_SIZE_LIMIT: of one attachment
  /// Address of its object store; empty: "/uploads" on the host that was asked.
  std::string storage_url{};
  std::chrono::milliseconds webhook_delay_min{20};
  std::chrono::milliseconds webhook_delay_max{200};
  /// An app, as the cloud and the commercial editions have them; empty: none, as in the open one.
  std::string oauth_client_id{};
  secret oauth_client_secret{};
  std::vector<std::string> oauth_redirect_uris{};  ///< as the app lists them
  std::chrono::seconds oauth_token_life{86'400};
  bool oauth_rotates = true;  ///< a refresh token counts once, and brings the next
};

struct new_user {
  std::string first_name, last_name, email, display_name;
};

struct webhook_settings {
  std::string url;
  secret signing_secret;  ///< empty: unsigned, as Plane does
  bool project = true, issue = true, module = true, cycle = true, issue_comment = true;
  bool is_active = true;
};

/// An attachment of a work item, and what its object store holds of it.
struct attached_file {
  std::string id, name, type, external_source, external_id;
  bool uploaded = false;  ///< as Plane was told
  bool stored = false;    ///< the bytes are there
  std::string bytes{};
};

/// One POST as Plane would send it now.
struct webhook_delivery {
  std::string webhook_id;
  std::string
      url;  ///< without userinfo: that became an Authorization header, as Plane's library does
  std::vector<protocol::http_header> headers;  ///< in the recorded order
  std::string body;                            ///< exact bytes, signed
  std::chrono::milliseconds delay{0};          ///< until it is due; 0 when it is
  std::string event, action, field;            ///< for people: the page and test messages
  std::string object_id;
};

class plane {
public:
  plane(clock_source& clock, random_source& random, plane_options options = {});
  ~plane();
  plane(const plane&) = delete;
  plane& operator=(const plane&) = delete;

  /// Answers one request; never throws, unknown things get Plane's own error answers.
  protocol::http_response handle(const inbound& request);

  // Set-up. Ids come back; unknown slugs or ids are a bug of the caller (std::invalid_argument).
  std::string add_workspace(std::string_view slug, std::string_view name);
  std::string add_user(const new_user& user);
  void add_workspace_member(std::string_view slug, std::string_view user_id, int role);
  void add_project_member(std::string_view project_id, std::string_view user_id, int role);
  /// An API key for X-API-Key; `expires` in the past makes it an expired one.
  void add_token(std::string_view user_id, const secret& key, bool is_service = false,
                 std::optional<timestamp> expires = std::nullopt);
  /// All access tokens of the user end now; for good: their refresh tokens, too.
  void end_tokens(std::string_view user_id, bool for_good);
  /// A cookie value ("session-id=…") for the session API.
  std::string open_session(std::string_view user_id);
  std::string add_webhook(std::string_view slug, const webhook_settings& settings);

  // Webhooks, in the order in which they were caused. A body is built when it is taken, so it shows
  // the object as it is then; that is what Plane does.
  std::vector<webhook_delivery> take_webhooks();      ///< all, also those not yet due
  std::vector<webhook_delivery> take_due_webhooks();  ///< by the clock, in the order of due times
  [[nodiscard]] std::optional<timestamp> next_webhook_due() const;
  /// The same body under a fresh X-Plane-Delivery, as every retry has.
  [[nodiscard]] webhook_delivery renewed(webhook_delivery again);
  /// After the sixth failed attempt Plane switches the webhook off for all events.
  void deactivate_webhook(std::string_view webhook_id);
  [[nodiscard]] bool webhook_is_active(std::string_view webhook_id) const;
  [[nodiscard]] bool webhook_exists(std::string_view webhook_id) const;
  /// Answers and bodies of finished attempts, for the webhook log of the session API.
  void log_webhook(const webhook_delivery& sent, int status);

  // What no request can do.
  /// All that a database backup would hold. Keys, sessions, memberships and what waits to be sent
  /// are not part of it.
  struct snapshot;
  [[nodiscard]] std::shared_ptr<const snapshot> take_snapshot() const;
  /// Back to that state; update times go back with it, and nothing is announced.
  void restore(const snapshot& then);
  /// The item goes to another project under its id, with a new number and the default state there,
  /// and is announced as updated. False when it or the project is not there.
  bool move_item(std::string_view item_id, std::string_view project_id, std::string_view by_user);

  /// Those that were not deleted, oldest first; also those never finished.
  [[nodiscard]] std::vector<attached_file> attachments_of(std::string_view item_id) const;
  /// On: external ids are not checked on creation, as under concurrent requests.
  void set_external_id_race(bool on);
  [[nodiscard]] clock_source& clock() const noexcept;
  /// Uniform in [0, 1), drawn under the lock from the injected source.
  double unit_draw();

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::sandbox
