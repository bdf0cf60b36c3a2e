#include "actors/connector.hpp"

#include <unordered_map>

#include "actors/edge.hpp"
#include "actors/paced_queue.hpp"
#include "base/log.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

/// Of its own trouble nothing is told in chat.
constexpr std::string_view own_chat = "lark";
constexpr std::size_t queue_limit = 50'000;
constexpr int calls_limit = 5'000;  ///< of one exchange: a bug or a hostile remote beyond it

struct job {
  perform ask;
  protocol::call next;
  protocol::http_request request;  ///< as sent, with credentials
  bool started = false, renewal = false, challenged = false;
  unsigned tries = 0;
  performed so_far;
  steady_time begun{};
  steady_time sent{};
};

failure no_tries(errc code, std::string where, std::string detail) {
  return {code, std::move(where), std::move(detail), "", 0, "", {}};
}

class connector_state {
public:
  static inline const char* name = "connector";
  explicit connector_state(connector_actor::pointer self) : self_(self) {}

  connector_actor::behavior_type start(context_ptr ctx, connector_policy policy,
                                       std::shared_ptr<connector_status> status) {
    ctx_ = std::move(ctx);
    policy_ = std::move(policy);
    status_ = std::move(status);
    breaker_.emplace(ctx_->opt().breaker);
    probe_ = ctx_->probes.add("connector", policy_.name, "connectors");
    show_state();
    return {[this](perform& m) { on_perform(m); }, [this](const answered& m) { on_answered(m); },
            [this](const pump_due& m) {
              if (m.generation == pump_generation_) {
                pump_armed_ = false;
                pump();
              }
            },
            [this](const again_due& m) { on_again(m); }};
  }

private:
  using job_ptr = std::shared_ptr<job>;

  void on_perform(perform& m) {
    probe_->handled();
    if (waiting_.size() >= queue_limit) {
      performed p;
      p.what = m.what;
      p.failed =
          no_tries(errc::rate_limited, policy_.name, "too many calls wait for this connector");
      (*m.reply)(std::move(p));
      return;
    }
    auto j = std::make_shared<job>();
    j->ask = m;
    waiting_.push(static_cast<std::size_t>(m.how), std::move(j));
    pump();
  }

  void pump() {
    // A reload changes these while calls are under way.
    breaker_->use(ctx_->opt().breaker);
    waiting_.release(ctx_->steady_ms());
    while (in_flight_.size() < policy_.parallel(ctx_->opt())) {
      if (start_renewal()) continue;
      if (renewing_) break;
      auto* next = waiting_.front();
      if (next == nullptr) break;
      job_ptr j = *next;
      const auto now = ctx_->steady_ms();
      if (!j->started && !begin(*j)) {
        waiting_.pop();
        continue;
      }
      if (j->next.elsewhere) {  // not the remote's: it neither counts there nor waits for it
        waiting_.pop();
        send(std::move(j));
        continue;
      }
      if (waiting_.hold_back(j->next.budget_key)) continue;
      auto wait_for = breaker_->refuse(now);
      const bool paused = now < paused_until_;
      if (paused) wait_for = paused_until_ - now;
      if (wait_for) {
        waiting_.pop();
        auto f = no_tries(errc::breaker_open, j->next.operation,
                          paused ? policy_.name + " pauses: " + pause_reason_
                                 : "the circuit breaker of " + policy_.name + " is open");
        f.retry_after = *wait_for;
        finish(*j, std::move(f));
        continue;
      }
      // Whoever is admitted is counted and must be sent, so this comes last. People come first:
      // when they must wait, nobody may go, unless it is only their chat that waits.
      if (const auto wait = policy_.admit(ctx_->clock.steady_now(), j->ask.how, j->next)) {
        breaker_->not_tried();
        if (wait->waits == admission_wait::who::key && !j->next.budget_key.empty()) {
          waiting_.park(j->next.budget_key, now + std::max(wait->pause, milliseconds{1}));
          continue;
        }
        if (wait->waits == admission_wait::who::call) {
          waiting_.pop();
          auto f = no_tries(errc::breaker_open, j->next.operation,
                            policy_.name + " holds this call back");
          f.retry_after = wait->pause;
          finish(*j, std::move(f));
          continue;
        }
        arm(wait->pause);
        status_->paused_until_us = to_micros(ctx_->clock.now() + wait->pause);
        break;
      }
      waiting_.pop();
      send(std::move(j));
    }
    if (const auto at = waiting_.next_release()) arm(*at - ctx_->steady_ms());
    show_state();
  }

