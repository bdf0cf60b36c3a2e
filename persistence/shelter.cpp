#include "persistence/shelter.hpp"

#include <algorithm>
#include <filesystem>

#include "base/log.hpp"

namespace pb::persistence {
namespace {

/// A unit that takes longer holds nobody's answer back.
constexpr std::chrono::milliseconds slow_journey{500};

failure nothing_durable() {
  return {errc::storage, "store.spool",
          "neither the database nor the spool nor the touched set can take it",
          "bring the database back, or make room in store.data_dir"};
}

written spooled_answer(const write& unit) {
  written w;
  w.appends.resize(unit.appends.size(), appended{0, false, true});
  return w;
}

}  // namespace

result<std::unique_ptr<shelter>> shelter::open(shelter_options options, random_source& random,
                                               timestamp now) {
  std::unique_ptr<shelter> s{new shelter{std::move(options), random}};
  const auto& o = s->options_;
  s->figures_.max_bytes = o.spool_max_bytes;
  std::error_code ec;
  std::filesystem::create_directories(o.folder, ec);
  auto lock = file_lock::acquire(o.folder + "/spool");
  if (!lock && lock.error().code == errc::conflict) {
    auto taken = lock.error();
    taken.where = "store.spool";
    taken.remedy = "one daemon for each spool: give each a store.data_dir of its own";
    return taken;
  }
  if (!lock) {
    s->trouble(lock.error());
    return s;
  }
  s->folder_lock_ = std::move(*lock);
  const auto segment = std::clamp<std::uint64_t>(o.spool_max_bytes / 8, 16u << 10, 8u << 20);
  // Even when it is to take nothing now: what an earlier process left is brought home.
  auto files = spool::open({o.folder, o.spool_max_bytes, segment}, random);
  if (files) {
    s->spool_ = std::move(*files);
  } else {
    s->trouble(files.error());
    s->figures_.max_bytes = 0;
  }
  auto set = touched_set::open(o.folder + "/touched", o.touched_max, now);
  if (set)
    s->touched_ = std::move(*set);
  else
    s->trouble(set.error());
  const bool something = (s->spool_ && !s->spool_->empty()) || (s->touched_ && s->touched_->size());
  s->engaged_ = something;
  s->publish();
  if (something)
    log::warn(
        "deliveries of an earlier run wait in the spool",
        {log::kv("deliveries", s->figures_.records), log::kv("touched", s->figures_.touched)});
  return s;
}

shelter::~shelter() { stop(); }

void shelter::start(store& to,
                    std::function<void(const std::shared_ptr<delivery>&, bool)> journaled) {
  if (!spool_ && !touched_) return;
  home_ = &to;
  {
    const std::lock_guard hold{listener_->lock};
    listener_->journaled = std::move(journaled);
  }
  {
    const std::lock_guard hold{lock_};
    open_ = true;
  }
  thread_ = std::thread{[this] { run(); }};
}

void shelter::stop() {
  {
    const std::lock_guard hold{lock_};
    open_ = false;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard hold{listener_->lock};
  listener_->journaled = nullptr;
}

void shelter::engage(const failure& why) {
  {
    const std::lock_guard hold{lock_};
    if (!open_ || engaged_.exchange(true)) return;
  }
  wake_.notify_all();
  log::warn("the database is away: deliveries go to the spool", {log::kv("failure", why)});
}

bool shelter::take(write& unit, store::done& completion) {
  {
    const std::lock_guard hold{lock_};
    if (!open_) return false;
    if (!engaged_.load()) {
      if (!unit.may_spool) return false;
      // A full queue: from here on everything stands in line here.
      engaged_ = true;
      log::warn("the store's queue is full: deliveries go to the spool");
    }
    auto& line = unit.may_spool ? waiting_ : held_;
    line.push_back({std::move(unit), std::move(completion), clock::now()});
  }
  wake_.notify_one();
  return true;
}

void shelter::complete(store::done& completion, result<written> answer) {
  if (!completion) return;
  try {
    completion(std::move(answer));
  } catch (const std::exception& e) {
    log::error("a store completion threw", {log::kv("failure", e.what())});
  }
}

/// So that it comes to an end under any load: while a unit is on its way home only so many more are
/// taken as it makes room for, none while it is the last one. Not at the price of their answers.
bool shelter::may_lodge() const {
  return !journey_ || lodged_meanwhile_ < lodge_budget_ ||
         clock::now() - journey_since_ > slow_journey;
}

/// False when it is time to end and nothing waits.
bool shelter::wait() {
  std::unique_lock hold{lock_};
  const auto something = [this] {
    if (!open_) return true;
    if (!engaged_.load()) return false;
    if (journey_ && journey_->ended.load()) return true;
    if (!journey_ && clock::now() >= next_journey_) return true;
    return may_lodge() && !waiting_.empty();
  };
  auto until = clock::now() +
               std::min<clock::duration>(options_.spool_after / 4, std::chrono::milliseconds{250});
  if (engaged_.load() && !journey_) until = std::min(until, next_journey_);
  wake_.wait_until(hold, until, something);
  return open_ || !waiting_.empty() || !held_.empty();
}

void shelter::run() {
  while (wait()) {
    home_->relieve(options_.spool_after);
    if (!engaged_.load()) continue;
    if (journey_ && journey_->ended.load()) come_home();
    if (proven_ && (!spool_ || spool_->empty()) && (!touched_ || touched_->size() == 0) &&
        !journey_) {
      release();
      continue;
    }
    std::vector<guest> group;
    bool closing = false;
    {
      const std::lock_guard hold{lock_};
      closing = !open_;
      const bool now = closing || may_lodge();
      while (now && !waiting_.empty() && group.size() < options_.group_max) {
        group.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    if (!group.empty()) lodge(std::move(group));
    fail_late_held();
    if (!closing && !journey_ && clock::now() >= next_journey_) set_out();
  }
}

void shelter::lodge(std::vector<guest> group) {
  proven_ = false;
  lodged_meanwhile_ += group.size();
  auto left = lodge_in_spool(group);
  lodge_in_touched_set(left);
  publish();
}

/// Answers what is durable in the spool; returns the rest.
std::vector<shelter::guest*> shelter::lodge_in_spool(std::vector<guest>& group) {
  std::vector<guest*> left;
  std::vector<const delivery_append*> rows;
  for (const guest& g : group)
    for (const auto& a : g.unit.appends) rows.push_back(&a);
  result<std::vector<bool>> durable = std::vector<bool>(rows.size(), false);
  if (spool_) durable = spool_->append(rows);
  if (!durable) trouble(durable.error());
  publish();  // before the answers: who has one finds it in the figures
  std::size_t at = 0, taken = 0;
  for (guest& g : group) {
    bool all = durable.has_value();
    for (std::size_t i = 0; i < g.unit.appends.size(); ++i, ++at)
      all = all && (*durable)[at];  // half of a unit that does not fit comes twice: a duplicate
    if (!all) {
      left.push_back(&g);
      continue;
    }
    ++taken;
    complete(g.completion, spooled_answer(g.unit));
  }
  const std::lock_guard hold{lock_};
  figures_.spooled_total += taken;
  if (taken == group.size()) figures_.problem.clear();
  return left;
}

void shelter::lodge_in_touched_set(const std::vector<guest*>& left) {
  if (left.empty()) return;
  std::vector<guest*> marked;
  std::size_t refused = 0;
  const auto refuse = [&](guest& g) {
    ++refused;
    complete(g.completion, nothing_durable());
  };
  for (guest* g : left) {
    bool all = touched_ != nullptr;
    for (const auto& a : g->unit.appends) {
      if (!all || a.row.status == delivery_status::ignored) continue;  // it will change nothing
      const auto what = options_.touch_of ? options_.touch_of(a) : std::nullopt;
      all = what && touched_->mark(what->key, what->parent);
    }
    if (all)
      marked.push_back(g);
    else
      refuse(*g);
  }
  if (!marked.empty()) {
    if (auto r = touched_->sync(); !r) {
      trouble(r.error());
      for (guest* g : marked) refuse(*g);
      marked.clear();
    }
  }
  bool first = false;
  {
    const std::lock_guard hold{lock_};
    first = !marked.empty() && figures_.touched == 0;
    figures_.touched_total += marked.size();
    figures_.refused_total += refused;
  }
  publish();
  for (guest* g : marked) complete(g->completion, spooled_answer(g->unit));
  if (first) log::warn("the spool takes no more: only what changed is kept, to be read later");
}

/// The next unit: the oldest of the spool; once that is empty, what is to be read; and if there is
/// nothing at all, an empty one, to see whether the database is back.
void shelter::set_out() {
  auto j = std::make_shared<journey>();
  write unit;
  unit.past_refuge = true;
  if (spool_ && !spool_->empty()) {
    auto slice = spool_->front(one_by_one_ ? 1 : options_.slice_max, options_.slice_bytes);
    if (!slice) {
      trouble(slice.error());
      next_journey_ = clock::now() + options_.retry_cap;
      return;
    }
    unit.appends = std::move(*slice);
  }
  if (unit.appends.empty() && touched_ && options_.touch_delivery) {
    j->touched = touched_->take(one_by_one_ ? 1 : options_.slice_max);
    for (const auto& e : j->touched) unit.appends.push_back(options_.touch_delivery(e));
  }
  for (const auto& a : unit.appends) j->rows.push_back(std::make_shared<delivery>(a.row));
  journey_ = j;
  journey_since_ = clock::now();
  lodged_meanwhile_ = 0;
  const bool last = !spool_ || spool_->records() == unit.appends.size() || !j->touched.empty();
  lodge_budget_ = last && got_through_ ? 0 : options_.slice_max / 2;
  home_->submit(std::move(unit), [this, j, told = listener_](result<written> w) {
    if (w) {
      const std::lock_guard hold{told->lock};
      for (std::size_t i = 0; i < j->rows.size() && told->journaled; ++i) {
        j->rows[i]->seq = w->appends[i].seq;
        told->journaled(j->rows[i], w->appends[i].duplicate);
      }
    }
    j->answer = std::move(w);
    const std::lock_guard hold{lock_};
    j->ended.store(true);
    wake_.notify_all();
  });
}

/// The unit has its answer: what was committed is cut, and only now.
void shelter::come_home() {
  const auto j = std::exchange(journey_, nullptr);
  got_through_ = j->answer.has_value();
  if (!j->answer) {
    proven_ = false;
    if (touched_) touched_->give_back();
    if (j->answer.error().code == errc::bad_input && !j->rows.empty())
      return refused_one(*j, j->answer.error());
    const auto doubled = options_.retry_base * (1 << std::min(failed_journeys_, 10u));
    next_journey_ = clock::now() + std::min<std::chrono::milliseconds>(doubled, options_.retry_cap);
    ++failed_journeys_;
    return;
  }
  failed_journeys_ = 0;
  proven_ = true;
  one_by_one_ = false;
  next_journey_ = clock::now();
  for (const auto& e : j->touched) touched_->clear(e);
  if (j->touched.empty() && !j->rows.empty()) {
    spool_->cut(j->rows.size());
    const std::lock_guard hold{lock_};
    figures_.drained_total += j->rows.size();
  }
  publish();
}

/// The database refuses something of the slice. Alone it is found; what was acknowledged must not
/// vanish without a word, so at least its entity is read.
void shelter::refused_one(const journey& j, const failure& why) {
  next_journey_ = clock::now();
  if (j.rows.size() > 1) {
    one_by_one_ = true;
    return;
  }
  one_by_one_ = false;
  const auto& row = *j.rows.front();
  log::error("the database refuses a delivery of the spool",
             {log::kv("entity", row.entity), log::kv("event", row.event),
              log::kv("delivery", row.remote_id), log::kv("failure", why)});
  if (!j.touched.empty()) {
    touched_->clear(j.touched.front());
  } else {
    const auto what =
        options_.touch_of ? options_.touch_of({row, {}}) : std::optional<touched_entity>{};
    if (what && touched_ && touched_->mark(what->key, what->parent)) (void)touched_->sync();
    spool_->cut(1);
  }
  publish();
}

/// Everything is home and the store takes units: what came meanwhile goes straight on, in order,
/// and nothing passes through here any more.
void shelter::release() {
  while (true) {
    std::deque<guest> on;
    {
      const std::lock_guard hold{lock_};
      if (waiting_.empty() && held_.empty()) {
        engaged_ = false;
        figures_.problem.clear();
        break;
      }
      on.swap(waiting_);
      std::move(held_.begin(), held_.end(), std::back_inserter(on));
      held_.clear();
    }
    for (guest& g : on) {
      g.unit.past_refuge = true;
      home_->submit(std::move(g.unit), std::move(g.completion));
    }
  }
  proven_ = got_through_ = false;
  publish();
  const auto f = figures();
  log::info("the spool is empty: deliveries go to the database again",
            {log::kv("spooled", f.spooled_total), log::kv("drained", f.drained_total),
             log::kv("touched", f.touched_total), log::kv("refused", f.refused_total)});
}

/// Our own deliveries are found again by the next poll or look; they need not wait for ever.
void shelter::fail_late_held() {
  std::vector<guest> late;
  {
    const std::lock_guard hold{lock_};
    const auto before = clock::now() - options_.held_patience;
    while (!held_.empty() && (!open_ || held_.front().since < before)) {
      late.push_back(std::move(held_.front()));
      held_.pop_front();
    }
  }
  for (guest& g : late)
    complete(g.completion,
             failure{errc::storage, "store.submit", "what is in the spool goes first"});
}

void shelter::publish() {
  const std::lock_guard hold{lock_};
  if (spool_) {
    figures_.records = spool_->records();
    figures_.bytes = spool_->bytes();
    figures_.oldest = spool_->oldest();
  }
  if (touched_) {
    figures_.touched = touched_->size();
    figures_.touched_max = touched_->slots();
  }
  figures_.damaged_total = (spool_ ? spool_->damaged() : 0) + (touched_ ? touched_->damaged() : 0);
}

/// Told once for as long as it stays the same.
void shelter::trouble(const failure& why) {
  {
    const std::lock_guard hold{lock_};
    if (figures_.problem == describe(why)) return;
    figures_.problem = describe(why);
  }
  log::error("the spool cannot be used", {log::kv("failure", why), log::kv("remedy", why.remedy)});
}

shelter_figures shelter::figures() const {
  const std::lock_guard hold{lock_};
  auto f = figures_;
  f.engaged = engaged_.load();
  return f;
}

bool shelter::has_room() const {
  const std::lock_guard hold{lock_};
  return open_ && (figures_.bytes < figures_.max_bytes || figures_.touched < figures_.touched_max);
}

}  // namespace pb::persistence
