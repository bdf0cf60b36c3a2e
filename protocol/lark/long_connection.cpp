#include "protocol/lark/long_connection.hpp"

#include <algorithm>
#include <utility>

namespace pb::protocol::lark {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

/// The joiner counts in wall time; any epoch will do.
timestamp as_wall(steady_time t) {
  return timestamp{std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch())};
}
milliseconds since(steady_time then, steady_time now) {
  return std::chrono::duration_cast<milliseconds>(now - then);
}

}  // namespace

link_actions long_connection::start(steady_time now) {
  if (state_ != state::idle && state_ != state::stopped && state_ != state::waiting) return {};
  state_ = state::asking;
  draining_ = false;
  phase_due_ = now + limits_.dialling;
  return {ask_address{}};
}

link_actions long_connection::address_answered(steady_time now, const result<http_response>& answer,
                                               double draw) {
  if (state_ != state::asking) return {};
  if (!answer) return come_back(now, describe(answer.error()), draw);
  auto to = parse_connection_endpoint(*answer);
  if (!to) {
    // Only what Feishu itself refuses for good is given up; a gateway's page is no refusal.
    if (remote_code(to.error()) != 0 && remedy_of(to.error()) != remedy::wait)
      return give_up(to.error());
    return come_back(now, describe(to.error()), draw);
  }
  if (!to->url.starts_with("wss://") && !(limits_.plain_allowed && to->url.starts_with("ws://")))
    return come_back(now, "the address that was given is not wss://", draw);
  service_ = to->service_id;
  learn(to->config);
  state_ = state::dialling;
  phase_due_ = now + limits_.dialling;
  return {dial{secret{std::move(to->url)}}};
}

void long_connection::learn(const connection_config& told) {
  config_.ping_interval = std::clamp<seconds>(told.ping_interval, 5s, 600s);
  config_.reconnect_interval = std::clamp<seconds>(told.reconnect_interval, 1s, 600s);
  config_.reconnect_nonce = std::clamp<seconds>(told.reconnect_nonce, 1s, 300s);
}

link_actions long_connection::opened(steady_time now) {
  if (state_ != state::dialling) return {hang_up{}};
  state_ = state::open;
  phase_due_.reset();
  tried_again_ = false;
  ++figures_.opened;
  return {ping(now)};
}

link_action long_connection::ping(steady_time now) {
  ping_due_ = now + config_.ping_interval;
  if (!silence_due_) silence_due_ = now + limits_.silence;
  return send_frame{write_frame(protocol::lark::ping(service_))};
}

link_actions long_connection::not_opened(steady_time now, int status, std::string why,
                                         double draw) {
  if (state_ != state::dialling) return {};
  if (status == 403 || status == 514)
    return give_up({status == 403 ? errc::forbidden : errc::unauthorized,
                    "lark.long_connection",
                    "the upgrade is refused with " + std::to_string(status) + ": " + why,
                    "",
                    status,
                    "",
                    {}});
  return come_back(now, std::move(why), draw);
}

link_actions long_connection::heard(steady_time now, std::string_view bytes) {
  if (state_ != state::open) return {};
  silence_due_.reset();
  ++figures_.frames;
  auto f = read_frame(bytes);
  if (!f) {
    ++figures_.refused;
    figures_.last_problem = describe(f.error());
    return {};
  }
  if (f->method == static_cast<std::int32_t>(frame::kind::control)) {
    on_control(*f);
    return {};
  }
  return on_data(now, std::move(*f));
}

void long_connection::on_control(const frame& f) {
  if (!is_pong(f) || !f.payload || f.payload->empty()) return;
  const auto before = config_.ping_interval;
  learn(parse_connection_config(*f.payload, config_));
  if (ping_due_) *ping_due_ += config_.ping_interval - before;
}

link_actions long_connection::on_data(steady_time now, frame f) {
  if (!is_event(f)) return {};  // "card" exists; callbacks come as events
  auto whole = joiner_.add(f, as_wall(now));
  if (!whole) {
    // Not acknowledged, so it is sent again.
    ++figures_.refused;
    figures_.last_problem = describe(whole.error());
    return {};
  }
  if (!*whole) return {};
  f.payload.reset();
  return hand_on(now, std::move(f), std::move(**whole));
}

link_actions long_connection::hand_on(steady_time now, frame last, std::string payload) {
  if (draining_) return {send_frame{write_frame(refusal(last, milliseconds{0}))}};
  if (taking_.size() >= limits_.messages_taking) {
    ++figures_.refused;
    figures_.last_problem = "too many messages at once";
    return {send_frame{write_frame(refusal(last, milliseconds{0}))}};
  }
  ++figures_.messages;
  const auto token = ++last_token_;
  std::string id{last.header("message_id").substr(0, 128)};  // for the log
  taking_.emplace(token, in_hand{std::move(last), now});
  taking_order_.push_back(token);
  return {take_message{token, std::move(id), std::move(payload)}};
}

