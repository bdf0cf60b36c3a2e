// sandbox/lark_state: the inside of the in-memory Lark, shared by the lark_*.cpp files and by
// nobody else. Everything runs under the one lock that lark's public functions take.
#pragma once
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "sandbox/lark.hpp"
#include "sandbox/rows.hpp"

namespace pb::sandbox {

using answer = protocol::http_response;

struct person_row {
  std::string open_id, union_id, user_id, name, en_name, email, mobile;
  bool resigned = false, visible = true;
};

enum class chat_form { group, topic, p2p };

struct chat_row {
  std::string id, name, owner;
  chat_form form = chat_form::group;
  bool external = false, bot = true, dissolved = false;
  std::vector<std::string> members;   ///< open_ids, oldest first
  std::vector<std::string> messages;  ///< ids, oldest first
  std::deque<timestamp> bot_posts;    ///< of the last second
};

struct mention_row {
  std::string key, open_id;
};

struct message_row {
  std::string id, root, parent, thread, chat, type;
  std::string sent;  ///< content as it was sent: a card's JSON
  std::string seen;  ///< content as it is received and read back
  std::vector<mention_row> mentions;
  std::string by;  ///< open_id; empty: our app
  timestamp created{}, updated{};
  bool deleted = false, edited = false;
  std::string recalled_by;  ///< "message_owner" …
  unsigned edits = 0;
  std::deque<timestamp> patches;  ///< of the last second
  struct reaction {
    std::string id, emoji, by;  ///< by: open_id; empty: our app
    timestamp at{};
  };
  std::vector<reaction> reactions;
  std::map<std::string, std::string> previews;  ///< URL → preview_token
};

struct stored_file {
  std::string bytes, name, type;  ///< type: "image" or "file"
  std::string message;            ///< empty: uploaded by the bot
};

struct tenant_token {
  std::string value;
  timestamp expires{};
};

/// The "c-…" of one click.
struct card_token {
  std::string message;
  timestamp issued{};
  unsigned uses = 0;
  std::uint64_t interaction = 0;
};

struct due_push {
  timestamp due{};
  lark_push push;
};

/// One call on its way through the handlers.
struct lark_call {
  const inbound* in = nullptr;
  std::vector<std::string> ids;  ///< the pattern's {…} pieces, in order
  std::vector<std::pair<std::string, std::string>> query;
  row body;
  [[nodiscard]] std::string param(std::string_view name) const;
};

struct lark::impl {
  impl(clock_source& c, random_source& r, lark_options o)
      : clock(c), random(r), options(std::move(o)) {}

  clock_source& clock;
  random_source& random;
  lark_options options;
  mutable std::mutex lock;

  std::deque<person_row> people;  ///< references stay good
  std::deque<chat_row> chats;
  std::unordered_map<std::string, message_row> messages;
  std::unordered_map<std::string, stored_file> files;
  std::vector<tenant_token> tokens;
  std::map<std::string, std::pair<std::string, timestamp>> uuids;  ///< → message, when
  std::unordered_map<std::string, card_token> card_tokens;
  std::map<std::string, std::pair<std::string, std::string>> preview_tokens;  ///< → message, URL
  std::map<std::string, timestamp> preview_pushes;
  std::deque<timestamp> preview_calls;
  std::deque<timestamp> recent;  ///< calls of the last minute
  std::pair<int, unsigned> month{};
  std::uint64_t month_calls = 0, all_calls = 0;
  std::deque<due_push> queue;
  std::deque<lark_interaction> interactions;
  std::uint64_t last_interaction = 0, revision = 1;
  timestamp last_stamp{};

  // lark.cpp: routing, who may, how often
  answer handle(const inbound& request);
  answer guarded(lark_call& c, const struct lark_route& r);
  std::optional<answer> check_token(const lark_call& c);
  std::optional<answer> check_rate();
  std::optional<answer> check_scope(std::string_view any_of);
  timestamp stamp();  ///< now in whole milliseconds; strictly later than the last one
  std::string hex(std::size_t digits);
  std::string log_id();
  answer ok(json::value data);
  answer refuse(int code, std::string_view more = {});
  answer give_token(lark_call& c);
  answer bot_info(lark_call& c);

