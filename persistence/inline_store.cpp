#include "persistence/inline_store.hpp"

#include <algorithm>

namespace pb::persistence {

inline_store::inline_store(open_options options, std::unique_ptr<connection> c)
    : options_(std::move(options)),
      session_(std::move(c)),
      engine_(random_of()),
      reader_([this](const std::string& sql,
                     std::span<const value> p) { return session_->query(sql, p); },
              [this](std::span<const std::string> statements, const bulk_rows& rows) {
                return session_->query_each(statements, rows);
              }) {}

random_source& inline_store::random_of() {
  return options_.random != nullptr ? *options_.random : own_random_;
}

result<std::unique_ptr<inline_store>> inline_store::open(const open_options& options) {
  auto c = connect(options, session_use::migration, "planebridge inline");
  if (!c) return c.error();
  if (auto r = migrate(**c, options); !r) return r.error();
  std::unique_ptr<inline_store> s{new inline_store{options, std::move(*c)}};
  if (auto r = s->engine_.start(*s->session_); !r) return r.error();
  return s;
}

result<std::unique_ptr<inline_store>> inline_store::open_in_memory(random_source* random) {
  open_options o;
  o.target.path = ":memory:";
  o.random = random;
  return open(o);
}

store_health inline_store::health() const noexcept {
  return down_ ? store_health::reconnecting : store_health::up;
}

void inline_store::submit(write unit, done completion) {
  item one{std::move(unit), std::move(completion)};
  if (deferred_) {
    queue_.push_back(std::move(one));
    return;
  }
  run({&one, 1});
}

std::size_t inline_store::run_waiting() {
  std::vector<item> batch;
  while (!queue_.empty() && batch.size() < options_.batch_max) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  if (!batch.empty()) run(batch);
  return batch.size();
}

void inline_store::run(std::span<item> batch) {
  const auto answer = [](item& i, result<written> w) {
    if (i.completion) i.completion(std::move(w));
  };
  if (down_ || fail_ > 0) {
    const failure why =
        down_ ? *down_ : failure{errc::storage, "store.submit", "failed on purpose"};
    for (item& i : batch) {
      if (!down_ && fail_ > 0) --fail_;
      answer(i, why);
    }
    return;
  }
  std::vector<const write*> units;
  for (const item& i : batch) units.push_back(&i.unit);
  auto answers = engine_.apply(*session_, units);
  if (!answers && batch.size() > 1 && session_->last_fault() == fault::data) {
    for (item& i : batch) run({&i, 1});
    return;
  }
  if (answers && options_.on_commit) options_.on_commit(engine_.figures());
  for (std::size_t n = 0; n < batch.size(); ++n) {
    if (!answers) {
      answer(batch[n], answers.error());
    } else if (lose_ > 0) {
      --lose_;
      answer(batch[n], failure{errc::timed_out, "store.submit", "the answer was lost on purpose"});
    } else {
      answer(batch[n], std::move((*answers)[n]));
    }
  }
}

void inline_store::read(std::function<void(result<reader*>)> body) {
  if (down_)
    body(*down_);
  else
    body(&reader_);
}

void inline_store::retain(retention_limits limits,
                          std::function<void(result<std::int64_t>)> completion) {
  std::int64_t total = 0;
  while (true) {
    auto removed =
        down_ ? result<std::int64_t>{*down_} : engine_.retain_slice(*session_, limits, 500);
    if (!removed || *removed == 0) {
      if (completion) completion(removed ? result<std::int64_t>{total} : removed);
      return;
    }
    total += *removed;
  }
}

}  // namespace pb::persistence
