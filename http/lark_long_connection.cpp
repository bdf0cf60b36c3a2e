#include "http/lark_long_connection.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.hpp"
#include "http/node_claim.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/requests.hpp"

namespace pb::http {
namespace lark = protocol::lark;
using lark::long_connection;

/// Everything but health() happens on the socket's thread.
struct lark_long_connection::impl : std::enable_shared_from_this<impl> {
  impl(lark_long_connection_options o, transport& t, std::shared_ptr<lark_reception> r,
       const clock_source& c, random_source& d)
      : options(std::move(o)),
        calls(t),
        reception(std::move(r)),
        clock(c),
        random(d),
        link(with_plain(options)),
        socket(options.client) {
    shown.since = clock.now();
    shown.state = to_string(link.now_in());
  }

  /// An address asked for over http:// (a sandbox) may be ws://.
  static lark::link_limits with_plain(const lark_long_connection_options& o) {
    auto l = o.limits;
    l.plain_allowed = o.where.base_url.starts_with("http://");
    return l;
  }

  const lark_long_connection_options options;
  transport& calls;
  const std::shared_ptr<lark_reception> reception;
  const clock_source& clock;
  random_source& random;
  long_connection link;
  node_claim claim;
  websocket_client socket;
  timestamp last_frame{};
  std::string remedy;  ///< since it gave up
  bool leaving = false;
  mutable std::mutex lock;
  std::condition_variable left;
  bool gone = false;       ///< under the lock: nothing is owed any more
  lark_link_health shown;  ///< under the lock

  /// An event of the link on the socket's thread; null when the connection is gone.
  template <class F>
  auto later(F f) {
    return [weak = weak_from_this(), f = std::move(f)](auto... args) mutable {
      const auto self = weak.lock();
      if (!self) return;
      self->socket.post([weak, f, ... a = std::move(args)]() mutable {
        if (const auto me = weak.lock()) f(*me, std::move(a)...);
      });
    };
  }

  void run(lark::link_actions actions) {
    for (auto& a : actions) std::visit([this](auto& what) { act(what); }, a);
    show();
    if (const auto due = link.due())
      socket.wake_after(
          std::chrono::ceil<std::chrono::milliseconds>(
              std::max(*due - clock.steady_now(), steady_time::duration{0})),
          [weak = weak_from_this()] {
            if (const auto self = weak.lock())
              self->run(self->link.tick(self->clock.steady_now(), self->random.unit_draw()));
          });
    else
      socket.no_wake();
    if (leaving && link.taking() == 0) leave();
  }

  void begin_to_leave() {
    leaving = true;
    link.drain();
    run({});
  }
  void leave() {
    leaving = false;
    socket.say_goodbye([weak = weak_from_this()] {
      const auto me = weak.lock();
      if (!me) return;
      me->run(me->link.stop());
      const std::lock_guard hold{me->lock};
      me->gone = true;
      me->left.notify_all();
    });
  }

  void act(lark::ask_address&) {
    if (!claim.take(options.where.base_url + "\n" + options.app.app_id))
      return run(link.address_answered(
          clock.steady_now(),
          failure{errc::conflict, "lark.long_connection",
                  "another program of this machine has the connection of this app"},
          random.unit_draw()));
    call_limits l;
    l.total = options.limits.dialling;
    l.response_bytes = 64U << 10;
    calls.send(lark::connection_endpoint(options.where, options.app), l,
               later([](impl& me, const result<protocol::http_response>& r) {
                 me.run(me.link.address_answered(me.clock.steady_now(), r, me.random.unit_draw()));
               }));
  }
  void act(lark::dial& d) {
    websocket_client::listener to;
    const auto weak = weak_from_this();
    to.opened = [weak] {
      if (const auto me = weak.lock()) me->run(me->link.opened(me->clock.steady_now()));
    };
    to.refused = [weak](int status, std::string why) {
      if (const auto me = weak.lock())
        me->run(me->link.not_opened(me->clock.steady_now(), status, std::move(why),
                                    me->random.unit_draw()));
    };
    to.message = [weak](const std::string& bytes) {
      const auto me = weak.lock();
      if (!me) return;
      me->last_frame = me->clock.now();
      me->run(me->link.heard(me->clock.steady_now(), bytes));
    };
    to.closed = [weak](std::string why) {
      if (const auto me = weak.lock())
        me->run(me->link.closed(me->clock.steady_now(), std::move(why), me->random.unit_draw()));
    };
    socket.dial(d.url, std::move(to));
  }
  void act(lark::send_frame& f) { socket.send(std::move(f.bytes)); }
  void act(lark::hang_up&) { socket.hang_up(); }
  void act(lark::gave_up& g) {
    log::error("the long connection to Feishu gave up",
               {log::kv("failure", g.why), log::kv("remedy", g.why.remedy)});
    remedy = g.why.remedy;
  }
  void act(lark::take_message& m) {
    auto done = later([token = m.token](impl& me, const lark_answer& a) {
      me.run(me.link.taken(me.clock.steady_now(), token, a.taken, a.callback, a.json));
    });
    auto event = lark::parse_event(m.payload);
    const auto now = clock.now();
    if (event)
      reception->take({std::move(m.payload), std::move(*event)}, now, m.message_id,
                      std::move(done));
    else
      reception->take_unreadable(m.payload, event.error(), now, m.message_id, std::move(done));
  }

  void show() {
    using state = long_connection::state;
    lark_link_health now;
    {
      const std::lock_guard hold{lock};
      const bool open = link.now_in() == state::open;
      const bool turned = open != shown.open;
      const bool failed =
          link.now_in() == state::waiting && shown.state != to_string(state::waiting);
      const auto& why = link.look().last_problem;
      if (turned && open)
        log::info("the long connection to Feishu is open");
      else if (turned && link.now_in() != state::idle)
        log::warn("the long connection to Feishu is lost", {log::kv("why", why)});
      else if (failed)
        log::warn("no long connection to Feishu", {log::kv("why", why)});
      if (turned) shown.since = clock.now();
      shown.state = to_string(link.now_in());
      shown.open = open;
      shown.given_up = link.now_in() == state::stopped;
      shown.remedy = shown.given_up ? remedy : std::string{};
      shown.last_frame = last_frame;
      shown.figures = link.look();
      if (options.changed) now = shown;
    }
    if (options.changed) options.changed(now);
  }
};

lark_long_connection::lark_long_connection(lark_long_connection_options options, transport& calls,
                                           std::shared_ptr<lark_reception> reception,
                                           const clock_source& clock, random_source& random)
    : impl_(
          std::make_shared<impl>(std::move(options), calls, std::move(reception), clock, random)) {}

lark_long_connection::~lark_long_connection() { stop(); }

void lark_long_connection::start() {
  impl_->socket.post([weak = impl_->weak_from_this()] {
    if (const auto me = weak.lock())
      if (const auto s = me->link.now_in();
          s == long_connection::state::idle || s == long_connection::state::stopped)
        me->run(me->link.start(me->clock.steady_now()));
  });
}

void lark_long_connection::stop(std::chrono::milliseconds grace) {
  if (grace.count() > 0) {
    impl_->socket.post([weak = impl_->weak_from_this()] {
      if (const auto me = weak.lock()) me->begin_to_leave();
    });
    std::unique_lock hold{impl_->lock};
    impl_->left.wait_for(hold, grace, [this] { return impl_->gone; });
  }
  impl_->socket.stop();
}

lark_link_health lark_long_connection::health() const {
  const std::lock_guard hold{impl_->lock};
  return impl_->shown;
}

}  // namespace pb::http
