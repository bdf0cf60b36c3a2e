// serve: the daemon. Opens the store, starts the actors, then the listener; on SIGTERM from the
// outside in. Nothing but the store is needed to start: a Plane or a calendar that is away never
// blocks it.
#include <csignal>
#include <future>
#include <iostream>
#include <thread>

#include "actors/runtime.hpp"
#include "app/command_line.hpp"
#include "app/daemon.hpp"
#include "base/log.hpp"
#include "config/secrets.hpp"
#include "config/show.hpp"

namespace pb::app {
namespace {

/// Blocked before any thread starts, so that only sigwait sees them.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  return set;
}

}  // namespace

int serve(const common_options& o) {
  const auto set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto loaded = load_configuration(o);
  if (!report_configuration(loaded)) return 2;
  log::configure(loaded.values.log.level, loaded.values.log.format);
  for (const auto* r : config::unmet(loaded.values))
    log::warn("not set", {log::kv("entry", r->entry), log::kv("variable", r->variable),
                          log::kv("needed_by", r->needed_by), log::kv("see", r->ssot_ref())});

  auto started = daemon::start(std::move(loaded));
  if (!started) {
    log::error("cannot start",
               {log::kv("failure", started.error()), log::kv("remedy", started.error().remedy)});
    return 1;
  }
  daemon& d = **started;
  while (true) {
    int signal = 0;
    sigwait(&set, &signal);
    if (signal == SIGHUP) {
      d.reload(load_configuration(o));
      continue;
    }
    log::info("stopping", {log::kv("signal", signal)});
    return d.stop() ? 0 : 1;
  }
}

}  // namespace pb::app
