#include "tests/soak/sampling.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace pb::app::testing {
namespace {

/// The sum of a metric's series that have all of `with` in their labels.
double metric(const std::string& text, const std::string& name, const std::string& with = {}) {
  std::istringstream lines{text};
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const auto next = line[name.size()];
    if ((next != ' ' && next != '{') || line.find(with) == std::string::npos) continue;
    sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

double of_status(const std::string& text, const std::string& key) {
  const auto at = text.find("\n" + key + ":");
  return at == std::string::npos ? 0 : std::stod(text.substr(at + key.size() + 2));
}

constexpr double mb = 1024.0 * 1024.0;

struct figure {
  const char* name;
  const char* unit;
  double looked_at::*value;
  double share;  ///< growth over the window that is no growth: of the mean
  double least;  ///< and at least so much
};
// Bounds are what an honest run shows as noise; a leak of one byte for each delivery is beyond them
// within two hours.
constexpr figure figures[] = {
    {"resident memory", "MB", &looked_at::rss_mb, 0.05, 6},
    {"file descriptors", "", &looked_at::descriptors, 0.1, 16},
    {"threads", "", &looked_at::threads, 0, 2},
    {"actors", "", &looked_at::actors, 0.1, 100},
    {"events in memory", "", &looked_at::events_in_memory, 0.2, 500},
    {"database, used pages", "MB", &looked_at::used_mb, 0.1, 2},
    {"database, files", "MB", &looked_at::database_mb, 0.1, 4},
    {"write-ahead log", "MB", &looked_at::wal_mb, 0.2, 128},
    {"deliveries and effects kept", "rows", &looked_at::journal_rows, 0.1, 2'000},
    {"deliveries pending", "rows", &looked_at::pending, 0.5, 1'000},
    {"effects waiting", "rows", &looked_at::waiting, 0.5, 100},
    {"oldest delivery", "s", &looked_at::delivery_age_s, 0.5, 60},
    {"oldest effect", "s", &looked_at::effect_age_s, 0.5, 60},
};
/// Of the rows that stay for good, as the database stores them with their indexes.
constexpr double kept_row_bytes = 700;
constexpr double warm_up_s = 180;

}  // namespace

looked_at look(const bridge& daemon, pid_t process, const database& store) {
  looked_at l;
  const auto proc = "/proc/" + std::to_string(process);
  const auto status = file_text(proc + "/status");
  l.rss_mb = of_status(status, "VmRSS") / 1024;
  l.threads = of_status(status, "Threads");
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator{proc + "/fd"})
    ++l.descriptors;
  const auto answered = daemon.get("/metrics");
  if (answered.status != 200)
    throw std::runtime_error("/metrics: " + std::to_string(answered.status));
  const auto& m = answered.body;
  l.actors = metric(m, "planebridge_actors");
  l.events_in_memory = metric(m, "planebridge_events_in_memory");
  l.pending = metric(m, "planebridge_queue_rows", "deliveries_pending");
  l.waiting = metric(m, "planebridge_queue_rows", "effects_waiting");
  l.delivery_age_s = metric(m, "planebridge_queue_age_seconds", "deliveries");
  l.effect_age_s = metric(m, "planebridge_queue_age_seconds", "effects");
  const auto size = store.measure();
  l.database_mb = static_cast<double>(size.total_bytes) / mb;
  l.used_mb = static_cast<double>(size.used_bytes) / mb;
  l.wal_mb = static_cast<double>(size.wal_bytes) / mb;
  const auto rows = [&](const std::string& table) {
    return static_cast<double>(store.number("SELECT count(*) FROM " + table));
  };
  l.journal_rows = rows("deliveries") + rows("effects");
  l.kept_rows = rows("provenance") + rows("entities");
  return l;
}

std::string csv_head() {
  return "at_s,rss_mb,descriptors,threads,actors,events_in_memory,database_mb,used_mb,wal_mb,"
         "journal_rows,kept_rows,pending,waiting,delivery_age_s,effect_age_s,accepted_per_s,p50_ms,"
         "p99_ms\n";
}

std::string csv_line(const looked_at& l) {
  std::string out;
  for (const double v :
       {l.at_s, l.rss_mb, l.descriptors, l.threads, l.actors, l.events_in_memory, l.database_mb,
        l.used_mb, l.wal_mb, l.journal_rows, l.kept_rows, l.pending, l.waiting, l.delivery_age_s,
        l.effect_age_s, l.accepted_per_s, l.p50_ms, l.p99_ms}) {
    char text[32];
    std::snprintf(text, sizeof text, "%s%.1f", out.empty() ? "" : ",", v);
    out += text;
  }
  return out + "\n";
}

std::vector<judged> judge(const std::vector<looked_at>& all) {
  std::vector<judged> out;
  if (all.size() < 3) return out;
  // The first retention comes after a minute, and its free pages are used up after another.
  auto from = all.size() / 3;
  while (from + 3 < all.size() && all[from].at_s < warm_up_s) ++from;
  // The retention comes once a minute: where in that minute the looks fall, and whether the load
  // stood still in one of them, is worth a minute's intake, and the less the more looks the line
  // goes through.
  double most_per_s = 0, used_mb = 0, rows = 1;
  for (auto n = from; n < all.size(); ++n) {
    most_per_s = std::max(most_per_s, all[n].accepted_per_s);
    used_mb += all[n].used_mb;
    rows += all[n].journal_rows;
  }
  const double looks = static_cast<double>(all.size() - from);
  const double minute_rows = most_per_s * 60 * std::min(1.0, 20.0 / looks);
  const double row_mb = used_mb / rows;
  for (const auto& f : figures) {
    std::vector<sample> window;
    judged j{.name = f.name, .unit = f.unit};
    for (std::size_t n = 0; n < all.size(); ++n) {
      j.highest = std::max(j.highest, all[n].*f.value);
      if (n >= from) window.push_back({all[n].at_s, all[n].*f.value});
    }
    const auto t = trend_of(window);
    j.first = all.front().*f.value;
    j.mean = t.mean;
    j.growth = t.growth;
    j.per_hour = t.per_hour;
    j.allowed = std::max(f.share * t.mean, f.least);
    if (f.value == &looked_at::journal_rows) j.allowed += minute_rows;
    if (f.value == &looked_at::used_mb || f.value == &looked_at::database_mb)
      j.allowed +=
          minute_rows * row_mb + (all.back().kept_rows - all[from].kept_rows) * kept_row_bytes / mb;
    out.push_back(std::move(j));
  }
  return out;
}

}  // namespace pb::app::testing
