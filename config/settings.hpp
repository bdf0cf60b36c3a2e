// config/settings: everything an operator can set, typed, with its default. Plain values: no I/O
// and no parsing here. Loaded by load.hpp; names, ranges and sentences stand in the one table
// (entry.hpp). Durations carry their unit in the type, so the entry `server.header_timeout_ms` is
// `server.header_timeout` here. Read by app/, which hands each layer what it needs.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"

namespace pb::config {

/// shadow: plan and record everything, send nothing.
enum class run_mode : std::uint8_t { live, shadow };
enum class dav_auth : std::uint8_t { automatic, basic, digest };
enum class calendar_layout : std::uint8_t { per_project, single };
enum class calendar_span : std::uint8_t { target, start_to_target };
/// What becomes of an event that a person deleted in their calendar client.
enum class deleted_event_policy : std::uint8_t { keep_deleted, restore };

/// How events of Feishu/Lark come: to our webhook, or over a connection that we open.
enum class lark_transport : std::uint8_t { webhook, websocket };
/// Who sees a link's preview: people mapped to a member of the item's project, or whoever sees the
/// link.
enum class preview_audience : std::uint8_t { members, everyone };
/// Of what is said without a command before it.
enum class chat_language : std::uint8_t { zh, en };

struct general_settings {
  std::string timezone = "UTC";  ///< a name the tz database knows
};

struct server_settings {
  std::string address = "0.0.0.0";
  std::uint16_t port = 8080;  ///< 0: any free one
  std::string public_url;     ///< how others reach us; empty: unknown
  std::string tls_certificate_file, tls_key_file;
  std::vector<std::string> trusted_proxies;  ///< addresses or CIDRs
  std::size_t max_connections = 4096;
  std::size_t header_limit_bytes = 16 * 1024;
  std::size_t body_limit_bytes = 1024 * 1024;  ///< of routes without a limit of their own
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};
  unsigned failed_requests_per_minute = 120;
  std::chrono::seconds shutdown_grace{20};
  bool access_log = true;
};

