# tests/servers/lib.sh: what the start/stop scripts beside it share. Sourced by them only.
# A server lives in a directory of its own (DIR): data, log, and DIR/pids, the ids to stop.
# shellcheck shell=bash
# shellcheck source=../../scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"

usage() { die "usage: $(basename "$0") start DIR [PORT] [--owner PID]$1 | stop DIR"; }

# Sets action, dir, port, owner and flags from the command line. PORT 0 or none: a free one.
parse_command() {
  action=${1:-} dir=${2:-} port='' owner='' flags=' '
  [ -n "$dir" ] || usage ""
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
    --owner)
      owner=${2:?}
      shift
      ;;
    --*) flags="$flags$1 " ;;
    *) port=$1 ;;
    esac
    shift
  done
  case $port in '' | 0) port=$(free_port) ;; esac
  if [ "$action" = start ]; then
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
  fi
}

has_flag() { case $flags in *" $1 "*) true ;; *) false ;; esac }

# run_server NAME PORT COMMAND…: starts it in the background, away from our terminal and pipes, and
# waits until it takes connections.
run_server() {
  local name=$1 at=$2 pid
  shift 2
  setsid "$@" </dev/null >"$dir/$name.log" 2>&1 &
  pid=$!
  echo "$pid" >>"$dir/pids"
  if ! wait_port "$at" "$pid" 20; then
    cat "$dir/$name.log" >&2
    stop_servers
    die "$name did not open 127.0.0.1:$at"
  fi
}

# With --owner PID the servers end when that process does, so that a killed test leaves none behind.
watch_owner() {
  [ -n "$owner" ] || return 0
  local script
  script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
  setsid bash -c 'while kill -0 "$1" 2>/dev/null && [ -e "$3/pids" ]; do sleep 1; done
    [ ! -e "$3/pids" ] || "$2" stop "$3"' watch "$owner" "$script" "$dir" </dev/null >/dev/null 2>&1 &
}

stop_servers() {
  [ -f "$dir/pids" ] || return 0
  local pids pid
  mapfile -t pids <"$dir/pids"
  rm -f "$dir/pids"
  for pid in "${pids[@]}"; do stop_pid "$pid"; done
}

# A calendar object that is stored says more about readiness than an open port, but a port is enough
# for all three: they bind after they have read their configuration.
print_access() { printf 'URL=%s\nUSERNAME=%s\nPASSWORD=%s\nHOME_PATH=%s\n' "$1" "$2" "$3" "$4"; }
