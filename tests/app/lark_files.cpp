// A picture said in a thread, through the running daemon, to an attachment in Plane: real sockets,
// the long connection, and Plane's storage on an address that only its answer names.
#define BOOST_TEST_MODULE lark_files
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
namespace json = boost::json;
namespace sb = pb::sandbox;

namespace {

const std::string png = std::string{"\x89PNG\r\n\x1a\n"} + std::string(200'000, 'p');

/// Plane and Feishu on one address, the storage by another name of it.
struct both_sides {
  std::unique_ptr<sb::sandbox_server> server;
  bridge b;
  std::string item, root;

  both_sides() {
    sb::run_options o;
    o.port = 0;
    o.api_key = pb::secret{api_key};
    o.plane.requests_per_minute = 0;
    o.lark_long_connection = true;
    server = *sb::sandbox_server::start(o);
    const auto& p = server->seeds().projects.front();
    item = p.item_ids.front();
    b.environment["PLANE_BASE_URL"] = server->url();
    b.environment["PLANE_API_KEY"] = api_key;
    b.environment["PLANE_WORKSPACE_SLUG"] = "demo";
    b.environment["PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE"] = "100000";
    b.environment["LARK_APP_ID"] = o.lark.app_id;
    b.environment["LARK_APP_SECRET"] = o.lark.app_secret.reveal();
    b.environment["LARK_BASE_URL"] = server->url();
    b.environment["PLANEBRIDGE_LARK_TRANSPORT"] = "websocket";
    b.environment["PLANEBRIDGE_LARK_LANGUAGE"] = "en";
    b.environment["PLANEBRIDGE_LARK_MAX_FILE_BYTES"] = "300000";
    b.start();
    const auto& people = server->lark_seeds();
    mapped({"users", "set", people.owner, "-s", "plane_user=" + server->seeds().owner_id});
    mapped({"channels", "set", people.group, p.id});
    BOOST_REQUIRE(eventually(milliseconds{20'000}, [&] {
      return text_at(b.json("/api/v1/health"), "/data/dependencies/lark/long_connection/state") ==
             "open";
    }));
    root = said({.text = "what does the page look like?"});
    (void)said({.text = "/bind " + server->url() + "/demo/projects/" + p.id + "/issues/" + item,
                .mention_bot = true,
                .reply_to = root});
    BOOST_REQUIRE(heard("WEB-1"));
    (void)said({.text = "/sync on", .mention_bot = true, .reply_to = root});
    BOOST_REQUIRE(heard("Sync is on"));
  }
  void mapped(std::vector<std::string> words) {
    words.insert(words.begin(), "mappings");
    const auto f = b.command_line(words);
    BOOST_REQUIRE_MESSAGE(f.code == 0, f.err);
  }
  std::string said(sb::lark_saying what) {
    what.chat = server->lark_seeds().group;
    what.by = server->lark_seeds().owner;
    const auto id = server->chats().say(what);
    BOOST_REQUIRE(id.has_value());
    server->pushes().pump();
    return *id;
  }
  void said_file(const std::string& type, const std::string& name, const std::string& bytes) {
    const auto id = server->chats().say_file({.chat = server->lark_seeds().group,
                                              .by = server->lark_seeds().owner,
                                              .reply_to = root,
                                              .type = type},
                                             name, bytes);
    BOOST_REQUIRE(id.has_value());
    server->pushes().pump();
  }
  bool heard(const std::string& text) {
    return eventually(milliseconds{20'000}, [&] {
      for (const auto& m : server->chats().messages(server->lark_seeds().group))
        if (json::serialize(m).find(text) != std::string::npos) return true;
      return false;
    });
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_picture_of_a_thread_becomes_an_attachment_and_too_large_a_file_is_told) {
  both_sides w;
  w.said_file("image", "", png);
  w.said_file("file", "notes.txt", "some words");
  w.said_file("file", "film.mp4", std::string(400'000, 'x'));
  BOOST_TEST(eventually(milliseconds{30'000}, [&] {
    const auto all = w.server->data().attachments_of(w.item);
    return std::count_if(all.begin(), all.end(), [](const auto& f) { return f.uploaded; }) == 2;
  }));
  BOOST_TEST(w.heard("film.mp4 was not attached in Plane: it is larger than 300000 bytes"));
  auto all = w.server->data().attachments_of(w.item);
  BOOST_REQUIRE(all.size() == 2u);
  // Two messages at once may come in any order.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  BOOST_TEST(all[0].name == "image.png");
  BOOST_TEST(all[0].type == "image/png");
  BOOST_TEST((all[0].bytes == png));
  BOOST_TEST(all[1].name == "notes.txt");
  BOOST_TEST(all[1].bytes == "some words");
  const auto dead = w.b.json("/api/v1/dead-letters");
  BOOST_TEST(at(dead, "/data").as_array().empty(), json::serialize(dead));
  // Neither what was signed nor what is inside is told anywhere.
  std::string told = w.b.log();
  for (const auto* path : {"/api/v1/effects", "/api/v1/deliveries", "/debug/actors"})
    told += w.b.get(path).body;
  for (const auto* part : {"amz-", "/uploads", "some words"})
    BOOST_TEST(told.find(part) == std::string::npos, part);
}
