// A file becomes an attachment in three steps, and every way in which one of them may end.
#define BOOST_TEST_MODULE plane_attach_file
#include "protocol/plane/attach_file.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "exchange_steps.hpp"
#include "plane_fixture.hpp"
#include "protocol/plane/file_type.hpp"

using namespace pb;
using namespace pb::protocol;
using namespace pb::protocol::plane;
using namespace exchange_steps;
namespace json = boost::json;

namespace {

const api at{"https://plane.example", "fake", "work-items"};
const std::string pid = "aaaaaaaa-0000-4000-8000-00000000000a";
const std::string iid = "1a2b3c4d-0000-4000-8000-000000000001";
const std::string asset = "e5c7a9d1-0b3f-4826-94ea-7d6f1c8b2053";
const std::string other_asset = "fd5164c9-24bc-40e7-99ba-c4b38939ded2";
const std::string base = "https://plane.example/api/v1/workspaces/fake/projects/" + pid +
                         "/work-items/" + iid + "/attachments/";

new_attachment file(std::string bytes = "\x89PNG and more") {
  return {"screen.png", "image/png", "planebridge", "lark:om_1/img_1",
          std::make_shared<const std::string>(std::move(bytes))};
}
std::string made(const std::string& id = asset,
                 const std::string& url = "https://storage.example.test/uploads") {
  return json::serialize(json::object{
      {"upload_data",
       {{"url", url},
        {"fields",
         {{"key", "ws/x-screen.png"}, {"policy", "P0LICY"}, {"x-amz-signature", "S1G"}}}}},
      {"asset_id", id}});
}
http_response conflict(const std::string& id = asset) {
  return answer(409, R"({"error":"Issue with the same external id and external source already )"
                     R"(exists","id":")" +
                         id + "\"}");
}
std::string all_of(const failure& f) { return describe(f) + f.remedy + f.detail + f.where; }

/// Up to the call that carries the bytes.
call uploading(attach_file& x, const std::string& id = asset) {
  calls(x.start());
  return calls(x.on_response(answer(200, made(id))));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_goes_in_three_steps) {
  attach_file x{at, pid, iid, file()};
  const auto first = calls(x.start());
  BOOST_TEST(first.request.method == "POST");
  BOOST_TEST(first.request.url == base);
  BOOST_TEST(first.operation == "plane.create_attachment");
  BOOST_TEST(!first.elsewhere);
  const auto body = json::parse(first.request.body);
  BOOST_TEST(body == json::value({{"name", "screen.png"},
                                  {"type", "image/png"},
                                  {"size", 13},
                                  {"external_source", "planebridge"},
                                  {"external_id", "lark:om_1/img_1"}}));

  const auto second = calls(x.on_response(answer(200, made())));
  BOOST_TEST(second.request.method == "POST");
  BOOST_TEST(second.request.url == "https://storage.example.test/uploads");
  BOOST_TEST(second.elsewhere);
  BOOST_TEST(second.max_answer_bytes > 0u);
  const auto& form = second.request.body;
  const auto key = form.find("name=\"key\"\r\n\r\nws/x-screen.png\r\n");
  const auto sign = form.find("name=\"x-amz-signature\"\r\n\r\nS1G\r\n");
  const auto bytes = form.find("name=\"file\"; filename=\"file\"");
  BOOST_TEST(key != std::string::npos);
  BOOST_TEST(sign != std::string::npos);
  BOOST_TEST((bytes != std::string::npos && bytes > key && bytes > sign));
  BOOST_TEST(has(form, "\x89PNG and more\r\n--planebridge-"));
  for (const auto& h : second.request.headers) BOOST_TEST(!iequals(h.name, "Authorization"));

  const auto third = calls(x.on_response(answer(204)));
  BOOST_TEST(third.request.method == "PATCH");
  BOOST_TEST(third.request.url == base + asset + "/");
  BOOST_TEST(!third.elsewhere);
  ends(x.on_response(answer(204)));
  BOOST_TEST(x.asset() == asset);
  BOOST_TEST(!x.existed());
}

BOOST_AUTO_TEST_CASE(the_recorded_and_the_written_answer_are_read) {
  const auto written = parse_upload_place(plane_fixture::sample("rest_attachment_upload_200.json"));
  BOOST_REQUIRE(written.has_value());
  BOOST_TEST(written->url == "https://storage.example.test/uploads");
  BOOST_TEST(written->fields.size() == 7u);
  const auto live =
      parse_upload_place(plane_fixture::recorded("105-attachment-create").answer.body);
  BOOST_REQUIRE(live.has_value());
  BOOST_TEST(live->url == "http://127.0.0.1:9000/uploads");
  BOOST_TEST(live->asset == other_asset);
}

BOOST_AUTO_TEST_CASE(older_servers_have_another_path) {
  const api old{"https://plane.example", "fake", "issues"};
  attach_file x{old, pid, iid, file()};
  BOOST_TEST(has(calls(x.start()).request.url, "/issues/" + iid + "/issue-attachments/"));
}

