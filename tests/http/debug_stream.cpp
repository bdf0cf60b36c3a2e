#define BOOST_TEST_MODULE http_debug_stream
#include <boost/test/unit_test.hpp>

#include "ask.hpp"
#include "http/system_endpoints.hpp"

using namespace pb;
using namespace pb::http;

namespace {

struct bus final : inspector {
  std::vector<std::function<bool(std::string_view, std::string_view)>> sinks;
  int subscriptions = 0;
  void publish(std::string_view event, std::string_view json) {
    std::erase_if(sinks, [&](const auto& s) { return !s(event, json); });
  }
  void subscribe(std::function<bool(std::string_view, std::string_view)> sink) override {
    ++subscriptions;
    sinks.push_back(std::move(sink));
  }
  std::string actors(const actor_query&) const override { return {}; }
  std::string actor(const std::string&) const override { return {}; }
  std::string scheduler() const override { return {}; }
  std::string health(bool) const override { return {}; }
  bool ready() const override { return true; }
};

/// One reader of the stream; `gone` is what the server tells once the connection is.
struct peer {
  std::string got;
  bool gone = false;
  std::optional<response> refused;
};

struct fixture {
  bus live;
  stream_handler handle =
      debug_stream(live, admin_auth{secret_list::list{secret{ask::admin_token}}});

  std::shared_ptr<peer> connect(const std::string& token = ask::admin_token) {
    auto p = std::make_shared<peer>();
    auto r = std::make_shared<request>();
    r->headers.push_back({"Authorization", "Bearer " + token, true});
    handle(r, responder{[p](response answer) {
             if (!p->gone && p->got.empty()) p->refused = std::move(answer);
           }},
           [p] {
             return event_stream{[p](std::string_view piece) {
                                   if (!p->gone) p->got += piece;
                                   return !p->gone;
                                 },
                                 [p] { p->gone = true; }};
           });
    return p;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(each_reader_gets_each_event, fixture) {
  const auto a = connect(), b = connect();
  live.publish("effect", R"({"id":"e1"})");
  for (const auto& p : {a, b})
    BOOST_TEST(p->got.ends_with("event: effect\ndata: {\"id\":\"e1\"}\n\n"), p->got);
  BOOST_TEST(live.subscriptions == 1);
}

BOOST_FIXTURE_TEST_CASE(a_newline_in_an_event_does_not_end_it, fixture) {
  const auto p = connect();
  live.publish("plan", "{\"a\":1,\n\"b\":2}");
  BOOST_TEST(p->got.ends_with("event: plan\ndata: {\"a\":1,\ndata: \"b\":2}\n\n"), p->got);
}

BOOST_FIXTURE_TEST_CASE(the_subscription_ends_with_the_last_reader_and_begins_anew, fixture) {
  const auto a = connect();
  a->gone = true;
  live.publish("x", "{}");
  BOOST_TEST(live.sinks.empty());
  const auto b = connect();
  BOOST_TEST(live.subscriptions == 2);
  live.publish("y", "{}");
  BOOST_TEST(b->got.find("event: y") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(without_the_admins_token_there_is_no_stream, fixture) {
  const auto p = connect("wrong");
  BOOST_REQUIRE(p->refused.has_value());
  BOOST_TEST(p->refused->status == 401);
  BOOST_TEST(live.subscriptions == 0);
}

BOOST_FIXTURE_TEST_CASE(readers_are_bounded_and_those_who_left_make_room, fixture) {
  std::vector<std::shared_ptr<peer>> all;
  for (int i = 0; i < 32; ++i) all.push_back(connect());
  const auto late = connect();
  BOOST_REQUIRE(late->refused.has_value());
  BOOST_TEST(late->refused->status == 503);
  all.front()->gone = true;
  BOOST_TEST(!connect()->refused.has_value());
}
