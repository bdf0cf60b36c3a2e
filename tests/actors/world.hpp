// tests/actors/world: everything around the actor tree, on virtual time: the sandbox's Plane with
// its webhooks, a CalDAV server in memory, a store that outlives the runtime, one clock for all of
// them. Nothing sleeps and nothing depends on the machine: one seed, one run. A test makes a world,
// starts the runtime, edits Plane and moves time; it may kill the runtime at any step and start
// another one over the same store.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "config/settings.hpp"
#include "dav_server.hpp"
#include "http/inbox.hpp"
#include "http/operations.hpp"
#include "http/server.hpp"
#include "persistence/store.hpp"
#include "sandbox/faults.hpp"
#include "sandbox/plane.hpp"
#include "sandbox/seed.hpp"
#include "sandbox/sender.hpp"

namespace pb::actors {
struct runtime_parts;
}

namespace pb::test {
using std::chrono::milliseconds;

/// What goes wrong with calls on their way, whatever their host.
struct wire_fault {
  enum class kind {
    status,  ///< this answer instead of the work
    reset,   ///< no work
    half,    ///< the work is done, the answer breaks off
    lost,    ///< the work is done, the answer never comes: timed out
    tls,     ///< no work
    never,   ///< neither work nor any end of the call
    late,    ///< timed out; the work is done `later` than that, whoever lives by then
    throws,  ///< the transport throws: whoever sends crashes
  };
  kind what = kind::status;
  std::string method{};  ///< empty: any
  std::string url{};     ///< part of it
  int status = 503;
  std::optional<int> retry_after{};
  unsigned count = 1'000'000;
  unsigned skip = 0;
  milliseconds later{0};
};

struct sent_call {
  timestamp at{};
  std::string method, url, body;
  int status = 0;  ///< 0 until (or without) an answer
};

/// Where the process dies: at the n-th commit or request from now.
struct crash_point {
  enum class at { before_commit, after_commit, before_request, after_request };
  at where = at::before_commit;
  unsigned nth = 1;
};

class world {
public:
  explicit world(std::uint64_t seed = 1, sandbox::plane_options plane = {});
  ~world();

  // Set-up; read by start().
  config::settings settings;
  std::function<void(actors::options&)> tune;            ///< last word on the options
  std::function<void(actors::runtime_parts&)> assemble;  ///< last word on what the runtime gets

  /// A runtime over the store as it is. One at a time.
  void start();
  /// The process dies here: nothing it had in hand reaches anybody.
  void kill();
  /// An orderly stop.
  void stop();
  [[nodiscard]] bool running() const noexcept;
  [[nodiscard]] http::inspector& inspector();
  [[nodiscard]] http::operations& operations();
  [[nodiscard]] http::inbox& inbox();
  [[nodiscard]] actors::context& context();

  /// The settings as they are now reach the running process.
  void reload();

  void crash_at(crash_point p);
  void no_crash();  ///< forgets the point above
  [[nodiscard]] unsigned crashes() const noexcept;
  [[nodiscard]] unsigned commits() const noexcept;
  [[nodiscard]] unsigned requests() const noexcept;

  // Time.
  void run_for(milliseconds span);
  /// False when `limit` passed and it still does not hold.
  bool run_until(const std::function<bool()>& holds, milliseconds limit = std::chrono::minutes{5});
  /// Time passes; whoever died is started again three seconds later.
  void pass(milliseconds span);
  std::function<void()> before_restart;  ///< asked by pass()
  /// The same until nothing is under way, for an hour at most.
  void come_to_rest();
  /// What journal and outbox still hold, in words, the dead too; empty: nothing.
  [[nodiscard]] std::string left_over();
  /// Until journal and outbox hold nothing unfinished and no webhook is on its way.
  bool settle(milliseconds limit = std::chrono::minutes{5});
  [[nodiscard]] bool at_rest();
  [[nodiscard]] timestamp now() const;  ///< by the wall clock of the bridge's machine
  /// That clock is set, forward or back; Plane's and all steady ones go on.
  void jump_clock(milliseconds by);
  void right_clock();  ///< set to Plane's
  /// Since the world began, by steady time.
  [[nodiscard]] milliseconds elapsed() const;

  // Plane, as a person on its page.
  std::string project, other_project;
  std::string create(const std::string& name, const std::string& target_date = {});
  std::string create_in(const std::string& in_project, const std::string& name,
                        const std::string& target_date = {});
  void edit(const std::string& item, const std::string& json);
  void move_to(const std::string& item, const std::string& date);  ///< empty: no date
  void complete(const std::string& item);
  void remove(const std::string& item);  ///< over REST: no webhook tells (v1.3)
  protocol::http_response page(const std::string& method, const std::string& path,
                               const std::string& body = {});
  /// To another project, under the same uuid; false when the item is gone.
  bool move_between(const std::string& item, const std::string& to_project);
  /// A backup is taken, and put back later: update times and all.
  void back_up_plane();
  bool restore_plane();  ///< false: there is no backup
  void switch_webhook_off();
  [[nodiscard]] bool webhook_is_on() const;
  [[nodiscard]] sandbox::plane& plane();
  [[nodiscard]] const sandbox::seeded& seeds() const;
  [[nodiscard]] sandbox::fault_set& plane_faults();

