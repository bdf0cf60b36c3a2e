// Senders that behave as Plane does: each delivery on a connection of its own, signed, repeated as
// it was when there was no answer, and never after one. Every sender edits its own work items one
// after the other, so that the order of each item's deliveries is known.
#pragma once
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "persistence/open.hpp"
#include "tests/app/bridge.hpp"

namespace pb::outage {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct load_options {
  unsigned senders = 4;
  unsigned items_each = 5;
  std::size_t body_bytes = 300;         ///< of filling
  std::vector<std::string> items = {};  ///< these, instead of made-up ones
  std::string project = "b4b4b4b4-0000-4000-8000-000000000001";
  /// A delivery that gets no answer is given up and not repeated.
  bool give_up = false;
};

class load {
public:
  load(const app::testing::bridge& to, load_options o = {});
  load(const load&) = delete;
  load& operator=(const load&) = delete;
  ~load() { stop(); }

  /// Acknowledged with 200 so far.
  [[nodiscard]] int acknowledged() const noexcept { return acknowledged_; }
  /// Waits until so many more are.
  [[nodiscard]] bool goes_on(int more, milliseconds deadline = 60s) const;
  void stop();

  // After stop().
  /// Item → how many of its edits were acknowledged, which are the first so many.
  [[nodiscard]] const std::map<std::string, int>& edits() const noexcept { return edits_; }
  [[nodiscard]] int unanswered() const noexcept { return unanswered_; }
  /// Answers other than 200: each is a lost event.
  [[nodiscard]] int errors() const noexcept { return errors_; }
  [[nodiscard]] milliseconds slowest() const { return slowest_; }

private:
  void run(unsigned sender);
  const app::testing::bridge& to_;
  load_options options_;
  std::atomic<bool> stop_{false};
  std::atomic<int> acknowledged_{0}, unanswered_{0}, errors_{0};
  std::mutex lock_;
  std::map<std::string, int> edits_;  // under lock_
  milliseconds slowest_{0};           // under lock_
  std::vector<std::thread> threads_;
};

/// What the journal says about it.
struct verdict {
  int missing = 0, doubled = 0, disordered = 0;
  int rows = 0;
  std::map<std::string, int> missing_of;  ///< by item
  std::string first;                      ///< the first thing that is wrong, for a person
};
/// @param rows  item and body of every webhook in the journal, in its order
verdict compare(const std::map<std::string, int>& edits,
                const std::vector<std::pair<std::string, std::string>>& rows);
std::vector<std::pair<std::string, std::string>> journal_of(const config::database_target& where);
/// Entities that a touched mark had read.
std::vector<std::string> touched_in(const config::database_target& where);
config::database_target postgres_at(const std::string& url);
config::database_target sqlite_at(const std::string& path);

/// Nothing passes through the spool and nothing waits in the journal.
bool settled(const app::testing::bridge& b, milliseconds deadline = 60s);
/// A figure of the spool in /api/v1/health.
std::string spool_figure(const app::testing::bridge& b, const std::string& name);

}  // namespace pb::outage
