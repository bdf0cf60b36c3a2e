#include "world.hpp"

#include <boost/json.hpp>
#include <deque>
#include <stdexcept>

#include "actors/runtime_impl.hpp"
#include "app/wiring.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "http/plane_webhook.hpp"
#include "persistence/inline_store.hpp"
#include "sandbox/seed.hpp"
#include "sandbox/transport.hpp"

namespace pb::test {
namespace json = boost::json;
using namespace std::chrono_literals;
using persistence::inline_store;
namespace {

constexpr const char* api_key = "plane_api_virtual";
constexpr const char* webhook_key = "plane_wh_virtual";
constexpr timestamp first_moment = from_micros(1'795'000'000'000'000);  // 2026-11-18

/// Timers of everything that is no actor, in order of time and then of arming.
class timers {
public:
  explicit timers(manual_clock& c) : clock_(c) {}
  sandbox::scheduler scheduler() {
    return [this](milliseconds pause, std::function<void()> run) { add(pause, std::move(run)); };
  }
  void add(milliseconds pause, std::function<void()> run) {
    due_.emplace(clock_.now() + pause, std::move(run));
  }
  [[nodiscard]] std::optional<timestamp> next() const {
    return due_.empty() ? std::nullopt : std::optional{due_.begin()->first};
  }
  bool run_one() {
    if (due_.empty() || due_.begin()->first > clock_.now()) return false;
    auto first = due_.extract(due_.begin());
    first.mapped()();
    return true;
  }

private:
  manual_clock& clock_;
  std::multimap<timestamp, std::function<void()>> due_;
};

}  // namespace

struct world::impl {
  explicit impl(world& w, std::uint64_t seed, sandbox::plane_options o)
      : self(w), random(seed), plane(clock, random, o) {
    auto opened = inline_store::open_in_memory(&random);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    durable = std::move(*opened);
  }

  /// The store as one process sees it; when that process is dead, nothing goes in or out.
  struct process_store final : persistence::store {
    process_store(impl& o) : of(o) {}
    void submit(persistence::write unit, done completion) override {
      if (of.dead) return;
      if (of.self.on_submit) of.self.on_submit(unit);
      ++of.commits;
      if (of.strikes(crash_point::at::before_commit, of.commits)) return;
      of.durable->submit(std::move(unit), [&](result<persistence::written> w) {
        if (of.strikes(crash_point::at::after_commit, of.commits)) return;
        if (completion) completion(std::move(w));
      });
    }
    void read(std::function<void(result<persistence::reader*>)> body) override {
      if (of.dead) return;
      if (of.self.on_read) of.self.on_read();
      of.durable->read(std::move(body));
    }
    [[nodiscard]] persistence::store_health health() const noexcept override {
      return of.durable->health();
    }
    void retain(persistence::retention_limits l,
                std::function<void(result<std::int64_t>)> d) override {
      if (!of.dead) of.durable->retain(l, std::move(d));
    }
    impl& of;
  };

  /// Carries the process's calls to the sandbox and to the calendar server.
  struct wire final : http::transport {
    wire(impl& o) : of(o) {}
    void send(protocol::http_request r, http::call_limits limits, completion done) override {
      if (of.dead) return;
      const auto fault = of.fault_for(r);
      using kind = wire_fault::kind;
      if (fault && fault->what == kind::throws) throw std::runtime_error("the wire throws");
      ++of.requests;
      if (of.strikes(crash_point::at::before_request, of.requests)) return;
      const auto n = of.self.calls.size();
      of.self.calls.push_back({of.clock.now(), r.method, r.url, r.body, 0});
      if (fault && fault->what == kind::never) {
        of.open.emplace(n, std::move(done));
        return;
      }
      of.open.emplace(n, std::move(done));
      const bool works = !fault || fault->what == kind::half || fault->what == kind::lost;
      if (works) {
        work(n, std::move(r), limits, fault);
        return;
      }
      of.times.add(of.self.travel, [this, n, f = *fault] { of.finish(n, ended(f)); });
    }

