// What keeps a connector alive, and is its address to everybody else.
#include <deque>

#include "actors/connector.hpp"
#include "actors/edge.hpp"
#include "base/log.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

/// Keeps one connector alive: monitors it, restarts it with backoff, passes work on. What a dead
/// connector held is answered by reply_once, so nobody waits for ever.
class supervisor_state {
public:
  static inline const char* name = "supervisor";
  explicit supervisor_state(connector_port::pointer self) : self_(self) {}

  connector_port::behavior_type start(context_ptr ctx, std::function<connector_policy()> make,
                                      std::shared_ptr<connector_status> status) {
    ctx_ = std::move(ctx);
    make_ = std::move(make);
    status_ = std::move(status);
    key_ = make_().name;
    probe_ = ctx_->probes.add("supervisor", key_, "connectors");
    self_->set_down_handler([this](caf::down_msg& d) { on_down(d); });
    self_->set_exit_handler([this](caf::exit_msg& m) {
      if (child_) self_->send_exit(child_, m.reason);
      child_ = nullptr;
      self_->quit(std::move(m.reason));
    });
    spawn_child();
    return {[this](const perform& m) {
              if (child_)
                self_->send(child_, m);
              else if (held_.size() < 10'000)
                held_.push_back(m);
              // else: dropped here, and its reply says "crashed"; the outbox tries again
            },
            [this](const restart_due& m) {
              if (m.generation == generation_ && !child_) spawn_child();
            }};
  }

private:
  void spawn_child() {
    child_ = spawn_watched_connector(self_, ctx_, make_(), status_);
    probe_->state("idle", ctx_->clock.now());
    for (auto& m : held_) self_->send(child_, std::move(m));
    held_.clear();
  }

  void on_down(caf::down_msg& d) {
    if (!child_ || d.source != child_.address()) return;
    child_ = nullptr;
    if (!d.reason || d.reason == caf::exit_reason::user_shutdown) return;
    const auto v = sync::decide_restart(history_, ctx_->opt().restart, ctx_->steady_ms(),
                                        ctx_->random.unit_draw());
    probe_->restarted();
    ctx_->figures.actor_restarted("connector");
    log::error("connector crashed",
               {log::kv("connector", key_), log::kv("after_ms", v.delay.count()),
                log::kv("beyond_intensity", v.beyond_intensity)});
    probe_->state("backing off after a crash", ctx_->clock.now());
    self_->delayed_send(self_, v.delay, restart_due{++generation_});
  }

  connector_port::pointer self_;
  context_ptr ctx_;
  std::function<connector_policy()> make_;
  std::shared_ptr<connector_status> status_;
  std::string key_;
  std::shared_ptr<probe> probe_;
  connector_actor child_;
  std::deque<milliseconds> history_;
  std::vector<perform> held_;
  std::uint64_t generation_ = 0;
};

connector_port::behavior_type supervisor(connector_port::stateful_pointer<supervisor_state> self,
                                         context_ptr ctx, std::function<connector_policy()> make,
                                         std::shared_ptr<connector_status> status) {
  install_exception_edge(self, "supervisor");
  return self->state.start(std::move(ctx), std::move(make), std::move(status));
}

}  // namespace

connector_port spawn_connector(caf::actor_system& system, context_ptr ctx,
                               std::function<connector_policy()> make_policy,
                               std::shared_ptr<connector_status> status) {
  return system.spawn(supervisor, std::move(ctx), std::move(make_policy), std::move(status));
}

}  // namespace pb::actors
