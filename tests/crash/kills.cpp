// The daemon is killed with SIGKILL again and again while people edit in Plane and signed webhooks
// come in, on a real calendar server and a real database. Afterwards: every acknowledged delivery
// is in the journal once and finished, the calendar shows each item once and right, no write was
// carried out twice, and nobody else's event was touched.
//   crash.kills --engine sqlite|postgres [--kills N] [--seed S] [--keep-log FILE]
// Exit 0: held; 1: not, with what was seen and the seed; 77: no such server on this machine.
#include <poll.h>

#include <atomic>
#include <iostream>
#include <random>
#include <thread>

#include "tests/app/dav_server.hpp"
#include "tests/load/agreement.hpp"
#include "tests/load/announcer.hpp"
#include "tests/load/database.hpp"
#include "tests/load/dav_relay.hpp"
#include "tests/load/people.hpp"

using namespace pb;
using namespace pb::app::testing;
using namespace std::chrono_literals;

namespace {

const dav_kind radicale{.script = "radicale", .options = {}, .needs = {"radicale"}};
struct arguments {
  database::engine engine = database::engine::sqlite;
  unsigned kills = 8;
  std::uint64_t seed = std::random_device{}();
  std::string keep_log;
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
    } else if (name == "--kills") {
      a.kills = static_cast<unsigned>(std::stoul(given));
    } else if (name == "--seed") {
      a.seed = std::stoull(given);
    } else if (name == "--keep-log") {
      a.keep_log = given;
    } else {
      return std::nullopt;
    }
  }
  return engine && argc % 2 == 1 ? std::optional{a} : std::nullopt;
}

class run_of_kills {
public:
  explicit run_of_kills(const arguments& a)
      : arguments_(a), random_(a.seed), store_(a.engine), people_(plane_, a.seed, 60) {
    plane_.configure(daemon_);
    calendars_.configure(daemon_);
    relay_ = std::make_unique<dav_relay>(daemon_.environment["CALDAV_URL"]);
    relay_->configure(daemon_.environment);
    auto& e = daemon_.environment;
    e["DATABASE_URL"] = store_.url();
    // Webhooks that the sandbox gave up on while the daemon was away are found by polls.
    e["PLANEBRIDGE_PLANE_POLL_INTERVAL_S"] = "5";
    e["PLANEBRIDGE_PLANE_POLL_GRACE_S"] = "0";
    e["PLANEBRIDGE_PLANE_SCAN_INTERVAL_S"] = "604800";
    e["PLANEBRIDGE_CALENDAR_FULL_SYNC_INTERVAL_S"] = "0";
    e["PLANEBRIDGE_CONCURRENCY_BACKOFF_BASE_MS"] = "100";
    e["PLANEBRIDGE_CONCURRENCY_BACKOFF_CAP_MS"] = "1000";
    e["PLANEBRIDGE_SERVER_ACCESS_LOG"] = "false";
  }

  bool carry_out() {
    daemon_.start();
    plane_.announce_to(daemon_);
    announcer loud{
        plane_, daemon_, {.senders = 4, .rate = 150, .keep = true, .seed = arguments_.seed}};
    people_.on_delete = [&loud](const std::string& item) { loud.forget(item); };
    people_.create(20);
    if (!eventually(180s, [&] { return !calendars_.names(plane_.project()).empty(); }))
      return fail("no event came at all");
    if (!put_foreign_event(calendars_, plane_.project())) return fail("no foreign event made");
    loud.start();
    std::atomic<bool> at_work{true};
    std::thread busy{[&] {
      for (; at_work; ::poll(nullptr, 0, 30)) people_.edit();
    }};
    for (unsigned n = 0; n < arguments_.kills; ++n) kill_once();
    at_work = false;
    busy.join();
    loud.stop();
    return settle() && check_journal(loud) && check_calendar() && check_writes() && report(loud);
  }

private:
  /// Half of the blows fall on a daemon that serves, half at any moment from its first instruction.
  void kill_once() {
    const bool serving = random_.next() % 2 == 0;
    if (serving) (void)daemon_.logs("planebridge listens", log_from_, 30s);
    ::poll(nullptr, 0, static_cast<int>(random_.next() % (serving ? 900 : 150)));
    const bool listened = daemon_.log().find("planebridge listens", log_from_) != std::string::npos;
    ++(listened ? killed_serving_ : killed_starting_);
    daemon_.kill();
    log_from_ = daemon_.log().size();
    daemon_.launch();
  }

  [[nodiscard]] bool idle() {
    if (plane_.server().webhooks().unfinished() != 0) return false;
    return store_.number("SELECT count(*) FROM deliveries WHERE status = 0") == 0 &&
           store_.number("SELECT count(*) FROM effects WHERE status = 0") == 0;
  }