    void work(std::size_t n, protocol::http_request r, http::call_limits limits,
              std::optional<wire_fault> fault) {
      const auto request_no = of.requests;
      auto end = [this, n, fault, limits, request_no](result<protocol::http_response> a) {
        if (of.strikes(crash_point::at::after_request, request_no)) return;
        if (!fault) return of.finish(n, std::move(a));
        const bool lost = fault->what == wire_fault::kind::lost;
        of.times.add(lost ? limits.headers : 0ms, [this, n, lost] {
          of.finish(n, lost
                           ? failure{errc::timed_out, "wire", "no answer in time"}
                           : failure{errc::upstream_down, "wire", "half a response, then the end"});
        });
      };
      if (r.url.starts_with(dav_server::origin)) {
        of.times.add(of.self.travel, [this, r = std::move(r), end] { end(of.self.dav.handle(r)); });
        return;
      }
      of.to_plane.send(std::move(r), limits, end);
    }

    static result<protocol::http_response> ended(const wire_fault& f) {
      switch (f.what) {
        case wire_fault::kind::reset:
          return failure{errc::upstream_down, "wire", "connection reset by peer"};
        case wire_fault::kind::tls:
          return failure{errc::tls, "wire", "certificate verify failed"};
        default: {
          protocol::http_response a;
          a.status = f.status;
          if (f.retry_after) a.headers.push_back({"Retry-After", std::to_string(*f.retry_after)});
          return a;
        }
      }
    }
    impl& of;
  };

  /// Plane's webhooks arrive here, whichever process is there to take them.
  struct doorstep final : http::transport {
    doorstep(impl& o) : of(o) {}
    void send(protocol::http_request r, http::call_limits, completion done) override {
      of.times.add(of.self.travel, [this, r = std::move(r), done = std::move(done)] {
        of.self.webhook_bodies.push_back(r.body);
        if (of.self.lose_webhooks) {  // something in between swallows it and says 200
          protocol::http_response ok;
          ok.status = 200;
          return done(std::move(ok));
        }
        of.deliver(r.headers, r.body, [done](std::optional<int> status) {
          if (!status) return done(failure{errc::upstream_down, "door", "connection refused"});
          protocol::http_response a;
          a.status = *status;
          done(std::move(a));
        });
      });
    }
    impl& of;
  };

  void deliver(const std::vector<protocol::http_header>& headers, const std::string& body,
               std::function<void(std::optional<int>)> done) {
    if (!running || dead) return done(std::nullopt);
    auto in = std::make_shared<http::request>();
    in->id = "req";
    in->method = "POST";
    in->path = in->target = "/webhooks/plane";
    in->headers = headers;
    in->peer = "192.0.2.1";
    in->received_at = clock.now();
    if (door->observe) in->observer = door->observe(*in);
    if (in->observer) in->observer->feed(body);
    in->body = std::make_shared<const std::string>(body);
    door->handle(in, http::responder{[this, done](http::response a) {
                   // A process that dies answers nobody.
                   done(dead || a.drop_connection ? std::nullopt : std::optional{a.status});
                 }});
  }

  std::optional<wire_fault> fault_for(const protocol::http_request& r) {
    for (auto& f : self.faults) {
      if (!f.method.empty() && f.method != r.method) continue;
      if (r.url.find(f.url) == std::string::npos || f.count == 0) continue;
      if (f.skip > 0) {
        --f.skip;
        continue;
      }
      --f.count;
      return f;
    }
    return std::nullopt;
  }

  void finish(std::size_t n, result<protocol::http_response> a) {
    const auto it = open.find(n);
    if (it == open.end() || dead) return;
    auto done = std::move(it->second);
    open.erase(it);
    self.calls[n].status = a ? a->status : 0;
    done(std::move(a));
  }

  bool strikes(crash_point::at where, unsigned n) {
    if (dead || !crash || crash->where != where || n != crash->nth) return dead;
    dead = true;
    ++crashes;
    crash.reset();
    return true;
  }

  // Time: the actors' clock, the injected clock and the timers move together.
  caf::detail::test_actor_clock& actor_clock() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(running->internals().system.scheduler())
        .clock();
  }

  void run_ready() {
    do {
      if (running && !dead) running->internals().run_all();
      if (running && dead) end_process();
    } while (times.run_one());
    if (running && !dead) running->internals().run_all();
    if (running && dead) end_process();
  }

  timestamp next_moment(timestamp deadline) {
    timestamp next = times.next() ? std::min(*times.next(), deadline) : deadline;
    if (running) {
      auto& c = actor_clock();
      if (!c.schedule().empty()) {
        const auto wait = c.schedule().begin()->first - c.current_time;
        const auto at = clock.now() + std::chrono::ceil<std::chrono::microseconds>(
                                          std::max(wait, decltype(wait){0}));
        next = std::min(next, at);
      }
    }
    return std::max(next, clock.now());
  }

