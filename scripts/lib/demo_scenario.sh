# scripts/lib/demo_scenario.sh: what the demo does in Plane, and what must then be in Radicale.
# Sourced by scripts/demo after demo.sh. Each expectation polls until it is met or its time is up.
# shellcheck shell=bash

failures=0
found_right() { printf '%s✓%s %-62s %s%s%s\n' "$green" "$plain" "$1" "$dim" "$2" "$plain"; }
found_wrong() {
  printf '%s✗%s %-62s %s\n' "$red" "$plain" "$1" "$2"
  failures=$((failures + 1))
}

# compare ID NAME=VALUE…: sets `seen` to what was found; 0 when all values are as given. A value that
# ends in * is compared up to there.
compare() {
  local id=$1 text pair name wanted actual same=0
  shift
  seen=''
  if ! text=$(event_text "$id"); then
    seen="no such event"
    return 1
  fi
  for pair in "$@"; do
    name=${pair%%=*} wanted=${pair#*=}
    actual=$(value_of "$name" <<<"$text")
    seen="$seen $name=$actual"
    case $wanted in
    *'*') [ "${actual#"${wanted%'*'}"}" != "$actual" ] || same=1 ;;
    *) [ "$actual" = "$wanted" ] || same=1 ;;
    esac
  done
  seen=${seen# }
  return $same
}

# expect_event WHAT SECONDS ID NAME=VALUE…
expect_event() {
  local what=$1 deadline=$(($(now_s) + $2)) began
  began=$(date +%s%N)
  shift 2
  until compare "$@"; do
    if [ "$(now_s)" -ge "$deadline" ]; then
      found_wrong "$what" "found: $seen; wanted: ${*:2}"
      return 0
    fi
    sleep 0.1
  done
  found_right "$what" "$seen  ($((($(date +%s%N) - began) / 1000000)) ms)"
}

# expect_gone WHAT SECONDS ID: Radicale must say 404, not merely fail.
expect_gone() {
  local what=$1 deadline=$(($(now_s) + $2)) code
  while :; do
    code=$(dav -o /dev/null -w '%{http_code}' "$(event_url "$3")" 2>/dev/null || true)
    [ "$code" != 404 ] || break
    if [ "$(now_s)" -ge "$deadline" ]; then
      found_wrong "$what" "Radicale still answers $code"
      return 0
    fi
    sleep 0.2
  done
  found_right "$what" "404"
}

# expect_objects WHAT SECONDS ID…: the calendar holds exactly these, each once.
expect_objects() {
  local what=$1 deadline=$(($(now_s) + $2)) wanted actual id
  shift 2
  wanted=$(for id in "$@"; do echo "plane-issue-$id%40calplanebot.ics"; done | sort)
  while :; do
    actual=$(event_names || true)
    [ "$actual" != "$wanted" ] || break
    if [ "$(now_s)" -ge "$deadline" ]; then
      found_wrong "$what" "$(grep -c . <<<"$actual" || true) objects; missing or too many:
$(diff <(echo "$wanted") <(echo "$actual") || true)"
      return 0
    fi
    sleep 0.3
  done
  found_right "$what" "$# objects"
}

# journaled STATUS: how many deliveries the bridge has announced as accepted, duplicate or ignored.
journaled() { grep -cE "#[0-9]+ $1: " "$dir/stream.log" || true; }

# --- the interactive demo's work items --------------------------------------------------------

seed_project() {
  make_item '撰写发布说明 📝' 2028-02-29 '{"priority":"high","description_html":"<p>闰日截止：<strong>中文</strong>、emoji 🎉 与 <a href=\"https://example.org/notes\">链接</a></p>"}' >/dev/null
  make_item 'Fix the login page' "$(date -d '+3 days' +%F)" '{"priority":"urgent"}' >/dev/null
  make_item 'Größenänderung prüfen; “quotes”, commas, \backslashes' "$(date -d '+10 days' +%F)" '{"priority":"low"}' >/dev/null
  make_item 'No due date, so no event' '' >/dev/null
  make_item '家庭聚会 👨‍👩‍👧‍👦' "$(date -d '+1 month' +%F)" "{\"state\":\"$started_state\"}" >/dev/null
  make_item 'Close the books' "$(date +%Y)-12-31" '{"priority":"medium"}' >/dev/null
}

# --- scripts/demo --once ----------------------------------------------------------------------

