// What actors, HTTP threads and the store's threads share outside of messages, used by all of them
// at once. What is counted must come out right; what is torn is the thread sanitizer's to see.
#define BOOST_TEST_MODULE actors_shared_by_threads
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "actors/context.hpp"
#include "actors/handover.hpp"
#include "actors/sync_board.hpp"
#include "app/telemetry.hpp"
#include "http/peer_limits.hpp"
#include "http/secret_list.hpp"
#include "persistence/inline_store.hpp"
#include "sync/sentinel.hpp"

using namespace pb;
using namespace pb::actors;
using namespace std::chrono_literals;

namespace {

constexpr int threads = 4, rounds = 500;

/// `work(thread, round)` on all threads at once, while one more looks on until they are done.
template <class Work, class Look>
void together(Work work, Look look) {
  std::atomic<int> running{threads};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      for (int n = 0; n < rounds; ++n) work(t, n);
      --running;
    });
  do look();
  while (running > 0);
  for (auto& t : all) t.join();
}

struct no_transport final : http::transport {
  void send(protocol::http_request, http::call_limits, completion) override {}
};

struct fixture {
  system_clock_source clock;
  secure_random random;
  no_transport transport;
  std::unique_ptr<persistence::inline_store> store =
      persistence::inline_store::open_in_memory().value();
  telemetry no_figures;
  context ctx{*store, transport, clock, random, no_figures, {}};
};

protocol::plane::project project(int number) {
  protocol::plane::project p;
  p.id = "project " + std::to_string(number);
  p.name = "name of " + std::to_string(number);
  return p;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_probe_is_read_while_its_actor_writes_it, fixture) {
  const auto busy = ctx.probes.add("issue", "a", "dispatcher");
  together(
      [&](int, int n) {
        busy->queued(1);
        busy->handled();
        busy->state(n % 2 == 0 ? "planning" : "waiting for a fact with a long name", clock.now());
        busy->event("handled event number " + std::to_string(n), clock.now());
        busy->in_flight(n % 2 == 0 ? "" : "put_event");
        busy->queued(-1);
      },
      [&] {
        const auto f = busy->read(true);
        BOOST_TEST((f.state == "starting" || f.state == "planning" ||
                    f.state == "waiting for a fact with a long name"));
        BOOST_TEST(f.recent.size() <= 20u);
      });
  BOOST_TEST(busy->read(false).handled == std::uint64_t{threads} * rounds);
  BOOST_TEST(busy->read(false).mailbox == 0);
}