struct store_settings {
  secret database_url;  ///< as written; empty: see database_of()
  std::string data_dir = ".";
  std::chrono::days retention{7};
  std::chrono::days identity_retention{30};
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds tcp_user_timeout{10'000};
  std::chrono::seconds connect_timeout{5};
  std::size_t spool_max_mb = 256;
  std::size_t touched_max = 65'536;  ///< entities
  std::chrono::milliseconds spool_after{2'000};
};

struct log_settings {
  log::level level = log::level::info;
  log::format format = log::format::logfmt;
};

struct plane_settings {
  run_mode mode = run_mode::live;
  std::string base_url;
  std::string app_url;  ///< as written; empty: see plane_app_url()
  secret api_key;
  std::string workspace_slug;
  std::string client_id;
  secret client_secret;
  std::string redirect_uri;  ///< as written; empty: see plane_redirect_uri()
  std::vector<secret> webhook_secret;
  std::size_t body_limit_bytes = 16u * 1024 * 1024;
  std::size_t stream_limit_bytes = 64u * 1024 * 1024;
  std::vector<std::string> projects_include;  ///< uuids or identifiers; empty: all
  std::vector<std::string> projects_exclude;
  unsigned requests_per_minute = 50;
  unsigned scan_share_percent = 30;
  std::chrono::seconds poll_interval{60};
  std::chrono::seconds poll_grace{60};
  std::chrono::seconds scan_interval{900};
  std::chrono::minutes silence{1};  ///< 0: no sentinel

  [[nodiscard]] bool enabled() const noexcept { return !base_url.empty() && !api_key.empty(); }
  [[nodiscard]] bool oauth_enabled() const noexcept {
    return !base_url.empty() && !client_id.empty() && !client_secret.empty();
  }
};

struct calendar_settings {
  run_mode mode = run_mode::live;
  std::string url;
  std::string username;
  secret password;
  dav_auth auth = dav_auth::automatic;
  bool allow_insecure = false;
  calendar_layout layout = calendar_layout::per_project;
  std::string single_name = "Plane";
  std::string name_template = "{project}";  ///< {project}, {identifier}, {workspace}
  calendar_span span = calendar_span::target;
  std::optional<std::chrono::minutes> alarm;  ///< before the day begins; absent: no alarm
  std::chrono::seconds full_sync_interval{300};
  std::chrono::milliseconds window{5'000};  ///< changes after the first go as one trailing write
  std::chrono::seconds discovery_cache{3'600};
  deleted_event_policy deleted_by_person = deleted_event_policy::keep_deleted;
  unsigned flip_limit = 3;  ///< times a client's edit of our value is put back before we stop
  std::chrono::minutes flip_window{60};
  std::vector<secret> feed_token;

  [[nodiscard]] bool enabled() const noexcept { return !url.empty(); }
};

/// Feishu or Lark: docs/lark.md.
struct lark_settings {
  run_mode mode = run_mode::live;
  std::string app_id;
  secret app_secret;
  std::vector<secret> encrypt_key;         ///< several while it is being changed
  std::vector<secret> verification_token;  ///< likewise
  std::string base_url = "https://open.feishu.cn";
  lark_transport transport = lark_transport::webhook;
  std::string bot_open_id;  ///< empty: asked
  std::chrono::milliseconds digest_window{5'000};
  unsigned requests_per_second = 50;
  unsigned requests_per_minute = 1'000;
  unsigned chat_requests_per_second = 5;
  std::size_t monthly_calls = 0;  ///< 0: no limit
  std::size_t max_file_bytes = 5U << 20;
  std::string alarm_chat;  ///< "oc_…"; empty: alarms stay in the log and the metrics
  preview_audience previews = preview_audience::members;
  bool legacy_cards = false;
  bool internal_comments = false;
  std::vector<std::string> admins;  ///< open_ids
  chat_language language = chat_language::zh;

  [[nodiscard]] bool enabled() const noexcept { return !app_id.empty() && !app_secret.empty(); }
};

struct concurrency_settings {
  unsigned http_threads = 2;
  unsigned http_client_threads = 1;
  unsigned scheduler_threads = 0;  ///< 0: one per processor; see effective_scheduler_threads()
  std::size_t scheduler_throughput = 300;
  std::size_t store_batch_max = 256;
  std::size_t store_queue_max = 65'536;
  std::size_t in_memory_events = 2'000;
  std::size_t live_actors = 2'000;
  std::chrono::seconds passivate_after{60};
  unsigned plane_parallel = 2;
  unsigned caldav_parallel = 4;
  unsigned lark_parallel = 8;
  unsigned max_attempts = 15;
  std::chrono::hours max_age{24};
  std::chrono::milliseconds backoff_base{2'000};
  std::chrono::milliseconds backoff_cap{600'000};
  unsigned breaker_failures = 5;
  std::chrono::seconds breaker_window{60};
  std::chrono::seconds breaker_open{30};
  unsigned breaker_half_open_probes = 1;
  unsigned restart_max = 5;
  std::chrono::seconds restart_window{60};
  std::chrono::seconds fact_wait{10};
  std::chrono::seconds outcome_wait{30};
};

struct security_settings {
  secret encryption_key;  ///< base64 of 32 bytes
  std::vector<secret> encryption_key_previous;
  std::vector<secret> admin_token;
  std::vector<secret> metrics_token;
  std::vector<secret> integration_token;
};

struct scheduler_settings {
  std::string retention_cron = "17 3 * * *";
  std::string full_sync_cron;  ///< beside the interval; empty: none
};

/// Outbound calls.
struct http_settings {
  secret https_proxy;  ///< a URL that may carry a password
  std::vector<std::string> no_proxy;
  std::string ca_file;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds headers_timeout{20'000};
  std::chrono::milliseconds total_timeout{60'000};
  std::size_t response_limit_bytes = 32u * 1024 * 1024;
};

struct settings {
  general_settings general;
  server_settings server;
  store_settings store;
  log_settings log;
  plane_settings plane;
  calendar_settings calendar;
  lark_settings lark;
  concurrency_settings concurrency;
  security_settings security;
  scheduler_settings scheduler;
  http_settings http;
};

struct database_target {
  enum class engine : std::uint8_t { sqlite, postgresql };
  engine kind = engine::sqlite;
  std::string path;  ///< SQLite: the file, relative ones already under data_dir
  secret url;        ///< PostgreSQL: for libpq; may carry a password
};
/// The store that DATABASE_URL names; errc::bad_input says what is wrong, without the URL.
result<database_target> database_of(const settings& s);
/// Where deliveries are kept while that store is away: beside the SQLite file, else in data_dir.
std::string spool_folder_of(const settings& s);

/// Where people see Plane: as written, else the cloud's app host for its API host, else base_url.
/// No trailing slash. Empty when Plane is not configured.
std::string plane_app_url(const settings& s);
/// As written, else public_url + "/plane/oauth/callback"; empty when neither is set.
std::string plane_redirect_uri(const settings& s);
/// Where Feishu's or Lark's API is, without a trailing slash.
std::string lark_base_url(const settings& s);
/// The 32 bytes, or nothing when no key is set (whatever seals answers KEY_MISSING).
std::optional<secret> encryption_key_bytes(const settings& s);
std::vector<secret> previous_encryption_keys(const settings& s);
/// scheduler_threads with 0 resolved for a machine with `processors` processors.
unsigned effective_scheduler_threads(const settings& s, unsigned processors) noexcept;

}  // namespace pb::config
