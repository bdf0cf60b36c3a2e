#include "http/server_connection.hpp"

#include <utility>

#include "base/log.hpp"
#include "http/request_guard.hpp"

namespace pb::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

/// The whole of most requests, so that one read is enough.
constexpr std::size_t head_piece_bytes = 16 * 1024;
constexpr std::size_t reserved_ahead = 64 * 1024;  ///< of what a header promises
constexpr std::size_t body_piece_bytes = 16 * 1024;
constexpr std::size_t idle_tls_bytes = 512;
/// A chunk's head or the trailer: what the parser wants whole before it goes on.
constexpr std::size_t most_unparsed_bytes = 16 * 1024;
constexpr std::size_t most_blank_lines = 4;

std::string_view view_of(const beast::flat_buffer& b) noexcept {
  return {static_cast<const char*>(b.data().data()), b.size()};
}
std::string text_of(beast::string_view v) { return {v.data(), v.size()}; }

}  // namespace

bool piece_body::reader::accept(server_connection& to, std::string_view piece) {
  return to.feed(piece);
}

/// Nobody who sends to us uses them, and servers that skip them differ in where they end.
void server_connection::chunk_watch::operator()(std::uint64_t, beast::string_view extensions,
                                                error_code& ec) const {
  if (extensions.empty()) return;
  of->body_fault_ = 400;
  ec = beast::http::error::bad_chunk_extension;
}

server_connection::server_connection(std::shared_ptr<server_state> shared,
                                     const std::shared_ptr<server_worker>& on,
                                     asio::ip::tcp::socket socket)
    : state_(std::move(shared)),
      worker_(on),
      stream_(std::move(socket), state_->tls ? &*state_->tls : nullptr),
      timer_(on->io) {
  error_code ec;
  const auto from = stream_.socket().remote_endpoint(ec);
  if (!ec) socket_peer_ = plain_address(from.address());
  peer_ = socket_peer_;
  stream_.socket().set_option(asio::ip::tcp::no_delay{true}, ec);
  stream_.socket().set_option(asio::socket_base::keep_alive{true}, ec);
}

void server_connection::start() {
  if (state_->draining) return close();
  if (!stream_.secure()) return wait_request();
  enter(phase::handshake);
  arm(state_->options.header_timeout);
  stream_.handshake([self = shared_from_this()](error_code ec) {
    if (self->phase_ != phase::handshake) return;
    if (ec) return self->close();
    self->wait_request();
  });
}

std::optional<waits_for> server_connection::waits_in(phase p) noexcept {
  switch (p) {
    case phase::idle:
      return waits_for::request;
    case phase::handshake:
    case phase::head:
      return waits_for::head;
    case phase::body:
      return waits_for::body;
    case phase::writing:
      return waits_for::taking;
    case phase::ending:
      return waits_for::leaving;
    default:
      return std::nullopt;
  }
}

void server_connection::enter(phase p) {
  phase_ = p;
  unlink();
  const auto kind = waits_in(p);
  if (!kind) return;
  if (const auto w = worker_.lock()) w->waiting[static_cast<std::size_t>(*kind)].push_back(*this);
}

void server_connection::wait_request() {
  parser_.reset();
  request_.reset();
  route_ = nullptr;
  ++number_;
  scanned_ = blank_lines_ = 0;
  body_ = {};
  body_bytes_ = reserved_bytes_ = 0;
  body_fault_ = 0;
  unread_ = old_version_ = false;
  out_head_ = out_body_ = {};
  peer_ = socket_peer_;
  if (buffer_.size() > 0) {
    enter(phase::head);
    arm(state_->options.header_timeout);
    return on_head_bytes();
  }
  if (state_->draining || peer_gone_) return end();
  enter(phase::idle);
  release_buffer();
  arm(beyond_limit_ ? state_->options.header_timeout : state_->options.idle_timeout);
  if (stream_.secure()) return read_more(idle_tls_bytes);
  // no buffer until there is something to put into it
  stream_.wait_readable([self = shared_from_this()](error_code ec) {
    if (self->phase_ != phase::idle) return;
    if (ec) return self->close();
    self->read_more(head_piece_bytes);
  });
}