BOOST_FIXTURE_TEST_CASE(probes_come_and_go_while_all_are_listed, fixture) {
  together(
      [&](int t, int n) {
        const auto p = ctx.probes.add("issue", std::to_string(t * rounds + n), "dispatcher");
        p->state("idle", clock.now());
        BOOST_TEST(ctx.probes.find(p->id()) == p);
      },
      [&] {
        for (const auto& f : ctx.probes.all()) BOOST_TEST(f.kind == "issue");
        BOOST_TEST(ctx.probes.size() <= std::size_t{threads} * 2);
      });
  BOOST_TEST(ctx.probes.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_reload_reaches_readers_whole, fixture) {
  together(
      [&](int t, int n) {
        if (t > 0) {
          const auto& o = ctx.opt();
          BOOST_TEST(o.live_actors == o.in_memory_events);
          return;
        }
        if (n % 10 != 0) return ctx.projects.put(project(n), clock.now());
        options o;
        o.live_actors = o.in_memory_events = static_cast<std::size_t>(n + 1);
        ctx.reconfigure(std::move(o));
        ctx.projects_listed();
      },
      [&] {
        for (const auto& p : ctx.projects.all()) BOOST_TEST(p.name == "name of " + p.id.substr(8));
      });
  BOOST_TEST(ctx.opt().live_actors == ctx.opt().in_memory_events);
}

BOOST_FIXTURE_TEST_CASE(gaps_are_told_by_webhooks_and_rounds_and_read_by_health, fixture) {
  together(
      [&](int t, int n) {
        const auto now = clock.now();
        sync::item_change c{"item " + std::to_string(n), "somebody", {}, now};
        c.kinds.set(static_cast<std::size_t>(sync::change_kind::name));
        if (t == 0) {
          ctx.gaps.webhook_arrived(now, "issue.update");
          ctx.gaps.told(c, now);
        }
        if (t == 1) {
          ctx.gaps.missed(c, now);
          ctx.gaps.poll_done(now, 3ms, "failed in words that need memory of their own");
          (void)ctx.gaps.judge(now, 1min);
        }
        if (t == 2) {
          ctx.gaps.scan_done(now, 3ms, 7, "");
          (void)ctx.gaps.to_store(true);
        }
        if (t == 3) {
          ctx.gaps.webhook_refused(c.item, now);
          ctx.gaps.webhook_turned_away(now);
          ctx.gaps.projects_lost({{"project", "name that needs memory of its own", now}});
        }
      },
      [&] { BOOST_TEST(ctx.gaps.look().scan_items <= 7u); });
  const auto seen = ctx.gaps.look();
  BOOST_TEST(seen.scan_items == 7u);
  BOOST_TEST(seen.found_by_polls == std::uint64_t{rounds});
  BOOST_TEST(seen.last_webhook.has_value());
}

BOOST_AUTO_TEST_CASE(what_was_committed_is_handed_over_once_and_the_dispatcher_is_told) {
  handover committed;
  std::atomic<int> told{0};
  std::size_t taken = 0;
  together(
      [&](int t, int n) {
        auto d = std::make_shared<persistence::delivery>();
        d->seq = t * rounds + n;
        if (committed.put(std::move(d))) ++told;
        committed.congested(n % 2 == 0);
      },
      [&] {
        (void)committed.congested();
        taken += committed.take().size();
      });
  taken += committed.take().size();
  BOOST_TEST(taken == std::size_t{threads} * rounds);
  BOOST_TEST(told > 0);
}

BOOST_FIXTURE_TEST_CASE(listeners_join_and_leave_while_events_are_told, fixture) {
  std::atomic<int> heard{0};
  together(
      [&](int t, int n) {
        if (t == 0) ctx.bus.subscribe([&heard, n](auto, auto) { return ++heard, n % 2 == 0; });
        ctx.bus.publish("plan", "{}");
      },
      [&] { (void)ctx.bus.listened(); });
  BOOST_TEST(heard > 0);
}

BOOST_AUTO_TEST_CASE(a_sync_is_reported_while_it_is_asked_about) {
  sync_board board;
  together(
      [&](int t, int n) {
        board.update("run " + std::to_string(t),
                     [&](sync_report& r) { r.found("event " + std::to_string(n), "changed"); });
      },
      [&] { (void)board.json("run 1"); });
  board.update("run 2", [](sync_report& r) { BOOST_TEST(r.changes_total == rounds); });
}

BOOST_AUTO_TEST_CASE(secrets_change_while_requests_are_verified) {
  http::secret_list secrets{{secret{"first"}}};
  together(
      [&](int t, int n) {
        if (t == 0)
          secrets.set({secret{"secret " + std::to_string(n)}, secret{"another"}});
        else
          BOOST_TEST(!secrets.get()->front().empty());
      },
      [&] { BOOST_TEST(!secrets.get()->empty()); });
}

BOOST_AUTO_TEST_CASE(peers_fail_on_every_thread) {
  http::peer_limits limits{60};
  std::atomic<int> refused{0};
  const auto now = steady_time{} + 1h;
  together(
      [&](int t, int) {
        const auto peer = boost::asio::ip::make_address("10.0.0." + std::to_string(t % 2));
        if (limits.failed(peer, now)) ++refused;
      },
      [] {});
  BOOST_TEST(refused > threads * rounds - 2 * 62);
}

BOOST_FIXTURE_TEST_CASE(figures_are_told_by_all_and_rendered_at_the_same_time, fixture) {
  app::metrics_telemetry figures;
  together(
      [&](int, int) {
        figures.webhook("plane", http::webhook_outcome::accepted);
        figures.delivery_finished("done");
        figures.planning_started(5us, 2us);
        figures.effect_finished("caldav", "done", 3ms);
        figures.remote_call("caldav", "put_event", 201, errc::none, 2ms);
        figures.events_in_memory(3);
      },
      [&] { BOOST_TEST(!figures.render().empty()); });
  const auto text = figures.render();
  const auto line =
      "planebridge_deliveries_finished_total{outcome=\"done\"} " + std::to_string(threads * rounds);
  BOOST_TEST((text.find(line) != std::string::npos), text);
}
