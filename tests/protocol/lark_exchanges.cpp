#define BOOST_TEST_MODULE lark_exchanges
#include "protocol/lark/exchanges.hpp"

#include <boost/test/unit_test.hpp>

#include "exchange_steps.hpp"
#include "lark_fixture.hpp"

using namespace pb::protocol::lark;
using namespace exchange_steps;
namespace fixture = lark_fixture;
using pb::errc;
using namespace std::chrono_literals;
BOOST_TEST_DONT_PRINT_LOG_VALUE(remedy)

namespace {
const api feishu{};
const pb::timestamp began = pb::from_micros(1732147700000000);
const std::string app_id = "cli_a7f3c0d2e5b8100c";
const std::string root = "om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b";
const std::string chat = "oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e";

posting replying() {
  posting p;
  p.reply_to = root;
  p.what = {"text", R"({"text":"已创建工作项 WEB-142"})", "pb-r-7"};
  p.chat = chat;
  p.thread_id = "omt_19c4e7f20b6d";
  p.now = began;
  p.app_id = app_id;
  return p;
}
posting sending_card() {
  posting p;
  p.to = chat;
  p.what = {"interactive", R"({"schema":"2.0","header":{"title":{"content":"WEB-1"}}})", "pb-s-7"};
  p.fallback_text = "WEB-1 as text";
  p.now = began;
  p.app_id = app_id;
  return p;
}
/// An earlier attempt ended without an answer, longer ago than the uuid holds.
posting long_unknown(posting p) {
  p.unknown_since = began;
  p.now = began + 2h;
  return p;
}
http_response refusal(std::int64_t code) {
  return answer(400, R"({"code":)" + std::to_string(code) + R"(,"msg":"no"})");
}
http_response page(std::string_view rows, std::string_view next = {}) {
  return answer(200, R"({"code":0,"data":{"has_more":)" +
                         std::string{next.empty() ? "false" : "true"} + R"(,"page_token":")" +
                         std::string{next} + R"(","items":[)" + std::string{rows} + "]}}");
}
struct row {
  std::string id = "om_found", type = "text", content = R"({"text":"已创建工作项 WEB-142"})";
  std::string sender = app_id, sender_type = "app", root_id = root;
  pb::timestamp at = began;
  bool deleted = false;
};
std::string json_of(const row& r) {
  return boost::json::serialize(boost::json::object{
      {"message_id", r.id},
      {"msg_type", r.type},
      {"create_time", std::to_string(pb::to_micros(r.at) / 1000)},
      {"deleted", r.deleted},
      {"chat_id", chat},
      {"root_id", r.root_id},
      {"sender", {{"id", r.sender}, {"id_type", "app_id"}, {"sender_type", r.sender_type}}},
      {"body", {{"content", r.content}}}});
}
boost::json::value body_of(const call& c) { return boost::json::parse(c.request.body); }
std::string uuid_of(const call& c) { return fixture::text(body_of(c), "uuid"); }
}  // namespace

BOOST_AUTO_TEST_CASE(a_reply_is_one_call) {
  post_message x{feishu, replying()};
  const auto c = calls(x.start());
  BOOST_TEST(c.operation == "lark.reply");
  BOOST_TEST(c.idempotent);  // the uuid makes it so
  BOOST_TEST(c.budget_key == chat);
  BOOST_TEST(body_of(c).at("reply_in_thread").as_bool());
  ends(x.on_response(fixture::response("message.reply_in_thread")));
  BOOST_TEST(x.sent().message_id == "om_75a384057459ae8e69fb9a98a249b4f4");
  BOOST_TEST(!x.existed());
  BOOST_TEST(!x.fell_back().has_value());
}

BOOST_AUTO_TEST_CASE(a_message_without_a_uuid_is_not_repeated_blindly) {
  auto p = sending_card();
  p.what.uuid.clear();
  post_message x{feishu, p};
  const auto c = calls(x.start());
  BOOST_TEST(c.operation == "lark.send");
  BOOST_TEST(!c.idempotent);
  BOOST_TEST(c.budget_key == chat);
}

