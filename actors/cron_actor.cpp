#include "actors/cron_actor.hpp"

#include <algorithm>

#include "actors/edge.hpp"
#include "base/log.hpp"
#include "sync/cron.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

constexpr const char* state_prefix = "cron.last/";
/// Long waits are cut into hops, so that a jump of the wall clock is noticed.
constexpr milliseconds longest_hop{60'000};

class cron_state {
public:
  static inline const char* name = "scheduler";
  explicit cron_state(cron_actor_handle::pointer self) : self_(self) {}

  cron_actor_handle::behavior_type start(context_ptr ctx, std::vector<cron_entry> entries,
                                         std::shared_ptr<cron_board> board) {
    ctx_ = std::move(ctx);
    board_ = std::move(board);
    probe_ = ctx_->probes.add("scheduler", "cron", "planebridge");
    for (auto& e : entries) {
      armed a;
      a.line.name = e.name;
      a.line.expression = e.expression;
      auto parsed = sync::cron_expression::parse(e.expression);
      if (parsed)
        a.when = *parsed;
      else
        a.line.problem = describe(parsed.error());
      a.run = std::move(e.run);
      entries_.push_back(std::move(a));
    }
    read_last();
    return {[this](const round_due& m) {
              if (m.generation == generation_) tick();
            },
            [this](const states_read& m) { on_states(m); }};
  }

private:
  struct armed {
    cron_board::line line;
    std::optional<sync::cron_expression> when;
    std::function<void()> run;
  };

  void read_last() {
    auto self = cron_actor_handle{self_};
    ctx_->store.read([self](result<persistence::reader*> r) {
      using entries = std::vector<std::pair<std::string, std::string>>;
      auto s = r ? (*r)->states(state_prefix) : result<entries>{r.error()};
      caf::anon_send(self, states_read{std::make_shared<const result<entries>>(std::move(s))});
    });
  }

  void on_states(const states_read& m) {
    const auto now = ctx_->clock.now();
    for (auto& e : entries_) {
      timestamp last = now;
      if (*m.entries)
        for (const auto& [key, value] : **m.entries)
          if (key == state_prefix + e.line.name)
            if (const auto t = parse_rfc3339(value)) last = std::min(*t, now);
      e.line.last = last;
      plan(e, last);
    }
    tick();
  }

  void plan(armed& e, timestamp after) {
    if (!e.when) return board_->put(e.line);
    auto next = e.when->next(after, ctx_->opt().timezone);
    if (next)
      e.line.next = *next;
    else
      e.line.problem = describe(next.error());
    board_->put(e.line);
  }

  void tick() {
    const auto now = ctx_->clock.now();
    timestamp soonest = now + longest_hop;
    for (auto& e : entries_) {
      if (!e.when || !e.line.problem.empty()) continue;
      if (e.line.next <= now) {
        log::info("cron entry runs", {log::kv("entry", e.line.name)});
        probe_->event(e.line.name, now);
        probe_->handled();
        e.run();
        e.line.last = now;
        persistence::write unit;
        unit.states.push_back({state_prefix + e.line.name, format_rfc3339(now)});
        ctx_->store.submit(std::move(unit), [](const auto&) {});
        plan(e, now);
      }
      soonest = std::min(soonest, e.line.next);
    }
    probe_->state("idle", now);
    const auto wait = std::chrono::duration_cast<milliseconds>(soonest - now) + milliseconds{1};
    self_->delayed_send(self_, std::max(wait, milliseconds{1}), round_due{++generation_});
  }

  cron_actor_handle::pointer self_;
  context_ptr ctx_;
  std::shared_ptr<cron_board> board_;
  std::shared_ptr<probe> probe_;
  std::vector<armed> entries_;
  std::uint64_t generation_ = 0;
};

cron_actor_handle::behavior_type cron(cron_actor_handle::stateful_pointer<cron_state> self,
                                      context_ptr ctx, std::vector<cron_entry> entries,
                                      std::shared_ptr<cron_board> board) {
  install_exception_edge(self, "scheduler");
  return self->state.start(std::move(ctx), std::move(entries), std::move(board));
}

}  // namespace

void cron_board::put(const line& l) {
  const std::lock_guard hold{lock_};
  const auto it =
      std::find_if(lines_.begin(), lines_.end(), [&](const line& x) { return x.name == l.name; });
  if (it == lines_.end())
    lines_.push_back(l);
  else
    *it = l;
}
std::vector<cron_board::line> cron_board::all() const {
  const std::lock_guard hold{lock_};
  return lines_;
}

cron_actor_handle spawn_cron(caf::actor_system& system, context_ptr ctx,
                             std::vector<cron_entry> entries, std::shared_ptr<cron_board> board) {
  return system.spawn(cron, std::move(ctx), std::move(entries), std::move(board));
}

}  // namespace pb::actors
