#include "tests/hostile/daemon_figures.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace hostile {
namespace {

std::string proc(pid_t process, const std::string& name) {
  return "/proc/" + std::to_string(process) + "/" + name;
}

/// "VmRSS:   1234 kB" in bytes.
std::size_t kilobytes(const std::string& text, const std::string& name) {
  const auto at = text.find(name + ":");
  return at == std::string::npos ? 0 : std::stoul(text.substr(at + name.size() + 1)) * 1024;
}

}  // namespace

memory_figures memory_of(pid_t process) {
  std::ifstream in{proc(process, "status")};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return {kilobytes(text, "VmRSS"), kilobytes(text, "VmHWM")};
}

void forget_highest(pid_t process) { std::ofstream{proc(process, "clear_refs")} << "5"; }

std::size_t descriptors_of(pid_t process) {
  std::error_code ec;
  std::size_t n = 0;
  for (std::filesystem::directory_iterator at{proc(process, "fd"), ec}, end; at != end;
       at.increment(ec))
    ++n;
  return n;
}

std::size_t bytes_of_files(const std::string& folder, const std::string& prefix) {
  std::size_t all = 0;
  for (const auto& f : std::filesystem::directory_iterator{folder})
    if (f.is_regular_file() && f.path().filename().string().starts_with(prefix))
      all += f.file_size();
  return all;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace hostile