BOOST_AUTO_TEST_CASE(a_reply_that_cannot_be_in_a_thread_goes_without) {
  for (const int code : {230071, 230072}) {
    post_message x{feishu, replying()};
    calls(x.start());
    const auto again = calls(x.on_response(refusal(code)));
    BOOST_TEST(!body_of(again).as_object().contains("reply_in_thread"));
    BOOST_TEST(uuid_of(again) == "pb-r-7-n");
    BOOST_TEST(remote_code(*x.fell_back()) == code);
    // and once is enough
    BOOST_TEST(remote_code(fails(x.on_response(refusal(code)))) == code);
  }
}

BOOST_AUTO_TEST_CASE(a_refused_card_is_sent_as_text) {
  for (const int code : {230099, 11311, 230025}) {
    post_message x{feishu, sending_card()};
    calls(x.start());
    const auto again = calls(x.on_response(refusal(code)));
    BOOST_TEST(fixture::text(body_of(again), "msg_type") == "text");
    BOOST_TEST(fixture::text(body_of(again), "content") == R"({"text":"WEB-1 as text"})");
    BOOST_TEST(uuid_of(again) == "pb-s-7-t");
    ends(x.on_response(fixture::response("message.create")));
    BOOST_TEST(remote_code(*x.fell_back()) == code);
    BOOST_TEST(x.sent().type == "text");
  }
  auto p = sending_card();
  p.fallback_text.clear();
  post_message x{feishu, p};
  calls(x.start());
  BOOST_TEST(remedy_of(fails(x.on_response(fixture::response("error.card_invalid")))) ==
             remedy::fall_back_to_text);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_gone_is_never_created_in_its_place) {
  for (const int code : {230011, 230110, 230111, 99992354}) {
    auto p = replying();
    p.fallback_text = "x";
    post_message x{feishu, p};
    calls(x.start());
    BOOST_TEST(remedy_of(fails(x.on_response(refusal(code)))) == remedy::drop_message);
  }
}

BOOST_AUTO_TEST_CASE(within_the_uuids_hour_a_repeat_does_not_look) {
  auto p = replying();
  p.unknown_since = began;
  p.now = began + 54min;
  post_message x{feishu, p};
  BOOST_TEST(calls(x.start()).operation == "lark.reply");
  p.now = began + 55min;
  post_message late{feishu, p};
  BOOST_TEST(calls(late.start()).operation == "lark.list");
}

BOOST_AUTO_TEST_CASE(what_is_there_already_is_not_sent_again) {
  post_message x{feishu, long_unknown(replying())};
  const auto c = calls(x.start());
  BOOST_TEST(has(c.request.url, "container_id=omt_19c4e7f20b6d"));
  const auto more = calls(x.on_response(page(json_of({.id = "om_other", .content = "{}"}), "p2")));
  BOOST_TEST(has(more.request.url, "page_token=p2"));
  ends(x.on_response(page(json_of({}))));
  BOOST_TEST(x.existed());
  BOOST_TEST(x.sent().message_id == "om_found");
}

BOOST_AUTO_TEST_CASE(what_is_like_it_but_not_it_does_not_count) {
  auto p = long_unknown(replying());
  p.claimed = {"om_claimed"};
  const row others[]{{.sender = "cli_other"},
                     {.sender = "ou_1", .sender_type = "user"},
                     {.at = began - 2min},
                     {.deleted = true},
                     {.id = "om_claimed"},
                     {.type = "post"},
                     {.content = R"({"text":"已创建工作项 WEB-143"})"}};
  std::string rows;
  for (const auto& one : others) rows += (rows.empty() ? "" : ",") + json_of(one);
  post_message x{feishu, p};
  calls(x.start());
  const auto c = calls(x.on_response(page(rows)));
  BOOST_TEST(c.operation == "lark.reply");
  BOOST_TEST(uuid_of(c) == "pb-r-7");
}

