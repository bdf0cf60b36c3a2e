#include "http/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pb::http {
namespace {

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

std::uint64_t count_descriptors() {
  std::error_code problem;
  std::uint64_t n = 0;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", problem}, end; !problem && at != end;
       at.increment(problem))
    ++n;
  return n == 0 ? 0 : n - 1;  // without the one that reads the directory
}

std::uint64_t count_threads() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Threads:")) return std::stoull(line.substr(8));
  return 0;
}

}  // namespace

process_figures read_process_figures() {
  process_figures out;
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0)
    out.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  std::uint64_t pages = 0, resident = 0;
  if (std::ifstream statm{"/proc/self/statm"}; statm >> pages >> resident) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    out.virtual_bytes = pages * page;
    out.resident_bytes = resident * page;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_descriptors = limit.rlim_cur;
  out.open_descriptors = count_descriptors();
  out.threads = count_threads();
  return out;
}

}  // namespace pb::http
