// The answering half of server_connection.
#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.hpp"
#include "http/answer_text.hpp"
#include "http/request_guard.hpp"
#include "http/server_connection.hpp"

namespace pb::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// How long a client that is still sending may take to notice its answer.
constexpr std::chrono::milliseconds farewell{2'000};
constexpr std::size_t discard_bytes = 16 * 1024;
/// What a client must take of its answer on average, once the idle time is over.
constexpr std::size_t least_bytes_a_second = 1024;
/// When to come back, where the answer does not know better.
constexpr std::string_view usual_pause_s = "5";

}  // namespace

void server_connection::handle() {
  enter(phase::handling);
  disarm();
  parser_.reset();
  if (buffer_.size() == 0) release_buffer();
  if (reserved_bytes_ > 0) {
    request_->body = std::shared_ptr<const std::string>(
        new std::string(std::move(body_)),
        [state = state_, n = reserved_bytes_](const std::string* p) {
          delete p;
          state->kept_bytes -= n;
        });
    reserved_bytes_ = 0;
  }
  call_handler();
}

void server_connection::call_handler() {
  const auto taken = std::make_shared<std::atomic<bool>>(false);
  const auto worker = worker_.lock();
  if (!worker) return close();
  const auto n = number_;
  auto deliver = [worker, to = weak_from_this(), taken, n](response r) {
    if (taken->exchange(true)) return;
    asio::post(worker->io, [to, n, r = std::move(r)]() mutable {
      if (const auto c = to.lock()) c->answer(n, std::move(r));
    });
  };
  try {
    if (!route_->stream) return route_->what.handle(request_, responder{std::move(deliver)});
    auto accept = [worker, to = weak_from_this(), taken, n] {
      if (taken->exchange(true)) return event_pipe::dead();
      auto pipe = std::make_shared<event_pipe>(worker, to);
      asio::post(worker->io, [to, n, pipe] {
        const auto c = to.lock();
        if (c) return c->start_stream(n, pipe);
        pipe->gone();
      });
      return pipe->handle();
    };
    route_->stream(request_, responder{std::move(deliver)}, std::move(accept));
  } catch (const std::exception& e) {
    log::error("request handler failed",
               {log::kv("route", route_->what.pattern), log::kv("request", request_->id),
                log::kv("error", e.what())});
    taken->store(true);
    if (route_->what.silent_when_busy) return close_unanswered();
    answer(n, error_response(500, "INTERNAL", "the request could not be handled", request_->id));
  }
}

void server_connection::answer(std::uint64_t number, response r) {
  if (phase_ != phase::handling || number != number_) return;
  if (r.drop_connection) {
    return close_unanswered();
  }
  if (r.status < 200 || r.status > 599) {
    log::error("handler gave no status",
               {log::kv("route", route_->what.pattern), log::kv("status", r.status)});
    r = error_response(500, "INTERNAL", "the request could not be handled", request_->id);
  }
  if (r.status >= 400 && r.body.empty()) {
    auto whole =
        error_response(r.status, error_code_of(r.status), "the request failed", request_->id);
    whole.headers = std::move(r.headers);
    r = std::move(whole);
  }
  finish(std::move(r));
}

void server_connection::refuse(int status, std::string_view message,
                               std::vector<protocol::http_header> more) {
  ++state_->rejected;
  if (route_ != nullptr && route_->what.silent_when_busy && (status == 408 || status >= 500))
    return close_unanswered();
  if (unread_) keep_alive_ = false;
  release_body();  // the connection may linger
  auto r = error_response(status, error_code_of(status), message, {});
  r.headers = std::move(more);
  finish(std::move(r));
}

void server_connection::close_unanswered() {
  status_ = 0;
  answer_bytes_ = 0;
  ++state_->answers[0];
  log_access();
  close();
}

void server_connection::finish(response r) {
  if (r.status >= 400 && r.status < 500) {
    const auto pause = state_->limits.failed(peer_, state_->clock.steady_now());
    if (pause) {
      ++state_->rejected;
      keep_alive_ = false;
      r = error_response(429, error_code_of(429), "too many failed requests from this address", {});
      r.headers.push_back({"Retry-After", std::to_string(pause->count())});
    }
  }
  if ((r.status == 429 || r.status == 503) &&
      std::none_of(r.headers.begin(), r.headers.end(),
                   [](const auto& h) { return protocol::iequals(h.name, "Retry-After"); }))
    r.headers.push_back({"Retry-After", std::string{usual_pause_s}});
  const auto id = request_ ? request_->id : state_->new_request_id();
  stamp_request_id(r, id);
  keep_alive_ = keep_alive_ && !state_->draining && !beyond_limit_;
  const bool bodyless = r.status == 204 || r.status == 304;
  if (bodyless) r.body.clear();
  out_head_ = answer_head(r, {id, state_->clock.now(), keep_alive_, old_version_, r.body.size()});
  const bool head_only = request_ && request_->method == "HEAD";
  out_body_ = head_only ? std::string{} : std::move(r.body);
  status_ = r.status;
  ++state_->answers[static_cast<std::size_t>(r.status)];
  answer_bytes_ = out_body_.size();
  begin_writing();
}

void server_connection::begin_writing() {
  enter(phase::writing);
  answer_due_ = state_->clock.steady_now() + state_->options.idle_timeout +
                std::chrono::seconds{(out_head_.size() + out_body_.size()) / least_bytes_a_second};
  arm(state_->options.idle_timeout);
  write_more();
}

