// benchmarks/slow_fsync: LD_PRELOAD makes each fsync and fdatasync of a process BENCH_FSYNC_US
// microseconds longer, as on a slower disk.
#include <dlfcn.h>
#include <time.h>

#include <cstdlib>

namespace {
int then_wait(const char* name, int file) {
  const auto real = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, name));
  static const long us = [] {
    const char* given = std::getenv("BENCH_FSYNC_US");
    return given == nullptr ? 0L : std::atol(given);
  }();
  const int answer = real(file);
  const timespec pause{us / 1'000'000, us % 1'000'000 * 1000};
  ::nanosleep(&pause, nullptr);
  return answer;
}
}  // namespace

extern "C" int fsync(int file) { return then_wait("fsync", file); }
extern "C" int fdatasync(int file) { return then_wait("fdatasync", file); }
