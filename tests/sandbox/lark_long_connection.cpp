// The client of Feishu's long connection over real sockets, against the server side of the
// in-memory Lark: events and callbacks, links that are cut or half-open, orderly ends.
#define BOOST_TEST_MODULE sandbox_lark_long_connection
#include "http/lark_long_connection.hpp"

#include <poll.h>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <functional>
#include <future>
#include <set>

#include "http/client.hpp"
#include "sandbox/run.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;
namespace json = boost::json;

namespace {

/// Bounds a wait for something that comes; nothing depends on how long it takes.
constexpr auto patience = 20s;

/// The journal's edge; tells whoever waits about each row.
class journal final : public http::inbox {
public:
  void accept(persistence::delivery_append d,
              std::function<void(result<http::acceptance>)> done) override {
    std::unique_lock hold{lock_};
    ++asked_;
    changed_.notify_all();
    if (away_) {
      hold.unlock();
      return done(failure{.code = errc::storage, .where = "store", .detail = "away"});
    }
    bool known = false;
    for (const auto& i : d.identities) known = !identities_.insert(i).second || known;
    if (!known) rows_.push_back(d.row);
    auto finish = [done = std::move(done), known] {
      done(http::acceptance{known ? http::accepted_as::duplicate : http::accepted_as::accepted, 1});
    };
    if (slow_) {
      held_.push_back(std::move(finish));
      return;
    }
    hold.unlock();
    finish();
  }
  void be_away(bool away) {
    const std::lock_guard hold{lock_};
    away_ = away;
  }
  void be_slow() {
    const std::lock_guard hold{lock_};
    slow_ = true;
  }
  void commit() {
    std::vector<std::function<void()>> all;
    {
      const std::lock_guard hold{lock_};
      all = std::move(held_);
      held_.clear();
      slow_ = false;
    }
    for (auto& f : all) f();
  }
  bool was_asked(std::size_t times) {
    std::unique_lock hold{lock_};
    return changed_.wait_for(hold, patience, [&] { return asked_ >= times; });
  }
  std::vector<persistence::delivery> rows() {
    const std::lock_guard hold{lock_};
    return rows_;
  }

private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<persistence::delivery> rows_;
  std::set<std::string> identities_;
  std::vector<std::function<void()>> held_;
  std::size_t asked_ = 0;
  bool away_ = false, slow_ = false;
};

/// Pauses as short as they may be.
class no_jitter final : public random_source {
public:
  std::uint64_t next() override { return 0; }
};

bool eventually(const std::function<bool()>& so) {
  for (const auto until = std::chrono::steady_clock::now() + patience; !so(); ::poll(nullptr, 0, 2))
    if (std::chrono::steady_clock::now() > until) return false;
  return true;
}

struct world {
  explicit world(std::size_t frame_bytes = 64 * 1024) {
    sb::run_options o;
    o.port = 0;
    o.time_scale = 0.002;
    o.lark_long_connection = true;
    o.lark.push_delay_min = o.lark.push_delay_max = 0ms;
    o.link.reconnect_nonce = 1s;
    o.link.frame_bytes = frame_bytes;
    auto started = sb::sandbox_server::start(o);
    BOOST_REQUIRE(started.has_value());
    server = std::move(*started);
    settings.where.base_url = server->url();
    settings.app = {o.lark.app_id, o.lark.app_secret};
    settings.changed = [this](const http::lark_link_health& h) {
      const std::lock_guard hold{lock};
      if (h.given_up && !now.given_up) ++given_up;
      now = h;
      changed.notify_all();
    };
  }
  ~world() {
    link.reset();
    calls.shutdown();
  }