BOOST_AUTO_TEST_CASE(what_is_there_already_is_left_alone) {
  attach_file x{at, pid, iid, file()};
  calls(x.start());
  const auto check = calls(x.on_response(conflict()));
  BOOST_TEST(check.request.method == "GET");
  BOOST_TEST(check.request.url == base + asset + "/");
  auto there = answer(302);
  there.headers.push_back({"Location", "https://storage.example.test/x?X-Amz-Signature=S1G"});
  ends(x.on_response(there));
  BOOST_TEST(x.asset() == asset);
  BOOST_TEST(x.existed());
}

BOOST_AUTO_TEST_CASE(what_was_begun_and_has_no_bytes_is_made_anew) {
  for (const int status : {400, 404}) {
    attach_file x{at, pid, iid, file()};
    calls(x.start());
    calls(x.on_response(conflict()));
    const auto clear = calls(x.on_response(answer(status, R"({"error":"not uploaded"})")));
    BOOST_TEST(clear.request.method == "DELETE");
    BOOST_TEST(clear.request.url == base + asset + "/");
    const auto again = calls(x.on_response(answer(204)));
    BOOST_TEST(again.request.method == "POST");
    calls(x.on_response(answer(200, made(other_asset))));
    calls(x.on_response(answer(204)));
    ends(x.on_response(answer(204)));
    BOOST_TEST(x.asset() == other_asset);
    BOOST_TEST(!x.existed());
  }
}

