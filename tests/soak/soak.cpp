// Hours at half of what this machine carries, with ordinary trouble, a retention that runs every
// minute, and a look at everything that must not grow; docs/proofs.md, docs/performance.md.
//   soak --engine sqlite|postgres [--minutes N] [--csv FILE] [--seed S] [--every SECONDS]
// Exit 0: flat and right at the end; 1: not; 77: no such server on this machine.
#include <poll.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "tests/load/agreement.hpp"
#include "tests/soak/sampling.hpp"
#include "tests/soak/trouble.hpp"

using namespace pb;
using namespace pb::app::testing;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

const dav_kind radicale{.script = "radicale", .options = {}, .needs = {"radicale"}};
constexpr std::size_t items = 200;
constexpr auto edits_every = 400ms;
constexpr auto trouble_every = 20s;

struct arguments {
  database::engine engine = database::engine::sqlite;
  int minutes = 120;
  std::string csv = "soak.csv";
  std::uint64_t seed = std::random_device{}();
  std::chrono::seconds every{30};
};

std::optional<arguments> read_arguments(int argc, char** argv) {
  arguments a;
  bool engine = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], given = argv[i + 1];
    if (name == "--engine") {
      const auto e = database::engine_of(given);
      if (!e) return std::nullopt;
      a.engine = *e;
      engine = true;
    } else if (name == "--minutes") {
      a.minutes = std::stoi(given);
    } else if (name == "--csv") {
      a.csv = given;
    } else if (name == "--seed") {
      a.seed = std::stoull(given);
    } else if (name == "--every") {
      a.every = std::chrono::seconds{std::stoi(given)};
    } else {
      return std::nullopt;
    }
  }
  return engine && argc % 2 == 1 ? std::optional{a} : std::nullopt;
}

