#include "app/daemon.hpp"

#include <cstdlib>

#include "actors/runtime.hpp"
#include "app/feed.hpp"
#include "app/inspection.hpp"
#include "app/lark_wiring.hpp"
#include "app/personal_key_vault.hpp"
#include "app/personal_keys.hpp"
#include "app/telemetry.hpp"
#include "app/token_vault.hpp"
#include "app/version.hpp"
#include "app/wiring.hpp"
#include "base/log.hpp"
#include "config/show.hpp"
#include "http/admin_auth.hpp"
#include "http/calendar_feed.hpp"
#include "http/client.hpp"
#include "http/journal_endpoints.hpp"
#include "http/lark_long_connection.hpp"
#include "http/lark_webhook.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/personal_key.hpp"
#include "http/plane_oauth.hpp"
#include "http/plane_webhook.hpp"
#include "http/server.hpp"
#include "http/system_endpoints.hpp"
#include "persistence/open.hpp"
#include "persistence/sealing.hpp"

namespace pb::app {
using std::chrono::milliseconds;

/// In order of making; destroyed the other way round, so that nothing calls what is gone.
struct daemon::parts {
  config::load_outcome loaded;
  std::mutex config_lock;  ///< guards `loaded` once the server runs
  system_clock_source clock;
  secure_random random;
  std::unique_ptr<metrics_telemetry> figures = std::make_unique<metrics_telemetry>();
  std::unique_ptr<persistence::shelter> shelter;
  std::unique_ptr<persistence::store> store;
  std::unique_ptr<persistence::sealer> sealer;
  std::unique_ptr<http::client> client;
  actors::context_ptr ctx;
  std::shared_ptr<token_vault> vault;
  std::shared_ptr<shared_budget> budget;
  std::shared_ptr<personal_key_vault> people;  ///< none without Feishu, or nothing to seal with
  std::shared_ptr<lark_account> account;       ///< Feishu's; none without it
  std::unique_ptr<actors::runtime> runtime;
  /// Before the actors that it tells and the store that it fills.
  struct shelter_end {
    persistence::shelter* of = nullptr;
    ~shelter_end() {
      if (of != nullptr) of->stop();
    }
  } shelter_end;
  fixed_figures given;
  std::unique_ptr<inspection> shown;
  std::shared_ptr<http::secret_list> webhook_secrets = std::make_shared<http::secret_list>();
  std::shared_ptr<http::secret_list> lark_keys = std::make_shared<http::secret_list>();
  std::shared_ptr<http::secret_list> lark_tokens = std::make_shared<http::secret_list>();
  std::shared_ptr<http::secret_list> feed_tokens = std::make_shared<http::secret_list>();
  std::shared_ptr<http::secret_list> admin_tokens = std::make_shared<http::secret_list>();
  std::shared_ptr<http::secret_list> metrics_tokens = std::make_shared<http::secret_list>();
  std::unique_ptr<http::admin_auth> auth;
  std::shared_ptr<http::lark_reception> lark;
  std::unique_ptr<http::lark_long_connection> link;  ///< instead of Feishu's webhook
  std::unique_ptr<http::server> server;