BOOST_AUTO_TEST_CASE(making_anew_does_not_go_round_in_circles) {
  attach_file x{at, pid, iid, file()};
  calls(x.start());
  calls(x.on_response(conflict()));
  calls(x.on_response(answer(400)));
  calls(x.on_response(answer(204)));
  BOOST_TEST((fails(x.on_response(conflict())).code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(a_type_that_plane_does_not_take_is_final_and_named) {
  auto what = file();
  what.type = "application/x-msdownload";
  attach_file x{at, pid, iid, what};
  calls(x.start());
  const auto f =
      fails(x.on_response(answer(400, R"({"error":"Invalid file type.","status":false})")));
  BOOST_TEST((f.code == errc::bad_input));
  BOOST_TEST(f.where == "plane.create_attachment");
  BOOST_TEST(f.detail == "Plane takes no files of type application/x-msdownload");
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_not_offered) {
  attach_file x{at, pid, iid, file("")};
  BOOST_TEST((fails(x.start()).code == errc::bad_input));
}

BOOST_AUTO_TEST_CASE(refusals_of_the_storage_are_not_planes_and_tell_no_secret) {
  const struct {
    int status;
    const char* body;
    errc code;
    const char* says;
  } rows[]{
      {403, "<Error><Code>AccessDenied</Code><Policy>P0LICY</Policy></Error>", errc::upstream_down,
       "403 AccessDenied"},
      {403, "<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>S1G</SignatureProvided>",
       errc::upstream_down, "403 SignatureDoesNotMatch"},
      {400, "<Error><Code>EntityTooLarge</Code></Error>", errc::too_large, "400 EntityTooLarge"},
      {413, "<html>S1G</html>", errc::too_large, "413"},
      {401, "", errc::upstream_down, "401"},
      {507, "", errc::upstream_down, "507"},
      {303, "", errc::upstream_down, "303"},
      {503, "<Error><Code>S1G P0LICY</Code></Error>", errc::upstream_down, "503"},
  };
  for (const auto& row : rows) BOOST_TEST_CONTEXT(row.status << ' ' << row.body) {
      attach_file x{at, pid, iid, file()};
      uploading(x);
      auto a = answer(row.status, row.body);
      if (row.status == 303) a.headers.push_back({"Location", "http://127.0.0.1/?S1G"});
      const auto f = fails(x.on_response(a));
      BOOST_TEST((f.code == row.code));
      BOOST_TEST(f.where == "plane.upload");
      BOOST_TEST(f.detail == "Plane's storage answers " + std::string{row.says});
      BOOST_TEST(!has(all_of(f), "S1G"));
      BOOST_TEST(!has(all_of(f), "P0LICY"));
    }
}

BOOST_AUTO_TEST_CASE(an_answer_that_names_no_place_is_refused_without_repeating_it) {
  const std::string fields = R"("fields":{"key":"S1G"})";
  const std::string id = R"("asset_id":")" + asset + '"';
  const std::string rows[]{
      "",
      "[]",
      "{}",
      R"({"upload_data":[],)" + id + "}",
      R"({"upload_data":{"url":"https://s.test/S1G",)" + fields + R"(},"asset_id":"S1G"})",
      R"({"upload_data":{"url":"ftp://s.test/S1G",)" + fields + "}," + id + "}",
      R"({"upload_data":{"url":"/uploads",)" + fields + "}," + id + "}",
      R"({"upload_data":{"url":"http://s.test/ S1G",)" + fields + "}," + id + "}",
      R"({"upload_data":{"url":"https://s.test/S1G"},)" + id + "}",
      R"({"upload_data":{"url":"https://s.test/","fields":{"a":["S1G"]}},)" + id + "}",
      R"({"upload_data":{"url":"https://s.test/","fields":{"a\"b":"S1G"}},)" + id + "}",
      R"({"upload_data":{"url":"https://s.test/","fields":{"a":"S1G\r\nX: y"}},)" + id + "}",
  };
  for (const auto& body : rows) BOOST_TEST_CONTEXT(body) {
      attach_file x{at, pid, iid, file()};
      calls(x.start());
      const auto f = fails(x.on_response(answer(200, body)));
      BOOST_TEST((f.code == errc::unexpected_answer));
      BOOST_TEST(!has(all_of(f), "S1G"));
    }
  json::object many;
  for (int n = 0; n < 41; ++n) many["k" + std::to_string(n)] = "v";
  BOOST_TEST(!parse_upload_place(json::serialize(json::object{
      {"upload_data", {{"url", "https://s.test/"}, {"fields", many}}}, {"asset_id", asset}})));
  BOOST_TEST(!parse_upload_place(made(asset, "https://s.test/" + std::string(5'000, 'a'))));
}

BOOST_AUTO_TEST_CASE(begun_anew_it_makes_the_attachment_again) {
  attach_file x{at, pid, iid, file()};
  uploading(x);
  BOOST_TEST(calls(x.start()).request.method == "POST");
  calls(x.on_response(conflict()));
  ends(x.on_response(answer(302)));
}

BOOST_AUTO_TEST_CASE(what_somebody_does_as_themselves_goes_to_the_storage_as_nobody) {
  auto inner = std::make_shared<attach_file>(at, pid, iid, file());
  with_credential x{inner, "lark.person.ou_1"};
  BOOST_TEST(calls(x.start()).credential == "lark.person.ou_1");
  const auto c = calls(x.on_response(answer(200, made())));
  BOOST_TEST(c.elsewhere);
  BOOST_TEST(c.credential.empty());
  BOOST_TEST(calls(x.on_response(answer(204))).credential == "lark.person.ou_1");
}

BOOST_AUTO_TEST_CASE(an_attachment_is_found_by_its_external_id_once_its_bytes_are_there) {
  const auto row = [](const char* source, const char* id, bool uploaded) {
    return json::object{
        {"id", asset}, {"external_source", source}, {"external_id", id}, {"is_uploaded", uploaded}};
  };
  const struct {
    json::array list;
    bool found;
  } rows[]{
      {{}, false},
      {{row("planebridge", "lark:om_1/img_1", true)}, true},
      {{row("planebridge", "lark:om_1/img_1", false)}, false},
      {{row("another", "lark:om_1/img_1", true)}, false},
      {{7, json::object{{"id", nullptr}}, row("planebridge", "lark:om_1/img_2", true)}, false},
  };
  for (const auto& r : rows) {
    find_attachment x{at, pid, iid, "planebridge", "lark:om_1/img_1"};
    const auto c = calls(x.start());
    BOOST_TEST(c.request.method == "GET");
    BOOST_TEST(c.request.url == base);
    ends(x.on_response(answer(200, json::serialize(r.list))));
    BOOST_TEST(x.asset() == (r.found ? asset : ""));
  }
  find_attachment x{at, pid, iid, "planebridge", "x"};
  calls(x.start());
  BOOST_TEST((fails(x.on_response(answer(200, "{}"))).code == errc::unexpected_answer));
  BOOST_TEST((fails(x.on_response(answer(404, "{}"))).code == errc::not_found));
}

BOOST_AUTO_TEST_CASE(types_of_files_as_a_table) {
  const struct {
    const char *name, *told, *bytes, *type, *called;
  } rows[]{
      {"image", "application/octet-stream", "\x89PNG\r\n", "image/png", "image.png"},
      {"image-2", "", "\xff\xd8\xff\xe0", "image/jpeg", "image-2.jpg"},
      {"wrong.txt", "text/plain", "GIF89a", "image/gif", "wrong.txt"},
      {"image", "", "RIFF....WEBPVP8", "image/webp", "image.webp"},
      {"Plan.PDF", "application/octet-stream", "%PDF", "application/pdf", "Plan.PDF"},
      {"预算.xlsx", "", "PK", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
       "预算.xlsx"},
      {"video", "video/mp4; codecs=x", "....", "video/mp4", "video.mp4"},
      {"audio.opus", "application/octet-stream", "OggS", "audio/ogg", "audio.opus"},
      {"setup.exe", "application/x-msdownload", "MZ", "application/x-msdownload", "setup.exe"},
      {"noname", "", "?", "application/octet-stream", "noname"},
      {"a", "text/html\r\nX: y", "?", "application/octet-stream", "a"},
      {".profile", "TEXT/plain", "?", "text/plain", ".profile.txt"},
  };
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.name) {
      const auto type = file_type_of(r.name, r.told, r.bytes);
      BOOST_TEST(type == r.type);
      BOOST_TEST(with_ending(r.name, type) == r.called);
    }
}
