// The sandbox on a real socket: API, page, fault switches, misbehaving connections, webhooks.
#define BOOST_TEST_MODULE sandbox_server
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <future>

#include "base/digest.hpp"
#include "http/client.hpp"
#include "sandbox/run.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;
namespace json = boost::json;

namespace {

http::client_options plain() {
  http::client_options o;
  o.user_agent = "test";
  return o;
}

struct world {
  explicit world(const std::string& hook = {}) {
    sb::run_options o;
    o.port = 0;
    o.webhook_url = hook;
    o.lark_event_url = hook;
    o.lark.encrypt_key = secret{"a key"};
    o.webhook_secret = secret{"plane_wh_x"};
    o.api_key = secret{"key"};
    auto started = sb::sandbox_server::start(o);
    BOOST_REQUIRE(started.has_value());
    server = std::move(*started);
  }
  result<protocol::http_response> call(std::string method, const std::string& path,
                                       std::string body = {},
                                       std::vector<protocol::http_header> more = {}) {
    protocol::http_request r;
    r.method = std::move(method);
    r.url = server->url() + path;
    r.headers = std::move(more);
    r.headers.push_back({"X-API-Key", "key"});
    if (!body.empty()) r.headers.push_back({"Content-Type", "application/json"});
    r.body = std::move(body);
    std::promise<result<protocol::http_response>> heard;
    http::call_limits limits;
    limits.headers = 500ms;
    client.send(std::move(r), limits,
                [&](result<protocol::http_response> a) { heard.set_value(std::move(a)); });
    return heard.get_future().get();
  }
  std::string items() const {
    return "/api/v1/workspaces/demo/projects/" + server->seeds().projects[0].id + "/work-items/";
  }
  std::unique_ptr<sb::sandbox_server> server;
  http::client client{plain()};
};

/// Remembers what was posted to it.
class receiver {
public:
  receiver() : socket_({}) {
    BOOST_REQUIRE(socket_
                      .start([this](sb::inbound in, std::function<void(sb::outcome)> done) {
                        {
                          const std::scoped_lock held{lock_};
                          got_.push_back(std::move(in));
                        }
                        more_.notify_all();
                        done({sb::ending::answered, {200, {}, "ok"}});
                      })
                      .has_value());
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(socket_.port()) + "/hook"; }
  std::vector<sb::inbound> wait_for(std::size_t count) {
    std::unique_lock held{lock_};
    more_.wait_for(held, 20s, [&] { return got_.size() >= count; });
    return got_;
  }

private:
  std::mutex lock_;
  std::condition_variable more_;
  std::vector<sb::inbound> got_;
  sb::listener socket_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_page_is_one_file_that_loads_nothing_from_elsewhere) {
  world w;
  const auto page = w.call("GET", "/");
  BOOST_REQUIRE(page.has_value());
  BOOST_TEST(page->status == 200);
  BOOST_TEST(page->header("Content-Type") == "text/html; charset=utf-8");
  BOOST_TEST(page->body.find("<html lang=\"en\">") != std::string::npos);
  for (const char* outside : {"http://", "https://", "src=", "<link", "@import"})
    BOOST_TEST(page->body.find(outside) == std::string::npos, outside);
}

BOOST_AUTO_TEST_CASE(larks_page_is_one_file_too_and_its_paths_are_larks) {
  world w;
  const auto page = w.call("GET", "/lark");
  BOOST_TEST(page->status == 200);
  for (const char* outside : {"src=\"http", "<link", "@import", "<script src"})
    BOOST_TEST(page->body.find(outside) == std::string::npos, outside);
  const auto refused = w.call("GET", "/open-apis/bot/v3/info");
  BOOST_TEST(refused->status == 400);
  BOOST_TEST(json::parse(refused->body).at("code").as_int64() == 99991661);
  BOOST_TEST(
      w.call("POST", "/sandbox/lark/say", "{}", {{"Origin", "http://elsewhere.test"}})->status ==
      403);
  BOOST_TEST(w.call("POST", "/sandbox/lark/say", R"({"by":"ou_no","text":"x"})")->status == 400);
  const auto endpoint = [&](const char* secret_text) {
    const json::object body{{"AppID", "cli_a7f3c0d2e5b8100c"}, {"AppSecret", secret_text}};
    return json::parse(w.call("POST", "/callback/ws/endpoint", json::serialize(body))->body);
  };
  BOOST_TEST(endpoint("wrong").at("code").as_int64() == 1000040344);
  const auto url = endpoint("lark-sandbox-secret").at("data").at("URL").as_string();
  BOOST_TEST(std::string{url}.starts_with("ws://127.0.0.1:"));
  // A request with no ticket is no connection.
  BOOST_TEST(w.call("GET", "/ws/v2?ticket=x")->status == 404);
}

BOOST_AUTO_TEST_CASE(what_people_say_reaches_the_event_url_encrypted_and_signed) {
  receiver target;
  world w{target.url()};
  const json::object said{{"chat", w.server->lark_seeds().group},
                          {"by", w.server->lark_seeds().owner},
                          {"text", "你好"}};
  BOOST_TEST(w.call("POST", "/sandbox/lark/say", json::serialize(said))->status == 200);
  const auto got = target.wait_for(1);
  BOOST_REQUIRE(got.size() == 1u);
  BOOST_TEST(got[0].body.starts_with(R"({"encrypt":")"));
  std::string signed_text, signature;
  for (const char* name : {"X-Lark-Request-Timestamp", "X-Lark-Request-Nonce"})
    for (const auto& h : got[0].headers)
      if (h.name == name) signed_text += h.value;
  for (const auto& h : got[0].headers)
    if (h.name == "X-Lark-Signature") signature = h.value;
  BOOST_TEST(signature == sha256_hex(signed_text + "a key" + got[0].body));
}

BOOST_AUTO_TEST_CASE(items_are_listed_and_edited_over_both_apis) {
  world w;
  const auto list = w.call("GET", w.items());
  BOOST_REQUIRE(list.has_value());
  BOOST_TEST(list->status == 200);
  BOOST_TEST(json::parse(list->body).at("results").as_array().size() == 5u);
  const std::string page_api =
      "/sandbox/api/workspaces/demo/projects/" + w.server->seeds().projects[0].id + "/issues/";
  const auto made =
      w.call("POST", page_api, R"({"name": "from the page", "target_date": "2028-02-29"})");
  BOOST_TEST(made->status == 201);
  const std::string id{json::parse(made->body).at("id").as_string()};
  BOOST_TEST(w.call("PATCH", page_api + id + "/", R"({"priority": "high"})")->status == 204);
  const auto read = json::parse(w.call("GET", w.items() + id + "/")->body);
  BOOST_TEST(read.at("priority").as_string() == "high");
  BOOST_TEST(read.at("target_date").as_string() == "2028-02-29");
}

BOOST_AUTO_TEST_CASE(another_sites_page_may_not_use_the_sandbox) {
  world w;
  const auto a = w.call("POST", "/sandbox/faults", R"({"kind":"reset"})",
                        {{"Origin", "http://elsewhere.test"}});
  BOOST_TEST(a->status == 403);
  BOOST_TEST(w.server->faults().list().empty());
}

BOOST_AUTO_TEST_CASE(faults_are_set_listed_and_removed_over_the_api) {
  world w;
  BOOST_TEST(
      w.call("POST", "/sandbox/faults", R"({"kind":"status","status":503,"count":1})")->status ==
      201);
  BOOST_TEST(w.call("GET", w.items())->status == 503);
  BOOST_TEST(w.call("GET", w.items())->status == 200);
  const auto all = json::parse(w.call("GET", "/sandbox/faults")->body).at("data").as_array();
  BOOST_TEST(all.size() == 1u);
  BOOST_TEST(w.call("DELETE", "/sandbox/faults")->status == 204);
  BOOST_TEST(w.call("POST", "/sandbox/faults", R"({"kind":"meteor"})")->status == 400);
  BOOST_TEST(w.call("POST", "/sandbox/faults", "{")->status == 400);
}

BOOST_AUTO_TEST_CASE(a_client_feels_reset_half_a_response_and_silence) {
  world w;
  const auto fails_with = [&](const char* fault) {
    BOOST_REQUIRE(w.call("POST", "/sandbox/faults", fault)->status == 201);
    const auto a = w.call("POST", w.items(), R"({"name": "x"})");
    BOOST_REQUIRE(!a.has_value());
    return a.error().code;
  };
  BOOST_TEST((fails_with(R"({"kind":"reset","method":"POST","path":"/api/*","count":1})") ==
              errc::upstream_down));
  BOOST_TEST((fails_with(R"({"kind":"half_response","method":"POST","path":"/api/*","count":1})") ==
              errc::upstream_down));
  BOOST_TEST((fails_with(R"({"kind":"lost_answer","method":"POST","path":"/api/*","count":1})") ==
              errc::timed_out));
  // Half a response and the lost answer did their work.
  BOOST_TEST(json::parse(w.call("GET", w.items())->body).at("results").as_array().size() == 7u);
}

BOOST_AUTO_TEST_CASE(an_edit_reaches_the_webhook_url_signed) {
  receiver target;
  world w{target.url()};
  BOOST_TEST(w.call("PATCH", w.items() + w.server->seeds().projects[0].item_ids[0] + "/",
                    R"({"name": "新"})")
                 ->status == 200);
  const auto got = target.wait_for(1);
  BOOST_REQUIRE(got.size() == 1u);
  BOOST_TEST(got[0].method == "POST");
  std::string signature;
  for (const auto& h : got[0].headers)
    if (h.name == "X-Plane-Signature") signature = h.value;
  BOOST_TEST(signature == to_hex(hmac_sha256("plane_wh_x", got[0].body)));
  // The page sees it too.
  json::value log;
  for (int i = 0; i < 200; ++i) {
    log = json::parse(w.call("GET", "/sandbox/webhooks")->body);
    if (log.at("unfinished").to_number<int>() == 0) break;
  }
  BOOST_TEST(log.at("data").as_array().at(0).at("state").as_string() == "delivered");
}

BOOST_AUTO_TEST_CASE(a_taken_port_is_a_failure_that_names_it) {
  world w;
  sb::run_options o;
  o.port =
      static_cast<std::uint16_t>(std::stoi(w.server->url().substr(w.server->url().rfind(':') + 1)));
  const auto second = sb::sandbox_server::start(o);
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST(second.error().detail.find(std::to_string(o.port)) != std::string::npos);
}
