#include "actors/facts_directory.hpp"

#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "actors/facts_lookup.hpp"

namespace pb::actors {
namespace {

using kind = sync::need::kind;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::size_t most_kept = 4'096;
constexpr std::size_t most_waiting = 1'000;  ///< for one answer

/// How long an answer is believed; changes that we hear of are forgotten sooner by forget().
milliseconds life_of(const fact_answer& a) {
  switch (a.what.what) {
    case kind::bot:
      return 24h;
    case kind::chat:
      return 10min;
    case kind::channels:
      return 30s;
    case kind::person: {
      const auto it = a.found.people.find(a.what.key);
      const bool mapped =
          it != a.found.people.end() && it->second && !it->second->plane_user.empty();
      return mapped ? milliseconds{5min} : milliseconds{30s};
    }
    case kind::project: {
      const auto it = a.found.projects.find(a.what.key);
      return it != a.found.projects.end() && it->second ? milliseconds{10min} : milliseconds{60s};
    }
    case kind::projects:
      return 5min;
    case kind::item:  // a decision that asks twice shall see the same item
      return 2s;
    case kind::place:
    case kind::receipt:  // ours, and cheap
      return 0s;
    case kind::quoted:
      return 60s;
  }
  return 0s;
}

class facts_directory final : public facts_desk,
                              public std::enable_shared_from_this<facts_directory> {
public:
  explicit facts_directory(facts_sources from)
      : ctx_(from.ctx), lookup_(std::make_shared<facts_lookup>(std::move(from))) {}

  void ask(const sync::need& what, urgency how, std::function<void(fact_answer)> done) override {
    {
      std::unique_lock hold{lock_};
      if (const auto it = kept_.find(what); it != kept_.end()) {
        if (it->second.until > ctx_->steady_ms()) {
          order_.splice(order_.end(), order_, it->second.place);
          const auto answer = it->second.answer;
          hold.unlock();
          return done(*answer);
        }
        drop(it);
      }
      auto& w = asked_[what];
      if (w.to.size() >= most_waiting) {
        hold.unlock();
        return done({what, {}, failure{errc::rate_limited, "facts", "too many wait for the same"}});
      }
      w.to.push_back(std::move(done));
      if (w.to.size() > 1) return;
    }
    lookup_->find(what, how,
                  [self = shared_from_this()](fact_answer a) { self->answered(std::move(a)); });
  }

  void forget(const sync::need& what) override {
    if (what.what == kind::person && what.key.empty()) lookup_->forget_members();
    const std::lock_guard hold{lock_};
    for (auto it = kept_.begin(); it != kept_.end();)
      if (it->first.what == what.what && (what.key.empty() || it->first.key == what.key))
        it = drop(it);
      else
        ++it;
    // What is under way may have been read before the change.
    for (auto& [n, w] : asked_)
      if (n.what == what.what && (what.key.empty() || n.key == what.key)) w.stale = true;
  }

private:
  struct entry {
    std::shared_ptr<const fact_answer> answer;
    milliseconds until{0};
    std::list<sync::need>::iterator place;
  };
  using entries = std::map<sync::need, entry>;
  struct waiting {
    std::vector<std::function<void(fact_answer)>> to;
    bool stale = false;
  };

  entries::iterator drop(entries::iterator it) {
    order_.erase(it->second.place);
    return kept_.erase(it);
  }

  void answered(fact_answer a) {
    std::vector<std::function<void(fact_answer)>> to;
    {
      const std::lock_guard hold{lock_};
      const auto it = asked_.find(a.what);
      if (it == asked_.end()) return;
      to = std::move(it->second.to);
      const bool stale = it->second.stale;
      asked_.erase(it);
      const auto life = life_of(a);
      if (!a.failed && !stale && life > 0ms) keep(a, life);
    }
    for (std::size_t n = 0; n + 1 < to.size(); ++n) to[n](a);
    if (!to.empty()) to.back()(std::move(a));
  }

  void keep(const fact_answer& a, milliseconds life) {
    if (const auto it = kept_.find(a.what); it != kept_.end()) drop(it);
    while (kept_.size() >= most_kept) drop(kept_.find(order_.front()));
    order_.push_back(a.what);
    kept_.emplace(a.what, entry{std::make_shared<const fact_answer>(a), ctx_->steady_ms() + life,
                                std::prev(order_.end())});
  }

  context_ptr ctx_;
  std::shared_ptr<facts_lookup> lookup_;
  std::mutex lock_;  ///< of all below; never held while somebody is told or asked
  entries kept_;
  std::list<sync::need> order_;  ///< least recently asked first
  std::map<sync::need, waiting> asked_;
};

}  // namespace

std::shared_ptr<facts_desk> make_facts_directory(facts_sources from) {
  return std::make_shared<facts_directory>(std::move(from));
}

}  // namespace pb::actors