void server_connection::release_buffer() {
  if (reading_) return;
  buffer_.clear();
  buffer_.shrink_to_fit();
}

void server_connection::read_more(std::size_t bytes) {
  reading_ = true;
  stream_.read_some(buffer_.prepare(bytes),
                    [self = shared_from_this()](error_code ec, std::size_t n) {
                      self->reading_ = false;
                      self->on_read(ec, n);
                    });
}

void server_connection::on_read(error_code ec, std::size_t n) {
  if (phase_ == phase::closed) return;
  buffer_.commit(n);
  if (ec) peer_gone_ = true;
  switch (phase_) {
    case phase::idle:
      if (ec) return close();
      enter(phase::head);
      arm(state_->options.header_timeout);
      return on_head_bytes();
    case phase::head:
      if (ec) return close();
      return on_head_bytes();
    case phase::body:
      if (ec) return close();
      return on_body_bytes();
    case phase::streaming:
      // a subscriber has nothing to say, but its silence has an end
      buffer_.consume(buffer_.size());
      if (ec) return close();
      return watch_peer();
    case phase::ending:
      buffer_.consume(buffer_.size());
      if (ec) return say_goodbye();
      return read_more(body_piece_bytes);
    default:
      // a read that was under way when its time was up: the answer is being written
      return;
  }
}

void server_connection::on_head_bytes() {
  // an empty line before the request is a habit of some clients (RFC 9112, 2.2)
  while (view_of(buffer_).starts_with("\r\n") && blank_lines_ < most_blank_lines) {
    buffer_.consume(2);
    ++blank_lines_;
    scanned_ = 0;
  }
  if (buffer_.size() == 0) return read_more(head_piece_bytes);
  std::size_t end = 0;
  const auto most = state_->options.max_header_bytes;
  switch (scan_head(view_of(buffer_).substr(0, most + 1), scanned_, end)) {
    case head_scan::bare_newline:
      began_ = state_->clock.steady_now();
      begin_counting();
      unread_ = true;
      return refuse(400, "a line ends in LF without CR");
    case head_scan::incomplete:
      if (buffer_.size() <= most)
        return read_more(std::min(head_piece_bytes, most + 1 - buffer_.size()));
      break;
    case head_scan::complete:
      if (end <= most) return on_head(end);
      break;
  }
  began_ = state_->clock.steady_now();
  begin_counting();
  unread_ = true;
  refuse(431, "the header is larger than " + std::to_string(most) + " bytes");
}

void server_connection::on_head(std::size_t length) {
  began_ = state_->clock.steady_now();
  begin_counting();
  // until the body's length is certain, what follows cannot be told from another request
  unread_ = true;
  keep_alive_ = false;
  if (const auto fault = head_fault(view_of(buffer_).substr(0, length))) return refuse(400, *fault);
  if (!parse_head(length)) return;
  if (!choose_route()) return;
  if (beyond_limit_) return refuse(503, "too many connections", {{"Retry-After", "1"}});
  begin_body();
}

bool server_connection::parse_head(std::size_t length) {
  parser_ = std::make_unique<parser>();
  parser_->get().body() = this;
  parser_->body_limit(boost::none);  // per route, counted in feed()
  parser_->header_limit(static_cast<std::uint32_t>(length + 1));
  error_code ec;
  parser_->put(asio::const_buffer{buffer_.data().data(), length}, ec);
  if (ec == beast::http::error::bad_version) {
    refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    return false;
  }
  if (ec || !parser_->is_header_done()) {
    refuse(400, "the request cannot be read");
    return false;
  }
  buffer_.consume(length);
  const auto& head = parser_->get();
  request_ = std::make_shared<request>();
  auto& r = *request_;
  r.received_at = state_->clock.now();
  r.method = text_of(head.method_string());
  r.target = text_of(head.target());
  for (const auto& f : head) r.headers.push_back({text_of(f.name_string()), text_of(f.value())});
  const auto id = r.header("X-Request-Id");
  r.id = sane_request_id(id) ? std::string{id} : state_->new_request_id();
  peer_ = state_->proxies.client(socket_peer_, r.headers);
  r.peer = peer_.to_string();
  // a relay on this machine that is not trusted to name its client must not make it local
  r.loopback = peer_.is_loopback() && socket_peer_.is_loopback() &&
               r.header("X-Forwarded-For").empty() && r.header("Forwarded").empty();
  old_version_ = head.version() == 10;
  keep_alive_ = parser_->keep_alive();
  unread_ = !parser_->is_done();
  return true;
}

