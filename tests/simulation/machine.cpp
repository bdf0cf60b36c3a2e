#include "machine.hpp"

#include <array>

namespace pb::simulation {
using namespace std::chrono_literals;

milliseconds ms_of(std::uint64_t draw, std::uint64_t upto) {
  return milliseconds{static_cast<std::int64_t>(draw % upto)};
}

void machine::start() {
  down_until_ = milliseconds{-1};
  world_.start();
}

void machine::start_when_due() {
  if (world_.running() || world_.elapsed() < down_until_ || store_away_) return;
  to_.say("the bridge starts");
  world_.start();
}

void machine::pass(milliseconds span) {
  const auto until = world_.elapsed() + span;
  for (;;) {
    if (store_away_ && world_.elapsed() >= store_back_at_) {
      to_.say("the store is back");
      world_.store_away(false);
      store_away_ = false;
    }
    if (!world_.running() && down_until_ == milliseconds{-1}) {
      // Most restarts come at once; some machines stay down for a while.
      const auto draw = luck_.next() % 10;
      down_until_ = world_.elapsed() + (draw < 7 ? 3s : draw < 9 ? 2min : 25min);
      to_.say("the bridge is dead");
      to_.died();
    }
    start_when_due();
    auto next = until;
    if (store_away_) next = std::min(next, store_back_at_);
    if (!world_.running()) next = std::min(next, std::max(down_until_, world_.elapsed()));
    if (world_.running()) down_until_ = milliseconds{-1};
    if (next > world_.elapsed()) {
      const bool was_up = world_.running();
      world_.run_until([&] { return was_up && !world_.running(); }, next - world_.elapsed());
    } else if (world_.elapsed() >= until &&
               (world_.running() || store_away_ || down_until_ > world_.elapsed())) {
      return;
    } else {
      world_.run_for(1ms);
    }
  }
}

void machine::stop(milliseconds stays_down) {
  if (!world_.running()) return;
  world_.stop();
  to_.died();
  down_until_ = world_.elapsed() + stays_down;
}

void machine::lose_store(milliseconds span) {
  world_.store_away(true);
  store_away_ = true;
  store_back_at_ = world_.elapsed() + span;
}

void machine::mend() {
  if (store_away_) store_back_at_ = world_.elapsed();
  if (!world_.running()) down_until_ = std::min(down_until_, world_.elapsed() + 3s);
}

test::wire_fault draw_fault(seeded_random& luck) {
  using kind = test::wire_fault::kind;
  constexpr std::array<kind, 12> kinds{kind::status, kind::status, kind::status, kind::status,
                                       kind::reset,  kind::reset,  kind::half,   kind::half,
                                       kind::lost,   kind::late,   kind::late,   kind::tls};
  test::wire_fault f;
  f.what = kinds[luck.next() % kinds.size()];
  f.status = std::array{429, 429, 500, 502, 503, 504}[luck.next() % 6];
  // One draw a statement: in one expression each compiler has its own order, and so its own story.
  if (luck.next() % 2 == 0 && (f.status == 429 || f.status == 503)) {
    const auto seconds = luck.next();
    f.retry_after = static_cast<int>(seconds % (luck.next() % 8 == 0 ? 300 : 20));
  }
  const std::uint64_t latest = luck.next() % 4 == 0 ? 300'000 : 5'000;
  f.later = ms_of(luck.next(), latest);
  return f;
}

}  // namespace pb::simulation