  /// Polls have found what no webhook could tell, and a full sync has nothing left to write.
  bool settle() {
    if (!daemon_.logs("planebridge listens", log_from_, 30s)) return fail("did not start again");
    if (!eventually(240s, [this] { return idle(); })) return fail("work is left after 240 s");
    for (int round = 1; round <= 2; ++round) {
      before_last_sync_ = relay_->figures();
      const auto sync = daemon_.command_line({"sync", "now"});
      if (sync.code != 0) return fail("sync now: " + sync.out + sync.err);
      if (!eventually(240s, [this] { return idle(); })) return fail("work is left after a sync");
    }
    return true;
  }

  bool check_journal(const announcer& loud) {
    std::map<std::string, std::int64_t> finished;
    for (const auto& row :
         store_.query("SELECT remote_id, status FROM deliveries WHERE form = 'plane.webhook'"))
      finished[row[0].data] = row[1].number;
    for (const auto& body : loud.sent()) {
      std::int64_t rows = 0;
      for (const auto& id : body.ids) {
        const auto found = finished.find(id);
        if (found == finished.end()) continue;
        ++rows;
        if (found->second != 1 && found->second != 2)
          return fail("delivery " + id + " ended with status " + std::to_string(found->second));
      }
      if (rows > 1) return fail("one body is in the journal " + std::to_string(rows) + " times");
      if (body.acknowledged && rows == 0)
        return fail("acknowledged and not in the journal: " + body.ids.back());
    }
    // The journal's three tables tell the same story.
    if (store_.number("SELECT count(*) FROM open_deliveries") != 0)
      return fail("something finished is still listed as open");
    if (store_.number("SELECT count(*) FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM bodies b "
                      "WHERE b.seq = d.seq)") != 0 ||
        store_.number("SELECT count(*) FROM bodies b WHERE NOT EXISTS (SELECT 1 FROM deliveries d "
                      "WHERE d.seq = b.seq)") != 0)
      return fail("a body without its delivery, or a delivery without its body");
    if (const auto dead =
            store_.number("SELECT (SELECT count(*) FROM deliveries WHERE status = 3) + "
                          "(SELECT count(*) FROM effects WHERE status = 2)");
        dead != 0)
      return fail(std::to_string(dead) + " dead letters");
    return true;
  }

  bool check_calendar() {
    const auto wrong = disagreement(calendars_, plane_.project(), people_);
    return wrong.empty() || fail(wrong);
  }

  bool check_writes() {
    const auto now = relay_->figures();
    if (now.puts != before_last_sync_.puts || now.deletes != before_last_sync_.deletes)
      return fail("a sync of what was right wrote something");
    if (now.calendars_made != 1)
      return fail(std::to_string(now.calendars_made) + " calendars were made for one project");
    for (const auto& w : relay_->wrong()) return fail(w);
    return true;
  }

  bool report(const announcer& loud) {
    const auto f = loud.so_far();
    const auto w = relay_->figures();
    std::cout << "kills=" << arguments_.kills << " serving=" << killed_serving_
              << " starting=" << killed_starting_ << " bodies=" << f.bodies
              << " acknowledged=" << f.acknowledged << " duplicates=" << f.duplicates
              << " unanswered=" << f.unanswered << " refused=" << f.refused
              << " edits=" << people_.edits() << " events=" << people_.wanted().size()
              << " puts=" << w.puts << " deletes=" << w.deletes << " writes_refused=" << w.refused
              << " lost=0 doubled=0\n";
    return true;
  }

  bool fail(const std::string& what) {
    std::cerr << "FAILED: " << what << "\nrepeat with --seed " << arguments_.seed
              << "\nthe end of the daemon's log:\n";
    const auto text = daemon_.log();
    std::cerr << text.substr(text.size() - std::min<std::size_t>(text.size(), 6'000)) << "\n";
    if (!arguments_.keep_log.empty()) write_file(arguments_.keep_log, text);
    return false;
  }

  arguments arguments_;
  seeded_random random_;
  database store_;
  plane_side plane_;
  people people_;
  dav_server calendars_{radicale};
  std::unique_ptr<dav_relay> relay_;
  bridge daemon_;
  std::size_t log_from_ = 0;
  unsigned killed_serving_ = 0, killed_starting_ = 0;
  dav_relay::seen before_last_sync_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto a = read_arguments(argc, argv);
  if (!a) {
    std::cerr << "usage: crash.kills --engine sqlite|postgres [--kills N] [--seed S] "
                 "[--keep-log FILE]\n";
    return 2;
  }
  if (!radicale.installed() || !database::available(a->engine)) return 77;
  std::cout << "seed=" << a->seed << std::endl;
  try {
    run_of_kills run{*a};
    return run.carry_out() ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "FAILED: " << e.what() << "\nrepeat with --seed " << a->seed << "\n";
    return 1;
  }
}
