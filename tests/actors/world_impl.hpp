// tests/actors/world_impl: what a world holds: the clocks that move together, the store and the
// wire as one process sees them, and where that process dies. For world.cpp only.
#pragma once
#include <algorithm>
#include <deque>
#include <stdexcept>

#include "actors/runtime_impl.hpp"
#include "http/plane_webhook.hpp"
#include "persistence/inline_store.hpp"
#include "sandbox/seed.hpp"
#include "sandbox/transport.hpp"
#include "world.hpp"

namespace pb::test {
namespace json = boost::json;
using namespace std::chrono_literals;
using persistence::inline_store;

inline constexpr const char* api_key = "plane_api_virtual";
inline constexpr const char* webhook_key = "plane_wh_virtual";
inline constexpr timestamp first_moment = from_micros(1'795'000'000'000'000);  // 2026-11-18

/// Timers of everything that is no actor, in order of time and then of arming. On steady time: a
/// wall clock that is set moves none of them.
class timers {
public:
  explicit timers(manual_clock& c) : clock_(c) {}
  sandbox::scheduler scheduler() {
    return [this](milliseconds pause, std::function<void()> run) { add(pause, std::move(run)); };
  }
  void add(milliseconds pause, std::function<void()> run) {
    due_.emplace(clock_.steady_now() + pause, std::move(run));
  }
  [[nodiscard]] std::optional<steady_time> next() const {
    return due_.empty() ? std::nullopt : std::optional{due_.begin()->first};
  }
  bool run_one() {
    if (due_.empty() || due_.begin()->first > clock_.steady_now()) return false;
    auto first = due_.extract(due_.begin());
    first.mapped()();
    return true;
  }

private:
  manual_clock& clock_;
  std::multimap<steady_time, std::function<void()>> due_;
};

struct world::impl {
  explicit impl(world& w, std::uint64_t seed, sandbox::plane_options o)
      : self(w), random(seed), plane(plane_clock, random, o) {
    auto opened = inline_store::open_in_memory(&random);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    durable = std::move(*opened);
  }

  /// The store as one process sees it; when that process is dead, nothing goes in or out. Without
  /// `store_delay` everything happens inside the call; with it, one writer commits in order and
  /// reads end whenever they do.
  struct process_store final : persistence::store {
    process_store(impl& o) : of(o) {}
    void submit(persistence::write unit, done completion) override {
      if (of.dead) return;
      if (of.self.on_submit) of.self.on_submit(unit);
      if (!of.self.store_delay) return commit(std::move(unit), std::move(completion));
      waiting.emplace_back(std::move(unit), std::move(completion));
      write_later();
    }
    void write_later() {
      if (waiting.empty() || of.dead || std::exchange(writing, true)) return;
      of.times.add(of.self.store_delay(), [this, life = of.life] {
        if (life != of.life || of.dead) return;
        // What waits when a transaction starts goes along.
        for (auto left = waiting.size(); left > 0 && !of.dead; --left) {
          auto [unit, completion] = std::move(waiting.front());
          waiting.pop_front();
          commit(std::move(unit), std::move(completion));
        }
        writing = false;
        write_later();
      });
    }
    void commit(persistence::write unit, done completion) {
      ++of.commits;
      if (of.strikes(crash_point::at::before_commit, of.commits)) return;
      const auto kept = of.self.on_commit ? unit : persistence::write{};
      of.durable->submit(std::move(unit), [&](result<persistence::written> w) {
        if (of.self.on_commit) of.self.on_commit(kept, w);
        if (of.strikes(crash_point::at::after_commit, of.commits)) return;
        if (completion) completion(std::move(w));
      });
    }
    void read(std::function<void(result<persistence::reader*>)> body) override {
      if (of.dead) return;
      if (of.self.on_read) of.self.on_read();
      if (!of.self.store_delay) return of.durable->read(std::move(body));
      of.times.add(of.self.store_delay(), [this, life = of.life, body = std::move(body)] {
        if (life == of.life && !of.dead) of.durable->read(body);
      });
    }
    [[nodiscard]] persistence::store_health health() const noexcept override {
      return of.durable->health();
    }
    void retain(persistence::retention_limits l,
                std::function<void(result<std::int64_t>)> d) override {
      if (!of.dead) of.durable->retain(l, std::move(d));
    }
    impl& of;
    std::deque<std::pair<persistence::write, done>> waiting;
    bool writing = false;
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
      if (of.self.on_call) of.self.on_call(r);
      of.open.emplace(n, std::move(done));
      if (fault && fault->what == kind::never) return;
      if (fault && fault->what == kind::late) {
        // The caller gives up; its request is carried out all the same, whoever lives by then.
        of.times.add(limits.headers, [this, n] {
          of.finish(n, failure{errc::timed_out, "wire", "no answer in time"});
        });
        of.times.add(limits.headers + fault->later,
                     [this, r = std::move(r)]() mutable { of.work_unheard(std::move(r)); });
        return;
      }
      const bool works = !fault || fault->what == kind::half || fault->what == kind::lost;
      const auto way = of.leg();
      if (works) {
        if (!of.self.leg) return work(n, std::move(r), limits, fault);
        of.times.add(way, [this, n, limits, fault, r = std::move(r)]() mutable {
          work(n, std::move(r), limits, fault);
        });
        return;
      }
      of.times.add(way, [this, n, f = *fault] { of.finish(n, ended(f)); });
    }

    void work(std::size_t n, protocol::http_request r, http::call_limits limits,
              std::optional<wire_fault> fault) {
      const auto request_no = of.requests;
      auto end = [this, n, fault, limits, request_no](result<protocol::http_response> a) {
        if (of.strikes(crash_point::at::after_request, request_no)) return;
        if (!fault) {
          if (!of.self.leg) return of.finish(n, std::move(a));
          of.times.add(of.leg(), [this, n, a = std::move(a)] { of.finish(n, a); });
          return;
        }
        const bool lost = fault->what == wire_fault::kind::lost;
        of.times.add(lost ? limits.headers : 0ms, [this, n, lost] {
          of.finish(n, lost
                           ? failure{errc::timed_out, "wire", "no answer in time"}
                           : failure{errc::upstream_down, "wire", "half a response, then the end"});
        });
      };
      for (const auto& [origin, answer] : of.self.hosts)
        if (r.url.starts_with(origin)) {
          of.times.add(of.self.leg ? 0ms : of.self.travel,
                       [r = std::move(r), answer, end] { end(answer(r)); });
          return;
        }
      if (r.url.starts_with(dav_server::origin)) {
        of.times.add(of.self.leg ? 0ms : of.self.travel,
                     [this, r = std::move(r), end] { end(of.self.dav.handle(r)); });
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
    void send(protocol::http_request r, http::call_limits limits, completion done) override {
      if (of.self.webhooks_time_out) {
        auto open = std::make_shared<completion>(std::move(done));
        done = [open](result<protocol::http_response> a) {
          if (*open) std::exchange(*open, {})(std::move(a));
        };
        of.times.add(limits.headers, [done] {
          done(failure{errc::timed_out, "door", "no answer in time"});
        });
      }
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

  void deliver(const http::route* to, const std::string& path,
               const std::vector<protocol::http_header>& headers, const std::string& body,
               std::function<void(std::optional<http::response>)> done) {
    if (!running || dead || to == nullptr) return done(std::nullopt);
    auto in = std::make_shared<http::request>();
    in->id = "req";
    in->method = "POST";
    in->path = in->target = path;
    in->headers = headers;
    in->peer = "192.0.2.1";
    in->received_at = clock.now();
    if (to->observe) in->observer = to->observe(*in);
    if (in->observer) in->observer->feed(body);
    in->body = std::make_shared<const std::string>(body);
    to->handle(in, http::responder{[this, done, life_then = life](http::response a) {
                 // A process that dies answers nobody.
                 if (dead || life != life_then || a.drop_connection) return done(std::nullopt);
                 done(std::move(a));
               }});
  }
  /// Plane's webhook.
  void deliver(const std::vector<protocol::http_header>& headers, const std::string& body,
               std::function<void(std::optional<int>)> done) {
    deliver(door.get(), "/webhooks/plane", headers, body,
            [done = std::move(done)](const std::optional<http::response>& a) {
              done(a ? std::optional<int>{static_cast<int>(a->status)} : std::nullopt);
            });
  }
  const http::route* door_at(const std::string& path) const {
    for (const auto& r : more_doors)
      if (r.pattern == path) return &r;
    return nullptr;
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
    return self.fate ? self.fate(r) : std::nullopt;
  }

  milliseconds leg() { return self.leg ? self.leg() : self.travel; }

  void work_unheard(protocol::http_request r) {
    for (const auto& [origin, answer] : self.hosts)
      if (r.url.starts_with(origin)) {
        (void)answer(r);
        return;
      }
    if (r.url.starts_with(dav_server::origin)) {
      self.dav.unheard = true;
      (void)self.dav.handle(r);
      self.dav.unheard = false;
      return;
    }
    to_plane.send(std::move(r), {}, [](const auto&) {});
  }

  void finish(std::size_t n, result<protocol::http_response> a) {
    const auto it = open.find(n);
    if (it == open.end() || dead) return;
    auto done = std::move(it->second);
    open.erase(it);
    self.calls[n].status = a ? a->status : 0;
    if (self.on_answer) self.on_answer(self.calls[n], a);
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

  void run_actors() {
    auto& internals = running->internals();
    if (!order) return internals.run_all();
    // Any ready actor may be next; each takes one message at a time.
    auto& sched = dynamic_cast<caf::scheduler::test_coordinator&>(internals.system.scheduler());
    while (!dead && !sched.jobs.empty()) {
      if (sched.jobs.size() > 1) {
        const auto by = static_cast<std::ptrdiff_t>(order->next() % sched.jobs.size());
        std::rotate(sched.jobs.begin(), sched.jobs.begin() + by, sched.jobs.end());
      }
      sched.try_run_once();
      if (++handled > self.handled_limit) throw std::logic_error("messages without end");
    }
  }

  void run_ready() {
    do {
      if (running && !dead) run_actors();
      if (running && dead) end_process();
    } while (times.run_one());
    if (running && !dead) run_actors();
    if (running && dead) end_process();
  }

  steady_time next_moment(steady_time deadline) {
    steady_time next = times.next() ? std::min(*times.next(), deadline) : deadline;
    if (running) {
      auto& c = actor_clock();
      if (!c.schedule().empty()) {
        const auto wait = c.schedule().begin()->first - c.current_time;
        const auto at = clock.steady_now() + std::chrono::ceil<std::chrono::microseconds>(
                                                 std::max(wait, decltype(wait){0}));
        next = std::min(next, at);
      }
    }
    return std::max(next, clock.steady_now());
  }

  bool advance(milliseconds span, const std::function<bool()>& holds) {
    const steady_time deadline = clock.steady_now() + span;
    for (std::size_t idle_steps = 0;;) {
      run_ready();
      if (holds && holds()) return true;
      const auto next = next_moment(deadline);
      if (next >= deadline && clock.steady_now() >= deadline) return false;
      const auto step =
          std::chrono::duration_cast<std::chrono::microseconds>(next - clock.steady_now());
      idle_steps = step.count() == 0 ? idle_steps + 1 : 0;
      if (idle_steps > 100'000) throw std::logic_error("time stands still");
      clock.advance(step);
      plane_clock.advance(step);
      if (running) actor_clock().advance_time(step);
    }
  }

  void end_process() {
    dead = true;
    ++life;
    store.waiting.clear();
    store.writing = false;
    open.clear();
    running.reset();
    door.reset();
    more_doors.clear();
    ctx.reset();
    open.clear();
  }

  persistence::reader& reader() {
    persistence::reader* reading = nullptr;
    durable->read([&](result<persistence::reader*> r) { reading = *r; });
    return *reading;
  }

  world& self;
  manual_clock clock{first_moment};        ///< of the machine that the process runs on
  manual_clock plane_clock{first_moment};  ///< Plane has a machine of its own
  timers times{clock};
  seeded_random random;
  sandbox::plane plane;
  std::shared_ptr<const sandbox::plane::snapshot> backup;
  sandbox::fault_set plane_faults{random};
  sandbox::seeded seeds;
  std::string webhook;
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
  std::vector<http::route> more_doors;
  std::unique_ptr<actors::runtime> running;
  bool dead = false;
  unsigned life = 0;  ///< processes that have ended
  std::optional<seeded_random> order;
  std::uint64_t handled = 0;
  std::optional<crash_point> crash;
  unsigned commits = 0, requests = 0, crashes = 0;
};

}  // namespace pb::test
