#include "sandbox/lark_link.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <mutex>
#include <set>
#include <unordered_map>

#include "base/digest.hpp"
#include "sandbox/lark_frames.hpp"
#include "sandbox/rows.hpp"
#include "sandbox/upgrade.hpp"

namespace pb::sandbox {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

constexpr std::uint64_t service_id = 33'554'678;
constexpr int no_credential = 1'000'040'344, too_many_links = 1'000'040'350;

protocol::http_response link_answer(const json::value& body) {
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, json::serialize(body)};
}

std::string between(std::string_view text, std::string_view from, std::string_view until) {
  const auto at = text.find(from);
  if (at == std::string_view::npos) return {};
  const auto rest = text.substr(at + from.size());
  return std::string{rest.substr(0, rest.find(until))};
}

failure no_answer(errc code, std::string detail) {
  return failure{code, "sandbox.lark_link", std::move(detail), {}, 0, {}, {}};
}

class session;

}  // namespace

struct lark_link::impl : std::enable_shared_from_this<lark_link::impl> {
  impl(lark& l, random_source& r, lark_link_options o) : source(l), random(r), options(o) {}

  /// Sent and not yet acknowledged.
  struct waiting {
    http::transport::completion done;
    std::shared_ptr<asio::steady_timer> timer;
  };

  json::object client_config() const {
    return {{"ReconnectCount", -1},
            {"ReconnectInterval", options.reconnect_interval.count()},
            {"ReconnectNonce", options.reconnect_nonce.count()},
            {"PingInterval", options.ping_interval.count()}};
  }
  std::string hex(std::size_t bytes) {
    std::string out(bytes, '\0');
    random.fill({reinterpret_cast<unsigned char*>(out.data()), out.size()});
    return to_hex(out);
  }
  void finish(const std::string& message_id, result<protocol::http_response> r) {
    waiting w;
    {
      const std::scoped_lock held{lock};
      const auto found = pending.find(message_id);
      if (found == pending.end()) return;
      w = std::move(found->second);
      pending.erase(found);
    }
    if (w.timer) w.timer->cancel();
    w.done(std::move(r));
  }
  void acknowledged(const lark_frame& f) {
    boost::system::error_code ec;
    const json::value v = json::parse(f.payload.value_or(""), ec);
    const std::string id{f.header("message_id")};
    if (ec || !v.is_object()) return finish(id, no_answer(errc::bad_input, "an ack without JSON"));
    protocol::http_response r;
    r.status = static_cast<int>(number_of(v.get_object(), "code"));
    const auto data = from_base64(text_of(v.get_object(), "data"));
    r.body = data && !data->empty() ? *data : "{}";
    finish(id, std::move(r));
  }
  void add(const std::shared_ptr<session>& s) {
    const std::scoped_lock held{lock};
    sessions.push_back(s);
  }
  void remove(const session* s) {
    const std::scoped_lock held{lock};
    std::erase_if(sessions, [&](const auto& each) { return each.get() == s; });
  }

  lark& source;
  random_source& random;
  lark_link_options options;
  mutable std::mutex lock;
  std::set<std::string> tickets;
  std::vector<std::shared_ptr<session>> sessions;
  std::unordered_map<std::string, waiting> pending;
  std::uint64_t last_seq = 0;
  bool frozen = false;
};

namespace {

class session : public std::enable_shared_from_this<session> {
public:
  session(beast::tcp_stream stream, std::shared_ptr<lark_link::impl> link)
      : ws_(std::move(stream)), link_(std::move(link)) {}

  void start(beast::http::request<beast::http::string_body> request) {
    request_ = std::move(request);
    ws_.binary(true);
    ws_.async_accept(request_, [self = shared_from_this()](error_code ec) {
      if (ec) return;
      self->link_->add(self);
      self->read();
    });
  }

  auto executor() { return ws_.get_executor(); }

  /// On any thread.
  void send(std::string bytes) {
    asio::post(executor(), [self = shared_from_this(), bytes = std::move(bytes)]() mutable {
      self->out_.push_back(std::move(bytes));
      if (self->out_.size() == 1) self->write();
    });
  }
  void cut() {
    asio::post(executor(), [self = shared_from_this()] {
      error_code ec;
      beast::get_lowest_layer(self->ws_).socket().close(ec);
    });
  }

private:
  void read() {
    ws_.async_read(buffer_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (ec) return self->link_->remove(self.get());
      const std::string bytes = beast::buffers_to_string(self->buffer_.data());
      self->buffer_.clear();
      self->heard(bytes);
      self->read();
    });
  }

  void heard(const std::string& bytes) {
    {
      const std::scoped_lock held{link_->lock};
      if (link_->frozen) return;
    }
    const auto f = frame_of(bytes);
    if (!f) return cut();
    if (f->method == 1) return link_->acknowledged(*f);
    if (f->header("type") != "ping") return;
    lark_frame pong;
    pong.service = f->service;
    pong.headers = {{"type", "pong"}};
    pong.payload = json::serialize(link_->client_config());
    send(to_bytes(pong));
  }

  void write() {
    ws_.async_write(asio::buffer(out_.front()),
                    [self = shared_from_this()](error_code ec, std::size_t) {
                      if (ec) return;
                      self->out_.pop_front();
                      if (!self->out_.empty()) self->write();
                    });
  }

  websocket::stream<beast::tcp_stream> ws_;
  std::shared_ptr<lark_link::impl> link_;
  beast::http::request<beast::http::string_body> request_;
  beast::flat_buffer buffer_;
  std::deque<std::string> out_;
};

