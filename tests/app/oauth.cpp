// Plane's OAuth end to end: the running daemon, and a Plane and a Feishu in memory. The bot is
// installed, a person connects over the link that it gives them, and writes as themselves.
#define BOOST_TEST_MODULE oauth
#include <boost/test/unit_test.hpp>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
namespace json = boost::json;
namespace sb = pb::sandbox;

namespace {

const std::string client_secret = "plane-oauth-hunter2";
constexpr milliseconds patience{30'000};

bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}
std::string in_query(const std::string& url, const std::string& name) {
  const auto at = url.find(name + "=");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 1;
  return url.substr(from, url.find('&', from) - from);
}

struct world {
  bridge b;
  std::unique_ptr<sb::sandbox_server> remote;
  std::string project, item, member, colleague, chat, thread;
  std::vector<std::string> hidden{client_secret};

  world() {
    b.start();  // for its port, which the app registers
    b.stop();
    sb::run_options o;
    o.port = 0;
    o.seed = "";
    o.api_key = pb::secret{api_key};
    o.time_scale = 0.001;
    o.plane.requests_per_minute = 0;
    o.plane.oauth_client_id = "client-1";
    o.plane.oauth_client_secret = pb::secret{client_secret};
    o.plane.oauth_redirect_uris = {b.url() + "/plane/oauth/callback"};
    o.lark_long_connection = true;
    auto started = sb::sandbox_server::start(o);
    BOOST_REQUIRE(started.has_value());
    remote = std::move(*started);
    colleague = remote->seeds().colleague_id;
    member = remote->lark_seeds().member;
    chat = remote->lark_seeds().group;
    project =
        text_at(plane("POST", "projects/", {{"name", "Release"}, {"identifier", "REL"}}), "/id");
    remote->data().add_project_member(project, colleague, 15);
    item =
        text_at(plane("POST", "projects/" + project + "/work-items/", {{"name", "Login"}}), "/id");
    auto& e = b.environment;
    e["PLANE_BASE_URL"] = remote->url();
    e["PLANE_WORKSPACE_SLUG"] = "demo";
    e["PLANE_CLIENT_ID"] = "client-1";
    e["PLANE_CLIENT_SECRET"] = client_secret;
    e["PLANE_WEBHOOK_SECRET"] = webhook_secret;
    e["ENCRYPTION_KEY"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    e["PLANEBRIDGE_SERVER_PUBLIC_URL"] = b.url();
    e["PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE"] = "100000";
    e["LARK_APP_ID"] = "cli_a7f3c0d2e5b8100c";
    e["LARK_APP_SECRET"] = "lark-sandbox-secret";
    e["LARK_BASE_URL"] = remote->url();
    e["PLANEBRIDGE_LARK_TRANSPORT"] = "websocket";
    e["PLANEBRIDGE_LOG_LEVEL"] = "debug";
    b.start();
  }
  ~world() {
    const auto log = b.log();
    for (const auto& h : hidden) BOOST_TEST(!has(log, h), h << " is in the log");
    for (const auto* path : {"/debug/config", "/debug/actors", "/debug/scheduler", "/metrics",
                             "/api/v1/deliveries", "/api/v1/effects"}) {
      const auto body = b.get(path).body;
      for (const auto& h : hidden) BOOST_TEST(!has(body, h), h << " is shown by " << path);
    }
  }

  [[nodiscard]] json::value plane(const std::string& method, const std::string& path,
                                  const json::object& body = {}) const {
    const auto a = ask({.method = method,
                        .url = remote->url() + "/api/v1/workspaces/demo/" + path,
                        .fields = {{"X-API-Key", api_key}, {"Content-Type", "application/json"}},
                        .body = method == "GET" ? "" : json::serialize(body)});
    BOOST_REQUIRE_MESSAGE(a.status >= 200 && a.status < 300, path + ": " + a.body);
    return a.json();
  }
  /// On Plane's page; the address that it leads back to.
  std::string decide(const std::string& authorize_url, const std::string& user,
                     const std::string& decision) {
    BOOST_REQUIRE(ask({.url = authorize_url}).status == 200);
    const auto question = authorize_url.find('?');
    const auto a = ask(
        {.method = "POST",
         .url = authorize_url.substr(0, question),
         .fields = {{"Content-Type", "application/x-www-form-urlencoded"}},
         .body = authorize_url.substr(question + 1) + "&user=" + user + "&decision=" + decision});
    BOOST_REQUIRE_MESSAGE(a.status == 302, a.body);
    const auto location = a.field("Location");
    for (const char* name : {"code", "state"})
      if (const auto value = in_query(location, name); !value.empty()) hidden.push_back(value);
    return location;
  }
  void install() {
    const auto begun = ask({.url = b.url() + "/plane/oauth/start?redirect=json"}).json();
    const auto back =
        decide(text_at(begun, "/data/authorize_url"), remote->seeds().owner_id, "install");
    BOOST_TEST(ask({.url = back}).status == 200);
  }
  std::string say(const std::string& text, const std::string& in_chat) {
    sb::lark_saying s;
    s.chat = in_chat;
    s.by = member;
    s.text = text;
    s.mention_bot = !in_chat.empty();
    s.reply_to = in_chat.empty() ? "" : thread;
    s.in_thread = !thread.empty();
    const auto id = remote->chats().say(s);
    BOOST_REQUIRE_MESSAGE(id.has_value(), "not said");
    remote->pushes().pump();
    return *id;
  }
  [[nodiscard]] std::string said_in(const std::string& where) const {
    std::string all;
    for (const auto& m : remote->chats().messages(where)) all += json::serialize(m) + "\n";
    return all;
  }
  [[nodiscard]] bool bot_says(const std::string& text) const {
    for (const auto& m : remote->chats().messages(chat))
      if (text_at(m, "/sender/sender_type") == "app" && has(json::serialize(m), text)) return true;
    return false;
  }
  [[nodiscard]] std::size_t links() const {
    const auto all = said_in(remote->chats().private_chat(member));
    std::size_t n = 0;
    for (auto at = all.find("/connect/"); at != std::string::npos;
         at = all.find("/connect/", at + 1))
      ++n;
    return n;
  }
  /// The newest of the bot's, when there are more than so many.
  std::string link(std::size_t more_than) {
    BOOST_REQUIRE(eventually(patience, [&] { return links() > more_than; }));
    const auto all = said_in(remote->chats().private_chat(member));
    const auto at = all.rfind("/connect/");
    auto path = all.substr(at, std::string{"/connect/"}.size() + 43);
    hidden.push_back(path.substr(std::string{"/connect/"}.size()));
    // A program may be there before the link is in the store; a person is not.
    BOOST_REQUIRE(eventually(patience, [&] { return ask({.url = b.url() + path}).status == 200; }));
    return path;
  }
  struct browser {
    std::string cookie;
  };
  /// From the page to Plane.
  std::string go(const std::string& path, browser& in) {
    const auto page = ask({.url = b.url() + path});
    BOOST_TEST(page.status == 200);
    BOOST_TEST(has(page.body, "href=\"?with=plane\""));
    const auto a =
        ask({.url = b.url() + path + "?with=plane", .fields = {{"Sec-Fetch-Site", "same-origin"}}});
    BOOST_REQUIRE(a.status == 302);
    in.cookie = a.field("Set-Cookie");
    in.cookie = in.cookie.substr(0, in.cookie.find(';'));
    hidden.push_back(in.cookie.substr(in.cookie.find('=') + 1));
    return a.field("Location");
  }
  answer come_back(const std::string& url, const browser& in) {
    return ask({.url = url, .fields = {{"Cookie", in.cookie}}});
  }
  void connect(std::size_t links_before) {
    browser in;
    const auto back = decide(go(link(links_before), in), colleague, "allow");
    const auto done = come_back(back, in);
    BOOST_TEST(done.status == 200, done.body);
  }
  /// Who wrote the comment with this text; empty while there is none.
  [[nodiscard]] std::string author_of(const std::string& text) const {
    const auto page = plane("GET", "projects/" + project + "/work-items/" + item + "/comments/");
    const auto all = page.is_array() ? page : at(page, "/results");
    for (const auto& c : all.as_array())
      if (has(text_at(c, "/comment_html"), text)) return text_at(c, "/actor");
    return {};
  }
  [[nodiscard]] std::string written_by(const std::string& text) {
    say("/comment " + text, chat);
    std::string who;
    BOOST_TEST(eventually(patience, [&] { return !(who = author_of(text)).empty(); }), text);
    return who;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_person_connects_by_oauth_and_writes_as_themselves_until_it_is_taken_back) {
  world w;
  w.install();
  BOOST_REQUIRE(eventually(patience, [&] {
    return w.b.command_line({"mappings", "channels", "set", w.chat, w.project}).code == 0;
  }));
  w.thread = w.say("/bind " + w.remote->url() + "/demo/browse/REL-1/", w.chat);
  // What the person said has the link, too: it is the bot's answer that is waited for.
  BOOST_REQUIRE(eventually(patience, [&] { return w.bot_says("REL-1"); }));
  const auto bot = w.written_by("before connecting");
  BOOST_TEST(bot != w.colleague);
  BOOST_TEST(bot != w.remote->seeds().owner_id);  // the app's own user
  w.b.kill();
  w.b.start();  // its token is sealed in the store
  BOOST_TEST(w.written_by("after a kill") == bot);

  // As somebody else first: refused, and the link stays.
  w.say("/connect", "");
  const auto path = w.link(0);
  world::browser in;
  const auto wrong = w.come_back(w.decide(w.go(path, in), w.remote->seeds().owner_id, "allow"), in);
  BOOST_TEST(wrong.status == 403);
  BOOST_TEST(has(wrong.body, "Sign out there"));
  BOOST_TEST(w.come_back(w.decide(w.go(path, in), w.colleague, "deny"), in).status == 400);
  const auto back = w.decide(w.go(path, in), w.colleague, "allow");
  BOOST_TEST(w.come_back(back, {}).status == 403);  // in another browser
  BOOST_TEST(w.come_back(back, in).status == 200);
  BOOST_TEST(w.come_back(back, in).status == 400);  // once
  BOOST_TEST(ask({.url = w.b.url() + path}).status == 404);
  BOOST_TEST(w.written_by("as myself") == w.colleague);

  // Its access token has ended: it is renewed, and nobody notices.
  w.remote->data().end_tokens(w.colleague, false);
  BOOST_TEST(w.written_by("renewed") == w.colleague);
  // Another process has what was renewed.
  BOOST_TEST(w.b.stop() == 0);
  w.b.start();
  BOOST_TEST(w.written_by("after a restart") == w.colleague);

  // Taken back in Plane: the bot writes, and they are told once, with a new link.
  const auto before = w.links();
  w.remote->data().end_tokens(w.colleague, true);
  BOOST_TEST(w.written_by("taken back") == bot);
  BOOST_TEST(w.written_by("and later") == bot);
  BOOST_TEST(eventually(patience, [&] { return w.links() > before; }));
  BOOST_TEST(w.links() == before + 1);
  w.connect(before);
  BOOST_TEST(w.written_by("connected again") == w.colleague);
}
