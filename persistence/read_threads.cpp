#include "persistence/read_threads.hpp"

#include "base/log.hpp"

namespace pb::persistence {
namespace {

/// Whoever asked must not take the thread down.
template <class F>
void guarded(F run) {
  try {
    run();
  } catch (const std::exception& e) {
    log::error("a store reader threw", {log::kv("failure", e.what())});
  }
}

}  // namespace

reading_thread::reading_thread(const open_options& options, const std::string& name)
    : queue_max_(options.queue_max), session_(options, name), thread_([this] { run(); }) {}

reading_thread::~reading_thread() {
  {
    const std::lock_guard hold{lock_};
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void reading_thread::push(std::function<void(result<reader*>)> body) {
  {
    const std::lock_guard hold{lock_};
    if (!stop_ && queue_.size() < queue_max_) {
      queue_.push_back(std::move(body));
      wake_.notify_one();
      return;
    }
  }
  body(failure{errc::storage, "store.read", "queue full"});
}

void reading_thread::run() {
  while (true) {
    std::function<void(result<reader*>)> body;
    bool closing = false;
    {
      std::unique_lock hold{lock_};
      wake_.wait(hold, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      body = std::move(queue_.front());
      queue_.pop_front();
      closing = stop_;
    }
    guarded([&] {
      if (closing)
        body(failure{errc::cancelled, "store.read", "closing"});
      else
        body(session_.get());
    });
  }
}

loading_thread::loading_thread(const open_options& options, const std::string& name)
    : queue_max_(options.queue_max),
      batch_max_(options.batch_max),
      session_(options, name),
      thread_([this] { run(); }) {}

loading_thread::~loading_thread() {
  {
    const std::lock_guard hold{lock_};
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void loading_thread::push(entity_key key, done completion) {
  {
    const std::lock_guard hold{lock_};
    if (!stop_ && queue_.size() < queue_max_) {
      queue_.push_back({std::move(key), std::move(completion)});
      wake_.notify_one();
      return;
    }
  }
  completion(failure{errc::storage, "store.load", "queue full"});
}

void loading_thread::run() {
  while (true) {
    std::vector<asked> batch;
    bool closing = false;
    {
      std::unique_lock hold{lock_};
      wake_.wait(hold, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < batch_max_) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      closing = stop_;
    }
    answer(std::move(batch), closing);
  }
}

void loading_thread::answer(std::vector<asked> batch, bool closing) {
  auto states =
      result<std::vector<entity_state>>{failure{errc::cancelled, "store.load", "closing"}};
  if (!closing) {
    std::vector<entity_key> keys;
    keys.reserve(batch.size());
    for (const asked& a : batch) keys.push_back(a.key);
    auto r = session_.get();
    states = r ? (*r)->entities(keys) : result<std::vector<entity_state>>{r.error()};
  }
  for (std::size_t i = 0; i < batch.size(); ++i)
    guarded([&] {
      if (states)
        batch[i].completion(std::move((*states)[i]));
      else
        batch[i].completion(states.error());
    });
}

}  // namespace pb::persistence
