// protocol/plane/strike_comment: a comment whose message was recalled in chat is struck out: its
// text stays readable, for who wants to know what was said, and is marked as taken back. Neither
// deleting (Plane tells nobody) nor editing (the words would be gone) does that.
#pragma once
#include <string>
#include <string_view>

#include "protocol/exchange.hpp"
#include "protocol/plane/exchanges.hpp"

namespace pb::protocol::plane {

/// Every piece of text inside <s>, but for code, which Plane's editor cannot strike. Where nothing
/// is to strike, a line that says so is added. strike_out(strike_out(x)) == strike_out(x). Any text
/// may come in; what is no HTML is text.
std::string strike_out(std::string_view html);
bool is_struck_out(std::string_view html);

/// Reads the comment, strikes it out, writes it back; what is struck already is not written. May be
/// repeated blindly.
class strike_comment final : public exchange {
public:
  /// @param comment  uuid; empty: found among the item's comments by its external pair
  strike_comment(api a, std::string project, std::string item, std::string comment,
                 std::string external_source, std::string external_id);
  step start() override;
  step on_response(const http_response& answer) override;
  /// It is not there any more, or never was.
  [[nodiscard]] bool gone() const noexcept { return gone_; }
  [[nodiscard]] const std::string& comment_id() const noexcept { return comment_; }

private:
  enum class stage : std::uint8_t { finding, reading, writing };
  step write(const comment& found);
  api api_;
  std::string project_, item_, given_, source_, external_id_;
  std::string comment_;
  list_comments_all list_;
  stage stage_ = stage::reading;
  bool gone_ = false;
};

}  // namespace pb::protocol::plane
