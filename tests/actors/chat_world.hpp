// tests/actors/chat_world: a world with a chat beside Plane: a few of Feishu's calls in memory, and
// what people say there. What the facts desk would look up is told by the test.
#pragma once
#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/facts_desk.hpp"
#include "world.hpp"

namespace pb::test {

/// Sends, replies, card updates, reactions and lists; a uuid that is repeated within an hour is the
/// same message.
class chat_server {
public:
  static constexpr const char* origin = "http://lark.test";
  struct message {
    std::string id{}, root{}, type{}, content{}, uuid{};
    std::string chat{};  ///< of what is no reply
    timestamp at{};
  };
  std::function<timestamp()> clock = [] { return timestamp{}; };
  std::vector<message> messages;  ///< the bot's, in order
  std::vector<message> updates;   ///< of cards: id and new content, in order
  unsigned calls = 0;
  /// Of people's messages: bytes behind "<message>/<key>".
  std::map<std::string, std::string> files;
  protocol::http_response handle(const protocol::http_request& r);
  [[nodiscard]] std::size_t saying(std::string_view text) const;
  /// The newest card in a conversation; in none: the newest that begins one.
  [[nodiscard]] const message* card_in(const std::string& root) const;

private:
  [[nodiscard]] boost::json::object shown(const message& m) const;
  [[nodiscard]] bool is_topic(const std::string& root) const;
  std::map<std::string, std::size_t> by_uuid_;
};

class chat_world : public world {
public:
  explicit chat_world(std::uint64_t seed = 1, sandbox::plane_options plane = {});
  chat_server chat;
  static constexpr const char* chat_id = "oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e";
  static constexpr const char* bot = "ou_c0ffee00c0ffee00c0ffee00c0ffee00";
  static constexpr const char* person = "ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a";
  std::string plane_user;  ///< whom the person is mapped to; empty: the owner
  bool has_own_key = false;
  /// Calls of which the way back takes a second; empty: none.
  std::string slow;
  /// While set, facts that the conversations ask for do not come.
  bool hold_facts = false;
  void release_facts();

  /// A person says it, in the conversation `root` or starting one; returns the message's id. While
  /// the process is down it is said again until it was taken, as Feishu does.
  std::string say(const std::string& text, const std::string& root = {}, bool to_bot = false);
  /// A picture or file, of a message type "image" or "file".
  std::string say_file(const std::string& name, const std::string& bytes, const std::string& root,
                       bool image = false);
  /// A person clicks what does this ("state", "comment") on a card of the bot, and chooses.
  void click(const chat_server::message& card, const std::string& what, const std::string& option,
             unsigned times = 1);
  void recall(const std::string& message);
  /// The group is dissolved.
  void dissolve();
  /// The project belongs to the group: new items are announced there.
  void map_channel(const std::string& group = chat_id, const std::string& options = "{}");
  [[nodiscard]] std::string state_id(const std::string& name) const;
  [[nodiscard]] std::string state_of(const std::string& item);  ///< its id
  [[nodiscard]] std::vector<std::string> items_named(const std::string& name);
  [[nodiscard]] std::string link_of(const std::string& item) const;
  void comment_in_plane(const std::string& item, const std::string& html);
  [[nodiscard]] std::size_t comments_with(const std::string& item, std::string_view text);
  [[nodiscard]] std::vector<persistence::link_row> links_of(const std::string& item);

  /// What Feishu sends, decrypted; it is sent again until it is taken.
  void push(const std::string& body);

private:
  std::string said_message(boost::json::object message, const std::string& root);
  void push_event(const std::string& type, const std::string& id, boost::json::object event);
  [[nodiscard]] actors::fact_answer answer(const sync::need& n);
  unsigned said_ = 0, done_ = 0;
  std::vector<protocol::plane::state_ref> states_;
  std::vector<std::function<void()>> held_;
};

}  // namespace pb::test
