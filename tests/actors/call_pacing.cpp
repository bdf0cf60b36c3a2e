// A connector whose remote counts calls by chat or message as well: one at its limit delays only
// itself.
#define BOOST_TEST_MODULE actors_call_pacing
#include <boost/test/unit_test.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <deque>
#include <map>

#include "actors/chat_calls.hpp"
#include "actors/connector.hpp"
#include "persistence/inline_store.hpp"

using namespace pb;
using namespace pb::actors;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr int each_second = 5;

/// So many calls one after the other, all for one chat.
class posts final : public protocol::exchange {
public:
  posts(std::string name, std::string key, int calls)
      : name_(std::move(name)), key_(std::move(key)), calls_(calls) {}
  protocol::step start() override { return ask(); }
  protocol::step on_response(const protocol::http_response&) override {
    if (++made_ == calls_) return protocol::finished{};
    return ask();
  }

private:
  protocol::step ask() const {
    protocol::call c;
    c.request.url = "http://chat.test/" + name_;
    c.operation = "chat.post";
    c.budget_key = key_;
    return c;
  }
  std::string name_, key_;
  int calls_, made_ = 0;
};

/// A call to another server, with an answer of at most so many bytes.
class elsewhere final : public protocol::exchange {
public:
  protocol::step start() override {
    protocol::call c;
    c.request.url = "http://storage.test/upload";
    c.operation = "chat.upload";
    c.elsewhere = true;
    c.max_answer_bytes = 4'096;
    return c;
  }
  protocol::step on_response(const protocol::http_response& a) override {
    if (a.status == 200) return protocol::finished{};
    return failure{errc::upstream_down, "chat.upload", "refused", "", a.status, "", {}};
  }
};

struct sent {
  std::string name;
  milliseconds at{};
};

struct bench {
  struct wire final : http::transport {
    explicit wire(bench& b) : of(b) {}
    void send(protocol::http_request r, http::call_limits limits, completion done) override {
      of.sizes.push_back(limits.response_bytes);
      of.with_key.push_back(!r.headers.empty());
      of.calls.push_back({r.url.substr(r.url.rfind('/') + 1), of.elapsed()});
      of.answers.emplace_back(of.elapsed() + of.travel, std::move(done));
    }
    bench& of;
  };

  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  std::unique_ptr<persistence::inline_store> store = [this] {
    return *persistence::inline_store::open_in_memory(&random);
  }();
  wire way{*this};
  telemetry figures;
  context_ptr ctx = std::make_shared<context>(*store, way, clock, random, figures, options{});
  caf::actor_system_config config;
  caf::actor_system system{config.set("scheduler.policy", caf::atom("testing"))};
  connector_port port;

  milliseconds travel{0};
  int status = 200;
  std::vector<sent> calls;
  std::vector<std::size_t> sizes;  ///< of answers, as asked for
  std::vector<bool> with_key;
  std::optional<failure> no_answer;  ///< instead of answers
  std::vector<std::string> ended;
  std::optional<failure> last_failure;
  std::deque<std::pair<milliseconds, http::transport::completion>> answers;
  std::map<std::string, std::deque<milliseconds>> by_key;  ///< admitted in the last second
  std::optional<milliseconds> account_waits_until;
  std::size_t asked = 0;

