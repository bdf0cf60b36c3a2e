// sandbox/lark: an in-memory Feishu/Lark tenant with one app in it, for tests, the demo and for
// trying things out: the calls of the open platform that a bot needs, what people do in chats, and
// the events and callbacks that follow. Written from the public contract, not from our own client,
// with its own encryption. Used in-process (sandbox_transport over host), by run_sandbox (over
// HTTP) and by tests directly. Any thread: one call at a time inside.
#pragma once
#include <boost/json/value.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"
#include "sandbox/inbound.hpp"

namespace pb::sandbox {

/// How often the app may call (contract 3.2); 0 is no limit.
struct lark_limits {
  unsigned chat_per_second = 5;     ///< messages of bots per chat: 230020
  unsigned app_per_second = 50;     ///< 99991400
  unsigned app_per_minute = 1000;   ///< 99991400
  std::uint64_t monthly_calls = 0;  ///< 99991403 from the next call on
};

struct lark_options {
  std::string app_id = "cli_a7f3c0d2e5b8100c";
  secret app_secret{"lark-sandbox-secret"};
  secret encrypt_key{};  ///< empty: pushes go out plain and unsigned
  secret verification_token{"vt-sandbox"};
  std::string tenant_key = "1a2b3c4d5e6f7081";
  std::string app_name = "PlaneBridge";
  std::string bot_open_id = "ou_c0ffee00c0ffee00c0ffee00c0ffee00";
  lark_limits limits{};
  std::chrono::seconds token_life{7200};
  std::chrono::hours recall_window{24};  ///< within which a bot may recall its own messages
  bool legacy_cards = false;             ///< clicks go out as card.action.trigger_v1
  /// Scope im:message.group_msg; without it only messages that mention the bot are delivered.
  bool all_group_messages = true;
  std::set<std::string, std::less<>> missing_scopes{};
  std::chrono::milliseconds push_delay_min{20};  ///< from the deed to the event
  std::chrono::milliseconds push_delay_max{200};
};

struct lark_person {
  std::string name, en_name{}, email{}, mobile{};
  std::string open_id{};        ///< empty: one is made up
  bool contact_visible = true;  ///< false: outside the app's contact data range
};

struct lark_chat {
  std::string name;
  bool topic_group = false;  ///< every message opens a topic
  bool external = false;
  bool bot = true;  ///< the app's bot is in it
  std::vector<std::string> members{};
  std::string chat_id{};  ///< empty: one is made up
};

/// What a person posts. In `text`, <at user_id="ou_…"></at> mentions somebody, "bot" the bot and
/// "all" everybody; in a post the `at` nodes do.
struct lark_saying {
  std::string chat{};  ///< empty: the person's private chat with the bot
  std::string by{};
  std::string text{};
  bool mention_bot = false;  ///< puts an @ of the bot in front of the text
  std::string reply_to{};
  bool in_thread = false;  ///< reply in topic form; inside a topic replies stay there anyway
  std::string type = "text";
  std::string content{};  ///< JSON text in the received form, for all types but text
};

/// A click on a card. `on` names the component: its element_id, its name, the text on a button, or
/// its JSON pointer in the card.
struct lark_click {
  std::string message_id{};
  std::string by{};
  std::string on{};
  std::string option{};  ///< selects and pickers, as the callback carries it
  std::vector<std::string> options{};
  std::string input{};
  std::map<std::string, boost::json::value> form{};  ///< for a submit button
  bool checked = false;
  bool twice = false;  ///< the callback is sent again under another event id
};

enum class push_kind {
  event,    ///< repeated until answered with 200
  callback  ///< sent once, its answer shows
};

/// One push, not yet encrypted.
struct lark_push {
  std::string id;    ///< event_id; empty for legacy cards
  std::string type;  ///< "im.message.receive_v1"
  push_kind kind = push_kind::event;
  std::string body;   ///< the envelope as JSON, without white space
  std::string about;  ///< message or chat, for people
  std::uint64_t interaction = 0;
  bool legacy = false;
};

/// What became of a click or of a preview, as its person sees it.
struct lark_interaction {
  std::uint64_t number = 0;
  std::string what;  ///< event type
  std::string by, message_id, url;
  std::string state = "waiting";  ///< waiting, answered, failed
  int shown_error = 0;            ///< 200341 and the like
  std::string toast_type{}, toast{}, inline_title{};
};

class lark {
public:
  lark(clock_source& clock, random_source& random, lark_options options = {});
  ~lark();
  lark(const lark&) = delete;
  lark& operator=(const lark&) = delete;