  const config::settings& values() const { return loaded.values; }
  void take_secrets() {
    webhook_secrets->set(values().plane.webhook_secret);
    lark_keys->set(values().lark.encrypt_key);
    lark_tokens->set(values().lark.verification_token);
    feed_tokens->set(values().calendar.feed_token);
    admin_tokens->set(values().security.admin_token);
    metrics_tokens->set(values().security.metrics_token);
  }
  void add_endpoints();
  http::person_return add_lark_endpoints();
  /// A person's mapping or key was changed: who holds the old one reads again.
  void forget_person(const std::string& open_id) {
    if (people) people->forget(open_id);
    runtime->forget({sync::need::kind::person, open_id});
    runtime->forget({sync::need::kind::project, ""});  // their members' names
  }
  std::string config_json() {
    const std::lock_guard hold{config_lock};
    return config::show_json(loaded);
  }
};

namespace {

std::shared_ptr<token_vault> make_vault(const config::settings& s, persistence::store& store,
                                        const persistence::sealer& sealer,
                                        const clock_source& clock) {
  if (!s.plane.oauth_enabled() || !s.plane.api_key.empty()) return nullptr;
  auto vault = std::make_shared<token_vault>(
      oauth_app_of(s), clock, [&store, &sealer, &clock](const bot_credential& c) {
        auto sealed = sealer.seal("default", std::string{http::oauth_bot_credential},
                                  secret{to_json(c)}, clock.now());
        if (!sealed) {
          log::error("a renewed token could not be sealed", {log::kv("failure", sealed.error())});
          return;
        }
        persistence::write unit;
        unit.credentials.push_back(std::move(*sealed));
        store.submit(std::move(unit), [](const result<persistence::written>& w) {
          if (!w)
            log::error("a renewed token could not be stored", {log::kv("failure", w.error())});
        });
      });
  return vault;
}

void load_bot_token(const std::shared_ptr<token_vault>& vault, persistence::store& store,
                    const persistence::sealer& sealer) {
  if (!vault) return;
  store.read([vault, &sealer](result<persistence::reader*> r) {
    if (!r) return;
    auto row = (*r)->credential("default", std::string{http::oauth_bot_credential});
    if (!row || !*row) return;
    auto plain = sealer.open(**row);
    if (!plain) {
      log::error("the stored app token cannot be opened",
                 {log::kv("failure", plain.error()), log::kv("remedy", plain.error().remedy)});
      return;
    }
    if (auto c = parse_bot_credential(plain->reveal())) vault->put(std::move(*c));
  });
}

std::optional<token_endpoint> renewals_of(const config::settings& s, http::transport& calls) {
  if (!s.plane.oauth_enabled()) return std::nullopt;
  return token_endpoint{oauth_app_of(s), &calls};
}

}  // namespace

result<std::unique_ptr<daemon>> daemon::start(config::load_outcome loaded) {
  auto p = std::make_unique<parts>();
  p->loaded = std::move(loaded);
  const auto& s = p->values();
  auto options = persistence::options_of(s);
  if (!options) return options.error();
  p->given.store_batch_max = options->batch_max;
  p->given.store_queue_max = options->queue_max;
  options->random = &p->random;
  options->on_commit = [figures = p->figures.get()](const persistence::commit_figures& c) {
    figures->committed(c);
  };
  auto shelter =
      persistence::shelter::open(shelter_options(s, p->clock), p->random, p->clock.now());
  if (!shelter) return shelter.error();
  p->shelter = std::move(*shelter);
  options->shelter = p->shelter.get();
  auto store = persistence::open(*options);
  if (!store) return store.error();
  p->store = std::move(*store);
  p->sealer = std::make_unique<persistence::sealer>(config::encryption_key_bytes(s),
                                                    config::previous_encryption_keys(s));
  const auto outbound = client_options(s);
  p->given.http_client_threads = outbound.threads;
  p->client = std::make_unique<http::client>(outbound);
  if (auto problem = p->client->problem(); !problem) return problem.error();
  p->vault = make_vault(s, *p->store, *p->sealer, p->clock);
  load_bot_token(p->vault, *p->store, *p->sealer);
  p->ctx = std::make_shared<actors::context>(*p->store, *p->client, p->clock, p->random,
                                             *p->figures, actor_options(s));
  p->take_secrets();
  p->budget = std::make_shared<shared_budget>(s);
  p->figures->watch(p->ctx);
  p->figures->watch("plane", [clock = &p->clock, budget = p->budget] {
    return budget->with([&](auto& b) { return b.look(clock->steady_now()); });
  });
  actors::runtime_parts tree{p->ctx, remotes_of(s), plane_policy(s, p->vault, p->budget),
                             caldav_policy(s, p->random), false};
  p->account = join_lark(tree, s, *p->store, p->clock);
  if (p->account) p->figures->watch(p->account);
  if (tree.chat) {
    auto chat = std::make_shared<actors::chat_calls>(*tree.chat);
    chat->with_link = connect_links(s, *p->store, p->clock, p->random);
    tree.chat = std::move(chat);
  }
  if (p->account && p->sealer->has_key()) {
    p->people = std::make_shared<personal_key_vault>(
        *p->store, *p->sealer, p->clock, s.plane.requests_per_minute, renewals_of(s, *p->client));
    join_personal_keys(tree, p->people);
  }
  p->runtime = std::make_unique<actors::runtime>(std::move(tree));
  // What an earlier run left in the spool goes first: the listener is not open yet.
  p->shelter->start(*p->store, [runtime = p->runtime.get()](
                                   const std::shared_ptr<persistence::delivery>& row,
                                   bool duplicate) { runtime->journaled(row, duplicate); });
  p->shelter_end.of = p->shelter.get();
  p->figures->watch(*p->shelter, p->clock);
  p->given.http_threads = server_options(s).threads;
  p->shown = std::make_unique<inspection>(*p->runtime, *p->shelter, p->clock, p->given);
  p->shown->watch(p->account);
  p->auth = std::make_unique<http::admin_auth>(http::accepted_tokens{p->admin_tokens});
  p->server = std::make_unique<http::server>(server_options(s), p->clock, p->random);
  p->figures->watch(*p->server);
  p->add_endpoints();
  if (auto listening = p->server->start(); !listening) return listening.error();
  if (p->link) p->link->start();
  log::info("planebridge listens",
            {log::kv("version", version), log::kv("address", s.server.address),
             log::kv("port", p->server->port()), log::kv("plane", p->ctx->opt().plane_on),
             log::kv("calendar", p->ctx->opt().calendar_on),
             log::kv("shadow", p->ctx->opt().calendar.shadow)});
  return std::unique_ptr<daemon>{new daemon{std::move(p)}};
}

void daemon::parts::add_endpoints() {
  const auto& s = values();
  http::plane_webhook_options webhook;
  webhook.secrets = webhook_secrets;
  webhook.keep_bytes = s.plane.body_limit_bytes;
  webhook.stream_bytes = s.plane.stream_limit_bytes;
  http::add_plane_webhook(*server, webhook, *runtime, clock,
                          [this](http::webhook_outcome o) { figures->webhook("plane", o); });

  http::plane_oauth_options oauth;
  oauth.app = oauth_app_of(s);
  if (auto key = config::encryption_key_bytes(s)) oauth.encryption_key = *key;
  oauth.seal = [this](const std::string& name, const std::string& plain) -> result<std::string> {
    auto row = sealer->seal("default", name, secret{plain}, clock.now());
    if (!row) return row.error();
    return std::move(row->sealed);
  };
  oauth.stored = [this](const std::string& name) {
    if (name == http::oauth_bot_credential) load_bot_token(vault, *store, *sealer);
  };
  oauth.person = add_lark_endpoints();
  http::add_plane_oauth(*server, std::move(oauth), {*client, *store, clock, random});
  http::add_calendar_feed(*server, {feed_tokens}, feed_from_store(ctx));
  http::add_journal_endpoints(*server, *store, *runtime, *auth);
  http::add_system_endpoints(
      *server, {*shown, *auth, [this] { return figures->render(); },
                http::accepted_tokens{metrics_tokens}, [this] { return config_json(); }});
}

http::person_return daemon::parts::add_lark_endpoints() {
  const auto& s = values();
  http::lark_reception_options reception;
  reception.answered = [this](std::string_view kind) { figures->callback_answered(kind); };
  reception.previews = runtime->previews();
  lark = std::make_shared<http::lark_reception>(
      std::move(reception), *runtime, clock,
      [this](http::webhook_outcome o) { figures->webhook("lark", o); });
  link = lark_link(s, ctx, lark);
  if (link) {
    shown->watch(*link);
    figures->watch(*link, clock);
  }
  http::add_lark_webhook(*server, {lark_keys, lark_tokens, s.lark.legacy_cards, link != nullptr},
                         lark);

  http::mapping_dependencies mappings{*store, clock, *auth, {}, {}};
  mappings.resolve_project = [ctx = ctx](const std::string& identifier) {
    for (const auto& p : ctx->projects.all())
      if (p.identifier == identifier) return p.id;
    return std::string{};
  };
  mappings.changed = [this](http::mapping_kind kind, const std::string& key) {
    if (kind == http::mapping_kind::user)
      forget_person(key);
    else
      runtime->forget({sync::need::kind::channels, key});
  };
  mappings.match = [this](bool dry_run, std::function<void(result<std::string>)> done) {
    runtime->map_people(dry_run, [done = std::move(done)](const result<actors::people_report>& r) {
      done(r ? result<std::string>{actors::to_json(*r)} : result<std::string>{r.error()});
    });
  };
  http::add_mapping_endpoints(*server, mappings);

  http::personal_key_dependencies keys{
      *store,
      clock,
      s.server.public_url,
      key_check_at(s, *client),
      {},
      [this](const std::string& open_id) { forget_person(open_id); }};
  if (sealer->has_key())
    keys.seal = [this](const std::string& name, const secret& plain) {
      return sealer->seal("default", name, plain, clock.now());
    };
  keys.oauth = personal_oauth_of(s, *client, clock, random);
  http::drop_old_connect_tickets(*store, clock.now());
  return http::add_personal_key_page(*server, std::move(keys));
}

daemon::daemon(std::unique_ptr<parts> p) : p_(std::move(p)) {}
daemon::~daemon() {
  if (p_ && p_->server) stop();
}

unsigned short daemon::port() const { return p_->server->port(); }

void daemon::reload(config::load_outcome next) {
  if (!next.ok()) {
    std::string all;
    for (const auto& m : next.mistakes) all += (all.empty() ? "" : "; ") + config::describe(m);
    log::error("not reloaded: the configuration has mistakes, the old one stays",
               {log::kv("mistakes", all)});
    return;
  }
  const auto diff = config::reload_diff(p_->values(), next.values);
  {
    const std::lock_guard hold{p_->config_lock};
    const auto merged = config::reload_merge(p_->values(), next.values);
    p_->loaded = std::move(next);
    p_->loaded.values = merged;
  }
  p_->take_secrets();
  log::configure(p_->values().log.level, p_->values().log.format);
  p_->budget->use(p_->values());
  if (p_->people) p_->people->use(p_->values().plane.requests_per_minute);
  if (p_->account) p_->account->use(lark_pace(p_->values()));
  p_->runtime->reconfigure(actor_options(p_->values()));
  if (p_->link) p_->link->start();  // again, when it gave up and the cause is mended
  if (diff.applied.empty() && diff.needs_restart.empty()) log::info("reloaded, nothing changed");
  for (const auto& key : diff.applied) log::info("reloaded", {log::kv("entry", key)});
  for (const auto& key : diff.needs_restart) log::warn("needs a restart", {log::kv("entry", key)});
}

bool daemon::stop() {
  const milliseconds grace = p_->values().server.shutdown_grace;
  const auto begun = p_->clock.steady_now();
  if (p_->link) p_->link->stop(grace / 4);
  p_->server->drain(grace / 2);
  p_->runtime->settle(grace / 2);
  p_->shelter->stop();
  const auto left =
      std::max(milliseconds{500},
               grace - std::chrono::duration_cast<milliseconds>(p_->clock.steady_now() - begun));
  const auto busy = p_->runtime->stop(left);
  p_->client->shutdown();
  if (!busy.empty()) {
    for (const auto& b : busy) log::warn("did not end in time", {log::kv("actor", b)});
    log::warn("leaving the rest to the journal", {log::kv("actors", busy.size())});
    std::_Exit(0);  // the journal makes that safe
  }
  p_->server.reset();
  p_->runtime.reset();
  log::info("stopped");
  return true;
}

}  // namespace pb::app