BOOST_AUTO_TEST_CASE(a_message_is_found_as_feishu_shows_it) {
  const struct {
    const char *type, *sent, *shown;
  } table[]{
      {"text", R"j({"text":"<at user_id=\"ou_1\">乙</at> 新评论：<b>完成</b>"})j",
       R"j({"text":"@_user_1 新评论：完成"})j"},
      {"post",
       R"j({"zh_cn":{"title":"T","content":[[{"tag":"md","text":"**粗** `x`\n[打开](https://p.example/1)"}]]}})j",
       R"j({"title":"T","content":[[{"tag":"text","text":"粗","style":["bold"]},{"tag":"text","text":" x"}],[{"tag":"a","text":"打开","href":"https://p.example/1"}]]})j"},
      {"interactive", R"j({"schema":"2.0","header":{"title":{"content":"WEB-1"}}})j",
       R"j({"header":{"title":{"content":"WEB-1"}},"schema":"2.0"})j"},
      {"interactive", R"j({"schema":"2.0","header":{"title":{"content":"WEB-1"}}})j",
       R"j({"title":"WEB-1","elements":[[{"tag":"text","text":"x"}]]})j"},
      {"image", R"j({"image_key":"img_1"})j", R"j({"image_key":"img_1"})j"},
  };
  for (const auto& t : table) BOOST_TEST_CONTEXT(t.sent) {
      auto p = long_unknown(replying());
      p.what = {t.type, t.sent, "pb-r-7"};
      post_message x{feishu, p};
      calls(x.start());
      auto shown = json_of({.type = t.type, .content = t.shown});
      // people who are mentioned are listed, and are in nobody's text
      shown.insert(
          shown.size() - 1,
          R"j(,"mentions":[{"key":"@_user_1","id":"ou_1","id_type":"open_id","name":"乙"}])j");
      ends(x.on_response(page(shown)));
      BOOST_TEST(x.existed());
    }
}

BOOST_AUTO_TEST_CASE(an_earlier_fallback_is_found_too) {
  post_message x{feishu, long_unknown(sending_card())};
  const auto c = calls(x.start());
  BOOST_TEST(has(c.request.url, "container_id_type=chat"));
  BOOST_TEST(has(c.request.url, "start_time=1732147640"));
  ends(x.on_response(page(json_of({.content = R"({"text":"WEB-1 as text"})", .root_id = ""}))));
  BOOST_TEST(x.existed());
}

BOOST_AUTO_TEST_CASE(without_a_known_topic_the_root_is_asked) {
  auto p = long_unknown(replying());
  p.thread_id.clear();
  const auto root_with = [](std::string_view thread) {
    return answer(200, R"({"code":0,"data":{"items":[{"message_id":"om_1","chat_id":"oc_1",)"
                       R"("thread_id":")" +
                           std::string{thread} + R"("}]}})");
  };
  {
    post_message x{feishu, p};
    BOOST_TEST(calls(x.start()).operation == "lark.get_message");
    BOOST_TEST(has(calls(x.on_response(root_with("omt_2"))).request.url, "container_id=omt_2"));
  }
  {  // no topic, so nothing arrived in one
    post_message x{feishu, p};
    calls(x.start());
    BOOST_TEST(calls(x.on_response(root_with(""))).operation == "lark.reply");
  }
  {  // in the main flow the chat's list has it, under its root
    p.in_thread = false;
    post_message x{feishu, p};
    calls(x.start());
    BOOST_TEST(has(calls(x.on_response(root_with(""))).request.url, "container_id_type=chat"));
    const auto rows = json_of({.root_id = "om_elsewhere"});
    BOOST_TEST(calls(x.on_response(page(rows))).operation == "lark.reply");
  }
  {
    post_message x{feishu, p};
    calls(x.start());
    BOOST_TEST(remedy_of(fails(x.on_response(refusal(230011)))) == remedy::drop_message);
  }
}

