#include "app/wiring.hpp"

#include <algorithm>
#include <thread>

#include "actors/delivery_forms.hpp"
#include "app/token_vault.hpp"
#include "protocol/caldav/auth.hpp"
#include "protocol/plane/answers.hpp"
#include "protocol/plane/rate_limit.hpp"

namespace pb::app {
using namespace std::chrono;

actors::options actor_options(const config::settings& s) {
  actors::options o;
  const auto& c = s.concurrency;
  o.scheduler_threads = config::effective_scheduler_threads(s, std::thread::hardware_concurrency());
  o.scheduler_throughput = static_cast<unsigned>(c.scheduler_throughput);
  o.in_memory_events = c.in_memory_events;
  o.live_actors = c.live_actors;
  o.passivate_after = c.passivate_after;
  o.facts_wait = c.fact_wait;
  o.outcome_wait = c.outcome_wait;
  o.plane_parallel = c.plane_parallel;
  o.caldav_parallel = c.caldav_parallel;
  o.lark_parallel = c.lark_parallel;
  o.retry.max_attempts = static_cast<std::int32_t>(c.max_attempts);
  o.retry.max_age = c.max_age;
  o.retry.base = c.backoff_base;
  o.retry.cap = c.backoff_cap;
  o.restart.max_restarts = c.restart_max;
  o.restart.window = c.restart_window;
  o.breaker.failures = c.breaker_failures;
  o.breaker.window = c.breaker_window;
  o.breaker.open_for = c.breaker_open;
  o.breaker.probes_to_close = c.breaker_half_open_probes;

  o.plane_on = s.plane.enabled() || s.plane.oauth_enabled();
  o.poll_every = s.plane.poll_interval;
  o.poll_grace = s.plane.poll_grace;
  o.scan_every = s.plane.scan_interval;
  // Without a secret none is believed: this installation lives from its polls and misses nothing.
  o.silence = s.plane.webhook_secret.empty() ? minutes{0} : s.plane.silence;

  o.calendar_on = s.calendar.enabled();
  o.calendar.start_to_target = s.calendar.span == config::calendar_span::start_to_target;
  o.calendar.window = s.calendar.window;
  o.calendar.shadow = s.calendar.mode == config::run_mode::shadow;
  o.calendar.restore_deleted =
      s.calendar.deleted_by_person == config::deleted_event_policy::restore;
  o.calendar.put_back_limit = s.calendar.flip_limit;
  o.calendar.put_back_window = s.calendar.flip_window;
  o.calendar.only_projects = s.plane.projects_include;
  o.calendar.without_projects = s.plane.projects_exclude;
  o.rendering.app_url = config::plane_app_url(s);
  o.rendering.workspace_slug = s.plane.workspace_slug;
  o.single_calendar = s.calendar.layout == config::calendar_layout::single;
  o.single_name = s.calendar.single_name;
  o.project_calendar_name = s.calendar.name_template;
  o.discovery_cache = s.calendar.discovery_cache;
  o.full_sync_every = s.calendar.full_sync_interval;
  if (s.calendar.alarm) o.alarm_minutes = static_cast<int>(s.calendar.alarm->count());

  o.lark_on = s.lark.enabled();
  o.alarm_chat = s.lark.alarm_chat;
  o.max_file_bytes = s.lark.max_file_bytes;
  o.conversations.digest_window = s.lark.digest_window;
  o.conversations.timezone = s.general.timezone;
  o.conversations.origins.push_back(config::plane_app_url(s));
  if (s.plane.base_url != o.conversations.origins.front())
    o.conversations.origins.push_back(s.plane.base_url);
  o.conversations.workspace = s.plane.workspace_slug;
  o.conversations.language = s.lark.language == config::chat_language::en ? "en" : "zh";
  o.conversations.internal_comments = s.lark.internal_comments;
  o.conversations.previews_for_everyone = s.lark.previews == config::preview_audience::everyone;
  o.conversations.shadow = s.lark.mode == config::run_mode::shadow;

  o.timezone = s.general.timezone;
  o.retention_cron = s.scheduler.retention_cron;
  o.full_sync_cron = s.scheduler.full_sync_cron;
  o.retention_days = static_cast<int>(s.store.retention.count());
  o.identity_days = static_cast<int>(s.store.identity_retention.count());
  return o;
}

persistence::shelter_options shelter_options(const config::settings& s, const clock_source& clock) {
  persistence::shelter_options o;
  o.folder = config::spool_folder_of(s);
  o.spool_max_bytes = std::uint64_t{s.store.spool_max_mb} * 1024 * 1024;
  o.touched_max = s.store.touched_max;
  o.spool_after = s.store.spool_after;
  o.touch_of = actors::touch_of;
  o.touch_delivery = [&clock](const persistence::touched_entity& e) {
    return actors::touch_delivery(e, clock.now());
  };
  return o;
}

namespace {

/// Largest bodies that may be in memory at once, of all connections together.
constexpr std::size_t bodies_at_once = 4;

}  // namespace

http::server_options server_options(const config::settings& s) {
  http::server_options o;
  o.address = s.server.address;
  o.port = s.server.port;
  o.threads = s.concurrency.http_threads;
  o.max_connections = s.server.max_connections;
  o.max_header_bytes = s.server.header_limit_bytes;
  o.max_body_bytes = s.server.body_limit_bytes;
  o.max_kept_bytes = bodies_at_once * std::max(s.plane.body_limit_bytes, s.server.body_limit_bytes);
  o.header_timeout = s.server.header_timeout;
  o.body_timeout = s.server.body_timeout;
  o.idle_timeout = s.server.idle_timeout;
  o.failed_requests_per_minute = s.server.failed_requests_per_minute;
  o.trusted_proxies = s.server.trusted_proxies;
  o.tls_certificate_file = s.server.tls_certificate_file;
  o.tls_key_file = s.server.tls_key_file;
  o.access_log = s.server.access_log;
  return o;
}

std::shared_ptr<const actors::remotes> remotes_of(const config::settings& s) {
  auto r = std::make_shared<actors::remotes>();
  r->plane.base_url = s.plane.base_url;
  r->plane.workspace_slug = s.plane.workspace_slug;
  r->caldav_url = s.calendar.url;
  return r;
}

http::client_options client_options(const config::settings& s) {
  http::client_options o;
  o.threads = s.concurrency.http_client_threads;
  // The connectors bound what goes at once, by figures that a reload changes; this is only what
  // both may reach together, on one host.
  o.max_connections_per_host = 512;
  o.ca_file = s.http.ca_file;
  o.https_proxy = s.http.https_proxy;
  o.no_proxy = s.http.no_proxy;
  return o;
}

http::call_limits call_limits(const config::settings& s) {
  http::call_limits l;
  l.connect = s.http.connect_timeout;
  l.headers = s.http.headers_timeout;
  l.total = s.http.total_timeout;
  l.response_bytes = s.http.response_limit_bytes;
  return l;
}

namespace {

namespace plane = protocol::plane;

plane::purpose purpose_of(actors::urgency u) {
  switch (u) {
    case actors::urgency::person:
      return plane::purpose::person;
    case actors::urgency::repair:
      return plane::purpose::repair;
    case actors::urgency::scan:
      return plane::purpose::scan;
  }
  return plane::purpose::person;
}

std::optional<milliseconds> plane_again(const protocol::call& c,
                                        const result<protocol::http_response>& r, unsigned tries,
                                        double draw) {
  if (r && r->status != 429 && r->status < 500) return std::nullopt;
  const failure f = r ? plane::classify(*r, c.operation) : r.error();
  const auto d = plane::next_try(f, tries, draw, c.idempotent);
  if (d.next != plane::retry_decision::then::again) return std::nullopt;
  return d.pause;
}

constexpr milliseconds wrong_key_pause = 60s;
constexpr milliseconds wrong_password_pause = 300s;
constexpr milliseconds full_disk_pause = 3600s;

std::optional<milliseconds> pause_for_credentials(const failure& f, milliseconds pause) {
  if (f.code == errc::unauthorized) return pause;
  if (f.code == errc::insufficient_storage) return full_disk_pause;
  return std::nullopt;
}

}  // namespace

std::function<actors::connector_policy()> plane_policy(const config::settings& s,
                                                       std::shared_ptr<token_vault> vault,
                                                       std::shared_ptr<shared_budget> budget) {
  return [=, limits = call_limits(s), key = s.plane.api_key] {
    actors::connector_policy p;
    p.name = "plane";
    p.parallel = [](const actors::options& o) { return o.plane_parallel; };
    p.limits = limits;
    p.authorize = [key, vault](protocol::http_request& request) -> std::optional<failure> {
      if (!key.empty()) {
        plane::authorize(request, {plane::credential::kind::api_key, key});
        return std::nullopt;
      }
      if (auto token = vault ? vault->access() : std::nullopt) {
        plane::authorize(request, {plane::credential::kind::bearer, *token});
        return std::nullopt;
      }
      return failure{
          errc::key_missing,
          "plane",
          "no API key and no installed app",
          "set plane.api_key (PLANE_API_KEY), or install the app through /plane/oauth/start",
          0,
          "",
          {}};
    };
    p.admit = [budget](steady_time now, actors::urgency how,
                       const protocol::call&) -> std::optional<actors::admission_wait> {
      const auto v = budget->with([&](auto& b) { return b.admit(now, purpose_of(how)); });
      if (v.go) return std::nullopt;
      return actors::admission_wait{v.wait};
    };
    p.note = [budget](steady_time now, const protocol::call&,
                      const result<protocol::http_response>& r) {
      budget->with([&](auto& b) {
        if (!r)
          b.note_no_answer();
        else if (r->status == 429)
          b.note_429(now, plane::retry_after_of(*r));
        else
          b.note_response(now, *r);
      });
    };
    p.again = plane_again;
    p.pause_after = [](const failure& f) { return pause_for_credentials(f, wrong_key_pause); };
    if (vault) {
      p.renewal = [vault](timestamp now) { return vault->renewal(now); };
      p.renewed = [vault](const actors::performed& done) { vault->renewed(done); };
    }
    return p;
  };
}

std::function<actors::connector_policy()> caldav_policy(const config::settings& s,
                                                        random_source& random) {
  namespace caldav = protocol::caldav;
  caldav::auth_options a;
  a.username = s.calendar.username;
  a.password = s.calendar.password;
  a.preference = s.calendar.auth == config::dav_auth::basic    ? caldav::auth_preference::basic
                 : s.calendar.auth == config::dav_auth::digest ? caldav::auth_preference::digest
                                                               : caldav::auth_preference::automatic;
  a.https = s.calendar.url.starts_with("https:");
  // Plain http elsewhere than loopback is refused when the configuration is read.
  a.clear_allowed = !a.https;
  return [a, limits = call_limits(s), &random] {
    auto auth = std::make_shared<caldav::authenticator>(a);
    actors::connector_policy p;
    p.name = "caldav";
    p.parallel = [](const actors::options& o) { return o.caldav_parallel; };
    p.limits = limits;
    p.authorize = [auth, &random](protocol::http_request& request) -> std::optional<failure> {
      auth->authorize(request, make_uuid(random));
      return std::nullopt;
    };
    p.challenged = [auth](const protocol::http_request& sent,
                          const protocol::http_response& answer) {
      return auth->challenge(sent, answer);
    };
    p.pause_after = [](const failure& f) { return pause_for_credentials(f, wrong_password_pause); };
    return p;
  };
}

}  // namespace pb::app
