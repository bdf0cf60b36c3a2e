// The shelter before a store that a test steers: what is acknowledged comes home once and in order,
// whatever the store does meanwhile and wherever the process dies.
#define BOOST_TEST_MODULE shelter
#include "persistence/shelter.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <future>
#include <map>
#include <set>

namespace pb::persistence {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
namespace {

/// Journals like the real one: in order, once by identity; or answers what the test wants.
class steered_store final : public store {
public:
  enum class mode { up, away, frozen, refuses_bad };
  struct row {
    std::string entity;
    std::string body;
    std::string form;
  };

  void submit(write unit, done completion) override {
    {
      std::unique_lock hold{lock_};
      if (mode_ == mode::frozen) {
        frozen_.emplace_back(std::move(unit), std::move(completion));
        changed_.notify_all();
        return;
      }
    }
    answer(std::move(unit), completion);
  }
  void read(std::function<void(result<reader*>)> body) override {
    body(failure{errc::storage, "test", "no reader"});
  }
  store_health health() const noexcept override { return store_health::up; }
  void retain(retention_limits, std::function<void(result<std::int64_t>)>) override {}

  void set(mode m) {
    std::vector<std::pair<write, done>> late;
    {
      const std::lock_guard hold{lock_};
      mode_ = m;
      late.swap(frozen_);
    }
    for (auto& [unit, completion] : late) answer(std::move(unit), completion);
  }
  /// The next n units are committed, and answered as if they were not.
  void lose_answers(int n) {
    const std::lock_guard hold{lock_};
    lose_ = n;
  }
  void until_frozen() {
    std::unique_lock hold{lock_};
    changed_.wait(hold, [this] { return !frozen_.empty(); });
  }
  std::vector<row> rows() {
    const std::lock_guard hold{lock_};
    return rows_;
  }
  std::size_t largest() {
    const std::lock_guard hold{lock_};
    return largest_;
  }

private:
  void answer(write unit, const done& completion) {
    written w;
    std::optional<failure> why;
    {
      const std::lock_guard hold{lock_};
      largest_ = std::max(largest_, unit.appends.size());
      const bool bad = mode_ == mode::refuses_bad &&
                       std::any_of(unit.appends.begin(), unit.appends.end(), [](const auto& a) {
                         return a.row.body->find("bad") != std::string::npos;
                       });
      if (mode_ == mode::away)
        why = failure{errc::storage, "test", "away"};
      else if (bad)
        why = failure{errc::bad_input, "test", "refused"};
      else
        for (const auto& a : unit.appends) {
          bool known = false;
          for (const auto& i : a.identities) known = !identities_.insert(i).second || known;
          w.appends.push_back({static_cast<std::int64_t>(rows_.size()) + 1, known, false});
          if (!known) rows_.push_back({a.row.entity.text(), *a.row.body, a.row.form});
        }
      if (!why && lose_ > 0) {
        --lose_;
        why = failure{errc::timed_out, "test", "the answer was lost"};
      }
    }
    if (why)
      completion(*why);
    else
      completion(std::move(w));
  }

  std::mutex lock_;
  std::condition_variable changed_;
  mode mode_ = mode::away;
  int lose_ = 0;
  std::vector<std::pair<write, done>> frozen_;
  std::vector<row> rows_;
  std::set<std::string> identities_;
  std::size_t largest_ = 0;
};

write delivery_of(const std::string& entity, int n, const std::string& body = {}) {
  write unit;
  unit.may_spool = true;
  delivery_append a;
  a.row.tenant = "default";
  a.row.source = "plane";
  a.row.form = "plane.webhook";
  a.row.entity = entity_key::plane_issue(entity);
  a.row.body = std::make_shared<const std::string>(body.empty() ? std::to_string(n) : body);
  a.row.received_at = from_micros(1000 + n);
  a.identities = {entity + ":" + std::to_string(n)};
  unit.appends.push_back(std::move(a));
  return unit;
}

using answer = std::future<result<written>>;

struct stage {
  fs::path folder;
  shelter_options options;
  seeded_random random{5};
  steered_store home;
  std::mutex lock;
  std::vector<std::string> told;  // under lock: what was announced as journaled
  std::unique_ptr<shelter> s;

