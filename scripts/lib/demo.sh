# scripts/lib/demo.sh: the three processes of the demo, and how to speak with each of them.
# Sourced by scripts/demo after common.sh. State: $dir (scratch), $radicale_*, $sandbox_url,
# $bridge_url, $bridge_pid, $project.
# shellcheck shell=bash

binary=$root_dir/build/release/planebridge
api_key=plane_api_0123456789abcdef0123456789abcdef
webhook_secret=plane_wh_fedcba9876543210fedcba9876543210
admin_token=demo-admin-token
feed_token=demo-feed-0123456789abcdef01234567
lark_app=cli_a7f3c0d2e5b8100c lark_secret=demo-lark-secret
lark_encrypt_key=demo-lark-encrypt-key lark_token=demo-lark-verification-token

colour() { if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\033[%sm' "$1"; fi; }
green=$(colour 32) red=$(colour 31) dim=$(colour 2) bold=$(colour 1) plain=$(colour 0)

# --- Radicale ---------------------------------------------------------------------------------

start_radicale() {
  local access
  access=$("$root_dir/tests/servers/radicale" start "$dir/radicale" "$(free_port)" --owner $$) ||
    die "Radicale did not start"
  radicale_url=$(sed -n 's/^URL=//p' <<<"$access")
  radicale_user=$(sed -n 's/^USERNAME=//p' <<<"$access")
  radicale_password=$(sed -n 's/^PASSWORD=//p' <<<"$access")
  radicale_url=${radicale_url%/}
}

dav() { curl -sS --max-time 10 -u "$radicale_user:$radicale_password" "$@"; }
calendar_url() { echo "$radicale_url/$radicale_user/planebridge-$project/"; }
event_url() { echo "$(calendar_url)plane-issue-$1%40calplanebot.ics"; }

# event_text ID: the stored object, unfolded, LF line ends; status 1 when Radicale has none.
event_text() {
  local body code
  body=$(mktemp "$dir/event.XXXXXX")
  code=$(dav -o "$body" -w '%{http_code}' "$(event_url "$1")" 2>/dev/null || true)
  if [ "$code" = 200 ]; then
    tr -d '\r' <"$body" | LC_ALL=C awk '
      /^[ \t]/ { line = line substr($0, 2); next }
      NR > 1 { print line }
      { line = $0 }
      END { print line }'
  fi
  rm -f "$body"
  last_code=$code
  [ "$code" = 200 ]
}

# value_of NAME: of the first such property inside VEVENT, parameters left out; text from stdin.
value_of() {
  LC_ALL=C awk -v name="$1" '
    /^BEGIN:VEVENT/ { inside = 1 }
    inside && (index($0, name ":") == 1 || index($0, name ";") == 1) {
      print substr($0, index($0, ":") + 1); exit }'
}

# The names of all objects in the project's calendar.
event_names() {
  dav -X PROPFIND -H 'Depth: 1' "$(calendar_url)" 2>/dev/null | grep -oE 'plane-issue-[^<]*\.ics' | sort
}

# --- the sandbox's Plane and Lark --------------------------------------------------------------

start_sandbox() {
  local port
  port=$(free_port)
  sandbox_url=http://127.0.0.1:$port
  "$binary" sandbox --port "$port" --webhook-url "$bridge_url/webhooks/plane" \
    --webhook-secret "$webhook_secret" --api-key "$api_key" --seed demo --time-scale 0.01 --requests-per-minute 0 \
    --lark-event-url "$bridge_url/webhooks/lark/events" \
    --lark-callback-url "$bridge_url/webhooks/lark/interactivity" \
    --lark-app-id "$lark_app" --lark-app-secret "$lark_secret" \
    --lark-encrypt-key "$lark_encrypt_key" --lark-verification-token "$lark_token" \
    </dev/null >"$dir/sandbox.log" 2>&1 &
  sandbox_pid=$!
  wait_port "$port" "$sandbox_pid" 20 || {
    cat "$dir/sandbox.log" >&2
    die "the sandbox did not open port $port"
  }
}

# plane METHOD PATH [JSON]: a person's request; the answer's body on stdout, 1 unless 2xx. Refused for
# their number, requests wait as long as Plane asks.
plane() {
  local method=$1 path=$2 body code
  shift 2
  body=$(mktemp "$dir/answer.XXXXXX")
  for _ in 1 2 3 4 5; do
    code=$(curl -sS --max-time 15 -o "$body" -D "$body.head" -w '%{http_code}' -X "$method" \
      -H "X-API-Key: $api_key" -H 'Content-Type: application/json' ${1:+--data-binary "$1"} \
      "$sandbox_url/api/v1/workspaces/demo/$path" || true)
    [ "$code" = 429 ] || break
    sleep "$(awk 'tolower($1) == "retry-after:" { s = $2 + 0 } END { print s > 0 ? s : 1 }' "$body.head")"
  done
  rm -f "$body.head"
  cat "$body"
  rm -f "$body"
  case $code in
  2??) ;;
  *)
    warn "$method $path: HTTP $code"
    return 1
    ;;
  esac
}