BOOST_AUTO_TEST_CASE(looking_ends) {
  post_message x{feishu, long_unknown(replying())};
  auto s = x.start();
  int asked = 0;
  while (std::holds_alternative<call>(s) && std::get<call>(s).operation == "lark.list") {
    BOOST_REQUIRE(++asked <= 100);
    s = x.on_response(page("", "again"));
  }
  BOOST_TEST(fails(s).code == errc::unexpected_answer);
}

BOOST_AUTO_TEST_CASE(a_second_start_begins_anew) {
  post_message x{feishu, sending_card()};
  calls(x.start());
  calls(x.on_response(refusal(230099)));
  const auto c = calls(x.start());
  BOOST_TEST(fixture::text(body_of(c), "msg_type") == "interactive");
  BOOST_TEST(uuid_of(c) == "pb-s-7");
  BOOST_TEST(!x.fell_back().has_value());
}

BOOST_AUTO_TEST_CASE(single_calls_end_well_or_say_why) {
  single_call x{patch_card(feishu, "om_1", "{}"), operation::update_card, "om_1", true, true};
  const auto c = calls(x.start());
  BOOST_TEST(c.deferrable);
  BOOST_TEST(c.budget_key == "om_1");
  BOOST_TEST(c.operation == "lark.update_card");
  ends(x.on_response(fixture::response("message.patch_card")));
  BOOST_TEST(remedy_of(fails(x.on_response(refusal(230031)))) == remedy::new_card);
}

BOOST_AUTO_TEST_CASE(reads_say_what_they_read) {
  renew_token token{feishu, {app_id, pb::secret{"s"}}};
  BOOST_TEST(calls(token.start()).operation == "lark.token");
  ends(token.on_response(fixture::response("tenant_access_token")));
  BOOST_TEST((token.value().valid_for == 7200s));
  BOOST_TEST(fails(token.on_response(fixture::response("tenant_access_token.bad_secret"))).code ==
             errc::unauthorized);

  read_bot bot{feishu};
  calls(bot.start());
  ends(bot.on_response(fixture::response("bot.info")));
  BOOST_TEST(bot.value().open_id == fixture::bot_open_id);
  read_chat c{feishu, chat};
  calls(c.start());
  ends(c.on_response(fixture::response("chat.get")));
  BOOST_TEST(c.value().name == "PlaneBridge 项目群");
  read_person p{feishu, "ou_1"};
  calls(p.start());
  ends(p.on_response(fixture::response("contact.user.get")));
  BOOST_TEST(p.value().name == "测试用户乙");
  read_message m{feishu, "om_1"};
  calls(m.start());
  ends(m.on_response(fixture::response("message.get")));
  BOOST_TEST(m.value().thread_id == "omt_19c4e7f20b6d");
}

BOOST_AUTO_TEST_CASE(a_topic_is_listed_page_by_page_to_its_bound) {
  list_thread_all x{feishu, "omt_1", 3};
  calls(x.start());
  calls(x.on_response(page(json_of({.id = "om_1"}) + "," + json_of({.id = "om_2"}), "p2")));
  ends(x.on_response(page(json_of({.id = "om_3"}))));
  BOOST_TEST(x.values().size() == 3u);
  BOOST_TEST(!x.cut());
  calls(x.start());
  calls(x.on_response(page(json_of({.id = "om_1"}) + "," + json_of({.id = "om_2"}), "p2")));
  ends(x.on_response(page(json_of({.id = "om_3"}) + "," + json_of({.id = "om_4"}))));
  BOOST_TEST(x.values().size() == 3u);
  BOOST_TEST(x.cut());
  calls(x.start());
  ends(x.on_response(page("", "for ever")));
}

