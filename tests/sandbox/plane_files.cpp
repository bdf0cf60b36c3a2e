// Attachments of the sandbox's Plane, and the object store behind it.
#define BOOST_TEST_MODULE sandbox_plane_files
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "sandbox/plane.hpp"
#include "sandbox/seed.hpp"

namespace json = boost::json;
using namespace pb;

namespace {

struct world {
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{7};
  sandbox::plane plane;
  sandbox::seeded seeds;
  std::string item, base;

  explicit world(sandbox::plane_options o = {})
      : plane(clock, random, o), seeds(sandbox::seed_demo(plane, secret{"key"})) {
    item = seeds.projects[0].item_ids[0];
    base = "/api/v1/workspaces/demo/projects/" + seeds.projects[0].id + "/work-items/" + item +
           "/attachments/";
  }
  protocol::http_response ask(const std::string& method, const std::string& path,
                              const json::value& body = nullptr) {
    sandbox::inbound in;
    in.method = method;
    in.path = path;
    in.headers = {{"X-API-Key", "key", true},
                  {"Content-Type", "application/json"},
                  {"Host", "sandbox.test:8090"}};
    in.body = body.is_null() ? "" : json::serialize(body);
    return plane.handle(in);
  }
  json::value make(const std::string& external_id = "e1", std::size_t size = 5,
                   const std::string& type = "text/plain") {
    const auto a = ask("POST", base,
                       json::object{{"name", "a.txt"},
                                    {"type", type},
                                    {"size", size},
                                    {"external_source", "test"},
                                    {"external_id", external_id}});
    BOOST_REQUIRE_MESSAGE(a.status == 200, a.body);
    return json::parse(a.body);
  }
  /// As a form, the file last.
  int upload(const json::value& made, const std::string& bytes,
             const std::string& instead_of_signature = {}, bool signed_twice = false) {
    sandbox::inbound in;
    in.method = "POST";
    in.path = "/uploads";
    in.headers = {{"Content-Type", "multipart/form-data; boundary=b0"}};
    if (signed_twice) in.headers.push_back({"Authorization", "Bearer x", true});
    for (const auto& [key, value] : made.at("upload_data").at("fields").as_object()) {
      const bool sign = key == "x-amz-signature" && !instead_of_signature.empty();
      in.body += "--b0\r\nContent-Disposition: form-data; name=\"" + std::string{key} +
                 "\"\r\n\r\n" + (sign ? instead_of_signature : std::string{value.as_string()}) +
                 "\r\n";
    }
    in.body += "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n" +
               bytes + "\r\n--b0--\r\n";
    return plane.handle(in).status;
  }
  std::string id_of(const json::value& made) {
    return std::string{made.at("asset_id").as_string()};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_attachment_is_there_after_its_third_step) {
  world w;
  const auto made = w.make();
  BOOST_TEST(made.at("upload_data").at("url").as_string() == "http://sandbox.test:8090/uploads");
  const auto one = w.base + w.id_of(made) + "/";
  BOOST_TEST(w.ask("GET", one).status == 400);
  BOOST_TEST(w.ask("GET", w.base).body == "[]");
  BOOST_TEST(w.upload(made, "hello") == 204);
  BOOST_TEST(w.ask("PATCH", one, json::object{}).status == 204);
  const auto there = w.ask("GET", one);
  BOOST_TEST(there.status == 302);
  const std::string address{there.header("Location")};
  const auto query = address.find('?');
  sandbox::inbound in;
  in.method = "GET";
  in.path = protocol::percent_decode(address.substr(24, query - 24));
  in.query = address.substr(query + 1);
  BOOST_TEST(in.path.starts_with("/uploads/"));
  const auto bytes = w.plane.handle(in);
  BOOST_TEST(bytes.status == 200);
  BOOST_TEST(bytes.body == "hello");
  in.query = "X-Amz-Signature=guessed";
  BOOST_TEST(w.plane.handle(in).status == 403);
  const auto all = w.plane.attachments_of(w.item);
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST((all[0].uploaded && all[0].stored && all[0].bytes == "hello"));
  BOOST_TEST(json::parse(w.ask("GET", w.base).body).as_array().size() == 1u);
  BOOST_TEST(w.ask("DELETE", one).status == 204);
  BOOST_TEST(w.ask("GET", one).status == 404);
  BOOST_TEST(w.plane.attachments_of(w.item).empty());
}

BOOST_AUTO_TEST_CASE(an_external_id_is_taken_until_its_attachment_is_deleted) {
  world w;
  const auto made = w.make();
  const json::object again{{"name", "b.txt"},
                           {"type", "text/plain"},
                           {"size", 5},
                           {"external_source", "test"},
                           {"external_id", "e1"}};
  const auto conflict = w.ask("POST", w.base, again);
  BOOST_TEST(conflict.status == 409);
  BOOST_TEST(json::parse(conflict.body).at("id").as_string() == w.id_of(made));
  BOOST_TEST(w.ask("DELETE", w.base + w.id_of(made) + "/").status == 204);
  BOOST_TEST(w.ask("POST", w.base, again).status == 200);
}

BOOST_AUTO_TEST_CASE(what_plane_and_its_storage_refuse) {
  world w{{.file_size_limit = 8}};
  const auto refused =
      w.ask("POST", w.base,
            json::object{{"name", "a.exe"}, {"type", "application/octet-stream"}, {"size", 5}});
  BOOST_TEST(refused.status == 400);
  BOOST_TEST(refused.body.find("Invalid file type.") != std::string::npos);
  BOOST_TEST(w.ask("POST", w.base, json::object{{"name", "a"}, {"type", "text/plain"}}).status ==
             400);
  const auto made = w.make("e1", 5);
  BOOST_TEST(w.upload(made, "123456") == 400);  // more than was said
  BOOST_TEST(w.upload(made, "") == 400);
  BOOST_TEST(w.upload(made, "hello", "guessed") == 403);
  BOOST_TEST(w.upload(made, "hello", "", true) == 400);
  const auto large = w.make("e2", 100);
  BOOST_TEST(w.upload(large, "123456789") == 400);  // more than the limit
  BOOST_TEST(w.upload(large, "12345678") == 204);
  w.clock.advance(std::chrono::hours{2});
  BOOST_TEST(w.upload(made, "hello") == 403);
}

BOOST_AUTO_TEST_CASE(only_the_old_release_announces_it) {
  for (const auto release : {sandbox::flavour::v1_3, sandbox::flavour::v0_25}) {
    world w{{.release = release}};
    w.plane.add_webhook("demo", {.url = "https://bridge.test/", .signing_secret = secret{"s"}});
    const auto made = w.make();
    BOOST_TEST(w.upload(made, "hello") == 204);
    for (int n = 0; n < 2; ++n)
      BOOST_TEST(w.ask("PATCH", w.base + w.id_of(made) + "/", json::object{}).status == 204);
    const auto told = w.plane.take_webhooks();
    if (release == sandbox::flavour::v1_3) {
      BOOST_TEST(told.empty());
      continue;
    }
    BOOST_REQUIRE(told.size() == 1u);
    const auto body = json::parse(told[0].body);
    const auto& activity = body.at("activity");
    BOOST_TEST(activity.at("field").as_string() == "attachment");
    BOOST_TEST(activity.at("new_identifier").as_string() == w.id_of(made));
  }
}