  void start() {
    port = spawn_connector(
        system, ctx, [this] { return policy(); }, std::make_shared<connector_status>());
  }
  ~bench() {
    if (port) caf::anon_send_exit(port, caf::exit_reason::user_shutdown);
    port = nullptr;
    scheduler().run();
  }
  connector_policy policy() {
    connector_policy p;
    p.name = "chat";
    p.authorize = [](protocol::http_request& r) -> std::optional<failure> {
      r.headers.push_back({"X-API-Key", "k", true});
      return std::nullopt;
    };
    p.admit = [this](steady_time, urgency,
                     const protocol::call& c) -> std::optional<admission_wait> {
      ++asked;
      if (c.budget_key == "given back") return admission_wait{3h, admission_wait::who::call};
      auto& window = by_key[c.budget_key];
      while (!window.empty() && window.front() + 1s <= elapsed()) window.pop_front();
      if (!c.budget_key.empty() && window.size() >= each_second)
        return admission_wait{window.front() + 1s - elapsed(), admission_wait::who::key};
      if (account_waits_until && elapsed() < *account_waits_until)
        return admission_wait{*account_waits_until - elapsed()};
      window.push_back(elapsed());
      return std::nullopt;
    };
    return p;
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  milliseconds elapsed() const {
    return std::chrono::duration_cast<milliseconds>(clock.steady_now().time_since_epoch());
  }
  void run() {
    do {
      scheduler().run();
      while (!answers.empty() && answers.front().first <= elapsed()) {
        auto done = std::move(answers.front().second);
        answers.pop_front();
        if (no_answer) {
          done(*no_answer);
          continue;
        }
        protocol::http_response a;
        a.status = status;
        done(a);
      }
    } while (!scheduler().jobs.empty());
  }
  void run_for(milliseconds span) {
    run();
    for (auto left = span; left > 0ms; left -= 1ms) {
      clock.advance(1ms);
      scheduler().advance_time(1ms);
      run();
    }
  }
  void ask(const std::string& name, const std::string& key, urgency how = urgency::person,
           int calls_of_it = 1) {
    perform_it(name, std::make_shared<posts>(name, key, calls_of_it), how);
  }
  void perform_it(const std::string& name, std::shared_ptr<protocol::exchange> e,
                  urgency how = urgency::person) {
    auto reply = std::make_shared<reply_once<performed>>(
        [this, name](const performed& p) {
          ended.push_back(p.failed ? name + "!" : name);
          if (p.failed) last_failure = p.failed;
        },
        performed{});
    caf::anon_send(port, perform{std::move(e), how, "test", std::move(reply)});
    scheduler().run();
  }
  std::vector<std::string> names(const std::string& prefix = {}) const {
    std::vector<std::string> out;
    for (const auto& c : calls)
      if (c.name.starts_with(prefix)) out.push_back(c.name);
    return out;
  }
  std::size_t sent_by(const std::string& prefix, milliseconds until) const {
    return static_cast<std::size_t>(std::count_if(calls.begin(), calls.end(), [&](const sent& c) {
      return c.name.starts_with(prefix) && c.at <= until;
    }));
  }
};

std::vector<std::string> numbered(const std::string& prefix, int n) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) out.push_back(prefix + std::to_string(i));
  return out;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_chat_at_its_limit_delays_only_itself, bench) {
  start();
  for (const auto& n : numbered("loud", 100)) ask(n, "oc_loud");
  for (const auto& n : numbered("calm", 5)) ask(n, "oc_calm");
  for (const auto& n : numbered("none", 5)) ask(n, "");
  run();
  BOOST_TEST(sent_by("calm", 0ms) == 5u);
  BOOST_TEST(sent_by("none", 0ms) == 5u);
  BOOST_TEST(sent_by("loud", 0ms) == 5u);
  run_for(999ms);
  BOOST_TEST(sent_by("loud", 999ms) == 5u);
  run_for(1ms);
  BOOST_TEST(sent_by("loud", 1000ms) == 10u);
  run_for(20s);
  BOOST_TEST(names("loud") == numbered("loud", 100), boost::test_tools::per_element());
  BOOST_TEST(ended.size() == 110u);
}

BOOST_FIXTURE_TEST_CASE(who_comes_later_for_a_waiting_chat_stays_behind_who_waits, bench) {
  start();
  for (const auto& n : numbered("a", 7)) ask(n, "oc_a");
  run_for(1100ms);  // two of the new second are used
  for (int n = 7; n < 20; ++n) {
    ask("a" + std::to_string(n), "oc_a");
    run_for(70ms);
  }
  run_for(10s);
  BOOST_TEST(names("a") == numbered("a", 20), boost::test_tools::per_element());
  for (std::size_t n = each_second; n < calls.size(); ++n)
    BOOST_TEST((calls[n].at - calls[n - each_second].at >= 1s));
}