link_actions long_connection::taken(steady_time now, std::uint64_t token, bool durable,
                                    bool callback, std::string_view answer_json) {
  const auto it = taking_.find(token);
  if (it == taking_.end()) return {};  // the link it came over is gone, or it took too long
  const auto took = since(it->second.since, now);
  // A click is not sent again: who clicked is told that it came to nothing.
  auto bytes =
      write_frame(durable || callback ? acknowledgement(it->second.last, took,
                                                        callback ? answer_json : std::string_view{})
                                      : refusal(it->second.last, took));
  taking_.erase(it);
  // Or the list would grow until the next ping.
  while (!taking_order_.empty() && !taking_.contains(taking_order_.front()))
    taking_order_.pop_front();
  return {send_frame{std::move(bytes)}};
}

link_actions long_connection::closed(steady_time now, std::string why, double draw) {
  if (state_ != state::open) return {};
  ++figures_.lost;
  return come_back(now, std::move(why), draw);
}

link_actions long_connection::tick(steady_time now, double draw) {
  if (phase_due_ && *phase_due_ <= now) {
    switch (state_) {
      case state::waiting:
        return start(now);
      case state::asking:
        return come_back(now, "no answer to the question for an address", draw);
      case state::dialling: {
        auto out = come_back(now, "the link did not open in time", draw);
        out.insert(out.begin(), hang_up{});
        return out;
      }
      default:
        phase_due_.reset();
    }
  }
  if (state_ != state::open) return {};
  if (silence_due_ && *silence_due_ <= now) {
    ++figures_.half_open;
    ++figures_.lost;
    auto out = come_back(now, "nothing was heard after a ping: the link is half-open", draw);
    out.insert(out.begin(), hang_up{});
    return out;
  }
  link_actions out;
  while (!taking_order_.empty()) {
    const auto it = taking_.find(taking_order_.front());
    if (it != taking_.end()) {
      if (it->second.since + limits_.taking > now) break;
      out.push_back(
          send_frame{write_frame(refusal(it->second.last, since(it->second.since, now)))});
      taking_.erase(it);
    }
    taking_order_.pop_front();
  }
  if (ping_due_ && *ping_due_ <= now) out.push_back(ping(now));
  return out;
}

link_actions long_connection::stop() {
  const bool linked = state_ == state::open || state_ == state::dialling;
  forget_link();
  state_ = state::idle;
  phase_due_.reset();
  tried_again_ = false;
  if (linked) return {hang_up{}};
  return {};
}

std::optional<steady_time> long_connection::due() const {
  std::optional<steady_time> first = phase_due_;
  const auto take = [&first](const std::optional<steady_time>& t) {
    if (t && (!first || *t < *first)) first = t;
  };
  take(ping_due_);
  take(silence_due_);
  for (const auto token : taking_order_)
    if (const auto it = taking_.find(token); it != taking_.end()) {
      take(it->second.since + limits_.taking);
      break;
    }
  return first;
}

link_actions long_connection::come_back(steady_time now, std::string why, double draw) {
  forget_link();
  figures_.last_problem = std::move(why);
  state_ = state::waiting;
  const auto part = [draw](milliseconds m) {
    return milliseconds{static_cast<milliseconds::rep>(static_cast<double>(m.count()) *
                                                       std::clamp(draw, 0.0, 1.0))};
  };
  // Whoever lost their link at the same moment must not come back at the same moment.
  const auto pause = std::exchange(tried_again_, true)
                         ? milliseconds{config_.reconnect_interval} * 9 / 10 +
                               part(milliseconds{config_.reconnect_interval} / 5)
                         : part(config_.reconnect_nonce);
  phase_due_ = now + std::max(pause, milliseconds{100});
  return {};
}

link_actions long_connection::give_up(failure why) {
  if (why.remedy.empty())
    why.remedy =
        "check lark.app_id and lark.app_secret, that the app receives events by long connection, "
        "and that fewer than 50 connections are open";
  forget_link();
  phase_due_.reset();
  state_ = state::stopped;
  figures_.last_problem = describe(why);
  return {gave_up{std::move(why)}};
}

void long_connection::forget_link() {
  joiner_ = frame_joiner{limits_.joining};
  taking_.clear();
  taking_order_.clear();
  ping_due_.reset();
  silence_due_.reset();
}

std::string_view to_string(long_connection::state s) noexcept {
  switch (s) {
    case long_connection::state::idle:
      return "idle";
    case long_connection::state::asking:
      return "asking for an address";
    case long_connection::state::dialling:
      return "connecting";
    case long_connection::state::open:
      return "open";
    case long_connection::state::waiting:
      return "waiting to connect again";
    case long_connection::state::stopped:
      return "given up";
  }
  return "idle";
}

}  // namespace pb::protocol::lark
