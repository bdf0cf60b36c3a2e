#include "persistence/threaded_store.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace pb::persistence {
namespace {

constexpr std::int64_t retention_slice = 500;
constexpr std::size_t background_part = 8;  ///< one in so many units of a busy batch is ours
/// Deliveries of one batch that tell a burst, in which their senders' answers go first.
constexpr std::size_t burst = 24;
/// While deliveries come so close after each other, what we do ourselves goes along with the next
/// of them: in a transaction of its own it would hold up that delivery for a whole commit.
constexpr std::chrono::microseconds next_is_near{1'000};

std::size_t bytes_of(const write& unit) {
  std::size_t n = 256;
  for (const delivery_append& a : unit.appends) n += 512 + (a.row.body ? a.row.body->size() : 0);
  for (const entity_row& e : unit.entities) n += e.known.size();
  for (const effect& e : unit.effects) n += 512 + e.payload.size();
  for (const link_row& l : unit.links) n += l.base.size();
  return n;
}

/// A unit that does more may depend on another of its entity, and keeps its place behind it.
bool only_deliveries(const write& u) {
  return !u.appends.empty() && u.entities.empty() && u.effects.empty() && u.links.empty() &&
         u.marks.empty() && u.attempts.empty() && u.provenances.empty() && u.states.empty() &&
         u.credentials.empty() && u.receipts.empty() && u.user_mappings.empty() &&
         u.channel_mappings.empty();
}

std::string instance_name(random_source& random) {
  std::string digits = make_uuid(random);
  return digits.substr(0, 8);
}

}  // namespace

threaded_store::threaded_store(open_options options, random_source& random,
                               std::unique_ptr<file_lock> lock)
    : options_(std::move(options)),
      random_(random),
      file_lock_(std::move(lock)),
      holder_(holder_name(instance_name(random))),
      engine_(random),
      reads_(options_, "planebridge reader"),
      loads_(options_, "planebridge loader") {}

threaded_store::~threaded_store() {
  {
    const std::lock_guard hold{lock_};
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

result<void> threaded_store::start() {
  if (auto r = connect_writer(); !r) return r;
  last_used_ = clock::now();
  started_ = true;
  thread_ = std::thread{[this] { run(); }};
  return {};
}

void threaded_store::submit(write unit, done completion) {
  waiting w{std::move(unit), std::move(completion), clock::now(), 0, false, false};
  w.bytes = bytes_of(w.unit);
  w.answers_sender = only_deliveries(w.unit);
  failure why = failure{errc::storage, "store.submit", "queue full"};
  {
    const std::lock_guard hold{lock_};
    refuge* const away = options_.shelter;
    const bool full = accepts_.size() + background_.size() >= options_.queue_max;
    if (away != nullptr && !w.unit.appends.empty() && !w.unit.past_refuge &&
        (away->engaged() || (w.unit.may_spool && full)) && away->take(w.unit, w.completion))
      return;
    if (!stop_ && !full) {
      if (w.answers_sender) last_accept_ = w.since;
      queue_for(w).push_back(std::move(w));
      wake_.notify_one();
      return;
    }
    if (stop_) why = failure{errc::cancelled, "store.submit", "closing"};
  }
  complete(w.completion, std::move(why));
}

void threaded_store::read(std::function<void(result<reader*>)> body) {
  reads_.push(std::move(body));
}

void threaded_store::load(entity_key key, std::function<void(result<entity_state>)> completion) {
  loads_.push(std::move(key), std::move(completion));
}

void threaded_store::retain(retention_limits limits,
                            std::function<void(result<std::int64_t>)> completion) {
  {
    const std::lock_guard hold{lock_};
    retentions_.push_back({limits, std::move(completion)});
  }
  wake_.notify_one();
}

void threaded_store::complete(done& completion, result<written> answer) {
  if (!completion) return;
  try {
    completion(std::move(answer));
  } catch (const std::exception& e) {
    log::error("a store completion threw", {log::kv("failure", e.what())});
  }
}

void threaded_store::set_health(store_health h) {
  if (health_.exchange(h) != h && options_.on_health) options_.on_health(h);
}

result<void> threaded_store::connect_writer() {
  auto c = connect(options_, session_use::writer, holder_);
  if (!c) return c.error();
  if (options_.wrap_writer) *c = options_.wrap_writer(std::move(*c));
  // The lock before anything else: from here on no earlier session of ours can commit.
  const std::chrono::milliseconds patience =
      started_ ? options_.connect_timeout : options_.lock_patience;
  if (auto r = acquire_database(**c, holder_, patience); !r) return r;
  if (auto r = engine_.start(**c); !r) return r;
  session_ = std::move(*c);
  return {};
}

void threaded_store::run() {
  while (true) {
    {
      std::unique_lock hold{lock_};
      const auto ready = [this] { return stop_ || anything() || !retentions_.empty(); };
      if (session_)
        wake_.wait_for(hold, options_.ping_every, ready);
      else if (!stop_)
        wake_.wait_until(hold, next_try_, [this] { return stop_; });
      if (stop_ && (!anything() || !session_)) break;
      if (session_ && accepts_.empty() && !background_.empty())
        wake_.wait_until(hold, last_accept_ + next_is_near,
                         [this] { return stop_ || !accepts_.empty(); });
    }
    if (!ensure_session()) continue;
    auto batch = take_batch();
    if (!batch.empty())
      write_batch(std::move(batch));
    else
      ping();
    if (session_) retain_step();
  }
  // What is left could not be written: its senders are told, and nothing of it was acknowledged.
  for (waiting& w : doubted_)
    complete(w.completion,
             failure{errc::timed_out, "store.submit", "closing; the outcome is unknown"});
  std::deque<waiting> rest;
  std::deque<retention> unfinished;
  {
    const std::lock_guard hold{lock_};
    rest.swap(accepts_);
    for (waiting& w : background_) rest.push_back(std::move(w));
    background_.clear();
    unfinished.swap(retentions_);
  }
  for (waiting& w : rest)
    complete(w.completion, failure{errc::cancelled, "store.submit", "closing"});
  for (retention& r : unfinished) r.completion(failure{errc::cancelled, "store.retain", "closing"});
}

bool threaded_store::ensure_session() {
  if (session_ && doubted_.empty()) return true;
  const auto now = clock::now();
  expire(now);
  if (now < next_try_) return false;
  if (!session_) {
    if (auto r = connect_writer(); !r) {
      lost(r.error());
      return false;
    }
  }
  if (!doubted_.empty() && !settle_doubt()) return false;
  log::info("store connected",
            {log::kv("after_ms", std::chrono::duration_cast<std::chrono::milliseconds>(
                                     clock::now() - away_since_)
                                     .count())});
  set_health(store_health::up);
  return true;
}

/// The session is gone. The first attempt to get another comes at once, later ones with growing,
/// jittered pauses; only a commit that went through resets them.
void threaded_store::lost(const failure& why) {
  const auto now = clock::now();
  if (failures_in_a_row_ == 0) away_since_ = now;
  session_.reset();
  last_failure_ = why;
  std::chrono::milliseconds pause{0};
  if (failures_in_a_row_ > 0) {
    const auto doubled =
        options_.backoff_base * (std::int64_t{1} << std::min(failures_in_a_row_ - 1, 16u));
    const auto ceiling = std::min<std::chrono::milliseconds>(doubled, options_.backoff_cap);
    pause = ceiling / 2 + std::chrono::milliseconds{static_cast<std::int64_t>(
                              static_cast<double>(ceiling.count()) / 2 * random_.unit_draw())};
  }
  ++failures_in_a_row_;
  next_try_ = now + pause;
  // Told when it begins and when the first attempt to get it back failed; the rest repeats that.
  if (failures_in_a_row_ <= 2 || log::enabled(log::level::debug))
    log::warn("store lost", {log::kv("failure", why), log::kv("attempt", failures_in_a_row_),
                             log::kv("after_ms", pause.count())});
  const bool long_gone = now - away_since_ > options_.patience || why.code == errc::conflict;
  set_health(long_gone ? store_health::down : store_health::reconnecting);
  // A session that only broke is there again at once; what waits for longer is kept elsewhere.
  if (failures_in_a_row_ > 1) evacuate(why);
}

/// Everything that may go to the refuge goes there, in order. What the writer has begun is copied:
/// how that ended is settled here, and what comes twice is known by its identities.
void threaded_store::evacuate(const failure& why) {
  refuge* const away = options_.shelter;
  if (away == nullptr) return;
  const std::lock_guard hold{lock_};
  away->engage(why);
  const auto copy_of = [away](waiting& w) {
    if (!w.unit.may_spool || w.spooled) return;
    write unit = w.unit;
    done completion = w.completion;
    w.spooled = away->take(unit, completion);
  };
  for (waiting& w : doubted_) copy_of(w);
  for (waiting& w : written_) copy_of(w);
  std::deque<waiting> rest;
  for (waiting& w : accepts_)
    if (!w.spooled && !(w.unit.may_spool && away->take(w.unit, w.completion)))
      rest.push_back(std::move(w));
  accepts_.swap(rest);
}

void threaded_store::relieve(std::chrono::milliseconds longest) {
  const auto now = clock::now();
  {
    const std::lock_guard hold{lock_};
    const bool stuck = !written_.empty() && now - written_since_ > longest;
    const bool late = !accepts_.empty() && now - accepts_.front().since > longest &&
                      std::any_of(accepts_.begin(), accepts_.end(),
                                  [](const waiting& w) { return w.unit.may_spool; });
    if (!stuck && !late) return;
  }
  evacuate(failure{errc::timed_out, "store.submit", "the database does not answer"});
}

/// Was the batch whose answer was lost committed? Then it is answered as written, else it is the
/// first to be written again.
bool threaded_store::settle_doubt() {
  auto applied = engine_.was_applied(*session_);
  if (!applied) {
    lost(applied.error());
    return false;
  }
  std::vector<waiting> batch;
  {
    const std::lock_guard hold{lock_};
    batch.swap(doubted_);
    if (!*applied) put_in_front(batch);
  }
  if (!*applied) return true;
  failures_in_a_row_ = 0;
  std::vector<written> answers = std::move(engine_.in_doubt());
  for (std::size_t i = 0; i < batch.size(); ++i)
    complete(batch[i].completion, std::move(answers[i]));
  return true;
}

std::deque<threaded_store::waiting>& threaded_store::queue_for(const waiting& w) {
  return w.answers_sender ? accepts_ : background_;
}

/// Deliveries first: their senders wait for the answer. Beside them, what we do ourselves gets a
/// part of a full batch, so that it neither holds them up nor starves; alone, all of it. In a
/// burst it gets a part of this batch only, unless it has waited for long.
std::vector<threaded_store::waiting> threaded_store::take_batch() {
  std::vector<waiting> batch;
  std::size_t bytes = 0;
  const auto take = [&](std::deque<waiting>& from, std::size_t most) {
    for (std::size_t n = 0; n < most && !from.empty(); ++n) {
      bytes += from.front().bytes;
      if (!batch.empty() && bytes > options_.batch_bytes) return;
      batch.push_back(std::move(from.front()));
      from.pop_front();
    }
  };
  const std::lock_guard hold{lock_};
  const bool both = !accepts_.empty() && !background_.empty();
  const bool back = both && accepts_.size() >= burst &&
                    clock::now() - background_.front().since < options_.stands_back;
  const std::size_t of = back ? std::min(accepts_.size(), options_.batch_max) : options_.batch_max;
  const std::size_t ours = std::max<std::size_t>(of / background_part, 1);
  take(accepts_, both && options_.batch_max > 1 ? options_.batch_max - ours : options_.batch_max);
  take(background_, batch.empty() ? options_.batch_max : ours);
  written_ = batch;  // from here on evacuate() finds it there
  written_since_ = clock::now();
  return batch;
}

/// Under lock_.
void threaded_store::put_in_front(std::span<waiting> batch) {
  for (auto w = batch.rbegin(); w != batch.rend(); ++w)
    if (!w->spooled) queue_for(*w).push_front(std::move(*w));
}

void threaded_store::write_batch(std::vector<waiting> batch) {
  std::span<waiting> rest{batch};
  // Halves of what the database refuses, until the bad unit stands alone; in order throughout.
  std::vector<std::size_t> sizes{batch.size()};
  while (!sizes.empty()) {
    const std::size_t n = sizes.back();
    sizes.pop_back();
    if (write_span(rest, n)) continue;
    if (!session_) return;
    sizes.push_back(n - n / 2);
    sizes.push_back(n / 2);
  }
}

/// The first `n` of what is left of a batch. True when every unit of them has its answer and `rest`
/// begins behind them; false with a session: the database refused the values of some unit; false
/// without one: not written and back in the queue, or in doubt.
bool threaded_store::write_span(std::span<waiting>& rest, std::size_t n) {
  const std::span<waiting> part = rest.first(n);
  std::vector<const write*> units;
  units.reserve(n);
  for (const waiting& w : part) units.push_back(&w.unit);
  being_written(rest);
  auto answers = engine_.apply(*session_, units);
  last_used_ = clock::now();
  if (answers) {
    rest = rest.subspan(n);
    being_written(rest);
    failures_in_a_row_ = 0;
    if (options_.on_commit) options_.on_commit(engine_.figures());
    for (std::size_t i = 0; i < n; ++i) complete(part[i].completion, std::move((*answers)[i]));
    return true;
  }
  const fault what = session_->last_fault();
  if (what == fault::data) {
    if (n > 1) return false;
    rest = rest.subspan(1);
    being_written(rest);
    log::warn("store refused a unit", {log::kv("failure", answers.error())});
    complete(part.front().completion, answers.error());
    return true;
  }
  {
    const std::lock_guard hold{lock_};
    if (what == fault::unknown) {
      for (waiting& w : part) doubted_.push_back(std::move(w));
      rest = rest.subspan(n);
    }
    put_in_front(rest);
    written_ = {};
  }
  lost(answers.error());
  return false;
}

/// What the writer has in its hands, for evacuate().
void threaded_store::being_written(std::span<waiting> batch) {
  if (options_.shelter == nullptr) return;
  const std::lock_guard hold{lock_};
  written_ = batch;
  written_since_ = clock::now();
}

/// While the database is away: units that waited too long are told so.
void threaded_store::expire(clock::time_point now) {
  std::vector<waiting> late;
  {
    const std::lock_guard hold{lock_};
    for (auto* queue : {&accepts_, &background_})
      while (!queue->empty() && now - queue->front().since > options_.patience) {
        late.push_back(std::move(queue->front()));
        queue->pop_front();
      }
  }
  failure away = failure{errc::storage, "store.submit", "the database is away: "};
  away.detail += last_failure_.detail;
  for (waiting& w : late) complete(w.completion, away);
  if (now - away_since_ <= options_.patience) return;
  failure doubt = failure{errc::timed_out, "store.submit", "the answer to a commit was lost: "};
  doubt.detail += last_failure_.detail;
  for (waiting& w : doubted_) {
    // Its sender hears it now. It stays until it is settled: a delivery that was committed after
    // all has to be handed on, and before any later one.
    if (w.spooled) continue;
    {
      const std::lock_guard hold{lock_};
      w.spooled = true;
    }
    done told = w.unit.may_spool ? w.completion : std::exchange(w.completion, nullptr);
    complete(told, doubt);
  }
}

void threaded_store::retain_step() {
  retention* job = nullptr;
  {
    const std::lock_guard hold{lock_};
    if (!retentions_.empty()) job = &retentions_.front();  // only this thread removes it
  }
  if (job == nullptr) return;
  auto removed = engine_.retain_slice(*session_, job->limits, retention_slice);
  last_used_ = clock::now();
  if (removed) {
    job->removed += *removed;
    if (*removed > 0) return;  // more may be left; what waits goes first
  }
  retention finished;
  {
    const std::lock_guard hold{lock_};
    finished = std::move(retentions_.front());
    retentions_.pop_front();
  }
  if (!removed && session_->last_fault() != fault::data) lost(removed.error());
  if (finished.completion)
    finished.completion(removed ? result<std::int64_t>{finished.removed}
                                : result<std::int64_t>{removed.error()});
}

/// An idle writer notices a lost session by itself, and that it still holds the database.
void threaded_store::ping() {
  if (session_->kind() == dialect::sqlite || clock::now() - last_used_ < options_.ping_every)
    return;
  last_used_ = clock::now();
  if (auto r = session_->query("SELECT 1", {}); !r) lost(r.error());
}

void reading_store::submit(write, done completion) {
  if (completion) completion(failure{errc::forbidden, "store.submit", "opened for reading only"});
}

void reading_store::retain(retention_limits, std::function<void(result<std::int64_t>)> completion) {
  if (completion) completion(failure{errc::forbidden, "store.retain", "opened for reading only"});
}

}  // namespace pb::persistence