  /// Answers one call; never throws. Unknown paths are 404 with plain text, as the gateway does.
  protocol::http_response handle(const inbound& request);
  /// Whether the path is the open platform's, for a process that also serves Plane.
  static bool serves(std::string_view path) noexcept;

  // Set-up; ids come back. Unknown ids are a bug of the caller (std::invalid_argument).
  std::string add_person(const lark_person& person);
  std::string add_chat(const lark_chat& chat);
  /// Each with its event, when the bot may hear it.
  void add_member(std::string_view chat, std::string_view open_id);
  void remove_member(std::string_view chat, std::string_view open_id);
  void add_bot(std::string_view chat, std::string_view by);
  void remove_bot(std::string_view chat, std::string_view by);
  void dissolve(std::string_view chat, std::string_view by);
  void set_external(std::string_view chat, bool external);
  /// From now on refuses (true) or allows (false) what needs that scope.
  void set_scope_missing(std::string_view scope, bool missing);
  void set_limits(const lark_limits& limits);
  /// All tenant tokens given out so far stop working.
  void expire_tokens();

  // What people do. errc::bad_input with a sentence when the client would not let them.
  result<std::string> say(const lark_saying& what);  ///< the new message's id
  /// A picture or file with a message's bytes behind it; type "image" or "file".
  result<std::string> say_file(const lark_saying& where, std::string name, std::string bytes);
  result<void> recall(std::string_view message_id, std::string_view by);
  result<void> react(std::string_view message_id, std::string_view by, std::string_view emoji,
                     bool removed = false);
  result<std::uint64_t> click(const lark_click& what);  ///< the interaction's number
  /// Somebody looks at a message with a link; every time again, for every viewer.
  result<std::uint64_t> view_link(std::string_view message_id, std::string_view by,
                                  std::string_view url);
  /// A link in the input box, unsent.
  std::uint64_t type_link(std::string_view by, std::string_view url);
  void leave_company(std::string_view open_id);
  void open_menu(std::string_view by, std::string_view key);
  /// The person's private chat with the bot, made when there is none.
  std::string private_chat(std::string_view open_id);

  // What goes out, in the order of due times.
  std::vector<lark_push> take_due_pushes();
  [[nodiscard]] std::optional<timestamp> next_push_due() const;
  /// The same told again, as at-least-once delivery may: messages and clicks under a fresh
  /// event_id, all else under the old one.
  lark_push repeated(lark_push again);
  /// As one POST: encrypted and signed as set up, with fresh IV, nonce and time. No URL in it.
  protocol::http_request sealed(const lark_push& push);
  /// The challenge that saving a request URL sends.
  lark_push challenge();
  /// The answer of a callback arrived, or did not: `shown_error` as the client shows it.
  void answered(const lark_push& push, std::string_view body);
  void unanswered(const lark_push& push, int shown_error);

  /// For a page and for tests: everything there is to see. `since` the last revision seen: null
  /// when nothing changed.
  [[nodiscard]] boost::json::value view(std::optional<std::uint64_t> since = std::nullopt) const;
  [[nodiscard]] std::vector<lark_interaction> interactions() const;
  /// Messages of the chat that are not recalled, oldest first, as GET shows them with the card JSON
  /// as it was sent.
  [[nodiscard]] std::vector<boost::json::value> messages(std::string_view chat) const;
  /// Bytes of an image or of a message's file; empty when unknown.
  [[nodiscard]] std::string bytes_of(std::string_view key) const;
  [[nodiscard]] std::uint64_t calls() const;  ///< API calls of the app so far, refused ones too
  [[nodiscard]] const lark_options& options() const noexcept;
  [[nodiscard]] clock_source& clock() const noexcept;

  struct impl;

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::sandbox
