#define BOOST_TEST_MODULE lark_requests
#include "protocol/lark/requests.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "lark_fixture.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using fixture::text;
using pb::errc;
using pb::secret;
using pb::protocol::http_request;

namespace {
const api feishu{};
const secret token{"t-g1044ghJXYZ0123456789abcdefABCDEFplanebr"};
const app_credentials app{"cli_a7f3c0d2e5b8100c", secret{"secret-for-samples"}};
std::set<std::string> compared;

const boost::json::value& sample(const std::string& name) {
  static std::map<std::string, boost::json::value> all;
  compared.insert("request." + name + ".json");
  auto [it, fresh] = all.try_emplace(name);
  if (fresh) it->second = fixture::parsed("request." + name + ".json");
  return it->second;
}
std::string header_of(const http_request& r, std::string_view name) {
  std::string out;
  for (const auto& h : r.headers)
    if (pb::protocol::iequals(h.name, name)) out += h.value;
  return out;
}
std::string field(const std::string& name, std::string_view key) {
  return text(sample(name).at("body"), key);
}

/// Everything that the sample says, and no more.
void like(http_request got, const std::string& name, bool authorized = true) {
  BOOST_TEST_CONTEXT(name) {
    const auto& want = sample(name);
    if (authorized) authorize(got, token);
    BOOST_TEST(got.method == text(want, "method"));
    auto url = "https://open.feishu.cn" + text(want, "path");
    if (const auto* query = want.as_object().if_contains("query"))
      for (const auto& [key, value] : query->as_object())
        url += (url.find('?') == std::string::npos ? "?" : "&") +
               std::string{key.data(), key.size()} + "=" + text(value);
    BOOST_TEST(got.url == url);
    for (const auto& h : fixture::headers(want.at("headers")))
      BOOST_TEST(header_of(got, h.name) == h.value);
    BOOST_TEST((boost::json::parse(got.body) == want.at("body")));
  }
}
}  // namespace

