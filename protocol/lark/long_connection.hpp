// protocol/lark/long_connection: what a client of Feishu's long connection does next
// (docs/contracts/lark.md, 7): asks for an address, dials it, pings, joins split messages, hands
// them on, acknowledges once they are durable, notices half-open links, and comes back with jitter
// to a new address each time. Pure: time and draws are arguments, I/O is what it asks for. Run by
// http/lark_long_connection on one strand.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"
#include "protocol/lark/answers.hpp"
#include "protocol/lark/frames.hpp"

namespace pb::protocol::lark {

struct link_limits {
  bool plain_allowed = false;  ///< ws:// beside wss://: the address asked for came over http://
  std::chrono::milliseconds silence{25'000};   ///< without a frame after a ping: half-open
  std::chrono::milliseconds taking{2'500};     ///< then a message is answered 500: sent again
  std::chrono::milliseconds dialling{30'000};  ///< address, upgrade
  frame_joiner::limits joining{};              ///< of messages that come in pieces
  std::size_t messages_taking = 1'024;
};

// What is to be done.
struct ask_address {};
struct dial {
  secret url;  ///< with a ticket in its query
};
struct send_frame {
  std::string bytes;
};
/// A whole message: to be journaled, then told to taken().
struct take_message {
  std::uint64_t token = 0;
  std::string message_id;
  std::string payload;  ///< JSON of an event or callback, decrypted
};
struct hang_up {};  ///< no end of the link is reported after it
/// Nothing more is tried until start(): a person has to do something.
struct gave_up {
  failure why;
};
using link_action = std::variant<ask_address, dial, send_frame, take_message, hang_up, gave_up>;
using link_actions = std::vector<link_action>;

class long_connection {
public:
  enum class state : std::uint8_t { idle, asking, dialling, open, waiting, stopped };

  explicit long_connection(link_limits limits = {}) : limits_(limits), joiner_(limits.joining) {}

  // What happened. Each returns what to do now, in order; afterwards due() may have changed.
  /// @param draw  uniform in [0, 1); of every function that has one
  link_actions start(steady_time now);
  link_actions address_answered(steady_time now, const result<http_response>& answer, double draw);
  link_actions opened(steady_time now);
  /// Dialling failed, or the server refused the upgrade.
  /// @param status  of the refusal's header Handshake-Status, 0 without one
  link_actions not_opened(steady_time now, int status, std::string why, double draw);
  link_actions heard(steady_time now, std::string_view bytes);
  link_actions closed(steady_time now, std::string why, double draw);
  /// A message's end: durable, or not to be taken now.
  /// @param callback  its answer reaches the person who clicked
  link_actions taken(steady_time now, std::uint64_t token, bool durable, bool callback,
                     std::string_view answer_json);
  /// due() has come.
  link_actions tick(steady_time now, double draw);
  /// From now on nothing new is taken: Feishu sends it again, to whoever is linked then. What is
  /// being taken is still acknowledged; `taking()` tells when that is done.
  void drain() noexcept { draining_ = true; }
  [[nodiscard]] std::size_t taking() const noexcept { return taking_.size(); }
  /// Orderly: hangs up; idle afterwards.
  link_actions stop();

  [[nodiscard]] std::optional<steady_time> due() const;
  [[nodiscard]] state now_in() const noexcept { return state_; }

  struct figures {
    std::uint64_t opened = 0, lost = 0, half_open = 0, frames = 0, messages = 0, refused = 0;
    std::string last_problem;  ///< also after it has passed
  };
  [[nodiscard]] const figures& look() const noexcept { return figures_; }

private:
  using milliseconds = std::chrono::milliseconds;
  struct in_hand {
    frame last;  ///< acknowledged with it
    steady_time since{};
  };
  void learn(const connection_config& told);
  link_actions come_back(steady_time now, std::string why, double draw);
  link_actions give_up(failure why);
  void forget_link();
  link_action ping(steady_time now);
  void on_control(const frame& f);
  link_actions on_data(steady_time now, frame f);
  link_actions hand_on(steady_time now, frame last, std::string payload);

  link_limits limits_;
  /// As the server told last, within bounds. Its reconnect_count is not obeyed: a bridge that gives
  /// up on an outage is a silent one.
  connection_config config_;
  state state_ = state::idle;
  std::int32_t service_ = 0;
  std::optional<steady_time> phase_due_;  ///< of asking, dialling, waiting
  std::optional<steady_time> ping_due_, silence_due_;
  bool draining_ = false;
  bool tried_again_ = false;  ///< the first pause after a loss is drawn, later ones the interval
  frame_joiner joiner_;
  std::unordered_map<std::uint64_t, in_hand> taking_;
  std::deque<std::uint64_t> taking_order_;  ///< by age; may name some that have ended
  std::uint64_t last_token_ = 0;
  figures figures_;
};
std::string_view to_string(long_connection::state s) noexcept;

}  // namespace pb::protocol::lark