scenario_changes() {
  leap=$(make_item '撰写发布说明 📝' 2028-02-29 '{"priority":"high","description_html":"<p>闰日 🎉</p>"}')
  expect_event "create: Chinese, emoji, a leap day" 30 "$leap" \
    'SUMMARY=[1] 撰写发布说明 📝' DTSTART=20280229 DTEND=20280301 STATUS=CONFIRMED COLOR=orange

  local plain_item
  plain_item=$(make_item 'no due date' '')
  item=$(make_item 'Fix the login page' 2027-03-28)
  expect_event "create: the day the clocks change in Europe" 30 "$item" DTSTART=20270328 DTEND=20270329 SEQUENCE=0
  expect_objects "no due date, no event" 10 "$leap" "$item"

  change_item "$item" '{"target_date":"2027-12-31"}'
  expect_event "move: the event moves along, across the year's end" 30 "$item" \
    DTSTART=20271231 DTEND=20280101 SEQUENCE=1
  change_item "$item" "{\"state\":\"$done_state\"}"
  expect_event "complete: the event is cancelled" 30 "$item" STATUS=CANCELLED DTSTART=20271231
  change_item "$item" '{"target_date":null}'
  expect_gone "the date is removed: the event is deleted" 30 "$item"
  change_item "$plain_item" '{"target_date":"2027-05-01"}'
  expect_event "a date is added: the event appears" 30 "$plain_item" DTSTART=20270501
  base_items=("$leap" "$plain_item")
}

scenario_duplicates() {
  local before after
  before=$(journaled duplicate)
  for _ in 1 2 3; do fault '{"kind":"webhook_duplicated","method":"issue","count":1}'; done
  change_item "$leap" '{"target_date":"2028-03-01"}'
  expect_event "one webhook and three duplicates: one change" 30 "$leap" DTSTART=20280301 SEQUENCE=1
  if wait_until 20 three_duplicates_since "$before"; then
    after=$(journaled duplicate)
    found_right "the journal knew the duplicates" "$((after - before)) duplicates"
  else
    found_wrong "the journal knew the duplicates" "$(($(journaled duplicate) - before)) of 3"
  fi
  expect_event "and they changed nothing" 5 "$leap" DTSTART=20280301 SEQUENCE=1
  no_faults
}
three_duplicates_since() { [ "$(journaled duplicate)" -ge $(($1 + 3)) ]; }

scenario_silent_deletion() {
  local victim
  victim=$(make_item 'will vanish without a word' 2027-06-15)
  expect_event "an item that will be deleted" 30 "$victim" DTSTART=20270615
  delete_item "$victim"
  expect_gone "a deletion that sends no webhook: the scan finds it" 120 "$victim"
}

scenario_lost_webhooks() {
  fault '{"kind":"webhook_lost"}'
  local added
  added=$(make_item '没有人通知 🤫' 2027-07-07)
  change_item "$leap" '{"target_date":"2028-04-01","priority":"urgent"}'
  expect_event "webhooks are lost: nothing moved yet" 5 "$leap" DTSTART=20280301
  if (bridge sync now) >"$dir/sync.log" 2>&1; then
    found_right "planebridge sync now" "$(tail -n 1 "$dir/sync.log")"
  else
    found_wrong "planebridge sync now" "$(tail -n 3 "$dir/sync.log")"
  fi
  no_faults
  expect_event "full sync: the change arrived" 60 "$leap" DTSTART=20280401 COLOR=red
  expect_event "full sync: the new item arrived" 60 "$added" DTSTART=20270707
  base_items+=("$added")
}

scenario_kill() {
  local id burst=() accepted before
  before=$(journaled accepted)
  # Items from one side while the daemon is killed from the other.
  : >"$dir/burst"
  (for n in $(seq 1 20); do make_item "burst $n 并发" 2027-08-"$(printf %02d "$n")" >>"$dir/burst"; done) &
  local writer=$!
  if ! wait_until 20 some_accepted_since "$before" 4; then warn "no webhook was accepted before the kill"; fi
  accepted=$(($(journaled accepted) - before))
  kill -KILL "$bridge_pid"
  wait "$bridge_pid" 2>/dev/null || true
  wait "$writer" || found_wrong "Plane takes the burst" "a request failed"
  start_bridge
  found_right "kill -9 in the middle of a burst, and a restart" "$accepted webhooks accepted before it"
  mapfile -t burst <"$dir/burst"
  # What was accepted is in the journal; what came while nobody listened is repeated by Plane or
  # found from the watermark on.
  expect_objects "every item is there, and each once" 120 "${base_items[@]}" "${burst[@]}"
  id=${burst[19]}
  expect_event "the last of the burst" 30 "$id" DTSTART=20270820 SEQUENCE=0
}
some_accepted_since() { [ "$(journaled accepted)" -ge $(($1 + $2)) ]; }

run_scenario() {
  local leap item chat_item root base_items=()
  say "create, move, complete, delete"
  scenario_changes
  say "a thread in Lark: bind, comments both ways, state by card, an announcement, a burst"
  scenario_bind
  scenario_comments
  scenario_card
  scenario_burst
  scenario_announcement
  say "three duplicates of one webhook"
  scenario_duplicates
  say "a deletion that sends no webhook"
  scenario_silent_deletion
  say "lost webhooks, then a full sync"
  scenario_lost_webhooks
  say "kill -9 of the daemon in the middle of a burst"
  scenario_kill
  if [ "$failures" = 0 ]; then
    say "everything is as it should be"
    return 0
  fi
  say "$failures expectation(s) not met; the end of the daemon's log:"
  tail -n 40 "$dir/planebridge.log"
  return 1
}
