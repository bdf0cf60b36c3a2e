// tests/actors/facts_bench: two connectors, a store and a facts directory; Plane and Feishu are a
// few lines each.
#pragma once
#include <boost/test/unit_test.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/connector.hpp"
#include "actors/facts_directory.hpp"
#include "persistence/inline_store.hpp"

namespace facts_bench {
using namespace pb;
using namespace pb::actors;
using namespace std::chrono_literals;
using kind = sync::need::kind;
using protocol::http_response;

inline const std::string web = "11111111-1111-4111-8111-111111111111";
inline const std::string ann = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
inline const std::string ben = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
inline const std::string gus = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";
inline const std::string item = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";

inline http_response ok(std::string body) { return {200, {}, std::move(body)}; }
inline std::string member(const std::string& id, const std::string& name, const std::string& email,
                          int role) {
  return R"({"id":")" + id + R"(","display_name":")" + name + R"(","email":")" + email +
         R"(","role":)" + std::to_string(role) + "}";
}

struct bench {
  struct wire final : http::transport {
    explicit wire(bench& b) : of(b) {}
    void send(protocol::http_request r, http::call_limits, completion done) override {
      of.asked.push_back(r.method + " " + r.url.substr(r.url.find("test") + 4));
      of.waiting.emplace_back(std::move(r), std::move(done));
    }
    bench& of;
  };
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  std::unique_ptr<persistence::inline_store> store =
      *persistence::inline_store::open_in_memory(&random);
  wire way{*this};
  telemetry figures;
  context_ptr ctx = std::make_shared<context>(*store, way, clock, random, figures, with_pages());
  caf::actor_system_config config;
  caf::actor_system system{config.set("scheduler.policy", caf::atom("testing"))};
  std::vector<std::string> asked;
  std::deque<std::pair<protocol::http_request, http::transport::completion>> waiting;
  std::map<std::string, http_response> answers;  ///< by the path's end; the longest counts
  /// What depends on what was asked; goes first.
  std::function<std::optional<http_response>(const protocol::http_request&)> live;
  connector_port plane = connector_of("plane"), lark = connector_of("lark");
  std::shared_ptr<facts_desk> desk = make_facts_directory(sources());

  static options with_pages() {
    options o;
    o.rendering.app_url = "https://plane.test";
    o.rendering.workspace_slug = "works";
    o.conversations.origins = {"https://plane.test"};
    o.conversations.language = "en";
    return o;
  }
  connector_port connector_of(const char* name) {
    return spawn_connector(
        system, ctx,
        [name] {
          connector_policy p;
          p.name = name;
          p.parallel = [](const options&) { return 8U; };
          return p;
        },
        std::make_shared<connector_status>());
  }
  facts_sources sources() {
    auto r = std::make_shared<remotes>();
    r->plane.base_url = "https://plane.test";
    r->plane.workspace_slug = "works";
    return {ctx, plane, lark, r, {"https://feishu.test"}, "", {"ou_admin"}};
  }
  bench() {
    answers["/members/"] =
        ok("[" + member(ann, "Ann", "Ann@Example.com", 20) + "," +
           member(ben, "Ben", "ben@example.com", 15) + "," + member(gus, "Gus", "", 5) + "]");
    answers["/projects/" + web + "/"] =
        ok(R"({"id":")" + web + R"(","identifier":"WEB","name":"Web","is_member":true})");
    answers["/states/"] = ok(R"([{"id":")" + item + R"(","name":"Todo","group":"unstarted"}])");
    answers["/labels/"] = ok("[]");
    answers["/projects/" + web + "/members/"] =
        ok("[" + member(ann, "Ann", "", 0) + "," + member(gus, "Gus", "", 0) + "]");
    answers["WEB-42/"] =
        ok(R"({"id":")" + item + R"(","project":")" + web +
           R"(","sequence_id":42,"name":"Login","description_html":"<p>white page</p>"})");
    answers["/contact/v3/users/ou_ann"] = ok(
        R"({"code":0,"data":{"user":{"open_id":"ou_ann","union_id":"on_1","name":"安","email":"ann@example.COM"}}})");
    answers["/bot/v3/info"] = ok(R"({"code":0,"bot":{"open_id":"ou_bot","app_name":"B"}})");
    answers["/chats/oc_1"] =
        ok(R"({"code":0,"data":{"name":"Team","chat_mode":"topic","external":true}})");
  }
  ~bench() {
    desk.reset();
    for (auto* p : {&plane, &lark}) {
      caf::anon_send_exit(*p, caf::exit_reason::user_shutdown);
      *p = nullptr;
    }
    scheduler().run();
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  http_response answer(const protocol::http_request& r) {
    const std::pair<const std::string, http_response>* best = nullptr;
    const auto path = r.url.substr(0, r.url.find('?'));
    if (live)
      if (auto a = live(r)) return std::move(*a);
    for (const auto& a : answers)
      if (path.ends_with(a.first) && (best == nullptr || a.first.size() > best->first.size()))
        best = &a;
    return best == nullptr ? http_response{404, {}, R"({"error":"none"})"} : best->second;
  }
  void run() {
    scheduler().run();
    while (!waiting.empty()) {
      auto [r, done] = std::move(waiting.front());
      waiting.pop_front();
      done(answer(r));
      scheduler().run();
    }
  }
  std::optional<fact_answer> last;
  int told = 0;
  void ask_only(kind k, const std::string& key = {}) {
    desk->ask({k, key}, urgency::person, [this](fact_answer a) {
      last = std::move(a);
      ++told;
    });
  }
  fact_answer ask(kind k, const std::string& key = {}) {
    last.reset();
    ask_only(k, key);
    run();
    BOOST_REQUIRE(last.has_value());
    BOOST_TEST((last->what == sync::need{k, key}));
    return *last;
  }
  std::optional<persistence::user_mapping_row> row(const std::string& open_id) {
    std::optional<persistence::user_mapping_row> out;
    store->read([&](result<persistence::reader*> r) { out = *(*r)->user_mapping(open_id); });
    return out;
  }
  void write(persistence::user_mapping_row r) {
    persistence::write unit;
    unit.user_mappings.push_back(std::move(r));
    store->submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  }
};

}  // namespace facts_bench