  /// The same as page(), for what may be refused.
  protocol::http_response try_page(const std::string& method, const std::string& path,
                                   const std::string& body = {});

  /// A webhook by hand, rightly signed, straight to the endpoint. The answer's status, 0 without.
  int post_webhook(const std::string& body, const std::string& delivery_id = "by-hand");
  /// Bodies of the webhooks that came in, in order of arrival.
  std::vector<std::string> webhook_bodies;
  /// One of them once more, under another delivery id.
  void resend_webhook(std::size_t n);
  bool lose_webhooks = false;
  /// Plane hears of it when whoever took its webhook dies over it, and sends it again.
  bool webhooks_time_out = false;

  // Calendar server and wire.
  dav_server dav;
  std::vector<wire_fault> faults;
  std::vector<sent_call> calls;
  milliseconds travel{5};
  /// Of each leg, to and fro; without it a whole call takes `travel`.
  std::function<milliseconds()> leg;
  /// Asked for each call that no fault above takes.
  std::function<std::optional<wire_fault>(const protocol::http_request&)> fate;
  std::function<void(const protocol::http_request&)> on_call;  ///< it left the process
  std::function<void(const sent_call&, const result<protocol::http_response>&)> on_answer;
  [[nodiscard]] std::vector<sent_call> calls_to(const std::string& method,
                                                const std::string& url_part,
                                                std::size_t from = 0) const;
  /// Requests to the calendar server that change something.
  [[nodiscard]] std::size_t dav_writes(std::size_t from = 0) const;

  /// Other servers, by the beginning of their addresses; they answer at once.
  std::map<std::string, std::function<protocol::http_response(const protocol::http_request&)>>
      hosts;

  /// Endpoints of each process beside Plane's; made when it starts, gone with it.
  std::function<std::vector<http::route>(http::inbox&, const clock_source&)> more_doors;
  /// A POST to one of them. Nothing: nobody is there, or dies before it answers.
  void knock(const std::string& path, const std::vector<protocol::http_header>& headers,
             const std::string& body, std::function<void(std::optional<http::response>)> done);
  /// Timers and clock of whatever is no part of the bridge, as Plane's.
  [[nodiscard]] sandbox::scheduler later();
  [[nodiscard]] clock_source& remote_clock();

  // Store.
  [[nodiscard]] persistence::store& store();
  [[nodiscard]] persistence::journal_counts counts();
  [[nodiscard]] std::vector<persistence::delivery> deliveries(const std::string& item = {});
  [[nodiscard]] std::vector<persistence::effect> effects(const std::string& item = {});
  [[nodiscard]] std::vector<persistence::attempt> attempts(std::int64_t effect);
  [[nodiscard]] std::optional<persistence::link_row> link(const std::string& item);
  [[nodiscard]] persistence::entity_state entity(const std::string& item);
  [[nodiscard]] persistence::entity_state entity(const entity_key& key);
  [[nodiscard]] std::optional<persistence::receipt_row> receipt(const std::string& integration,
                                                                const std::string& object);
  [[nodiscard]] std::optional<entity_key> journaled_for(const std::string& source,
                                                        const std::string& identity);
  /// While set, the store answers every write and read so.
  void store_away(bool away);
  /// Called before each write of the running process; may throw.
  std::function<void(const persistence::write&)> on_submit;
  std::function<void()> on_read;  ///< before each read, likewise
  /// After each unit that the engine has answered, before the process hears of it.
  std::function<void(const persistence::write&, const result<persistence::written>&)> on_commit;
  /// Of writes and reads; without it both happen inside the call.
  std::function<milliseconds()> store_delay;
  /// The next n units are written, and answered as if the answer had been lost.
  void lose_commit_answers(unsigned n);

  // Order.
  /// From now on any ready actor may be the next, drawn from this seed.
  void shuffle(std::uint64_t seed);
  /// Messages handled since then; beyond the limit the run ends with an exception.
  [[nodiscard]] std::uint64_t handled() const noexcept;
  std::uint64_t handled_limit = 5'000'000;

  // Operations, waited for on virtual time.
  result<std::string> retry(const std::string& id);
  result<std::string> skip(const std::string& id);
  /// A full sync to its end; the report's JSON.
  std::string sync_now(bool dry_run = false, const std::string& of_project = {});
  /// Rows of GET /debug/actors.
  [[nodiscard]] std::string actors(const std::string& kind = {}, const std::string& key = {});

  /// Lines of the log since the world began.
  static std::vector<std::string>& log();

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::test
