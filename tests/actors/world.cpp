#include "world.hpp"

#include <boost/json.hpp>

#include "app/wiring.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "world_impl.hpp"

namespace pb::test {
namespace json = boost::json;
using namespace std::chrono_literals;

std::vector<std::string>& world::log() {
  static std::vector<std::string> lines;
  return lines;
}

world::world(std::uint64_t seed, sandbox::plane_options plane_options) {
  log().clear();
  log::capture([](std::string_view line) { log().emplace_back(line); });
  log::configure(log::level::info, log::format::logfmt);
  impl_ = std::make_unique<impl>(*this, seed, plane_options);
  auto& i = *impl_;
  i.seeds = sandbox::seed_empty(i.plane, secret{api_key});
  i.sender = std::make_unique<sandbox::webhook_sender>(i.plane, i.plane_faults, i.doors,
                                                       i.times.scheduler());
  const auto make_project = [&](const char* name, const char* identifier) {
    const auto a = page("POST", "projects/",
                        json::serialize(json::object{{"name", name}, {"identifier", identifier}}));
    return std::string{json::parse(a.body).at("id").as_string()};
  };
  project = make_project("Website", "WEB");
  other_project = make_project("Operations", "OPS");
  (void)i.plane.take_webhooks();
  sandbox::webhook_settings hook;
  hook.url = "https://bridge.test/webhooks/plane";
  hook.signing_secret = secret{webhook_key};
  i.webhook = i.plane.add_webhook(i.seeds.workspace_slug, hook);

  settings.plane.base_url = "http://plane.test";
  settings.plane.api_key = secret{api_key};
  settings.plane.workspace_slug = i.seeds.workspace_slug;
  settings.plane.webhook_secret = {secret{webhook_key}};
  settings.calendar.url = dav_server::url;
  settings.calendar.username = "bot";
  settings.calendar.password = secret{"word"};
  settings.calendar.auth = config::dav_auth::basic;
}

world::~world() {
  if (impl_->running) kill();
  log::capture(nullptr);
}

void world::start() {
  auto& i = *impl_;
  if (i.running) throw std::logic_error("one process at a time");
  i.dead = false;
  auto options = app::actor_options(settings);
  if (tune) tune(options);
  i.ctx = std::make_shared<actors::context>(i.store, i.out, i.clock, i.random, i.figures, options);
  actors::runtime_parts parts{
      i.ctx, app::remotes_of(settings),
      app::plane_policy(settings, nullptr, std::make_shared<app::shared_budget>(settings)),
      app::caldav_policy(settings, i.random), true};
  if (assemble) assemble(parts);
  i.running = std::make_unique<actors::runtime>(std::move(parts));
  http::plane_webhook_options webhook;
  webhook.secrets = std::make_shared<http::secret_list>(settings.plane.webhook_secret);
  i.door = std::make_unique<http::route>(http::plane_webhook_route(webhook, *i.running, i.clock));
  if (more_doors) i.more_doors = more_doors(*i.running, i.clock);
  i.run_ready();
}

void world::kill() { impl_->end_process(); }
void world::stop() {
  impl_->running->stop(0ms);
  impl_->end_process();
}
bool world::running() const noexcept { return impl_->running != nullptr; }
http::inspector& world::inspector() { return *impl_->running; }
http::operations& world::operations() { return *impl_->running; }
http::inbox& world::inbox() { return *impl_->running; }
actors::context& world::context() { return *impl_->ctx; }

void world::crash_at(crash_point p) {
  auto& i = *impl_;
  const bool commit =
      p.where == crash_point::at::before_commit || p.where == crash_point::at::after_commit;
  p.nth += commit ? i.commits : i.requests;
  i.crash = p;
}
void world::reload() {
  auto options = app::actor_options(settings);
  if (tune) tune(options);
  impl_->running->reconfigure(options);
}
void world::no_crash() { impl_->crash.reset(); }
unsigned world::crashes() const noexcept { return impl_->crashes; }
unsigned world::commits() const noexcept { return impl_->commits; }
unsigned world::requests() const noexcept { return impl_->requests; }

void world::run_for(milliseconds span) { impl_->advance(span, {}); }
bool world::run_until(const std::function<bool()>& holds, milliseconds limit) {
  return impl_->advance(limit, holds);
}
void world::pass(milliseconds span) {
  const auto until = now() + span;
  while (now() < until) {
    run_until([this] { return !running(); },
              std::chrono::duration_cast<milliseconds>(until - now()));
    if (running()) continue;
    run_for(3s);
    if (before_restart) before_restart();
    start();
  }
}
void world::come_to_rest() {
  for (int n = 0; n < 60 && !at_rest(); ++n) pass(1min);
}
std::string world::left_over() {
  const auto c = counts();
  std::string out;
  const auto add = [&out](auto n, const char* what) {
    if (n > 0) out += std::to_string(n) + ' ' + what + "; ";
  };
  add(c.pending, "deliveries pending");
  add(c.waiting_effects, "effects waiting");
  add(c.dead_deliveries, "deliveries dead");
  add(c.dead_effects, "effects dead");
  return out;
}
bool world::at_rest() {
  const auto c = counts();
  return c.pending == 0 && c.waiting_effects == 0 && impl_->sender->unfinished() == 0 &&
         !impl_->plane.next_webhook_due();
}
bool world::settle(milliseconds limit) {
  return run_until([this] { return at_rest(); }, limit);
}
timestamp world::now() const { return impl_->clock.now(); }
milliseconds world::elapsed() const {
  return std::chrono::duration_cast<milliseconds>(impl_->clock.steady_now() - steady_time{});
}
void world::jump_clock(milliseconds by) { impl_->clock.jump_wall(by); }
void world::right_clock() { impl_->clock.jump_wall(impl_->plane_clock.now() - impl_->clock.now()); }
void world::shuffle(std::uint64_t seed) { impl_->order.emplace(seed); }
std::uint64_t world::handled() const noexcept { return impl_->handled; }

// Plane
// --------------------------------------------------------------------------------------------

protocol::http_response world::try_page(const std::string& method, const std::string& path,
                                        const std::string& body) {
  auto& i = *impl_;
  sandbox::inbound in;
  in.method = method;
  in.path = "/api/workspaces/" + i.seeds.workspace_slug + "/" + path;
  in.headers = {{"Cookie", "session-id=" + i.seeds.session, true},
                {"Content-Type", "application/json"}};
  if (i.seeds.session.starts_with("session-id=")) in.headers.front().value = i.seeds.session;
  in.body = body;
  auto a = i.plane.handle(in);
  if (i.sender) i.sender->pump();
  return a;
}
protocol::http_response world::page(const std::string& method, const std::string& path,
                                    const std::string& body) {
  auto a = try_page(method, path, body);
  if (a.status >= 300) throw std::logic_error(method + " " + path + " was refused: " + a.body);
  return a;
}

std::string world::create(const std::string& name, const std::string& target_date) {
  return create_in(project, name, target_date);
}
std::string world::create_in(const std::string& in_project, const std::string& name,
                             const std::string& target_date) {
  json::object body{{"name", name}};
  if (!target_date.empty()) body["target_date"] = target_date;
  const auto a = page("POST", "projects/" + in_project + "/issues/", json::serialize(body));
  return std::string{json::parse(a.body).at("id").as_string()};
}

namespace {
std::vector<protocol::http_header> signed_headers(const std::string& body,
                                                  const std::string& delivery_id) {
  return {{"Content-Type", "application/json"},
          {"X-Plane-Delivery", delivery_id},
          {"X-Plane-Event", "issue"},
          {"X-Plane-Signature", to_hex(hmac_sha256(webhook_key, body))}};
}
std::string path_of(const world& w, const std::string& item) {
  return "projects/" + w.project + "/issues/" + item + "/";
}
}  // namespace

void world::edit(const std::string& item, const std::string& body) {
  page("PATCH", path_of(*this, item), body);
}
void world::move_to(const std::string& item, const std::string& date) {
  edit(item, date.empty() ? R"({"target_date":null})" : R"({"target_date":")" + date + "\"}");
}
void world::complete(const std::string& item) {
  const auto states = json::parse(page("GET", "projects/" + project + "/states/").body);
  const auto& list = states.is_array() ? states.as_array() : states.at("results").as_array();
  for (const auto& s : list)
    if (s.at("group").as_string() == "completed")
      return edit(item, json::serialize(json::object{{"state_id", s.at("id")}}));
  throw std::logic_error("no completed state");
}
void world::remove(const std::string& item) { page("DELETE", path_of(*this, item)); }
bool world::move_between(const std::string& item, const std::string& to_project) {
  const bool moved = impl_->plane.move_item(item, to_project, impl_->seeds.owner_id);
  impl_->sender->pump();
  return moved;
}
void world::back_up_plane() { impl_->backup = impl_->plane.take_snapshot(); }
bool world::restore_plane() {
  if (!impl_->backup) return false;
  impl_->plane.restore(*impl_->backup);
  return true;
}
void world::switch_webhook_off() { impl_->plane.deactivate_webhook(impl_->webhook); }
bool world::webhook_is_on() const { return impl_->plane.webhook_is_active(impl_->webhook); }
const sandbox::seeded& world::seeds() const { return impl_->seeds; }
sandbox::plane& world::plane() { return impl_->plane; }
sandbox::fault_set& world::plane_faults() { return impl_->plane_faults; }