  bool start_renewal() {
    if (renewing_) return false;
    auto exchange = policy_.renewal(ctx_->clock.now());
    if (!exchange) return false;
    renewing_ = true;
    auto j = std::make_shared<job>();
    j->renewal = true;
    j->ask.what = std::move(exchange);
    j->ask.on_behalf = "credentials";
    if (begin(*j)) send(std::move(j));
    return true;
  }

  /// False when the exchange ended without a single call.
  bool begin(job& j) {
    j.started = true;
    j.begun = ctx_->clock.steady_now();
    j.so_far.what = j.ask.what;
    j.so_far.started_at = ctx_->clock.now();
    return take(j, j.ask.what->start());
  }

  /// Follows one step; true when another call is to be made.
  bool take(job& j, protocol::step s) {
    if (auto* c = std::get_if<protocol::call>(&s)) {
      if (++j.so_far.calls > calls_limit) {
        finish(j, no_tries(errc::unexpected_answer, c->operation, "the exchange never ends"));
        return false;
      }
      j.next = std::move(*c);
      j.so_far.operation = j.next.operation;
      j.tries = 0;
      j.challenged = false;
      return true;
    }
    if (auto* f = std::get_if<failure>(&s))
      finish(j, std::move(*f));
    else
      finish(j, std::nullopt);
    return false;
  }

  std::optional<failure> authorize(const job& j, protocol::http_request& request) {
    const auto& whose = j.next.credential;
    if (j.next.elsewhere) return std::nullopt;
    if (j.renewal || (whose.empty() && !policy_.authorize)) return std::nullopt;
    if (whose.empty()) return policy_.authorize(request);
    if (policy_.authorize_as) return policy_.authorize_as(request, whose);
    return no_tries(errc::key_missing, policy_.name, "no credential of that person is held here");
  }

  void send(job_ptr j) {
    protocol::http_request request = j->next.request;
    if (auto missing = authorize(*j, request)) {
      breaker_->not_tried();
      finish(*j, std::move(*missing));
      return;
    }
    const auto token = ++last_token_;
    ++j->tries;
    j->so_far.sent = true;
    j->sent = ctx_->clock.steady_now();
    probe_->event(j->next.operation + " for " + j->ask.on_behalf, ctx_->clock.now());
    if (!j->next.elsewhere) j->request = request;
    auto limits = policy_.limits;
    if (j->next.max_answer_bytes > 0) limits.response_bytes = j->next.max_answer_bytes;
    in_flight_.emplace(token, std::move(j));
    auto self = connector_actor{self_};
    ctx_->transport.send(
        std::move(request), limits, [self, token](result<protocol::http_response> r) {
          caf::anon_send(
              self,
              answered{token, std::make_shared<result<protocol::http_response>>(std::move(r))});
        });
  }

