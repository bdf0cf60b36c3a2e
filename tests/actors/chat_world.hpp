// tests/actors/chat_world: a world with a chat beside Plane: a few of Feishu's calls in memory, and
// what people say there. What the facts desk would look up is told by the test.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "actors/facts_desk.hpp"
#include "world.hpp"

namespace pb::test {

/// Sends, replies and reactions; a repeated uuid is the same message.
class chat_server {
public:
  static constexpr const char* origin = "http://lark.test";
  struct message {
    std::string id, root, type, content, uuid;
  };
  std::vector<message> messages;  ///< the bot's, in order
  protocol::http_response handle(const protocol::http_request& r);
  [[nodiscard]] std::size_t saying(std::string_view text) const;

private:
  std::map<std::string, std::size_t> by_uuid_;
};

class chat_world : public world {
public:
  explicit chat_world(std::uint64_t seed = 1);
  chat_server chat;
  static constexpr const char* chat_id = "oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e";
  static constexpr const char* bot = "ou_c0ffee00c0ffee00c0ffee00c0ffee00";
  static constexpr const char* person = "ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a";
  std::string plane_user;  ///< whom the person is mapped to; empty: the owner
  bool has_own_key = false;
  /// Calls of which the way back takes a second; empty: none.
  std::string slow;

  /// A person says it, in the conversation `root` or starting one; returns the message's id. While
  /// the process is down it is said again until it was taken, as Feishu does.
  std::string say(const std::string& text, const std::string& root = {}, bool to_bot = false);
  [[nodiscard]] std::string link_of(const std::string& item) const;
  void comment_in_plane(const std::string& item, const std::string& html);
  [[nodiscard]] std::size_t comments_with(const std::string& item, std::string_view text);
  [[nodiscard]] std::vector<persistence::link_row> links_of(const std::string& item);

  /// What Feishu sends, decrypted; it is sent again until it is taken.
  void push(const std::string& body);

private:
  [[nodiscard]] actors::fact_answer answer(const sync::need& n);
  unsigned said_ = 0;
};

}  // namespace pb::test