int world::post_webhook(const std::string& body, const std::string& delivery_id) {
  std::optional<int> status;
  bool answered = false;
  impl_->deliver(signed_headers(body, delivery_id), body, [&](std::optional<int> s) {
    status = s;
    answered = true;
  });
  impl_->run_ready();
  if (!answered) throw std::logic_error("the webhook was not answered at once");
  return status.value_or(0);
}
void world::resend_webhook(std::size_t n) {
  const auto body = webhook_bodies.at(n);
  impl_->deliver(signed_headers(body, "again-" + std::to_string(n)), body, [](const auto&) {});
}

void world::knock(const std::string& path, const std::vector<protocol::http_header>& headers,
                  const std::string& body,
                  std::function<void(std::optional<http::response>)> done) {
  impl_->deliver(impl_->door_at(path), path, headers, body, std::move(done));
}
sandbox::scheduler world::later() { return impl_->times.scheduler(); }
clock_source& world::remote_clock() { return impl_->plane_clock; }

// Wire and store
// -----------------------------------------------------------------------------------

std::vector<sent_call> world::calls_to(const std::string& method, const std::string& url_part,
                                       std::size_t from) const {
  std::vector<sent_call> out;
  for (std::size_t n = from; n < calls.size(); ++n)
    if ((method.empty() || calls[n].method == method) &&
        calls[n].url.find(url_part) != std::string::npos)
      out.push_back(calls[n]);
  return out;
}
std::size_t world::dav_writes(std::size_t from) const {
  std::size_t n = 0;
  for (const auto* m : {"PUT", "DELETE", "MKCALENDAR", "MKCOL", "PROPPATCH"})
    n += calls_to(m, dav_server::origin, from).size();
  return n;
}