BOOST_AUTO_TEST_CASE(requests_are_as_the_samples_have_them) {
  like(tenant_token(feishu, app), "tenant_access_token", false);
  for (const auto* name : {"message.create.text", "message.create.post", "message.create.card"})
    like(send_message(feishu, receiver::chat, field(name, "receive_id"),
                      {field(name, "msg_type"), field(name, "content"), field(name, "uuid")}),
         name);
  like(reply_message(feishu, "om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b",
                     {"text", field("message.reply_in_thread", "content"),
                      field("message.reply_in_thread", "uuid")},
                     true),
       "message.reply_in_thread");
  like(edit_message(feishu, "om_789183b7e98646c11d5f0544c8f3c4c9", "text",
                    field("message.update_text", "content")),
       "message.update_text");
  like(patch_card(feishu, "om_77aa66bb55cc44dd33ee22ff11009988",
                  field("message.patch_card", "content")),
       "message.patch_card");
  const auto& delayed = sample("card.delay_update").at("body");
  const auto update = delayed_card_update(feishu, secret{text(delayed, "token")},
                                          boost::json::serialize(delayed.at("card")));
  BOOST_REQUIRE(update.has_value());
  like(*update, "card.delay_update");
  const auto previews = refresh_previews(feishu, {"952te0c8-9ccf-463d-ad73-593f8f768a5c"},
                                         {"ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a"});
  BOOST_REQUIRE(previews.has_value());
  like(*previews, "url_preview.batch_update");

  // mobile numbers are not looked up
  auto& people = const_cast<boost::json::value&>(sample("contact.batch_get_id"));
  people.at("body").as_object().erase("mobiles");
  const auto found = find_people(feishu, {"user.b@example.com", "nobody@example.com"});
  BOOST_REQUIRE(found.has_value());
  like(*found, "contact.batch_get_id");

  const auto all = fixture::names("request.");
  BOOST_TEST(compared == (std::set<std::string>{all.begin(), all.end()}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_has_no_sample) {
  BOOST_TEST(recall_message(feishu, "om_1").method == "DELETE");
  BOOST_TEST(recall_message(feishu, "om_1").url ==
             "https://open.feishu.cn/open-apis/im/v1/messages/om_1");
  const auto react = add_reaction(feishu, "om_1", "DONE");
  BOOST_TEST(react.url == "https://open.feishu.cn/open-apis/im/v1/messages/om_1/reactions");
  BOOST_TEST(react.body == R"({"reaction_type":{"emoji_type":"DONE"}})");
  BOOST_TEST(remove_reaction(feishu, "om_1", "r1").url ==
             "https://open.feishu.cn/open-apis/im/v1/messages/om_1/reactions/r1");
  BOOST_TEST(get_chat(feishu, "oc_1").url == "https://open.feishu.cn/open-apis/im/v1/chats/oc_1");
  BOOST_TEST(bot_info(feishu).url == "https://open.feishu.cn/open-apis/bot/v3/info");
  BOOST_TEST(get_person(feishu, "ou_1").url ==
             "https://open.feishu.cn/open-apis/contact/v3/users/ou_1?user_id_type=open_id&"
             "department_id_type=open_department_id");
  BOOST_TEST(get_message(feishu, "om_1").url ==
             "https://open.feishu.cn/open-apis/im/v1/messages/om_1?"
             "card_msg_content_type=user_card_content");
  BOOST_TEST(list_thread(feishu, "omt_1", "p 2").url ==
             "https://open.feishu.cn/open-apis/im/v1/messages?container_id_type=thread&"
             "container_id=omt_1&sort_type=ByCreateTimeAsc&page_size=50&"
             "card_msg_content_type=user_card_content&page_token=p%202");
  BOOST_TEST(list_chat(feishu, "oc_1", pb::from_micros(1732147200999999), {}).url ==
             "https://open.feishu.cn/open-apis/im/v1/messages?container_id_type=chat&"
             "container_id=oc_1&start_time=1732147200&sort_type=ByCreateTimeAsc&page_size=50&"
             "card_msg_content_type=user_card_content");
  BOOST_TEST(download_resource(feishu, "om_1", "img_1", resource::image).url ==
             "https://open.feishu.cn/open-apis/im/v1/messages/om_1/resources/img_1?type=image");
  BOOST_TEST(send_message(feishu, receiver::person, "ou_1", {"text", "{}", ""}).url ==
             "https://open.feishu.cn/open-apis/im/v1/messages?receive_id_type=open_id");
  BOOST_TEST(send_message(feishu, receiver::person, "ou_1", {"text", "{}", ""}).body.find("uuid") ==
             std::string::npos);
  BOOST_TEST(reply_message(feishu, "om_1", {"text", "{}", "u"}, false).body.find("in_thread") ==
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_long_connection_is_asked_for_as_the_sdk_asks) {
  const auto want = fixture::parsed("ws.frames.json").at("endpoint_request");
  const auto got = connection_endpoint({"https://open.larksuite.com/"}, app);
  BOOST_TEST(got.method == text(want, "method"));
  BOOST_TEST(got.url == "https://open.larksuite.com" + text(want, "path"));
  BOOST_TEST(header_of(got, "content-type") == text(want.at("headers"), "content-type"));
  BOOST_TEST(header_of(got, "locale") == text(want.at("headers"), "locale"));
  BOOST_TEST((boost::json::parse(got.body) == want.at("body")));
}

BOOST_AUTO_TEST_CASE(an_id_cannot_leave_its_place_in_the_path) {
  BOOST_TEST(get_chat(feishu, "../../auth?x=1#y").url ==
             "https://open.feishu.cn/open-apis/im/v1/chats/..%2F..%2Fauth%3Fx%3D1%23y");
}

BOOST_AUTO_TEST_CASE(a_token_is_sent_once_and_never_logged) {
  auto r = bot_info(feishu);
  authorize(r, secret{"t-old"});
  authorize(r, token);
  BOOST_TEST(header_of(r, "Authorization") == "Bearer " + token.reveal());
  BOOST_TEST(r.headers.back().sensitive);
  BOOST_TEST(r.url.find(token.reveal()) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(limits_are_kept_before_a_call_is_spent) {
  BOOST_TEST(find_people(feishu, std::vector<std::string>(51, "a@b.c")).error().code ==
             errc::bad_input);
  BOOST_TEST(find_people(feishu, {}).error().code == errc::bad_input);
  BOOST_TEST(find_people(feishu, std::vector<std::string>(50, "a@b.c")).has_value());
  BOOST_TEST(!refresh_previews(feishu, {}, {}).has_value());
  BOOST_TEST(!refresh_previews(feishu, std::vector<std::string>(11, "t"), {}).has_value());
  BOOST_TEST(!refresh_previews(feishu, {"t"}, std::vector<std::string>(101, "o")).has_value());
  BOOST_TEST(!delayed_card_update(feishu, secret{"c-1"}, "no JSON").has_value());
  BOOST_TEST(!delayed_card_update(feishu, secret{"c-1"}, "[]").has_value());
  BOOST_TEST(upload_image(feishu, "").error().code == errc::bad_input);
  BOOST_TEST(upload_image(feishu, std::string(max_image_bytes + 1, 'x')).error().code ==
             errc::too_large);
}

BOOST_AUTO_TEST_CASE(a_picture_is_one_part_of_two) {
  const std::string bytes{"\x89PNG\r\n--planebridge\0", 20};
  const auto r = upload_image(feishu, bytes);
  BOOST_REQUIRE(r.has_value());
  const auto type = header_of(*r, "Content-Type");
  const auto boundary = type.substr(type.find("boundary=") + 9);
  BOOST_TEST(boundary.size() <= 70u);
  BOOST_TEST(r->body ==
             "--" + boundary +
                 "\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n--" +
                 boundary +
                 "\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image\"\r\n"
                 "Content-Type: application/octet-stream\r\n\r\n" +
                 bytes + "\r\n--" + boundary + "--\r\n");
}

BOOST_AUTO_TEST_CASE(uuids_of_sends_and_replies_differ_and_fit) {
  BOOST_TEST(send_uuid(77) == "pb-s-77");
  BOOST_TEST(reply_uuid(77) == "pb-r-77");
  BOOST_TEST(reply_uuid(77, 1) == "pb-r-77-1");
  BOOST_TEST((send_uuid(INT64_MAX, 9'999) + "-n-t").size() <= 50u);
}