  void make() {
    link = std::make_unique<http::lark_long_connection>(settings, calls, reception, clock, draws);
  }
  void open() {
    make();
    link->start();
    BOOST_REQUIRE(becomes([](const auto& h) { return h.open; }));
    BOOST_REQUIRE(eventually([this] { return server->link().connections() == 1; }));
  }
  bool becomes(const std::function<bool(const http::lark_link_health&)>& so) {
    std::unique_lock hold{lock};
    return changed.wait_for(hold, patience, [&] { return so(now); });
  }
  void say(const std::string& text) {
    const auto& seeds = server->lark_seeds();
    BOOST_REQUIRE(
        server->chats().say({.chat = seeds.group, .by = seeds.owner, .text = text}).has_value());
    server->pushes().pump();
  }
  /// The state of the newest push: "delivered" once it was acknowledged.
  std::string last_push() { return server->pushes().log().back().state; }
  bool acknowledged() {
    return eventually([this] { return last_push() == "delivered"; });
  }
  json::value call(const std::string& path, const json::object& body,
                   const std::string& token = {}) {
    sb::inbound in;
    in.method = "POST";
    const auto question = path.find('?');
    in.path = "/open-apis/" + path.substr(0, question);
    in.query = question == std::string::npos ? "" : path.substr(question + 1);
    in.headers = {{"Content-Type", "application/json; charset=utf-8"},
                  {"Authorization", "Bearer " + token}};
    in.body = json::serialize(body);
    return json::parse(server->chats().handle(in).body);
  }
  /// A card with one button, sent by the bot.
  std::string send_card() {
    const auto& app = server->chats().options();
    const auto token = call("auth/v3/tenant_access_token/internal",
                            {{"app_id", app.app_id}, {"app_secret", app.app_secret.reveal()}})
                           .at("tenant_access_token");
    const json::value card{
        {"schema", "2.0"},
        {"body",
         {{"elements", json::array{json::object{
                           {"tag", "button"},
                           {"text", {{"tag", "plain_text"}, {"content", "Done"}}},
                           {"behaviors", json::array{{{"type", "callback"},
                                                      {"value", {{"do", "state"}}}}}}}}}}}};
    const auto sent = call("im/v1/messages?receive_id_type=chat_id",
                           {{"receive_id", server->lark_seeds().group},
                            {"msg_type", "interactive"},
                            {"content", json::serialize(card)}},
                           token.as_string().c_str());
    return sent.at("data").at("message_id").as_string().c_str();
  }