BOOST_FIXTURE_TEST_CASE(many_that_wait_cost_one_look_each_and_one_for_each_release, bench) {
  start();
  for (int n = 0; n < 2'000; ++n) ask("loud", "oc_loud");
  for (int n = 0; n < 200; ++n) ask("calm", "oc" + std::to_string(n));
  run();
  BOOST_TEST(sent_by("calm", 0ms) == 200u);
  BOOST_TEST(asked <= 5u + 1u + 200u);
  const auto before = asked;
  run_for(10s);
  BOOST_TEST(calls.size() == 200u + 55u);
  BOOST_TEST(asked - before <= 2u * 50u + 20u);
}

BOOST_FIXTURE_TEST_CASE(in_a_chat_that_waited_people_go_before_repairs_and_scans, bench) {
  start();
  for (const auto& n : numbered("first", each_second)) ask(n, "oc_a");
  ask("scan", "oc_a", urgency::scan);
  ask("repair", "oc_a", urgency::repair);
  ask("person", "oc_a", urgency::person);
  run_for(5s);
  const auto all = names();
  BOOST_TEST(all.size() == 8u);
  BOOST_TEST((std::vector<std::string>{all.end() - 3, all.end()} ==
              std::vector<std::string>{"person", "repair", "scan"}));
}

BOOST_FIXTURE_TEST_CASE(a_person_passes_a_scan_of_the_same_chat_that_the_account_holds_up, bench) {
  start();
  for (const auto& n : numbered("first", each_second)) ask(n, "oc_a");
  ask("scan0", "oc_a", urgency::scan);
  ask("scan1", "oc_a", urgency::scan);
  run();
  account_waits_until = 3s;
  run_for(2s);
  ask("person", "oc_a", urgency::person);
  run_for(5s);
  const auto all = names();
  BOOST_TEST((std::vector<std::string>{all.end() - 3, all.end()} ==
              std::vector<std::string>{"person", "scan0", "scan1"}));
}

BOOST_FIXTURE_TEST_CASE(when_the_account_waits_everybody_does_and_people_go_first, bench) {
  account_waits_until = 2s;
  start();
  ask("scan", "oc_a", urgency::scan);
  ask("person", "oc_b", urgency::person);
  run_for(1999ms);
  BOOST_TEST(calls.empty());
  run_for(1ms);
  BOOST_TEST((names() == std::vector<std::string>{"person", "scan"}));
}

BOOST_FIXTURE_TEST_CASE(an_exchange_that_has_begun_goes_on_before_others_of_its_chat, bench) {
  travel = 10ms;
  start();
  ask("two", "oc_a", urgency::person, 7);
  for (const auto& n : numbered("one", 4)) ask(n, "oc_a");
  run_for(20s);
  BOOST_TEST(calls.size() == 11u);
  std::size_t last_of_two = 0, waiting_ones = 0;
  for (std::size_t n = 0; n < calls.size(); ++n)
    if (calls[n].name == "two") last_of_two = n;
  for (std::size_t n = 0; n < last_of_two; ++n)
    if (calls[n].name.starts_with("one")) ++waiting_ones;
  // At most two at a time are under way, so one of the others may be ahead of each pause.
  BOOST_TEST(waiting_ones <= 4u);
  BOOST_TEST(names("one") == numbered("one", 4), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(what_would_wait_for_hours_is_given_back_as_not_sent, bench) {
  start();
  ask("late", "given back");
  ask("now", "oc_a");
  run();
  BOOST_TEST((ended == std::vector<std::string>{"late!", "now"}));
  BOOST_REQUIRE(last_failure.has_value());
  BOOST_TEST((last_failure->code == errc::breaker_open));  // spends no attempt in the outbox
  BOOST_TEST((last_failure->retry_after == 3h));
  BOOST_TEST((names() == std::vector<std::string>{"now"}));
}

BOOST_FIXTURE_TEST_CASE(a_chat_that_waits_does_not_use_up_the_breakers_probe, bench) {
  auto o = ctx->opt();
  o.breaker.failures = 2;
  o.breaker.open_for = 30s;
  ctx->reconfigure(o);
  start();
  for (const auto& n : numbered("a", each_second)) ask(n, "oc_a");
  run();
  status = 503;
  ask("b0", "oc_b");
  ask("b1", "oc_b");
  run();
  // Open now: what comes is refused at once. Its chat is kept at its limit for longer than that.
  ask("b2", "oc_b");
  run();
  BOOST_TEST(ended.back() == "b2!");
  run_for(30s);
  status = 200;
  by_key["oc_a"] = {elapsed(), elapsed(), elapsed(), elapsed(), elapsed()};
  ask("a5", "oc_a");
  ask("b3", "oc_b");
  run();
  BOOST_TEST(ended.back() == "b3");  // it was the probe, not a5, which waits
  run_for(2s);
  BOOST_TEST(ended.back() == "a5");
}

BOOST_FIXTURE_TEST_CASE(when_the_breaker_opens_those_who_wait_for_their_chat_are_told_in_their_turn,
                        bench) {
  auto o = ctx->opt();
  o.breaker.failures = 2;
  ctx->reconfigure(o);
  start();
  for (const auto& n : numbered("a", 20)) ask(n, "oc_a");
  run();
  status = 503;
  ask("b0", "oc_b");
  ask("b1", "oc_b");
  run_for(1s);
  // Nobody is left waiting: the outbox keeps them.
  BOOST_TEST(ended.size() == 22u);
  BOOST_TEST(calls.size() == 7u);
}

BOOST_AUTO_TEST_CASE(a_card_is_counted_by_itself_and_what_is_said_by_its_chat) {
  chat_calls calls;
  calls.api.base_url = "https://feishu.test";
  sync::lark_effect what;
  what.root = what.message = "om_root";
  what.msg_type = "text";
  what.content = R"({"text":"x"})";
  what.emoji = "DONE";
  const std::pair<const char*, const char*> rows[] = {{"lark.reply", "oc_team"},
                                                      {"lark.edit", "oc_team"},
                                                      {"lark.react", "oc_team"},
                                                      {"lark.recall", "oc_team"},
                                                      {"lark.update_card", "om_root"}};
  for (const auto& [operation, key] : rows) BOOST_TEST_CONTEXT(operation) {
      const auto made = calls.make({.operation = operation, .what = what, .chat = "oc_team"});
      BOOST_REQUIRE(made.has_value());
      const auto first = (*made)->start();
      BOOST_TEST(std::get<protocol::call>(first).budget_key == key);
    }
}

BOOST_AUTO_TEST_CASE(a_call_elsewhere_has_no_part_in_key_budget_and_breaker) {
  bench b;
  b.start();
  b.account_waits_until = 1h;
  b.perform_it("upload", std::make_shared<elsewhere>());
  b.run_for(10ms);
  BOOST_TEST((b.ended == std::vector<std::string>{"upload"}));
  BOOST_TEST(b.asked == 0u);
  BOOST_TEST(b.sizes.at(0) == 4'096u);
  BOOST_TEST(!b.with_key.at(0));
  b.status = 503;
  for (int n = 0; n < 100; ++n) {
    b.perform_it("upload", std::make_shared<elsewhere>());
    b.run_for(1ms);
  }
  b.status = 200;
  b.account_waits_until.reset();
  b.ended.clear();
  b.ask("a", "");
  b.run_for(10ms);
  BOOST_TEST((b.ended == std::vector<std::string>{"a"}));  // the breaker is as closed as before
  BOOST_TEST(b.with_key.back());
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_too_large_is_not_asked_for_again_and_opens_no_breaker) {
  bench b;
  b.start();
  b.no_answer = failure{errc::too_large, "http.client", "too large", "", 0, "", {}};
  for (int n = 0; n < 20; ++n) {
    b.ask("a", "");
    b.run_for(1s);
  }
  BOOST_TEST(b.calls.size() == 20u);
  BOOST_REQUIRE(b.last_failure.has_value());
  BOOST_TEST((b.last_failure->code == errc::too_large));
  b.no_answer.reset();
  b.ended.clear();
  b.ask("b", "");
  b.run_for(10ms);
  BOOST_TEST((b.ended == std::vector<std::string>{"b"}));
}
