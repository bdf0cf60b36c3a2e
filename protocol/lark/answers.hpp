// protocol/lark/answers: what an answer of Feishu's API means. The body's `code` decides, not the
// HTTP status (docs/contracts/lark.md, 0 and 3.3). Used by the exchanges, by the connector's policy
// and by who decides after a refusal. Pure; any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"
#include "protocol/lark/model.hpp"

namespace pb::protocol::lark {

/// What is to be done about a refusal: the last column of the contract's table.
enum class remedy : std::uint8_t {
  none,                  ///< not from Feishu, or without a code
  refresh_token,         ///< drop the tenant token, ask for one, repeat once
  wait,                  ///< repeat after `retry_after`
  retry_soon,            ///< the same request is still being worked on: repeat shortly
  stop,                  ///< the month's calls are used up: no call until told otherwise, alert
  alert,                 ///< an administrator must do something; do not repeat
  give_up,               ///< do not repeat
  report,                ///< content that the tenant forbids: say so where its author sees it
  split,                 ///< too long: in parts
  fall_back_to_text,     ///< a card that is refused: its text instead, and the reason in the log
  new_card,              ///< too old to be changed: send another
  send_anew,             ///< cannot be edited any more: another message
  patch_instead,         ///< the click's token is used up or expired: patch by message id
  retry_without_thread,  ///< reply in the main flow instead of a topic
  drop_message,          ///< that message is gone: forget it, do not create in its place
  unlink,                ///< the chat is closed to us
};
std::string_view to_string(remedy r) noexcept;

/// A body with code 0 is no refusal. `operation` is the call's name ("lark.reply"): codes 230071
/// and 230072 mean something else for "lark.edit". The failure's detail begins with "code N: ", its
/// request_id is X-Tt-Logid, its remedy a sentence for administrators.
std::optional<failure> refusal_of(const http_response& answer, std::string_view operation);
/// The N of such a failure; 0 when it is none.
std::int64_t remote_code(const failure& f) noexcept;
/// By remote_code() and `where`; for failures without a code by errc: rate_limited, upstream_down
/// and timed_out wait.
remedy remedy_of(const failure& f) noexcept;

/// From x-ogw-ratelimit-limit and -reset.
struct pace_hint {
  std::int64_t limit = 0;             ///< calls per window; 0: not said
  std::chrono::milliseconds reset{};  ///< until the window ends
};
std::optional<pace_hint> pace_of(const http_response& answer);

// What good answers say. errc::unexpected_answer when they do not; refusals as refusal_of() has
// them.
struct granted_token {
  secret token;
  std::chrono::seconds valid_for{};  ///< at most 2 hours
};
result<granted_token> parse_token(const http_response& answer);

/// The answer of send, reply and edit.
result<message> parse_sent(const http_response& answer, std::string_view operation);
/// get_message: the first item; its parts when it was forwarded follow. not_found when none.
result<std::vector<message>> parse_messages(const http_response& answer,
                                            std::string_view operation);
struct message_page {
  std::vector<message> messages;
  std::string next;  ///< empty: the last
};
result<message_page> parse_page(const http_response& answer, std::string_view operation);
result<std::string> parse_reaction_id(const http_response& answer);

struct found_person {
  std::string email, open_id;  ///< open_id is empty when nobody has this address
  bool resigned = false;       ///< or frozen, or gone from the tenant
};
result<std::vector<found_person>> parse_found_people(const http_response& answer);

struct person_details {
  person who;
  std::string name, email;  ///< empty without the scopes for them
  bool resigned = false;
};
result<person_details> parse_person(const http_response& answer);

struct chat_details {
  std::string name;
  bool external = false, p2p = false;
  bool topic = false;  ///< a topic group, or a group in topic form: every message starts a topic
};
result<chat_details> parse_chat(const http_response& answer);

struct bot_details {
  std::string open_id, name;
  bool active = false;
};
result<bot_details> parse_bot(const http_response& answer);

result<std::string> parse_image_key(const http_response& answer);

/// Bytes of a picture or file; a refusal comes as JSON instead.
struct downloaded {
  std::string bytes, content_type, file_name;
};
result<downloaded> parse_download(const http_response& answer);

/// How the long connection behaves; of the endpoint's answer and of pongs.
struct connection_config {
  std::int64_t reconnect_count = -1;  ///< -1: for ever
  std::chrono::seconds reconnect_interval{120}, reconnect_nonce{30}, ping_interval{120};
};
struct connection_endpoint_answer {
  std::string url;  ///< wss://…; holds a ticket: never logged
  std::int32_t service_id = 0;
  connection_config config;
};
/// Remedy wait: busy, ask again; alert: the app may not connect.
result<connection_endpoint_answer> parse_connection_endpoint(const http_response& answer);
/// A pong's payload; members that are absent or out of range keep the values of `before`.
connection_config parse_connection_config(std::string_view json, connection_config before);

}  // namespace pb::protocol::lark