  std::unique_ptr<sb::sandbox_server> server;
  system_clock_source clock;
  no_jitter draws;
  journal rows;
  http::client calls{{}};
  std::shared_ptr<http::lark_reception> reception =
      std::make_shared<http::lark_reception>(http::lark_reception_options{}, rows, clock);
  http::lark_long_connection_options settings;
  std::mutex lock;
  std::condition_variable changed;
  http::lark_link_health now;
  std::size_t given_up = 0;  ///< how often
  std::unique_ptr<http::lark_long_connection> link;
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_event_is_acknowledged_after_the_commit_and_not_before) {
  world w;
  w.open();
  w.rows.be_slow();
  w.say("hello");
  BOOST_REQUIRE(w.rows.was_asked(1));
  BOOST_TEST(w.last_push() == "sending");
  w.rows.commit();
  BOOST_TEST(w.acknowledged());
  BOOST_REQUIRE(w.rows.rows().size() == 1u);
  const auto row = w.rows.rows().front();
  BOOST_TEST(row.event == "im.message.receive_v1");
  BOOST_TEST(row.form == "lark.event");
  BOOST_TEST(row.entity.text().starts_with("lark:thread:om_"));
  const auto h = w.link->health();
  BOOST_TEST(h.figures.messages == 1u);
  BOOST_TEST((h.last_frame > h.since && h.since > timestamp{}));
}

BOOST_AUTO_TEST_CASE(what_comes_in_many_pieces_is_one_delivery) {
  world w{97};
  w.open();
  w.say(std::string(3000, 'x') + " 第二行");
  BOOST_TEST(w.acknowledged());
  BOOST_REQUIRE(w.rows.rows().size() == 1u);
  BOOST_TEST(w.rows.rows().front().body->find(std::string(3000, 'x') + " 第二行") !=
             std::string::npos);
  BOOST_TEST(w.link->health().figures.frames > 30u);
}

BOOST_AUTO_TEST_CASE(what_was_not_taken_comes_again_and_is_one_delivery) {
  world w;
  w.open();
  w.rows.be_away(true);
  w.say("hello");
  BOOST_REQUIRE(w.rows.was_asked(1));
  w.rows.be_away(false);
  BOOST_TEST(w.rows.was_asked(2));
  BOOST_TEST(w.acknowledged());
  BOOST_TEST(w.rows.rows().size() == 1u);
}

BOOST_AUTO_TEST_CASE(who_clicks_sees_the_answer) {
  world w;
  w.open();
  const auto card = w.send_card();
  const auto click = [&] {
    BOOST_REQUIRE(w.server->chats()
                      .click({.message_id = card, .by = w.server->lark_seeds().owner, .on = "Done"})
                      .has_value());
    w.server->pushes().pump();
  };
  const auto toast = [&](std::size_t nth) {
    const auto all = w.server->chats().interactions();
    return all.size() > nth && all[nth].state != "waiting" ? all[nth].toast_type : std::string{};
  };
  click();
  BOOST_TEST(eventually([&] { return toast(0) == "info"; }));
  // Clicks are never sent again: one that could not be taken is told to whoever clicked.
  w.rows.be_away(true);
  click();
  BOOST_TEST(eventually([&] { return toast(1) == "error"; }));
}

BOOST_AUTO_TEST_CASE(a_link_that_is_cut_is_made_anew) {
  world w;
  w.open();
  w.server->link().cut();
  BOOST_REQUIRE(w.becomes([](const auto& h) { return h.open && h.figures.opened == 2; }));
  const auto h = w.link->health();
  BOOST_TEST(h.figures.lost == 1u);
  BOOST_TEST(!h.figures.last_problem.empty());
  BOOST_REQUIRE(eventually([&] { return w.server->link().connections() == 1; }));
  w.say("still there?");
  BOOST_TEST(w.rows.was_asked(1));
  BOOST_TEST(w.acknowledged());
}

BOOST_AUTO_TEST_CASE(a_link_on_which_nothing_comes_after_a_ping_is_half_open) {
  world w;
  w.settings.limits.silence = 50ms;
  w.server->link().freeze(true);
  w.make();
  w.link->start();
  BOOST_REQUIRE(w.becomes([](const auto& h) { return h.figures.half_open >= 1; }));
  w.server->link().freeze(false);
  BOOST_REQUIRE(w.becomes([](const auto& h) { return h.open && h.figures.frames >= 1; }));
  BOOST_TEST(w.link->health().figures.last_problem.find("half-open") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wrong_secret_is_given_up_with_a_remedy_and_tried_again_by_hand) {
  world w;
  const auto right = w.settings.app.app_secret;
  w.settings.app.app_secret = secret{"wrong-app-secret"};
  w.make();
  w.link->start();
  BOOST_REQUIRE(w.becomes([](const auto& h) { return h.given_up; }));
  const auto h = w.link->health();
  BOOST_TEST(h.state == "given up");
  BOOST_TEST(h.remedy.find("lark.app_secret") != std::string::npos);
  BOOST_TEST(h.figures.last_problem.find("1000040344") != std::string::npos,
             h.figures.last_problem);
  BOOST_TEST(h.figures.last_problem.find("wrong-app-secret") == std::string::npos);
  w.link->start();
  BOOST_TEST(w.becomes([&w](const auto&) { return w.given_up == 2; }));
}

BOOST_AUTO_TEST_CASE(a_machine_has_one_connection_of_an_app) {
  world w;
  w.open();
  auto first = std::move(w.link);
  w.make();
  w.link->start();
  BOOST_REQUIRE(w.becomes([](const auto& h) {
    return h.figures.last_problem.find("another program of this machine") != std::string::npos;
  }));
  BOOST_TEST(w.server->link().connections() == 1u);
  first.reset();
  BOOST_REQUIRE(eventually([&] { return w.server->link().connections() == 0; }));
  w.open();
}

BOOST_AUTO_TEST_CASE(before_it_ends_it_acknowledges_what_it_has_taken) {
  world w;
  w.open();
  w.rows.be_slow();
  w.say("last words");
  BOOST_REQUIRE(w.rows.was_asked(1));
  auto ended = std::async(std::launch::async, [&] { w.link->stop(patience); });
  w.rows.commit();
  ended.get();
  BOOST_TEST(w.acknowledged());
  BOOST_TEST(eventually([&] { return w.server->link().connections() == 0; }));
  w.link->start();  // over is over
  BOOST_TEST(!w.link->health().open);
}

BOOST_AUTO_TEST_CASE(it_ends_while_nothing_answers) {
  world w;
  w.settings.where.base_url = "http://127.0.0.1:9";
  w.make();
  w.link->start();
  BOOST_REQUIRE(w.becomes([](const auto& h) { return h.state == "waiting to connect again"; }));
  w.link->stop(patience);
  BOOST_TEST(w.link->health().state == "idle");
}
