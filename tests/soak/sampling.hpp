// What is looked at every so often during the soak: the process, its metrics, its database.
#pragma once
#include <string>
#include <vector>

#include "tests/load/announcer.hpp"
#include "tests/load/database.hpp"
#include "tests/load/trend.hpp"

namespace pb::app::testing {

struct looked_at {
  double at_s = 0;
  double rss_mb = 0, descriptors = 0, threads = 0;
  double actors = 0, events_in_memory = 0;
  double database_mb = 0, used_mb = 0, wal_mb = 0;
  double journal_rows = 0, kept_rows = 0;  ///< kept: provenance and work items, which stay for good
  double pending = 0, waiting = 0, delivery_age_s = 0, effect_age_s = 0;
  double accepted_per_s = 0, p50_ms = 0, p99_ms = 0;
};

/// Throws when the daemon does not answer.
looked_at look(const bridge& daemon, pid_t process, const database& store);
std::string csv_head();
std::string csv_line(const looked_at& l);

struct judged {
  std::string name, unit;
  double first = 0, mean = 0, highest = 0, per_hour = 0, growth = 0, allowed = 0;
  [[nodiscard]] bool flat() const { return growth <= allowed; }
};
/// By a straight line through the last two thirds, without the first three minutes.
std::vector<judged> judge(const std::vector<looked_at>& all);

}  // namespace pb::app::testing