persistence::store& world::store() { return *impl_->durable; }
persistence::journal_counts world::counts() { return *impl_->reader().counts(); }
std::vector<persistence::delivery> world::deliveries(const std::string& item) {
  persistence::delivery_filter f;
  if (!item.empty()) f.entity = entity_key::plane_issue(item).text();
  return *impl_->reader().deliveries(f, {0, 10'000, false});
}
std::vector<persistence::effect> world::effects(const std::string& item) {
  persistence::effect_filter f;
  if (!item.empty()) f.entity = entity_key::plane_issue(item).text();
  return *impl_->reader().effects(f, {0, 10'000, false});
}
std::vector<persistence::attempt> world::attempts(std::int64_t effect) {
  return *impl_->reader().attempts_of(effect);
}
std::optional<persistence::link_row> world::link(const std::string& item) {
  auto s = entity(item);
  if (s.links.empty()) return std::nullopt;
  return s.links.front();
}
persistence::entity_state world::entity(const std::string& item) {
  return entity(entity_key::plane_issue(item));
}
persistence::entity_state world::entity(const entity_key& key) {
  return *impl_->reader().entity(key);
}
std::optional<persistence::receipt_row> world::receipt(const std::string& integration,
                                                       const std::string& object) {
  return *impl_->reader().receipt(integration, object);
}
std::optional<entity_key> world::journaled_for(const std::string& source,
                                               const std::string& identity) {
  return *impl_->reader().journaled_for(source, identity);
}
void world::lose_commit_answers(unsigned n) { impl_->durable->lose_answers(n); }
void world::store_away(bool away) {
  impl_->durable->fail_with(
      away ? std::optional{failure{errc::storage, "store", "the database is away"}} : std::nullopt);
}

namespace {
result<std::string> wait_for(
    world& w, const std::function<void(std::function<void(result<std::string>)>)>& ask) {
  std::optional<result<std::string>> got;
  ask([&](result<std::string> r) { got = std::move(r); });
  w.run_until([&] { return got.has_value(); }, 10s);
  return got.value_or(failure{errc::timed_out, "test", "no answer"});
}
}  // namespace

result<std::string> world::retry(const std::string& id) {
  return wait_for(*this, [&](auto done) { operations().retry_dead_letter(id, done); });
}
result<std::string> world::skip(const std::string& id) {
  return wait_for(*this, [&](auto done) { operations().skip_dead_letter(id, done); });
}
std::string world::sync_now(bool dry_run, const std::string& of_project) {
  http::sync_request r;
  r.project = of_project;
  r.dry_run = dry_run;
  const auto begun = wait_for(*this, [&](auto done) { operations().sync_now(r, done); });
  if (!begun) throw std::logic_error(describe(begun.error()));
  const std::string id{json::parse(*begun).at("id").as_string()};
  run_until([&] { return operations().sync_status(id).find("\"running\"") == std::string::npos; },
            10min);
  return operations().sync_status(id);
}
std::string world::actors(const std::string& kind, const std::string& key) {
  http::inspector::actor_query q;
  q.kind = kind;
  q.key = key;
  return inspector().actors(q);
}

}  // namespace pb::test
