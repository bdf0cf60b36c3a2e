# scripts/lib/demo_chat.sh: the chat side of the demo: what people do in the sandbox's Lark, and what
# must then be in the thread and in Plane. Sourced by scripts/demo after demo_scenario.sh.
# shellcheck shell=bash

# act DEED JSON: what a person does; the new id on stdout.
act() {
  curl -sS --max-time 10 -f -X POST -H 'Content-Type: application/json' --data-binary "$2" \
    "$sandbox_url/sandbox/lark/$1" | jq -r '.data // empty'
}
lark_info() { curl -sS --max-time 10 "$sandbox_url/sandbox/lark/info" | jq -r ".data.$1"; }

# messages FILTER: those that are left and pass the jq filter, as JSON lines.
messages() {
  curl -sS --max-time 10 "$sandbox_url/sandbox/lark/state" | jq -c --arg root "${root:-}" "
    .data.chats[].messages[] | select(.deleted | not)
    | {id: .message_id, root: (.root_id // \"\"), type: .msg_type, by: .sender.sender_type, text: .body.content}
    | select($1)"
}
# What the bot wrote into the thread of $root.
bot_messages() { messages '.root == $root and .by == "app"'; }
bot_words() { bot_messages | jq -c 'select(.type != "interactive")'; }
bot_cards() { bot_messages | jq -c 'select(.type == "interactive")'; }
bot_said() { bot_words | jq -e --arg t "$1" 'select(.text | contains($t))' >/dev/null; }
# say TEXT [ROOT]: the owner, mentioning the bot, in the group or as an answer in a thread.
say_in_chat() {
  act say "$(jq -cn --arg c "$group" --arg b "$owner" --arg t "$1" --arg r "${2:-}" \
    '{chat: $c, by: $b, text: $t, mention_bot: true} + (if $r == "" then {} else {reply_to: $r, in_thread: true} end)')"
}
comment_texts() {
  plane GET "projects/$project/work-items/$1/comments/" |
    jq -r '(if type == "array" then . else .results end)[].comment_html'
}
in_plane() { comment_texts "$1" | grep -qF -- "$2"; }
number_of() { plane GET "projects/$project/work-items/$1/" | jq -r .sequence_id; }
state_is() { [ "$(plane GET "projects/$project/work-items/$1/" | jq -r .state)" = "$2" ]; }

# expect_that WHAT SECONDS SEEN COMMAND…: SEEN is a command that tells what there is instead.
expect_that() {
  local what=$1 limit=$2 seen=$3 began
  began=$(date +%s%N)
  shift 3
  if wait_until "$limit" "$@"; then
    found_right "$what" "$((($(date +%s%N) - began) / 1000000)) ms"
  else
    found_wrong "$what" "$($seen)"
  fi
}

# The newest card of the bot in the thread of $root, once there are more than $1: its id and content
# into $card_id and $card.
find_card() {
  local line
  [ "$(bot_cards | wc -l)" -gt "$1" ] || return 1
  line=$(bot_cards | tail -n 1)
  card_id=$(jq -r .id <<<"$line") card=$(jq -r .text <<<"$line")
}
# pointer DO: where in $card the component is whose callback value has that "do".
pointer() {
  jq -r --arg do "$1" '[paths(objects) as $p
    | select(getpath($p) | (.behaviors // []) | any(.value.do? == $do)) | $p][0]
    | "/" + (map(tostring) | join("/"))' <<<"$card"
}
announcement_of() {
  root=$(messages '.root == "" and .by == "app" and .type == "interactive"' |
    jq -r --arg t "$1" 'select(.text | contains($t)) | .id' | tail -n 1)
  [ -n "$root" ]
}

scenario_bind() {
  chat_item=$(make_item '登录页空白 Login page' 2027-06-01)
  root=$(say_in_chat "/bind $sandbox_url/demo/browse/DEMO-$(number_of "$chat_item")/")
  expect_that "bind: the bot answers in the thread" 20 bot_words bot_said "DEMO-"
}

scenario_comments() {
  say_in_chat '/comment 从飞书来 👋' "$root" >/dev/null
  expect_that "comment: thread to Plane" 20 "comment_texts $chat_item" in_plane "$chat_item" '从飞书来 👋'
  plane POST "projects/$project/work-items/$chat_item/comments/" \
    '{"comment_html":"<p>来自 <strong>Plane</strong> 的回答</p>"}' >/dev/null
  expect_that "comment: Plane to thread" 20 bot_words bot_said '的回答'
  if bot_said '从飞书来'; then
    found_wrong "and no comment comes back to where it was written" "$(bot_words)"
  else
    found_right "and no comment comes back to where it was written" ""
  fi
}

scenario_card() {
  local card card_id before
  before=$(bot_cards | wc -l)
  say_in_chat '/link' "$root" >/dev/null
  expect_that "/link: a card" 20 bot_cards find_card "$before" || return 0
  act click "$(jq -cn --arg m "$card_id" --arg b "$owner" --arg on "$(pointer state)" --arg o "$done_state" \
    '{message_id: $m, by: $b, on: $on, option: $o}')" >/dev/null
  expect_that "card: a click sets the state in Plane" 20 "plane GET projects/$project/work-items/$chat_item/" \
    state_is "$chat_item" "$done_state"
  expect_event "and in the calendar" 20 "$chat_item" STATUS=CANCELLED
  base_items+=("$chat_item")
}

scenario_announcement() {
  local item
  item=$(make_item '新的工作项 🆕' 2027-06-02)
  base_items+=("$item")
  expect_that "a new item is announced in its channel" 20 "messages true" announcement_of '新的工作项' || return 0
  say_in_chat '/comment 回复公告' "$root" >/dev/null
  expect_that "and a reply to the announcement is a comment" 20 "comment_texts $item" in_plane "$item" 回复公告
}

scenario_burst() {
  local before n
  before=$(bot_words | wc -l)
  for n in 1 2 3 4 5; do
    change_item "$chat_item" "{\"name\":\"burst $n\"}"
    change_item "$chat_item" "{\"priority\":\"$([ $((n % 2)) = 0 ] && echo low || echo high)\"}"
  done
  expect_that "ten edits are told in the thread" 30 bot_words bot_said 'burst 5'
  if [ $(($(bot_words | wc -l) - before)) = 1 ]; then
    found_right "in one message" ""
  else
    found_wrong "in one message" "$(($(bot_words | wc -l) - before)) messages: $(bot_words)"
  fi
}

# The demo's project belongs to the sandbox's group.
map_channel() {
  owner=$(lark_info owner) group=$(lark_info group)
  (bridge mappings channels set "$group" "$project" -s default=true) >"$dir/mapping.log" 2>&1 ||
    die "the channel was not mapped: $(cat "$dir/mapping.log")"
}