void refuse_upgrade(upgrade&& u) {
  struct last_words {
    upgrade connection;
    beast::http::response<beast::http::empty_body> answer;
  };
  auto words = std::make_shared<last_words>(last_words{std::move(u), {}});
  words->answer.result(beast::http::status::forbidden);
  words->answer.set("Handshake-Status", "514");
  words->answer.set("Handshake-Msg", "the ticket is not valid");
  words->answer.set("Handshake-Autherrcode", std::to_string(no_credential));
  words->answer.prepare_payload();
  beast::http::async_write(words->connection.stream, words->answer,
                           [words](error_code, std::size_t) {});
}

}  // namespace

lark_link::lark_link(lark& l, random_source& random, lark_link_options options)
    : impl_(std::make_shared<impl>(l, random, options)) {}

lark_link::~lark_link() {
  const std::scoped_lock held{impl_->lock};
  impl_->sessions.clear();
}

std::optional<protocol::http_response> lark_link::handle(const inbound& request) {
  if (request.path != "/callback/ws/endpoint" || request.method != "POST") return std::nullopt;
  boost::system::error_code ec;
  const json::value v = json::parse(request.body, ec);
  const json::object body = !ec && v.is_object() ? v.get_object() : json::object{};
  const auto& app = impl_->source.options();
  if (text_of(body, "AppID") != app.app_id ||
      !constant_time_equal(text_of(body, "AppSecret"), app.app_secret.reveal()))
    return link_answer(json::object{{"code", no_credential}, {"msg", "no credential"}});
  std::string host = "127.0.0.1";
  for (const auto& h : request.headers)
    if (protocol::iequals(h.name, "Host")) host = h.value;
  const std::scoped_lock held{impl_->lock};
  if (impl_->sessions.size() >= impl_->options.most_connections)
    return link_answer(json::object{{"code", too_many_links}, {"msg", "too many connections"}});
  const std::string ticket = impl_->hex(16);
  impl_->tickets.insert(ticket);
  const std::string url = "ws://" + host +
                          "/ws/v2?fpid=493&aid=552564&device_id=7438123456789012345" +
                          "&access_key=" + impl_->hex(8) +
                          "&service_id=" + std::to_string(service_id) + "&ticket=" + ticket;
  return link_answer(
      json::object{{"code", 0},
                   {"msg", ""},
                   {"data", json::object{{"URL", url}, {"ClientConfig", impl_->client_config()}}}});
}

void lark_link::accept(upgrade&& u) {
  const std::string ticket = between(u.request.target(), "ticket=", "&");
  {
    const std::scoped_lock held{impl_->lock};
    if (impl_->tickets.erase(ticket) == 0) return refuse_upgrade(std::move(u));
  }
  u.stream.expires_never();
  std::make_shared<session>(std::move(u.stream), impl_)->start(std::move(u.request));
}

void lark_link::send(const lark_push& push, std::chrono::milliseconds timeout,
                     http::transport::completion done) {
  std::shared_ptr<session> to;
  lark_frame f;
  std::size_t pieces = 1;
  std::string message_id;
  {
    const std::scoped_lock held{impl_->lock};
    if (!impl_->sessions.empty())
      to = impl_->sessions[impl_->random.next() % impl_->sessions.size()];
    message_id = "m-" + impl_->hex(12);
    f.seq_id = ++impl_->last_seq;
    f.log_id = 7'000'000 + f.seq_id;
    f.log_id_new = impl_->hex(20);
    pieces = std::max<std::size_t>(
        1, (push.body.size() + impl_->options.frame_bytes - 1) / impl_->options.frame_bytes);
    if (to) {
      auto timer = std::make_shared<asio::steady_timer>(to->executor(), timeout);
      impl_->pending[message_id] = {std::move(done), timer};
      timer->async_wait([link = impl_, message_id, timer](error_code ec) {
        if (!ec) link->finish(message_id, no_answer(errc::timed_out, "no ack in time"));
      });
    }
  }
  if (!to) return done(no_answer(errc::upstream_down, "no long connection is open"));
  f.service = service_id;
  f.method = 1;
  const std::string trace = sha256_hex(message_id).substr(0, 32);
  const auto at = std::chrono::floor<std::chrono::milliseconds>(impl_->source.clock().now());
  for (std::size_t n = 0; n < pieces; ++n) {
    f.headers = {{"type", "event"},
                 {"message_id", message_id},
                 {"sum", std::to_string(pieces)},
                 {"seq", std::to_string(n)},
                 {"trace_id", trace},
                 {"timestamp", std::to_string(at.time_since_epoch().count())}};
    f.payload = push.body.substr(n * impl_->options.frame_bytes, impl_->options.frame_bytes);
    const std::scoped_lock held{impl_->lock};
    if (!impl_->frozen) to->send(to_bytes(f));
  }
}

std::size_t lark_link::connections() const {
  const std::scoped_lock held{impl_->lock};
  return impl_->sessions.size();
}

void lark_link::cut() {
  std::vector<std::shared_ptr<session>> all;
  {
    const std::scoped_lock held{impl_->lock};
    all = impl_->sessions;
  }
  for (const auto& s : all) s->cut();
}

void lark_link::freeze(bool frozen) {
  const std::scoped_lock held{impl_->lock};
  impl_->frozen = frozen;
}

}  // namespace pb::sandbox