  void on_answered(const answered& m) {
    const auto it = in_flight_.find(m.token);
    if (it == in_flight_.end()) return;
    job_ptr j = std::move(it->second);
    in_flight_.erase(it);
    const auto& r = *m.answer;
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(ctx_->clock.steady_now() - j->sent);
    const int status = r ? r->status : 0;
    j->so_far.status = status;
    if (r) {
      for (const auto* h : {"x-request-id", "x-amzn-requestid", "cf-ray"})
        if (r->has_header(h)) {
          j->so_far.request_id = std::string{r->header(h)}.substr(0, 64);
          break;
        }
    }
    const bool elsewhere = j->next.elsewhere;
    if (!elsewhere) policy_.note(ctx_->clock.steady_now(), j->next, r);
    ctx_->figures.remote_call(policy_.name, j->next.operation, status,
                              r ? errc::none : r.error().code, took);
    if (!elsewhere) status_->latency_us = took.count();

    // Whoever answers more than is taken is there, and will answer the same again.
    const bool too_large = !r && r.error().code == errc::too_large;
    const bool remote_is_down = !too_large && !elsewhere && policy_.is_down(r);
    // Told before anything is sent again: a probe that was answered by a challenge or a 429 would
    // otherwise wait for its own end.
    if (!remote_is_down && !elsewhere) breaker_->succeeded(ctx_->steady_ms());

    if (r && !elsewhere && !j->challenged && j->next.credential.empty() &&
        policy_.challenged(j->request, *r)) {
      j->challenged = true;
      requeue_first(std::move(j));
      pump();
      return;
    }
    const auto pause = too_large || elsewhere
                           ? std::nullopt
                           : policy_.again(j->next, r, j->tries, ctx_->random.unit_draw());
    if (pause) {
      if (remote_is_down) trip();
      const auto token = ++last_token_;
      backing_off_.emplace(token, std::move(j));
      self_->delayed_send(self_, *pause, again_due{token});
      pump();
      return;
    }
    if (remote_is_down) {
      trip();
      const std::lock_guard hold{status_->lock};
      status_->last_error = r ? "status " + std::to_string(status) : describe(r.error());
      status_->last_failure_us = to_micros(ctx_->clock.now());
    } else if (!elsewhere) {
      status_->last_success_us = to_micros(ctx_->clock.now());
    }
    if (!r)
      finish(*j, r.error());
    else if (take(*j, j->ask.what->on_response(*r)))
      requeue_first(std::move(j));
    pump();
  }

  void trip() {
    const auto before = breaker_->now_in();
    breaker_->failed(ctx_->steady_ms());
    if (breaker_->now_in() != before && breaker_->now_in() == sync::breaker::state::open)
      log::warn("breaker opened", {log::kv("connector", policy_.name)});
  }

  void on_again(const again_due& m) {
    const auto it = backing_off_.find(m.token);
    if (it == backing_off_.end()) return;
    requeue_first(std::move(it->second));
    backing_off_.erase(it);
    pump();
  }

  /// The next call of a running exchange goes before exchanges that have not begun.
  void requeue_first(job_ptr j) {
    if (j->renewal) {
      send(std::move(j));
      return;
    }
    const auto how = static_cast<std::size_t>(j->ask.how);
    waiting_.push_first(how, std::move(j));
  }

  void finish(job& j, std::optional<failure> failed) {
    j.so_far.failed = std::move(failed);
    j.so_far.took =
        std::chrono::duration_cast<std::chrono::microseconds>(ctx_->clock.steady_now() - j.begun);
    if (j.so_far.failed) {
      probe_->failed();
      if (j.so_far.failed->status == 0) j.so_far.failed->status = j.so_far.status;
      // What is said of a person's credential is no reason to pause everybody else's calls.
      const auto pause =
          j.next.credential.empty() ? policy_.pause_after(*j.so_far.failed) : std::nullopt;
      if (pause) {
        paused_until_ = ctx_->steady_ms() + *pause;
        pause_reason_ = describe(*j.so_far.failed);
        status_->paused_until_us = to_micros(ctx_->clock.now() + *pause);
        status_->suspended_until_us = status_->paused_until_us.load();
        {
          const std::lock_guard hold{status_->lock};
          status_->last_error = pause_reason_;
        }
        if (j.so_far.failed->code == errc::unauthorized && policy_.name != own_chat) {
          refused_ = true;
          ctx_->alarms.raise(
              "credentials/" + policy_.name,
              policy_.name + " refuses its credentials: they have expired or were taken back",
              ctx_->clock.now());
        }
        log::error("connector pauses",
                   {log::kv("connector", policy_.name), log::kv("after_ms", pause->count()),
                    log::kv("failure", *j.so_far.failed)});
      }
    }
    if (!j.so_far.failed && std::exchange(refused_, false))
      ctx_->alarms.clear("credentials/" + policy_.name,
                         policy_.name + " takes its credentials again", ctx_->clock.now());
    if (j.renewal) {
      renewing_ = false;
      policy_.renewed(j.so_far);
      return;
    }
    (*j.ask.reply)(std::move(j.so_far));
  }

