// actors/supervised: keeps one long-lived actor of the tree alive (front, dispatcher, watchers,
// cron). Others hold the supervisor's handle, which passes on what the actor takes; a crashed actor
// is made anew with backoff and within the intensity of sync/restart. What it had in memory is
// gone: each of them starts from the store, and what waited for its answer is told so by
// reply_once. Connectors have a supervisor of their own, which also holds their work. Used by
// runtime.cpp.
#pragma once
#include <deque>
#include <functional>
#include <string>

#include "actors/context.hpp"
#include "actors/edge.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

template <class Handle>
struct supervised;

template <class... Signatures>
struct supervised<caf::typed_actor<Signatures...>> {
  using inner = caf::typed_actor<Signatures...>;
  using outer = caf::typed_actor<Signatures..., handles<void, restart_due>>;
  using maker = std::function<inner()>;

  class state {
  public:
    static inline const char* name = "supervisor";
    explicit state(typename outer::pointer self) : self_(self) {}

    typename outer::behavior_type start(context_ptr ctx, const char* kind, maker make) {
      ctx_ = std::move(ctx);
      kind_ = kind;
      make_ = std::move(make);
      probe_ = ctx_->probes.add("supervisor", kind_, "planebridge");
      self_->set_down_handler([this](caf::down_msg& d) { on_down(d); });
      self_->set_exit_handler([this](caf::exit_msg& m) {
        stopping_ = true;
        if (!child_) return self_->quit(std::move(m.reason));
        self_->send_exit(child_, m.reason);  // and wait for its end
      });
      spawn_child();
      return {pass_on<Signatures>()..., [this](const restart_due& m) {
                if (m.generation == generation_ && !child_ && !stopping_) spawn_child();
              }};
    }

  private:
    template <class Signature>
    auto pass_on() {
      return pass_on_message(static_cast<Signature*>(nullptr));
    }
    template <class Message>
    auto pass_on_message(handles<void, Message>*) {
      return [this](const Message& m) {
        if (child_) self_->send(child_, m);
      };
    }

    void spawn_child() {
      child_ = make_();
      self_->monitor(child_);
      probe_->state("idle", ctx_->clock.now());
    }

    void on_down(const caf::down_msg& d) {
      if (!child_ || d.source != child_.address()) return;
      child_ = nullptr;
      if (stopping_) return self_->quit(caf::exit_reason::user_shutdown);
      const auto v = sync::decide_restart(history_, ctx_->opt().restart, ctx_->steady_ms(),
                                          ctx_->random.unit_draw());
      probe_->restarted();
      ctx_->figures.actor_restarted(kind_);
      log::error("actor crashed and is restarted",
                 {log::kv("kind", kind_), log::kv("after_ms", v.delay.count()),
                  log::kv("beyond_intensity", v.beyond_intensity)});
      probe_->state("backing off after a crash", ctx_->clock.now());
      self_->delayed_send(self_, v.delay, restart_due{++generation_});
    }

    typename outer::pointer self_;
    context_ptr ctx_;
    std::string kind_;
    maker make_;
    std::shared_ptr<probe> probe_;
    inner child_;
    std::deque<std::chrono::milliseconds> history_;
    std::uint64_t generation_ = 0;
    bool stopping_ = false;
  };

  static typename outer::behavior_type run(typename outer::template stateful_pointer<state> self,
                                           context_ptr ctx, const char* kind, maker make) {
    install_exception_edge(self, "supervisor");
    return self->state.start(std::move(ctx), kind, std::move(make));
  }
};

/// The handle to give to others.
template <class Make>
auto supervise(caf::actor_system& system, const context_ptr& ctx, const char* kind, Make make) {
  using kept = supervised<decltype(make())>;
  return typename kept::inner{
      system.spawn(kept::run, ctx, kind, typename kept::maker{std::move(make)})};
}

}  // namespace pb::actors
