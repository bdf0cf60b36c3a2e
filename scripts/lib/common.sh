# scripts/lib/common.sh: what every script here needs. Sourced, not run.
# Gives: root_dir, say, warn, die, cores, now_s, free_port, wait_port, wait_until, stop_pid.
# shellcheck shell=bash

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "== $*"; }
warn() { printf '%s\n' "warning: $*" >&2; }
die() {
  printf '%s\n' "error: $*" >&2
  exit 1
}

now_s() { date +%s; }

# Compilers that fit: one a core, and no more than one for each 1.5 GB of memory that is free, since
# a translation unit with Beast or CAF takes about one.
cores() {
  local by_core by_memory
  by_core=$(nproc 2>/dev/null || echo 1)
  by_memory=$(awk '/^MemAvailable:/ {n = int($2 / 1500000)} END {print n < 1 ? 1 : n}' /proc/meminfo 2>/dev/null || echo 1)
  if [ "$by_memory" -lt "$by_core" ]; then echo "$by_memory"; else echo "$by_core"; fi
}

# A TCP port of 127.0.0.1 that nobody uses at this moment. bash alone cannot ask the kernel for one,
# so it draws until a connection is refused.
free_port() {
  local port
  for _ in $(seq 1 200); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return 0
    fi
  done
  die "no free port found on 127.0.0.1"
}

# wait_until SECONDS COMMAND…: polls ten times a second; 1 when the deadline passes.
wait_until() {
  local deadline=$(($(date +%s%N) + $1 * 1000000000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_port PORT PID SECONDS: 0 once the port takes connections; 1 when the process ended or time is up.
wait_port() {
  local deadline=$(($(now_s) + $3))
  until port_is_open "$1"; do
    kill -0 "$2" 2>/dev/null || return 1
    [ "$(now_s)" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# Ends one process by its id: TERM, then KILL after 25 seconds, more than the daemon's own grace. A process that is gone is fine.
stop_pid() {
  local pid=$1
  [ -n "$pid" ] && kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 1 250); do
    kill -0 "$pid" 2>/dev/null || return 0
    # A zombie of ours has ended too; only its parent has not looked yet.
    case $(ps -o stat= -p "$pid" 2>/dev/null) in Z* | "") return 0 ;; esac
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}
