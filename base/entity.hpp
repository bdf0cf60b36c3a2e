// base/entity: what events are serialized by. "plane:issue:<uuid>", "lark:thread:<root message>",
// "cnb:issue:<repo>#<n>"; the partition is the first byte of the key's SHA-256.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace pb {

class entity_key {
public:
  entity_key() = default;
  explicit entity_key(std::string text) : text_(std::move(text)) {}
  static entity_key plane_issue(std::string_view uuid) {
    return entity_key{"plane:issue:" + std::string{uuid}};
  }
  static entity_key plane_project(std::string_view uuid) {
    return entity_key{"plane:project:" + std::string{uuid}};
  }
  /// A conversation, known by its first message.
  static entity_key lark_thread(std::string_view root_message) {
    return entity_key{"lark:thread:" + std::string{root_message}};
  }
  /// The chat itself: announcements, alarms, memberships, recalls.
  static entity_key lark_chat(std::string_view chat) {
    return entity_key{"lark:chat:" + std::string{chat}};
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string_view source() const noexcept;  ///< "plane"
  [[nodiscard]] std::string_view kind() const noexcept;    ///< "issue"
  [[nodiscard]] std::string_view id() const noexcept;      ///< all after the second colon
  [[nodiscard]] std::uint8_t partition() const;

  friend bool operator==(const entity_key&, const entity_key&) = default;
  friend auto operator<=>(const entity_key&, const entity_key&) = default;

private:
  std::string text_;
};

/// 8-4-4-4-12 hex digits, lower case.
bool is_uuid(std::string_view text) noexcept;

}  // namespace pb

template <>
struct std::hash<pb::entity_key> {
  std::size_t operator()(const pb::entity_key& k) const noexcept {
    return std::hash<std::string>{}(k.text());
  }
};