BOOST_AUTO_TEST_CASE(people_are_looked_up_in_batches_of_fifty) {
  std::vector<std::string> emails;
  for (int i = 0; i < 120; ++i) emails.push_back("P" + std::to_string(i) + "@example.com");
  look_up_people x{feishu, emails};
  auto s = x.start();
  std::size_t calls_made = 0, asked = 0;
  while (std::holds_alternative<call>(s)) {
    const auto body = body_of(std::get<call>(s));
    const auto& batch = body.at("emails").as_array();
    asked += batch.size();
    ++calls_made;
    boost::json::array users;
    for (const auto& e : batch) {
      const auto mail = fixture::text(e);
      if (mail == "P7@example.com") continue;  // not even listed
      auto lower = mail;
      lower[0] = 'p';
      boost::json::object user{{"email", lower}};
      if (mail != "P8@example.com") user["user_id"] = "ou_" + mail.substr(0, mail.find('@'));
      if (mail == "P9@example.com") user["status"] = {{"is_resigned", true}};
      users.push_back(user);
    }
    s = x.on_response(answer(200, boost::json::serialize(boost::json::object{
                                      {"code", 0}, {"data", {{"user_list", users}}}})));
  }
  ends(s);
  BOOST_TEST(calls_made == 3u);
  BOOST_TEST(asked == 120u);
  BOOST_TEST(x.values().size() == 120u);
  BOOST_TEST(x.values()[119].open_id == "ou_P119");
  BOOST_TEST(x.values()[0].email == "P0@example.com");
  BOOST_TEST(x.values()[7].open_id.empty());
  BOOST_TEST(x.values()[8].open_id.empty());
  BOOST_TEST(x.values()[9].resigned);
  look_up_people nobody{feishu, {}};
  ends(nobody.start());
}

BOOST_AUTO_TEST_CASE(a_file_comes_with_its_bytes_and_no_more_of_them_than_wanted) {
  const auto bytes_of = [](std::string body) {
    auto a = answer(200, std::move(body));
    a.headers = {{"Content-Type", "image/png", false}};
    return a;
  };
  download_file x{feishu, "om_1", "img_1", resource::image, 8};
  const auto c = calls(x.start());
  BOOST_TEST(c.request.method == "GET");
  BOOST_TEST(c.operation == "lark.download");
  BOOST_TEST(c.max_answer_bytes == 8u);
  BOOST_TEST(has(c.request.url, "/messages/om_1/resources/img_1?type=image"));
  ends(x.on_response(bytes_of("\x89PNG1234")));
  BOOST_TEST(x.value().content_type == "image/png");
  BOOST_TEST(x.take().bytes == "\x89PNG1234");
  BOOST_TEST(x.value().bytes.empty());
  download_file y{feishu, "om_1", "file_1", resource::file, 8};
  BOOST_TEST(has(calls(y.start()).request.url, "/resources/file_1?type=file"));
  BOOST_TEST((fails(y.on_response(bytes_of("123456789"))).code == pb::errc::too_large));
}

BOOST_AUTO_TEST_CASE(refusals_of_a_file_say_what_to_do) {
  const struct {
    int code;
    pb::errc as;
    remedy what;
  } rows[]{{230011, pb::errc::not_found, remedy::drop_message},
           {234003, pb::errc::not_found, remedy::drop_message},
           {234004, pb::errc::forbidden, remedy::unlink},
           {234001, pb::errc::bad_input, remedy::give_up},
           {234037, pb::errc::too_large, remedy::give_up},
           {234038, pb::errc::forbidden, remedy::report},
           {99991672, pb::errc::forbidden, remedy::alert}};
  for (const auto& row : rows) BOOST_TEST_CONTEXT(row.code) {
      download_file x{feishu, "om_1", "file_1", resource::file, 8};
      calls(x.start());
      auto a = refusal(row.code);
      a.headers = {{"Content-Type", "application/json", false}};
      const auto f = fails(x.on_response(a));
      BOOST_TEST((f.code == row.as));
      BOOST_TEST((remedy_of(f) == row.what));
      BOOST_TEST(f.where == "lark.download");
    }
}