  stage() {
    std::string form = (fs::temp_directory_path() / "planebridge-shelter.XXXXXX").string();
    if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no scratch folder");
    folder = form;
    options.folder = (folder / "spool").string();
    options.touched_max = 16;
    options.retry_base = 1ms;
    options.retry_cap = 5ms;
    options.touch_of = [](const delivery_append& d) -> std::optional<touched_entity> {
      if (d.row.entity.empty()) return std::nullopt;
      return touched_entity{d.row.entity, "project", 0};
    };
    options.touch_delivery = [](const touched_entity& e) {
      auto unit = delivery_of(std::string{e.key.id()}, 0, "touch");
      unit.appends[0].row.form = "plane.touch";
      unit.appends[0].identities = {"touched:" + e.key.text() + ":" + std::to_string(e.mark)};
      return unit.appends[0];
    };
  }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage() {
    home.set(steered_store::mode::away);
    if (s) s->stop();
    s.reset();
    fs::remove_all(folder);
  }
  void open() {
    if (s) s->stop();
    s.reset();
    auto opened = shelter::open(options, random, from_micros(1'000'000));
    if (!opened) throw std::runtime_error(describe(opened.error()));
    s = std::move(*opened);
  }
  void start() {
    s->start(home, [this](const std::shared_ptr<delivery>& d, bool duplicate) {
      const std::lock_guard hold{lock};
      if (!duplicate) told.push_back(*d->body);
    });
  }
  void away() { s->engage({errc::storage, "test", "away"}); }
  answer give(write unit) {
    auto p = std::make_shared<std::promise<result<written>>>();
    auto f = p->get_future();
    store::done completion = [p](result<written> w) { p->set_value(std::move(w)); };
    if (!s->take(unit, completion)) completion(failure{errc::cancelled, "test", "not taken"});
    return f;
  }
  /// Until nothing passes through it any more.
  void home_again() {
    while (s->engaged()) std::this_thread::yield();
  }
};

std::vector<std::string> bodies(steered_store& home) {
  std::vector<std::string> out;
  for (const auto& r : home.rows()) out.push_back(r.body);
  return out;
}
std::vector<std::string> counted(int from, int to) {
  std::vector<std::string> out;
  for (int n = from; n < to; ++n) out.push_back(std::to_string(n));
  return out;
}
bool spooled(answer& a) {
  auto w = a.get();
  return w && w->appends.size() == 1 && w->appends[0].spooled && !w->appends[0].duplicate;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_store_that_is_up_never_meets_it) {
  stage t;
  t.open();
  t.start();
  BOOST_TEST(!t.s->engaged());
  auto own = delivery_of("a", 1);
  own.may_spool = false;
  store::done none;
  BOOST_TEST(!t.s->take(own, none));
  BOOST_TEST(own.appends.size() == 1u);  // untouched
}

BOOST_AUTO_TEST_CASE(what_came_while_the_store_was_away_comes_home_once_and_in_order) {
  stage t;
  t.options.slice_max = 10;
  t.open();
  t.start();
  t.away();
  std::vector<answer> all;
  for (int n = 0; n < 137; ++n) all.push_back(t.give(delivery_of("e" + std::to_string(n % 5), n)));
  for (auto& a : all) BOOST_TEST(spooled(a));
  BOOST_TEST(t.s->figures().records == 137u);
  BOOST_TEST(t.home.rows().empty());
  t.home.set(steered_store::mode::up);
  t.home_again();
  BOOST_TEST((bodies(t.home) == counted(0, 137)));
  BOOST_TEST(t.home.largest() <= 10u);
  const auto f = t.s->figures();
  BOOST_TEST(f.records == 0u);
  BOOST_TEST(f.drained_total == 137u);
  const std::lock_guard hold{t.lock};
  BOOST_TEST((t.told == counted(0, 137)));
}

BOOST_AUTO_TEST_CASE(an_outage_in_which_nothing_came_ends_by_itself) {
  stage t;
  t.open();
  t.start();
  t.away();
  BOOST_TEST(t.s->engaged());
  t.home.set(steered_store::mode::up);
  t.home_again();
  BOOST_TEST(t.home.rows().empty());
}

BOOST_AUTO_TEST_CASE(while_anything_is_left_everything_stands_in_line) {
  stage t;
  t.options.slice_max = 1;
  t.open();
  t.start();
  t.away();
  auto a = t.give(delivery_of("x", 0));
  BOOST_TEST(spooled(a));
  t.home.set(steered_store::mode::frozen);
  t.home.until_frozen();  // the first is on its way home
  BOOST_TEST(t.s->engaged());
  auto b = t.give(delivery_of("x", 1));
  auto own = delivery_of("x", 2);
  own.may_spool = false;
  auto c = t.give(std::move(own));
  BOOST_TEST(spooled(b));
  t.home.set(steered_store::mode::up);
  BOOST_TEST(c.get().has_value());  // ours waited for the line, and got a number
  t.home_again();
  BOOST_TEST((bodies(t.home) == counted(0, 3)));
}

BOOST_AUTO_TEST_CASE(a_killed_process_brings_home_at_its_next_start_what_it_acknowledged) {
  stage t;
  t.open();
  t.start();
  t.away();
  std::vector<answer> all;
  for (int n = 0; n < 50; ++n) all.push_back(t.give(delivery_of("x", n)));
  for (auto& a : all) BOOST_TEST(spooled(a));
  t.open();                    // nothing was brought home
  BOOST_TEST(t.s->engaged());  // so that what comes now stands behind it
  t.start();
  auto later = t.give(delivery_of("x", 50));
  t.home.set(steered_store::mode::up);
  BOOST_TEST(later.get().has_value());
  t.home_again();
  BOOST_TEST((bodies(t.home) == counted(0, 51)));
}

BOOST_AUTO_TEST_CASE(a_crash_between_commit_and_cut_makes_duplicates_that_change_nothing) {
  stage t;
  t.options.slice_max = 8;
  t.open();
  t.start();
  t.away();
  std::vector<answer> all;
  for (int n = 0; n < 40; ++n) all.push_back(t.give(delivery_of("x", n)));
  for (auto& a : all) BOOST_TEST(spooled(a));
  t.home.lose_answers(1);  // committed, and the cut never happens
  t.home.set(steered_store::mode::frozen);
  t.home.until_frozen();
  t.s->stop();
  t.home.set(steered_store::mode::up);
  t.open();
  BOOST_TEST(t.s->figures().records == 40u);
  t.start();
  t.home_again();
  BOOST_TEST((bodies(t.home) == counted(0, 40)));
}

BOOST_AUTO_TEST_CASE(lost_answers_on_the_way_home_double_nothing) {
  stage t;
  t.options.slice_max = 7;
  t.open();
  t.start();
  t.away();
  std::vector<answer> all;
  for (int n = 0; n < 60; ++n) all.push_back(t.give(delivery_of("x", n)));
  for (auto& a : all) BOOST_TEST(spooled(a));
  t.home.lose_answers(4);
  t.home.set(steered_store::mode::up);
  t.home_again();
  BOOST_TEST((bodies(t.home) == counted(0, 60)));
}

BOOST_AUTO_TEST_CASE(a_delivery_that_the_database_refuses_holds_nobody_up_and_its_entity_is_read) {
  stage t;
  t.open();
  t.start();
  t.away();
  std::vector<answer> all;
  for (int n = 0; n < 20; ++n)
    all.push_back(t.give(delivery_of(n == 9 ? "bad" : "x", n, n == 9 ? "bad one" : "")));
  for (auto& a : all) BOOST_TEST(spooled(a));
  t.home.set(steered_store::mode::refuses_bad);
  t.home_again();
  auto expected = counted(0, 20);
  expected.erase(expected.begin() + 9);
  expected.push_back("touch");
  BOOST_TEST((bodies(t.home) == expected));
  BOOST_TEST(t.home.rows().back().entity == "plane:issue:bad");
}

BOOST_AUTO_TEST_CASE(a_full_spool_keeps_ids_and_the_entities_are_read_once_it_is_home) {
  stage t;
  t.options.spool_max_bytes = 2'000;
  t.open();
  t.start();
  t.away();
  std::vector<answer> all;
  for (int n = 0; n < 100; ++n) all.push_back(t.give(delivery_of("e" + std::to_string(n % 10), n)));
  for (auto& a : all) BOOST_TEST(spooled(a));  // nobody was refused
  const auto f = t.s->figures();
  BOOST_TEST(f.touched == 10u);
  BOOST_TEST(f.records + f.touched_total == 100u);
  BOOST_TEST(f.refused_total == 0u);
  t.open();  // and all of it survives
  t.start();
  t.home.set(steered_store::mode::up);
  t.home_again();
  const auto rows = t.home.rows();
  BOOST_TEST(rows.size() == f.records + 10);
  std::set<std::string> read;
  for (const auto& r : rows)
    if (r.form == "plane.touch") read.insert(r.entity);
  BOOST_TEST(read.size() == 10u);
  BOOST_TEST(t.s->figures().touched == 0u);
}

BOOST_AUTO_TEST_CASE(without_anything_durable_the_sender_is_refused_and_nothing_else_is_lost) {
  stage t;
  t.options.spool_max_bytes = 0;
  t.options.touched_max = 4;
  t.open();
  t.start();
  t.away();
  std::map<std::string, bool> taken;
  for (int n = 0; n < 8; ++n) {
    auto a = t.give(delivery_of("e" + std::to_string(n), n));
    taken["plane:issue:e" + std::to_string(n)] = a.get().has_value();
  }
  BOOST_TEST(std::count_if(taken.begin(), taken.end(), [](const auto& e) { return e.second; }) ==
             4);
  BOOST_TEST(!t.s->has_room());
  // What is about nothing: an unused kind changes nothing and is answered, anything else is
  // refused.
  auto unused = delivery_of("", 20);
  unused.appends[0].row.entity = {};
  unused.appends[0].row.status = delivery_status::ignored;
  BOOST_TEST(t.give(std::move(unused)).get().has_value());
  auto unreadable = delivery_of("", 21);
  unreadable.appends[0].row.entity = {};
  const auto w = t.give(std::move(unreadable)).get();
  BOOST_REQUIRE(!w.has_value());
  BOOST_TEST((w.error().code == errc::storage));
  t.home.set(steered_store::mode::up);
  t.home_again();
  for (const auto& [entity, yes] : taken) {
    const auto rows = t.home.rows();
    const auto n = std::count_if(rows.begin(), rows.end(),
                                 [&, e = entity](const auto& r) { return r.entity == e; });
    BOOST_TEST(n == (yes ? 1 : 0), entity);
  }
}

BOOST_AUTO_TEST_CASE(what_is_touched_again_while_its_read_goes_home_is_read_again) {
  stage t;
  t.options.spool_max_bytes = 0;
  t.open();
  t.start();
  t.home.set(steered_store::mode::frozen);
  t.away();
  auto first = t.give(delivery_of("x", 0));
  BOOST_TEST(spooled(first));
  t.home.set(steered_store::mode::away);  // ends the look that may have been under way
  t.home.set(steered_store::mode::frozen);
  t.home.until_frozen();
  auto second = t.give(delivery_of("x", 1));
  BOOST_TEST(spooled(second));
  t.home.set(steered_store::mode::up);
  t.home_again();
  const auto rows = t.home.rows();
  BOOST_TEST(rows.size() >= 1u);
  BOOST_TEST(rows.size() <= 2u);
  BOOST_TEST(t.s->figures().touched == 0u);
}

BOOST_AUTO_TEST_CASE(many_threads_at_once_keep_each_its_order_while_the_store_comes_and_goes) {
  stage t;
  t.options.slice_max = 16;
  t.options.group_max = 8;
  t.open();
  t.start();
  constexpr int threads = 4, each = 300;
  std::atomic<int> left{threads};
  std::vector<std::thread> senders;
  for (int k = 0; k < threads; ++k)
    senders.emplace_back([&, k] {
      const std::string entity = "t" + std::to_string(k);
      for (int n = 0; n < each; ++n) {
        auto unit = delivery_of(entity, n);
        auto p = std::make_shared<std::promise<result<written>>>();
        auto f = p->get_future();
        store::done completion = [p](result<written> w) { p->set_value(std::move(w)); };
        if (!(t.s->engaged() && t.s->take(unit, completion)))
          t.home.submit(std::move(unit), std::move(completion));
        // As the store does it with what it cannot write.
        if (!f.get()) {
          t.away();
          --n;
        }
      }
      --left;
    });
  while (left > 0) {
    t.home.set(steered_store::mode::away);
    t.away();
    std::this_thread::yield();
    t.home.set(steered_store::mode::up);
    std::this_thread::yield();
  }
  for (auto& s : senders) s.join();
  t.home.set(steered_store::mode::up);
  t.home_again();
  std::map<std::string, int> next;
  for (const auto& r : t.home.rows()) BOOST_REQUIRE_EQUAL(std::stoi(r.body), next[r.entity]++);
  for (const auto& [entity, n] : next) BOOST_TEST(n == each, entity);
}

BOOST_AUTO_TEST_CASE(a_second_process_may_not_use_the_same_folder) {
  stage t;
  t.open();
  const auto second = shelter::open(t.options, t.random, from_micros(0));
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST((second.error().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_used_is_told_and_the_rest_runs) {
  stage t;
  std::FILE* f = std::fopen((t.folder / "file").c_str(), "w");
  std::fclose(f);
  t.options.folder = (t.folder / "file" / "spool").string();
  t.open();
  t.start();
  BOOST_TEST(!t.s->figures().problem.empty());
  auto unit = delivery_of("x", 1);
  store::done none;
  BOOST_TEST(!t.s->take(unit, none));
  BOOST_TEST(!t.s->has_room());
}

}  // namespace pb::persistence