bool server_connection::choose_route() {
  auto parts = split_target(request_->target);
  if (!parts) {
    refuse(400, "the target is not a path");
    return false;
  }
  request_->path = std::move(parts->path);
  request_->query = std::move(parts->query);
  auto match = state_->routes.find(request_->method, parts->raw_path);
  if (match.entry == nullptr) {
    if (match.allow.empty())
      refuse(404, "nothing is here");
    else
      refuse(405, "this method is not for this path", {{"Allow", match.allow}});
    return false;
  }
  route_ = match.entry;
  request_->path_params = std::move(match.params);
  const auto& types = route_->what.content_types;
  if (!types.empty() && unread_) {
    const auto sent = media_type(request_->header("Content-Type"));
    bool fits = false;
    for (const auto& t : types) fits = fits || protocol::iequals(t, sent);
    if (!fits) {
      refuse(415, "this takes " + types.front());
      return false;
    }
  }
  const auto coding = request_->header("Content-Encoding");
  if (!coding.empty() && !protocol::iequals(coding, "identity")) {
    // nothing is unpacked here: a small body stays small
    refuse(415, "compressed bodies are not taken", {{"Accept-Encoding", "identity"}});
    return false;
  }
  const auto expect = request_->header("Expect");
  if (!expect.empty() && !protocol::iequals(expect, "100-continue")) {
    refuse(417, "only 100-continue can be expected");
    return false;
  }
  return true;
}

void server_connection::begin_body() {
  keep_bytes_ = route_->what.keep_body_bytes != 0 ? route_->what.keep_body_bytes
                                                  : state_->options.max_body_bytes;
  most_bytes_ = std::max(keep_bytes_, route_->what.stream_body_bytes);
  if (const auto length = parser_->content_length(); length && *length > most_bytes_)
    return refuse(413, "the body is larger than " + std::to_string(most_bytes_) + " bytes");
  if (route_->what.refuse_unread) {
    if (auto refusal = route_->what.refuse_unread(*request_)) {
      if (unread_) keep_alive_ = false;
      return finish(std::move(*refusal));
    }
  }
  if (route_->what.observe) try {
      request_->observer = route_->what.observe(*request_);
    } catch (const std::exception& e) {
      log::error("request observer failed",
                 {log::kv("route", route_->what.pattern), log::kv("error", e.what())});
      return refuse(500, "the request could not be handled");
    }
  if (!unread_) return handle();
  enter(phase::body);
  arm(state_->options.body_timeout);
  parser_->eager(true);
  parser_->on_chunk_header(chunk_watch_);
  if (buffer_.size() > 0 || old_version_ || request_->header("Expect").empty())
    return on_body_bytes();
  out_head_ = "HTTP/1.1 100 Continue\r\n\r\n";
  write_more();
}

void server_connection::on_body_bytes() {
  error_code ec;
  while (buffer_.size() > 0 && !parser_->is_done()) {
    const auto n = parser_->put(buffer_.data(), ec);
    buffer_.consume(n);
    if (body_fault_ != 0) {
      if (body_fault_ == 413)
        return refuse(413, "the body is larger than " + std::to_string(most_bytes_) + " bytes");
      if (body_fault_ == 503)
        return refuse(503, "too many bodies are being read", {{"Retry-After", "1"}});
      if (body_fault_ == 400) return refuse(400, "a chunk has extensions");
      return refuse(body_fault_, "the request could not be handled");
    }
    if (ec == beast::http::error::need_more) break;
    if (ec) return refuse(400, "the body's chunks cannot be read");
    if (n == 0) break;
  }
  if (parser_->is_done()) {
    unread_ = false;
    return handle();
  }
  if (buffer_.size() > most_unparsed_bytes) return refuse(400, "the body's chunks cannot be read");
  const auto left = parser_->content_length_remaining();
  read_more(left ? std::min<std::uint64_t>(*left, body_piece_bytes) : body_piece_bytes);
}