  bool advance(timestamp deadline, const std::function<bool()>& holds) {
    for (std::size_t idle_steps = 0;;) {
      run_ready();
      if (holds && holds()) return true;
      const auto next = next_moment(deadline);
      if (next >= deadline && clock.now() >= deadline) return false;
      const auto step = next - clock.now();
      idle_steps = step.count() == 0 ? idle_steps + 1 : 0;
      if (idle_steps > 100'000) throw std::logic_error("time stands still");
      clock.advance(step);
      if (running) actor_clock().advance_time(step);
    }
  }

  void end_process() {
    dead = true;
    open.clear();
    running.reset();
    door.reset();
    ctx.reset();
    open.clear();
  }

  persistence::reader& reader() {
    persistence::reader* reading = nullptr;
    durable->read([&](result<persistence::reader*> r) { reading = *r; });
    return *reading;
  }

  world& self;
  manual_clock clock{first_moment};
  timers times{clock};
  seeded_random random;
  sandbox::plane plane;
  sandbox::fault_set plane_faults{random};
  sandbox::seeded seeds;
  std::unique_ptr<sandbox::webhook_sender> sender;
  sandbox::host host{plane, plane_faults, times.scheduler(), [this] { sender->pump(); }};
  sandbox::sandbox_transport to_plane{host, times.scheduler(), 5ms};
  doorstep doors{*this};

  std::unique_ptr<inline_store> durable;
  actors::telemetry figures;
  process_store store{*this};
  wire out{*this};
  std::map<std::size_t, http::transport::completion> open;
  actors::context_ptr ctx;
  std::unique_ptr<http::route> door;
  std::unique_ptr<actors::runtime> running;
  bool dead = false;
  std::optional<crash_point> crash;
  unsigned commits = 0, requests = 0, crashes = 0;
};

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
  i.plane.add_webhook(i.seeds.workspace_slug, hook);

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
  i.running = std::make_unique<actors::runtime>(actors::runtime_parts{
      i.ctx, app::remotes_of(settings),
      app::plane_policy(settings, nullptr, std::make_shared<app::shared_budget>(settings)),
      app::caldav_policy(settings, i.random), true});
  http::plane_webhook_options webhook;
  webhook.secrets = std::make_shared<http::secret_list>(settings.plane.webhook_secret);
  i.door = std::make_unique<http::route>(http::plane_webhook_route(webhook, *i.running, i.clock));
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
unsigned world::crashes() const noexcept { return impl_->crashes; }
unsigned world::commits() const noexcept { return impl_->commits; }
unsigned world::requests() const noexcept { return impl_->requests; }

void world::run_for(milliseconds span) { impl_->advance(impl_->clock.now() + span, {}); }
bool world::run_until(const std::function<bool()>& holds, milliseconds limit) {
  return impl_->advance(impl_->clock.now() + limit, holds);
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
  return std::chrono::duration_cast<milliseconds>(impl_->clock.now() - first_moment);
}

// Plane
// --------------------------------------------------------------------------------------------

protocol::http_response world::page(const std::string& method, const std::string& path,
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
  if (a.status >= 300) throw std::logic_error(method + " " + path + " was refused: " + a.body);
  if (i.sender) i.sender->pump();
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
sandbox::plane& world::plane() { return impl_->plane; }
sandbox::fault_set& world::plane_faults() { return impl_->plane_faults; }

int world::post_webhook(const std::string& body, const std::string& delivery_id) {
  std::vector<protocol::http_header> headers{
      {"Content-Type", "application/json"},
      {"X-Plane-Delivery", delivery_id},
      {"X-Plane-Event", "issue"},
      {"X-Plane-Signature", to_hex(hmac_sha256(webhook_key, body))}};
  std::optional<int> status;
  bool answered = false;
  impl_->deliver(headers, body, [&](std::optional<int> s) {
    status = s;
    answered = true;
  });
  impl_->run_ready();
  if (!answered) throw std::logic_error("the webhook was not answered at once");
  return status.value_or(0);
}

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
  return *impl_->reader().entity(entity_key::plane_issue(item));
}
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
