// tests/simulation/simulate: plays the stories of many seeds and says which broke a promise.
//   simulate [--with lark] [--from S] [--seeds N] [--jobs J] [--steps K] [--trace] [--stop]
//   [--quiet]
// Stories of Plane and a calendar, or with `--with lark` of Plane and Feishu.
// Exit code 1 when a seed failed. Each job is a process of its own, so that a crash or an endless
// loop names its seed too.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "chat_stage.hpp"
#include "stage.hpp"

namespace {
using namespace pb::simulation;

struct wish {
  std::uint64_t from = 1, seeds = 500;
  std::size_t steps = std::numeric_limits<std::size_t>::max();
  unsigned jobs = 0;
  bool trace = false, stop = false, quiet = false, lark = false;
};

constexpr unsigned seconds_per_seed = 120;
std::uint64_t current_seed = 0;

/// What is counted as carried out.
const char* written(const wish& w) { return w.lark ? "comments carried" : "calendar writes"; }

void say_replay(std::uint64_t seed, const wish& w) {
  std::printf("  replay: scripts/simulate%s --from %" PRIu64 " --seeds 1 --trace",
              w.lark ? " --with lark" : "", seed);
  if (w.steps != std::numeric_limits<std::size_t>::max()) std::printf(" --steps %zu", w.steps);
  std::printf("\n");
}

/// Failed seeds of every `jobs`-th story, from the `job`-th on.
int play_share(const wish& w, unsigned job) {
  std::signal(SIGALRM, [](int) {
    char text[96];
    const int n =
        std::snprintf(text, sizeof text, "seed %" PRIu64 " FAILED: takes too long\n", current_seed);
    (void)!::write(STDOUT_FILENO, text, static_cast<std::size_t>(n));
    std::_Exit(1);
  });
  int failed = 0;
  std::size_t crashes = 0, calls = 0, writes = 0;
  std::uint64_t messages = 0;
  for (std::uint64_t n = job; n < w.seeds; n += w.jobs) {
    current_seed = w.from + n;
    alarm(seconds_per_seed);
    const auto o = w.lark ? play(tell_chat(current_seed, w.steps), w.trace)
                          : play(tell(current_seed, w.steps), w.trace);
    alarm(0);
    crashes += o.crashes;
    calls += o.calls;
    writes += o.writes;
    messages += o.messages;
    if (w.trace || w.seeds == 1)
      std::printf("seed %" PRIu64
                  ": %zu steps, %zu crashes, %zu calls, %zu %s, %zu "
                  "deliveries, %" PRIu64 " messages, %lld virtual s, trace %016" PRIx64 "\n",
                  current_seed, o.steps, o.crashes, o.calls, o.writes, written(w), o.deliveries,
                  o.messages, static_cast<long long>(o.virtual_time.count() / 1000), o.trace);
    if (o.failures.empty()) continue;
    ++failed;
    std::printf("seed %" PRIu64 " FAILED\n", current_seed);
    for (const auto& f : o.failures) std::printf("  %s\n", f.c_str());
    say_replay(current_seed, w);
    std::fflush(stdout);
    if (w.stop) break;
  }
  if (!w.quiet)
    std::printf("job %u: %zu crashes, %zu calls, %zu %s, %" PRIu64 " messages\n", job, crashes,
                calls, writes, written(w), messages);
  std::fflush(stdout);
  return failed;
}

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

}  // namespace

int main(int argc, char** argv) {
  wish w;
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    const auto value = [&] { return i + 1 < argc ? number(argv[++i]) : 0; };
    if (a == "--from")
      w.from = value();
    else if (a == "--seeds")
      w.seeds = value();
    else if (a == "--jobs")
      w.jobs = static_cast<unsigned>(value());
    else if (a == "--steps")
      w.steps = value();
    else if (a == "--with" && i + 1 < argc && std::string_view{argv[i + 1]} == "lark")
      w.lark = ++i > 0;
    else if (a == "--trace")
      w.trace = true;
    else if (a == "--stop")
      w.stop = true;
    else if (a == "--quiet")
      w.quiet = true;
    else {
      std::fprintf(stderr,
                   "simulate [--with lark] [--from S] [--seeds N] [--jobs J] [--steps K] [--trace] "
                   "[--stop] [--quiet]\n");
      return 2;
    }
  }
  if (w.jobs == 0) w.jobs = std::max(1u, std::thread::hardware_concurrency());
  if (w.trace || w.seeds == 1) w.jobs = 1;
  const auto begun = std::chrono::steady_clock::now();
  std::fflush(stdout);
  std::vector<pid_t> children;
  int failed = 0;
  if (w.jobs == 1) {
    failed = play_share(w, 0);
  } else {
    for (unsigned job = 0; job < w.jobs; ++job) {
      const pid_t pid = fork();
      if (pid == 0) std::_Exit(std::min(play_share(w, job), 100));
      if (pid < 0) {
        std::perror("fork");
        return 2;
      }
      children.push_back(pid);
    }
    for (const pid_t pid : children) {
      int status = 0;
      (void)waitpid(pid, &status, 0);
      if (WIFEXITED(status)) {
        failed += WEXITSTATUS(status);
      } else {
        std::printf("a job died by signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        ++failed;
      }
    }
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begun);
  std::printf("%" PRIu64 " seeds from %" PRIu64 " in %.1f s: %s\n", w.seeds, w.from,
              static_cast<double>(took.count()) / 1000.0, failed == 0 ? "clean" : "FAILED");
  // One line for scripts that keep a record.
  if (failed == 0 && w.seeds > 0)
    std::printf("seeds %" PRIu64 " to %" PRIu64 " hold\n", w.from, w.from + w.seeds - 1);
  return failed == 0 ? 0 : 1;
}