/// What is finished for a minute becomes two days older, so that the retention of one day, the
/// shortest there is, has its work every minute. In small pieces, beside the daemon's own writes.
void age_finished_rows(const database& store) {
  const auto now = to_micros(system_clock_source{}.now());
  const auto young = std::to_string(now - std::int64_t{60} * 1'000'000);
  const auto aged = std::to_string(now - std::int64_t{86'400} * 1'000'000);
  const std::string two_days = "172800000000";
  const auto between = [&](const std::string& column) {
    return column + " < " + young + " AND " + column + " > " + aged + " LIMIT 1000)";
  };
  const std::string pieces[] = {
      "UPDATE effects SET created_at = created_at - " + two_days +
          ", finished_at = finished_at - " + two_days +
          " WHERE id IN (SELECT id FROM effects WHERE status IN (1, 3, 4, 5) AND " +
          between("created_at") + " RETURNING id",
      "UPDATE deliveries SET received_at = received_at - " + two_days +
          " WHERE seq IN (SELECT seq FROM deliveries WHERE status IN (1, 2, 4) AND " +
          between("received_at") + " RETURNING seq",
      "UPDATE identities SET at = at - " + two_days +
          " WHERE (tenant_id, source, identity) IN (SELECT tenant_id, source, identity FROM "
          "identities WHERE " +
          between("at") + " RETURNING seq"};
  for (const auto& sql : pieces)
    while (store.query(sql).size() == 1'000) {
    }
}

class soak {
public:
  explicit soak(const arguments& a)
      : arguments_(a), store_(a.engine), people_(plane_, a.seed, items) {
    plane_.configure(daemon_);
    calendars_.configure(daemon_);
    relay_ = std::make_unique<dav_relay>(daemon_.environment["CALDAV_URL"]);
    relay_->configure(daemon_.environment);
    auto& e = daemon_.environment;
    e["DATABASE_URL"] = store_.url();
    e["PLANEBRIDGE_SERVER_ACCESS_LOG"] = "false";
    e["PLANEBRIDGE_PLANE_POLL_INTERVAL_S"] = "20";
    e["PLANEBRIDGE_PLANE_POLL_GRACE_S"] = "5";
    e["PLANEBRIDGE_PLANE_SCAN_INTERVAL_S"] = "60";
    e["PLANEBRIDGE_CALENDAR_FULL_SYNC_INTERVAL_S"] = "120";
    e["PLANEBRIDGE_CONCURRENCY_BACKOFF_BASE_MS"] = "200";
    e["PLANEBRIDGE_CONCURRENCY_BACKOFF_CAP_MS"] = "5000";
    e["PLANEBRIDGE_CONCURRENCY_BREAKER_OPEN_S"] = "5";
    e["PLANEBRIDGE_CONCURRENCY_MAX_ATTEMPTS"] = "100";
    e["PLANEBRIDGE_CONCURRENCY_PASSIVATE_AFTER_S"] = "10";
    e["PLANEBRIDGE_STORE_RETENTION_DAYS"] = "1";
    e["PLANEBRIDGE_STORE_IDENTITY_RETENTION_DAYS"] = "1";
    e["PLANEBRIDGE_SCHEDULER_RETENTION_CRON"] = "* * * * *";
  }

  bool carry_out() {
    start_quietly();
    plane_.announce_to(daemon_);
    people_.create(items);
    loud_ = std::make_unique<announcer>(
        plane_, daemon_,
        announcer::options{.senders = 16, .rate = 0, .keep = false, .seed = arguments_.seed});
    people_.on_delete = [this](const std::string& item) { loud_->forget(item); };
    // The first edit of each makes it known to the sender.
    // Idle is also who has not heard of anything yet.
    if (!eventually(120s, [this] {
          return calendars_.names(plane_.project()).size() == people_.wanted().size() && idle();
        }))
      return fail("the first items are not done");
    if (!put_foreign_event(calendars_, plane_.project())) return fail("no foreign event made");
    for (std::size_t n = 0; n < items; ++n) people_.edit();
    if (!eventually(120s, [this] { return idle(); })) return fail("the first edits are not done");
    const double most = measure_most();
    loud_->set_rate(most / 2);
    std::printf("engine=%s seed=%llu most_per_s=%.0f half_per_s=%.0f known_items=%zu\n",
                store_.kind() == database::engine::sqlite ? "sqlite" : "postgres",
                static_cast<unsigned long long>(arguments_.seed), most, most / 2, loud_->known());
    std::fflush(stdout);
    run();
    return settle() && tell();
  }

private:
  /// A line for each delivery of two hours would fill the disk: from the start on only warnings.
  void start_quietly() {
    const auto file = daemon_.folder() / "planebridge.toml";
    write_file(file, "[log]\nlevel = \"info\"\n");
    daemon_.options = {"--config", file};
    daemon_.start();
    write_file(file, "[log]\nlevel = \"warn\"\n");
    daemon_.process().signal(SIGHUP);
  }

  bool idle() {
    return plane_.server().webhooks().unfinished() == 0 &&
           store_.number("SELECT count(*) FROM deliveries WHERE status = 0") == 0 &&
           store_.number("SELECT count(*) FROM effects WHERE status = 0") == 0;
  }

  /// Deliveries a second that are accepted and finished, the backlog's end included.
  double measure_most() {
    const auto began = steady::now();
    loud_->start();
    ::poll(nullptr, 0, 10'000);
    loud_->stop();
    (void)eventually(120s, [this] { return idle(); });
    const std::chrono::duration<double> took = steady::now() - began;
    return static_cast<double>(loud_->so_far().acknowledged) / took.count();
  }

  void run() {
    std::ofstream csv{arguments_.csv, std::ios::trunc};
    csv << csv_head();
    trouble wrong{plane_, *relay_, arguments_.seed};
    loud_->start();
    (void)loud_->take_latencies();
    std::atomic<bool> at_work{true};
    std::thread busy{[&] {
      for (; at_work; ::poll(nullptr, 0, static_cast<int>(edits_every / 1ms))) people_.edit();
    }};
    const auto began = steady::now();
    const auto end = began + std::chrono::minutes{arguments_.minutes};
    auto trouble_due = began + trouble_every, look_due = began + arguments_.every;
    auto age_due = began + 20s;
    auto accepted = loud_->so_far().acknowledged;
    while (steady::now() < end && daemon_.process().runs()) {
      const auto next = std::min({trouble_due, look_due, age_due, end});
      const auto pause = std::chrono::ceil<milliseconds>(next - steady::now()).count();
      if (pause > 0) ::poll(nullptr, 0, static_cast<int>(pause));
      const auto now = steady::now();
      if (now >= trouble_due) {
        wrong.next();
        trouble_due = now + trouble_every;
      }
      if (now >= age_due) {
        age_finished_rows(store_);
        age_due = now + 20s;
      }
      if (now < look_due) continue;
      auto l = look(daemon_, daemon_.process().id(), store_);
      const std::chrono::duration<double> since = now - look_due + arguments_.every;
      l.at_s = std::chrono::duration<double>(now - began).count();
      const auto total = loud_->so_far().acknowledged;
      l.accepted_per_s =
          static_cast<double>(total - std::exchange(accepted, total)) / since.count();
      if (const auto ms = loud_->take_latencies(); !ms.empty()) {
        l.p50_ms = ms[ms.size() / 2];
        l.p99_ms = ms[ms.size() * 99 / 100];
      }
      looks_.push_back(l);
      csv << csv_line(l) << std::flush;
      look_due = now + arguments_.every;
    }
    at_work = false;
    busy.join();
    wrong.end();
    loud_->stop();
    for (const auto& [name, times] : wrong.set())
      std::printf("%s: %u times\n", name.c_str(), times);
  }

  bool settle() {
    if (!daemon_.process().runs()) return fail("the daemon ended");
    if (!eventually(120s, [this] { return idle(); })) return fail("work is left after 120 s");
    if (const auto sync = daemon_.command_line({"sync", "now"}); sync.code != 0)
      return fail("sync now: " + sync.out + sync.err);
    if (!eventually(120s, [this] { return idle(); })) return fail("work is left after a sync");
    if (const auto wrong = disagreement(calendars_, plane_.project(), people_); !wrong.empty())
      return fail(wrong);
    for (const auto& w : relay_->wrong()) return fail(w);
    const auto dead = store_.number(
        "SELECT (SELECT count(*) FROM deliveries WHERE status = 3) + "
        "(SELECT count(*) FROM effects WHERE status = 2)");
    return dead == 0 || fail(std::to_string(dead) + " dead letters");
  }

  bool tell() {
    const auto f = loud_->so_far();
    std::printf(
        "minutes=%d bodies=%llu acknowledged=%llu unanswered=%llu refused=%llu edits=%llu "
        "puts=%llu\n",
        arguments_.minutes, static_cast<unsigned long long>(f.bodies),
        static_cast<unsigned long long>(f.acknowledged),
        static_cast<unsigned long long>(f.unanswered), static_cast<unsigned long long>(f.refused),
        static_cast<unsigned long long>(people_.edits()),
        static_cast<unsigned long long>(relay_->figures().puts));
    bool flat = true;
    std::printf(
        "| figure | first | mean | highest | per hour | growth / allowed | |\n"
        "|---|---:|---:|---:|---:|---:|---|\n");
    for (const auto& j : judge(looks_)) {
      flat = flat && j.flat();
      std::printf("| %s%s%s | %.1f | %.1f | %.1f | %+.1f | %+.1f / %.1f | %s |\n", j.name.c_str(),
                  j.unit.empty() ? "" : ", ", j.unit.c_str(), j.first, j.mean, j.highest,
                  j.per_hour, j.growth, j.allowed, j.flat() ? "flat" : "GROWS");
    }
    if (looks_.size() < 3) return fail("too short to judge: at least three looks are needed");
    return flat || fail("something grows");
  }

  bool fail(const std::string& what) {
    std::cerr << "FAILED: " << what << "\nrepeat with --seed " << arguments_.seed
              << "\nthe end of the daemon's log:\n";
    const auto text = daemon_.log();
    std::cerr << text.substr(text.size() - std::min<std::size_t>(text.size(), 6'000)) << "\n";
    return false;
  }

  arguments arguments_;
  database store_;
  plane_side plane_;
  people people_;
  dav_server calendars_{radicale};
  std::unique_ptr<dav_relay> relay_;
  bridge daemon_;
  std::unique_ptr<announcer> loud_;
  std::vector<looked_at> looks_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto a = read_arguments(argc, argv);
  if (!a) {
    std::cerr << "usage: soak --engine sqlite|postgres [--minutes N] [--csv FILE] [--seed S] "
                 "[--every SECONDS]\n";
    return 2;
  }
  if (!radicale.installed() || !database::available(a->engine)) return 77;
  try {
    soak run{*a};
    return run.carry_out() ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "FAILED: " << e.what() << "\nrepeat with --seed " << a->seed << "\n";
    return 1;
  }
}