  // lark_directory.cpp: people and chats
  person_row* person(std::string_view id, std::string_view id_type = "open_id");
  chat_row* chat(std::string_view id);
  chat_row& chat_with(person_row& p);
  row id_object(const person_row& p) const;
  row sender_object(const message_row& m) const;
  row mention_object(const mention_row& m, bool rest) const;
  answer chat_get(lark_call& c);
  answer ids_of_people(lark_call& c);
  answer person_get(lark_call& c);
  answer people_get(lark_call& c);
  row person_view(const person_row& p) const;

  // lark_messages.cpp: the bot's messages
  answer message_create(lark_call& c);
  answer message_reply(lark_call& c);
  answer message_patch(lark_call& c);
  answer message_edit(lark_call& c);
  answer message_delete(lark_call& c);
  answer card_update(lark_call& c);
  answer bot_posts(lark_call& c, chat_row& where, message_row* parent, bool in_thread);
  /// Puts it into the chat; root, parent and thread by the rules of contract 2.4.
  message_row& put(chat_row& where, message_row m, message_row* parent, bool in_thread);
  message_row* message(std::string_view id);
  /// Content of a type as the bot sends it → what is read back; an answer when it is refused.
  std::optional<answer> take_content(message_row& m, const std::string& content,
                                     std::size_t body_size);

  // lark_reads.cpp: messages read back, reactions
  answer message_get(lark_call& c);
  answer message_list(lark_call& c);
  answer reaction_add(lark_call& c);
  answer reaction_list(lark_call& c);
  answer reaction_delete(lark_call& c);
  row message_view(const message_row& m, bool card_json) const;

  // lark_files.cpp
  answer image_upload(lark_call& c);
  answer image_get(lark_call& c);
  answer resource_get(lark_call& c);
  std::string keep_file(std::string type, std::string name, std::string bytes,
                        std::string message_id);

  // lark_pushes.cpp: what goes out
  row push_header(std::string_view type, bool callback);
  void push_event(std::string_view type, row event, std::string about);
  void push_callback(std::string_view type, row event, std::string about,
                     std::uint64_t interaction);
  void tell_message(const message_row& m);
  void tell_recalled(const message_row& m);
  void tell_reaction(const message_row& m, const message_row::reaction& r, bool removed);
  void tell_bot_membership(const chat_row& c, std::string_view by, bool added);
  void tell_member(const chat_row& c, const person_row& who, bool added);
  lark_interaction& interact(std::string_view what, std::string_view by);
  answer preview_update(lark_call& c);
  void ask_preview(lark_interaction& i, std::string_view token, std::string_view message_id,
                   std::string_view chat_id);
  void show_card(const lark_push& push, lark_interaction& i, const json::object& card);

  // lark_people.cpp
  result<message_row*> people_post(const lark_saying& what, std::string content);
  /// Text with <at> marks → "@_user_N" and mentions.
  std::string mark_mentions(std::string_view text, std::vector<mention_row>& mentions) const;
  void changed() { ++revision; }
};

/// One line of the routing table in lark.cpp.
struct lark_route {
  std::string_view method;
  std::string_view pattern;  ///< below /open-apis: "im/v1/messages/{id}/reply"
  std::string_view scopes;   ///< any of them, with commas; empty: none needed
  answer (lark::impl::*handle)(lark_call&) = nullptr;
};

// lark_card_check.cpp
/// Why Lark would refuse the card ("ErrCode: 200861; ErrPath: …"); nothing when it takes it.
struct card_refusal {
  int code = 0;
  std::string text;
};
struct card_world {
  std::function<bool(std::string_view open_id)> person;
  std::function<bool(std::string_view key)> image;
};
std::optional<card_refusal> check_card(const json::value& card, const card_world& world);

// lark_card_click.cpp
/// The component that `on` names, with what is needed to build the callback.
struct component {
  const json::object* what = nullptr;
  const json::object* form = nullptr;  ///< around it
};
std::optional<component> find_component(const json::value& card, std::string_view on);
/// The callback's `action`; a sentence when the client would not send it.
result<row> action_of(const component& c, const lark_click& click, bool legacy);

// lark_seal.cpp
/// base64(iv || AES-256-CBC(SHA-256(key), iv, PKCS7(text))).
std::string lark_encrypt(std::string_view key, std::string_view text, random_source& random);
std::string sha1_hex(std::string_view bytes);

/// What the tenant's own side cannot do.
failure not_possible(std::string detail);
/// Milliseconds since 1970 as text.
std::string millis(timestamp t);
void forget_older(std::deque<timestamp>& times, timestamp than);

}  // namespace pb::sandbox