void server_connection::log_access() {
  if (!state_->options.access_log || status_ == -1) return;
  const auto least = status_ >= 200 && status_ < 300 ? log::level::debug : log::level::info;
  if (!log::enabled(least)) return;
  if (status_ >= 400 || status_ == 0)
    if (!state_->may_log_refusal()) return;
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(state_->clock.steady_now() - began_);
  // the route's pattern, never the path: paths of feeds and queries of sign-ins are secrets
  log::write(least, "http request",
             {log::kv("method", request_ ? std::string_view{request_->method}.substr(0, 16) : "-"),
              log::kv("route", route_ != nullptr ? std::string_view{route_->what.pattern} : "-"),
              log::kv("status", status_), log::kv("bytes", answer_bytes_),
              log::kv("took_us", took.count()), log::kv("peer", peer_.to_string()),
              log::kv("request", request_ ? std::string_view{request_->id} : "-")});
}

void server_connection::write_more() {
  writing_ = true;
  std::array<asio::const_buffer, 2> rest;
  if (out_at_ < out_head_.size())
    rest = {asio::const_buffer{out_head_.data() + out_at_, out_head_.size() - out_at_},
            asio::const_buffer{out_body_.data(), out_body_.size()}};
  else
    rest = {asio::const_buffer{out_body_.data() + (out_at_ - out_head_.size()),
                               out_body_.size() - (out_at_ - out_head_.size())},
            asio::const_buffer{}};
  stream_.write_some(rest, [self = shared_from_this()](error_code ec, std::size_t n) {
    self->writing_ = false;
    if (self->phase_ == phase::closed) return;
    if (ec) return self->close();
    self->out_at_ += n;
    if (self->out_at_ >= self->out_head_.size() + self->out_body_.size()) {
      self->out_at_ = 0;
      self->out_head_ = self->out_body_ = {};
      return self->on_written();
    }
    // slow is allowed; standing still is not, and neither is a byte now and then
    if (self->phase_ == phase::writing && self->state_->clock.steady_now() > self->answer_due_)
      return self->close();
    if (self->phase_ != phase::body) self->arm(self->state_->options.idle_timeout);
    self->write_more();
  });
}

void server_connection::on_written() {
  switch (phase_) {
    case phase::body:
      return on_body_bytes();
    case phase::writing:
      log_access();
      end_counting();
      if (keep_alive_ && !state_->draining) return wait_request();
      return end();
    case phase::streaming:
      disarm();
      pipe_->written();
      return flush_stream();
    default:
      return;
  }
}

void server_connection::start_stream(std::uint64_t number, std::shared_ptr<event_pipe> pipe) {
  if (phase_ != phase::handling || number != number_) return pipe->gone();
  response r;
  r.content_type = "text/event-stream";
  r.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  keep_alive_ = false;
  out_head_ = answer_head(r, {request_->id, state_->clock.now(), false, old_version_, {}});
  status_ = 200;
  ++state_->answers[200];
  answer_bytes_ = 0;
  log_access();
  end_counting();
  if (request_->method == "HEAD" || state_->draining) {
    pipe->gone();
    status_ = -1;  // logged
    enter(phase::writing);
  } else {
    pipe_ = std::move(pipe);
    enter(phase::streaming);
    buffer_.consume(buffer_.size());
    watch_peer();
  }
  arm(state_->options.idle_timeout);
  write_more();
}

void server_connection::watch_peer() { read_more(discard_bytes / 32); }

void server_connection::flush_stream() {
  if (phase_ != phase::streaming) return;
  if (pipe_->overflowed()) return close();
  if (writing_) return;
  out_body_ = pipe_->take();
  if (out_body_.empty()) {
    if (pipe_->ended()) end();
    return;
  }
  arm(state_->options.idle_timeout);
  write_more();
}

void server_connection::end() {
  enter(phase::ending);
  if (pipe_) pipe_->gone();
  arm(farewell);
  if (!stream_.secure()) stream_.shut_sending();
  // closing on unread bytes resets the connection, and the reset may overtake the answer
  if (!unread_ || peer_gone_) return say_goodbye();
  if (reading_) return;
  buffer_.consume(buffer_.size());
  read_more(discard_bytes);
}

void server_connection::say_goodbye() {
  if (!stream_.secure() || reading_) return close();
  stream_.shut_tls([self = shared_from_this()](error_code) { self->close(); });
}

void server_connection::start_refused() {
  beyond_limit_ = true;
  start();
}

void server_connection::give_way() {
  ++state_->rejected;
  if (state_->may_log_refusal())
    log::warn("all places are taken, a connection that waits for its peer gives way",
              {log::kv("connections", state_->connections.load()),
               log::kv("peer", socket_peer_.to_string())});
  close();
}

void server_connection::drain() {
  switch (phase_) {
    case phase::handshake:
    case phase::idle:
    case phase::streaming:
      return close();
    default:
      return;
  }
}

void server_connection::close() {
  if (phase_ == phase::closed) return;
  const auto self = shared_from_this();  // the set's may be the last
  enter(phase::closed);
  stop_timer();
  stream_.close();
  if (pipe_) pipe_->gone();
  release_body();
  end_counting();
  if (const auto w = worker_.lock()) w->connections.erase(self);
  state_->connection_closed();
}

void server_connection::begin_counting() {
  if (std::exchange(counted_, true)) return;
  ++state_->requests;
  ++state_->in_flight;
}

void server_connection::end_counting() {
  if (!std::exchange(counted_, false)) return;
  --state_->in_flight;
}

}  // namespace pb::http