bool server_connection::feed(std::string_view piece) {
  body_bytes_ += piece.size();
  if (body_bytes_ > most_bytes_) {
    body_fault_ = 413;
    return false;
  }
  if (request_->observer) try {
      request_->observer->feed(piece);
    } catch (const std::exception& e) {
      log::error("request observer failed",
                 {log::kv("route", route_->what.pattern), log::kv("error", e.what())});
      body_fault_ = 500;
      return false;
    }
  const auto kept = std::min(piece.size(), keep_bytes_ - body_.size());
  if (kept < piece.size()) request_->body_truncated = true;
  if (kept == 0) return true;
  if (!make_room_for(kept)) {
    if (!request_->observer || route_->what.stream_body_bytes == 0) {
      body_fault_ = 503;
      return false;
    }
    // the observer's facts are enough for this one
    release_body();
    keep_bytes_ = 0;
    request_->body_truncated = true;
    return true;
  }
  body_.append(piece.substr(0, kept));
  return true;
}

/// Counts what is allocated and not what is filled: that is what the limit is for.
bool server_connection::make_room_for(std::size_t more) {
  const auto needed = body_.size() + more;
  if (needed <= reserved_bytes_) return true;
  auto next = std::max(needed, 2 * reserved_bytes_);
  if (const auto length = parser_->content_length()) {
    const auto whole = static_cast<std::size_t>(std::min<std::uint64_t>(*length, keep_bytes_));
    next = std::min(std::max(next, std::min(whole, reserved_ahead)), std::max(whole, needed));
  }
  next = std::min(next, std::max(keep_bytes_, needed));
  const auto added = next - reserved_bytes_;
  reserved_bytes_ = next;
  if (state_->kept_bytes.fetch_add(added) + added > state_->options.max_kept_bytes) return false;
  body_.reserve(next);
  return true;
}

void server_connection::release_body() {
  state_->kept_bytes -= std::exchange(reserved_bytes_, 0);
  body_ = {};
}

/// A request moves the deadline several times, so that moving costs nothing: the timer runs out
/// early, looks, and goes on. It never runs longer than the shortest time anybody asks for, and so
/// never has to be shortened.
void server_connection::arm(std::chrono::milliseconds after) {
  deadline_ = std::chrono::steady_clock::now() + after;
  if (!ticking_) return tick(after);
  if (timer_.expiry() > *deadline_) tick(after);
}

void server_connection::tick(std::chrono::steady_clock::duration left) {
  ticking_ = true;
  timer_.expires_after(std::min<std::chrono::steady_clock::duration>(left, state_->shortest_wait));
  timer_.async_wait([self = shared_from_this(), n = ++timer_number_](error_code) {
    if (n == self->timer_number_) self->on_tick();
  });
}

void server_connection::on_tick() {
  ticking_ = false;
  if (!deadline_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < *deadline_) return tick(*deadline_ - now);
  deadline_.reset();
  on_timer();
}

void server_connection::disarm() { deadline_.reset(); }

void server_connection::stop_timer() {
  disarm();
  ticking_ = false;
  ++timer_number_;
  timer_.cancel();
}

void server_connection::on_timer() {
  switch (phase_) {
    case phase::head:
      began_ = state_->clock.steady_now();
      begin_counting();
      unread_ = true;
      return refuse(408, "the header took too long");
    case phase::body:
      if (writing_) return close();  // not even 100 Continue was taken
      unread_ = true;
      return refuse(408, "the body took too long");
    case phase::closed:
      return;
    default:
      return close();
  }
}

}  // namespace pb::http