make_project() {
  local answer
  answer=$(plane POST projects/ '{"name":"发布 Release 🚀","identifier":"DEMO"}') || die "no project: $answer"
  project=$(jq -r .id <<<"$answer")
  answer=$(plane GET "projects/$project/states/") || die "no states: $answer"
  done_state=$(jq -r 'if type == "array" then . else .results end
    | map(select(.group == "completed"))[0].id' <<<"$answer")
  started_state=$(jq -r 'if type == "array" then . else .results end
    | map(select(.group == "started"))[0].id' <<<"$answer")
}

# make_item NAME TARGET_DATE [MORE-JSON]: prints the new item's id.
make_item() {
  local body answer more=${3:-}
  [ -n "$more" ] || more='{}'
  body=$(jq -cn --arg name "$1" --arg date "$2" --argjson more "$more" \
    '{name: $name, target_date: (if $date == "" then null else $date end)} + $more')
  answer=$(plane POST "projects/$project/work-items/" "$body") || die "Plane took no work item: $answer"
  jq -r .id <<<"$answer"
}
change_item() { plane PATCH "projects/$project/work-items/$1/" "$2" >/dev/null; }
delete_item() { plane DELETE "projects/$project/work-items/$1/" >/dev/null; }

# fault JSON: what shall go wrong from now on; docs/sandbox.md lists the forms.
fault() {
  curl -sS --max-time 10 -f -o /dev/null -X POST -H 'Content-Type: application/json' \
    --data-binary "$1" "$sandbox_url/sandbox/faults" || die "the sandbox refused the fault $1"
}
no_faults() { curl -sS --max-time 10 -f -o /dev/null -X DELETE "$sandbox_url/sandbox/faults"; }

# --- planebridge ------------------------------------------------------------------------------

# Everything by environment, and nothing of the caller's: a configuration that the machine has of
# its own must not leak into the demo. Replaces the shell that calls it, so that `(bridge serve) &`
# leaves the daemon's own id in $!, for kill -9 to hit.
bridge() {
  cd "$dir" && exec env -i PATH="$PATH" HOME="$dir" LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" \
    PORT="$bridge_port" \
    PLANEBRIDGE_SERVER_ADDRESS=127.0.0.1 \
    DATABASE_URL="sqlite:$dir/planebridge.db" \
    PLANE_BASE_URL="$sandbox_url" \
    PLANE_API_KEY="$api_key" \
    PLANE_WORKSPACE_SLUG=demo \
    PLANE_WEBHOOK_SECRET="$webhook_secret" \
    CALDAV_URL="$radicale_url/" \
    CALDAV_USERNAME="$radicale_user" \
    CALDAV_PASSWORD="$radicale_password" \
    LARK_APP_ID="$lark_app" \
    LARK_APP_SECRET="$lark_secret" \
    LARK_ENCRYPT_KEY="$lark_encrypt_key" \
    LARK_VERIFICATION_TOKEN="$lark_token" \
    LARK_BASE_URL="$sandbox_url" \
    ADMIN_TOKEN="$admin_token" \
    CALENDAR_FEED_TOKEN="$feed_token" \
    PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE=3000 \
    PLANEBRIDGE_PLANE_POLL_INTERVAL_S="$poll_interval_s" \
    PLANEBRIDGE_PLANE_SCAN_INTERVAL_S=30 \
    PLANEBRIDGE_CALENDAR_FULL_SYNC_INTERVAL_S="$full_sync_interval_s" \
    PLANEBRIDGE_CALENDAR_WINDOW_MS=500 \
    "$binary" "$@"
}

start_bridge() {
  (bridge serve) </dev/null >>"$dir/planebridge.log" 2>&1 &
  bridge_pid=$!
  if ! wait_until 30 bridge_is_ready; then
    tail -n 40 "$dir/planebridge.log" >&2
    die "planebridge was not ready after 30 s ($bridge_url/readyz)"
  fi
}
bridge_is_ready() {
  kill -0 "$bridge_pid" 2>/dev/null || return 1
  curl -sf --max-time 5 -o /dev/null "$bridge_url/readyz"
}

# follow_stream: each server-sent event as one line, for as long as the demo runs; connects again
# when the daemon was restarted.
follow_stream() {
  while :; do
    curl -sN -H "Authorization: Bearer $admin_token" "$bridge_url/debug/stream" 2>/dev/null |
      while IFS= read -r line; do
        line=${line%$'\r'}
        case $line in
        event:*) event=${line#event:} event=${event# } ;;
        data:*) show_event "${event:-event}" "${line#data:}" ;;
        esac
      done || true
    sleep 0.5
  done
}

# show_event NAME JSON: one line for what the bridge says it did. The known kinds are told in a fixed
# order; others show their facts as they are.
show_event() {
  local facts
  facts=$(jq -r --arg kind "$1" '
    def item: if (.name // "") != "" then "[\(.n // "")] \(.name)" | sub("^\\[\\] "; "") else (.entity // "") end;
    if type != "object" then tojson
    elif $kind == "delivery" then
      "#\(.seq) \(.status): \(.event) by \(.form), \(.bytes) bytes  \(.entity // "")\(if (.reason // "") != "" then "  (\(.reason))" else "" end)"
    elif $kind == "plan" then
      "#\(.seq) \(item): \(.rule)\(if .effect then ", one effect" else "" end)"
    elif $kind == "effect" then
      "\(.operation) \(.how), HTTP \(.status), \((.took_us // 0) / 1000 | floor) ms  \(item)\(if .failure then "  \(.failure)" else "" end)"
    else
      [to_entries[] | select(.value != null and .value != "") | "\(.key)=\(.value | if type == "string" then . else tojson end)"] | join("  ")
    end' <<<"$2" 2>/dev/null) || facts=$2
  case $1 in delivery) set -- journal ;; esac
  printf '%s%s%s  %s%-8s%s %s\n' "$dim" "$(date +%H:%M:%S)" "$plain" "$bold" "$1" "$plain" "${facts:0:300}"
}