  void arm(milliseconds wait) {
    wait = std::max(wait, milliseconds{1});
    const auto at = ctx_->steady_ms() + wait;
    if (pump_armed_ && at >= armed_until_) return;
    pump_armed_ = true;
    armed_until_ = at;
    self_->delayed_send(self_, wait, pump_due{++pump_generation_});
  }

  /// The oldest call, since that is the one that may be stuck, and how many more there are.
  void show_in_flight() {
    const job* oldest = nullptr;
    std::uint64_t first = 0;
    for (const auto& [token, j] : in_flight_)
      if (oldest == nullptr || token < first) {
        oldest = j.get();
        first = token;
      }
    if (oldest == nullptr) return probe_->in_flight({});
    auto text = oldest->next.operation + " for " + oldest->ask.on_behalf;
    if (in_flight_.size() > 1) text += " and " + std::to_string(in_flight_.size() - 1) + " more";
    probe_->in_flight(text);
  }

  void ring(sync::breaker::state b) {
    if (policy_.name == own_chat) return;
    const auto what = "breaker/" + policy_.name;
    const auto now = ctx_->clock.now();
    if (b == sync::breaker::state::open)
      ctx_->alarms.raise(what, policy_.name + " is not to be reached: calls wait until it is", now);
    if (b == sync::breaker::state::closed)
      ctx_->alarms.clear(what, policy_.name + " is reached again", now);
  }

  void show_state() {
    const auto b = breaker_->now_in();
    if (static_cast<int>(b) != status_->breaker.load()) {
      status_->breaker = static_cast<int>(b);
      ctx_->figures.breaker_changed(policy_.name, sync::to_string(b));
      ring(b);
    }
    status_->waiting = static_cast<std::int64_t>(waiting_.size());
    status_->in_flight = static_cast<std::int64_t>(in_flight_.size());
    show_in_flight();
    std::string state = ctx_->steady_ms() < paused_until_ ? "suspended: " + pause_reason_
                        : b == sync::breaker::state::open ? "suspended (breaker open)"
                        : !in_flight_.empty()             ? "waiting for " + policy_.name
                        : !backing_off_.empty()           ? "backing off"
                        : waiting_.size() > 0             ? "waiting for its rate limit"
                                                          : "idle";
    probe_->state(state, ctx_->clock.now());
  }

  connector_actor::pointer self_;
  context_ptr ctx_;
  connector_policy policy_;
  std::shared_ptr<connector_status> status_;
  std::shared_ptr<probe> probe_;
  std::optional<sync::breaker> breaker_;
  paced_queue<job_ptr> waiting_;
  std::unordered_map<std::uint64_t, job_ptr> in_flight_, backing_off_;
  std::uint64_t last_token_ = 0, pump_generation_ = 0;
  bool pump_armed_ = false, renewing_ = false, refused_ = false;
  milliseconds armed_until_{0}, paused_until_{0};
  std::string pause_reason_;
};

connector_actor::behavior_type connector(connector_actor::stateful_pointer<connector_state> self,
                                         context_ptr ctx, connector_policy policy,
                                         std::shared_ptr<connector_status> status) {
  install_exception_edge(self, "connector");
  return self->state.start(std::move(ctx), std::move(policy), std::move(status));
}

}  // namespace

connector_actor spawn_watched_connector(connector_port::pointer by, context_ptr ctx,
                                        connector_policy policy,
                                        std::shared_ptr<connector_status> status) {
  return by->spawn<caf::monitored>(connector, std::move(ctx), std::move(policy), std::move(status));
}

}  // namespace pb::actors
