#define BOOST_TEST_MODULE lark_answers
#include "protocol/lark/answers.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "lark_fixture.hpp"
#include "protocol/lark/exchanges.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using pb::errc;
using pb::protocol::http_response;
using namespace std::chrono_literals;
BOOST_TEST_DONT_PRINT_LOG_VALUE(remedy)

namespace {
http_response answer(int status, std::string body) { return {status, {}, std::move(body)}; }
http_response with_code(std::int64_t code, int status = 400) {
  return answer(status, R"({"code":)" + std::to_string(code) + R"(,"msg":"m"})");
}
pb::failure refused(const http_response& a, std::string_view operation = operation::send) {
  const auto f = refusal_of(a, operation);
  BOOST_REQUIRE(f.has_value());
  return *f;
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_sample_of_a_good_answer_reads) {
  const std::string om = "om_789183b7e98646c11d5f0544c8f3c4c9";
  const auto sent = parse_sent(fixture::response("message.create"), operation::send);
  BOOST_REQUIRE(sent.has_value());
  BOOST_TEST(sent->message_id == om);
  BOOST_TEST(sent->chat_id == "oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e");
  BOOST_TEST(sent->from_bot);
  BOOST_TEST(sent->sender.open_id == "cli_a7f3c0d2e5b8100c");
  BOOST_TEST((sent->created_at == pb::from_micros(1732147700111000)));
  BOOST_REQUIRE(sent->mentions.size() == 1u);
  BOOST_TEST(sent->mentions[0].who.open_id == "ou_6e4d2c0b8a7f5e3d1c9b0a8f7e6d5c4b");

  const auto reply = parse_sent(fixture::response("message.reply_in_thread"), operation::reply);
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(reply->root_id == "om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b");
  BOOST_TEST(reply->thread_id == "omt_19c4e7f20b6d");
  BOOST_TEST(parse_sent(fixture::response("message.create.card"), operation::send)->type ==
             "interactive");
  BOOST_TEST(parse_sent(fixture::response("message.update_text"), operation::edit)->message_id ==
             om);
  for (const auto* name : {"message.patch_card", "message.delete", "card.delay_update"})
    BOOST_TEST(!refusal_of(fixture::response(name), operation::update_card).has_value());

  const auto got = parse_messages(fixture::response("message.get"), operation::get_message);
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->front().mentions.size() == 2u);
  BOOST_TEST(!got->front().from_bot);
  const auto page = parse_page(fixture::response("messages.list_thread"), operation::list);
  BOOST_REQUIRE(page.has_value());
  BOOST_TEST(page->messages.size() == 3u);
  BOOST_TEST(page->messages[2].deleted);
  BOOST_TEST(page->next.empty());

  const auto token = parse_token(fixture::response("tenant_access_token"));
  BOOST_REQUIRE(token.has_value());
  BOOST_TEST(token->token.reveal() == "t-g1044ghJXYZ0123456789abcdefABCDEFplanebr");
  BOOST_TEST((token->valid_for == 7200s));

  const auto bot = parse_bot(fixture::response("bot.info"));
  BOOST_REQUIRE(bot.has_value());
  BOOST_TEST(bot->open_id == fixture::bot_open_id);
  BOOST_TEST(bot->active);
  const auto chat = parse_chat(fixture::response("chat.get"));
  BOOST_REQUIRE(chat.has_value());
  BOOST_TEST(chat->name == "PlaneBridge 项目群");
  BOOST_TEST(!chat->external);
  BOOST_TEST(!chat->topic);
  const auto person = parse_person(fixture::response("contact.user.get"));
  BOOST_REQUIRE(person.has_value());
  BOOST_TEST(person->who.open_id == "ou_6e4d2c0b8a7f5e3d1c9b0a8f7e6d5c4b");
  BOOST_TEST(person->email == "user.b@example.com");
  BOOST_TEST(!person->resigned);
  const auto people = parse_found_people(fixture::response("contact.batch_get_id"));
  BOOST_REQUIRE(people.has_value());
  BOOST_TEST(people->size() == 3u);
  BOOST_TEST((*people)[0].open_id == "ou_6e4d2c0b8a7f5e3d1c9b0a8f7e6d5c4b");
  BOOST_TEST((*people)[1].open_id.empty());
}

BOOST_AUTO_TEST_CASE(a_file_is_taken_with_its_name) {
  auto a = fixture::response("medias.download");
  a.body = "\x89PNG";
  const auto file = parse_download(a);
  BOOST_REQUIRE(file.has_value());
  BOOST_TEST(file->bytes == a.body);
  BOOST_TEST(file->content_type == "image/png");
  BOOST_TEST(file->file_name == "架构图.png");
  a.headers = {{"Content-Disposition", "attachment; filename=\"../../etc/passwd\"", false}};
  BOOST_TEST(parse_download(a)->file_name == "passwd");
  a.headers = {{"Content-Disposition", "attachment; filename*=UTF-8''a%2Fb%0A.txt", false}};
  BOOST_TEST(parse_download(a)->file_name == "b.txt");
  auto no = with_code(230050);
  no.headers = {{"Content-Type", "application/json", false}};
  BOOST_TEST(parse_download(no).error().code == errc::not_found);
  BOOST_TEST(!parse_download(answer(500, "")).has_value());
}

BOOST_AUTO_TEST_CASE(every_sample_of_a_refusal_says_what_to_do) {
  const struct {
    const char* name;
    remedy what;
    errc code;
  } table[]{
      {"error.bot_not_in_chat", remedy::unlink, errc::forbidden},
      {"error.card_invalid", remedy::fall_back_to_text, errc::bad_input},
      {"error.chat_rate_limited", remedy::wait, errc::rate_limited},
      {"error.content_too_long", remedy::split, errc::too_large},
      {"error.message_recalled", remedy::drop_message, errc::not_found},
      {"error.rate_limited", remedy::wait, errc::rate_limited},
      {"error.rate_limited_http400", remedy::wait, errc::rate_limited},
      {"error.scope_missing", remedy::alert, errc::forbidden},
      {"error.token_invalid", remedy::refresh_token, errc::unauthorized},
      {"error.token_missing", remedy::refresh_token, errc::unauthorized},
      {"tenant_access_token.bad_secret", remedy::alert, errc::unauthorized},
  };
  std::set<std::string> seen;
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.name) {
      const auto a = fixture::response(row.name);
      const auto f = refused(a);
      BOOST_TEST(remedy_of(f) == row.what);
      BOOST_TEST(f.code == row.code);
      BOOST_TEST(f.status == a.status);
      BOOST_TEST(f.request_id == a.header("X-Tt-Logid"));
      BOOST_TEST(f.where == "lark.send");
      seen.insert("response." + std::string{row.name} + ".json");
    }
  for (const auto& name : fixture::names("response.error.")) BOOST_TEST(seen.contains(name));
}

BOOST_AUTO_TEST_CASE(every_code_of_the_contract_has_its_meaning) {
  const struct {
    std::int64_t code;
    remedy what;
    errc as;
  } table[]{
      {99991663, remedy::refresh_token, errc::unauthorized},
      {99991661, remedy::refresh_token, errc::unauthorized},
      {99991664, remedy::refresh_token, errc::unauthorized},
      {99991665, remedy::refresh_token, errc::unauthorized},
      {99991671, remedy::refresh_token, errc::unauthorized},
      {99991662, remedy::alert, errc::forbidden},
      {99991673, remedy::alert, errc::forbidden},
      {10014, remedy::alert, errc::unauthorized},
      {10015, remedy::alert, errc::unauthorized},
      {99991672, remedy::alert, errc::forbidden},
      {99991400, remedy::wait, errc::rate_limited},
      {99991401, remedy::alert, errc::forbidden},
      {99991403, remedy::stop, errc::rate_limited},
      {230001, remedy::give_up, errc::bad_input},
      {230002, remedy::unlink, errc::forbidden},
      {230006, remedy::alert, errc::forbidden},
      {230011, remedy::drop_message, errc::not_found},
      {230110, remedy::drop_message, errc::not_found},
      {230111, remedy::drop_message, errc::not_found},
      {230013, remedy::give_up, errc::forbidden},
      {230018, remedy::alert, errc::forbidden},
      {230035, remedy::alert, errc::forbidden},
      {230019, remedy::give_up, errc::not_found},
      {230020, remedy::wait, errc::rate_limited},
      {11232, remedy::wait, errc::rate_limited},
      {11233, remedy::wait, errc::rate_limited},
      {230022, remedy::report, errc::forbidden},
      {230028, remedy::report, errc::forbidden},
      {230025, remedy::split, errc::too_large},
      {230027, remedy::give_up, errc::forbidden},
      {230031, remedy::new_card, errc::precondition},
      {200830, remedy::new_card, errc::precondition},
      {230049, remedy::retry_soon, errc::conflict},
      {18121, remedy::retry_soon, errc::conflict},
      {230050, remedy::give_up, errc::not_found},
      {230054, remedy::give_up, errc::bad_input},
      {230071, remedy::retry_without_thread, errc::bad_input},
      {230072, remedy::retry_without_thread, errc::bad_input},
      {230075, remedy::send_anew, errc::precondition},
      {230099, remedy::fall_back_to_text, errc::bad_input},
      {11311, remedy::fall_back_to_text, errc::bad_input},
      {10002, remedy::fall_back_to_text, errc::bad_input},
      {232009, remedy::unlink, errc::not_found},
      {99992354, remedy::drop_message, errc::not_found},
      {99992361, remedy::give_up, errc::bad_input},
      {2200, remedy::wait, errc::upstream_down},
      {1500, remedy::wait, errc::upstream_down},
      {230009, remedy::give_up, errc::precondition},
      {230026, remedy::give_up, errc::forbidden},
      {300020, remedy::patch_instead, errc::bad_input},
      {300030, remedy::patch_instead, errc::precondition},
      {300040, remedy::patch_instead, errc::precondition},
      {200310, remedy::give_up, errc::forbidden},
      {200000, remedy::drop_message, errc::not_found},
      {1, remedy::wait, errc::upstream_down},
      {1000040343, remedy::wait, errc::upstream_down},
      {403, remedy::alert, errc::forbidden},
      {514, remedy::alert, errc::forbidden},
      {1000040344, remedy::alert, errc::forbidden},
      {1000040350, remedy::alert, errc::forbidden},
      {987654321, remedy::give_up, errc::bad_input},
  };
  for (const auto& row : table)
    for (const int status : {200, 400})  // the status says nothing
      BOOST_TEST_CONTEXT(row.code << " with " << status) {
        const auto f = refused(with_code(row.code, status), operation::reply);
        BOOST_TEST(remedy_of(f) == row.what);
        BOOST_TEST(f.code == row.as);
        BOOST_TEST(remote_code(f) == row.code);
      }
}

BOOST_AUTO_TEST_CASE(two_codes_mean_something_else_for_edits) {
  BOOST_TEST(remedy_of(refused(with_code(230071), operation::edit)) == remedy::give_up);
  BOOST_TEST(remedy_of(refused(with_code(230072), operation::edit)) == remedy::send_anew);
}

BOOST_AUTO_TEST_CASE(how_long_to_wait) {
  BOOST_TEST((refused(fixture::response("error.rate_limited")).retry_after == 52'000ms));
  BOOST_TEST((refused(fixture::response("error.rate_limited_http400")).retry_after == 1'000ms));
  // the speed of a chat has no header
  BOOST_TEST((refused(fixture::response("error.chat_rate_limited")).retry_after == 1'000ms));
  BOOST_TEST((refused(with_code(230049)).retry_after == 1'000ms));
  BOOST_TEST(!refused(with_code(99991403)).retry_after.has_value());
  BOOST_TEST(!refused(with_code(230001)).retry_after.has_value());
  auto hostile = with_code(99991400);
  hostile.headers = {{"x-ogw-ratelimit-reset", "999999999999", false}};
  BOOST_TEST((refused(hostile).retry_after == std::chrono::hours{24}));
  hostile.headers = {{"x-ogw-ratelimit-reset", "-5", false}};
  BOOST_TEST((refused(hostile).retry_after == 1'000ms));
  BOOST_TEST(pace_of(fixture::response("error.rate_limited"))->limit == 100);
  BOOST_TEST(!pace_of(answer(200, "{}")).has_value());
}

BOOST_AUTO_TEST_CASE(a_missing_scope_is_named) {
  const auto f = refused(fixture::response("error.scope_missing"));
  BOOST_TEST(f.remedy.find("im:message:send_as_bot") != std::string::npos);
  BOOST_TEST(f.remedy.find("publish") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_reason_of_a_refused_card_is_kept) {
  const auto f = refused(fixture::response("error.card_invalid"));
  BOOST_TEST(f.detail.find("200861") != std::string::npos);
  BOOST_TEST(remote_code(f) == 230099);
}

BOOST_AUTO_TEST_CASE(answers_that_are_none_of_feishus) {
  BOOST_TEST(refused(answer(502, "<html>")).code == errc::upstream_down);
  BOOST_TEST(remedy_of(refused(answer(502, "<html>"))) == remedy::wait);
  BOOST_TEST(refused(answer(429, "")).code == errc::rate_limited);
  BOOST_TEST(refused(answer(200, "<html>")).code == errc::unexpected_answer);
  BOOST_TEST(refused(answer(200, "{}")).code == errc::unexpected_answer);
  BOOST_TEST(refused(answer(200, R"({"code":"0"})")).code == errc::unexpected_answer);
  BOOST_TEST(refused(answer(503, R"({"code":77,"msg":"x"})")).code == errc::upstream_down);
  BOOST_TEST(remedy_of(refused(answer(200, "[]"))) == remedy::none);
  for (const auto* body : {R"({"code":0})", R"({"code":0,"data":{}})",
                           R"({"code":0,"data":{"message_id":7}})", R"({"code":0,"data":[]})"})
    BOOST_TEST(parse_sent(answer(200, body), operation::send).error().code ==
               errc::unexpected_answer);
  BOOST_TEST(!parse_page(answer(200, R"({"code":0,"data":{"items":[7]}})"), "lark.list"));
  BOOST_TEST(!parse_page(answer(200, R"({"code":0,"data":{"has_more":true}})"), "lark.list"));
  BOOST_TEST(!parse_token(answer(200, R"({"code":0,"tenant_access_token":"t-1","expire":0})")));
  BOOST_TEST(!parse_token(answer(200, R"({"code":0,"expire":7200})")));
  BOOST_TEST(parse_messages(answer(200, R"({"code":0,"data":{"items":[]}})"), "lark.get_message")
                 .error()
                 .code == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_message_of_a_refusal_is_one_short_line) {
  const auto f =
      refused(answer(400, R"({"code":230001,"msg":"a\nb)" + std::string(5'000, 'x') + "\"}"));
  BOOST_TEST(f.detail.find('\n') == std::string::npos);
  BOOST_TEST(f.detail.size() < 600u);
}

BOOST_AUTO_TEST_CASE(failures_without_a_code_wait_or_do_not) {
  BOOST_TEST(remedy_of({.code = errc::timed_out, .where = "lark.send"}) == remedy::wait);
  BOOST_TEST(remedy_of({.code = errc::bad_input, .where = "lark.send"}) == remedy::none);
  // another system's text is not ours to read
  BOOST_TEST(remote_code({.where = "plane.me", .detail = "code 230002: x"}) == 0);
}

BOOST_AUTO_TEST_CASE(where_the_long_connection_is) {
  const auto good = fixture::parsed("ws.frames.json").at("endpoint_response");
  const auto e = parse_connection_endpoint(answer(200, boost::json::serialize(good)));
  BOOST_REQUIRE(e.has_value());
  BOOST_TEST(e->url.starts_with("wss://msg-frontier.feishu.cn/ws/v2?"));
  BOOST_TEST(e->service_id == 33554678);
  BOOST_TEST(e->config.reconnect_count == -1);
  BOOST_TEST((e->config.reconnect_interval == 120s));
  BOOST_TEST((e->config.reconnect_nonce == 30s));
  BOOST_TEST((e->config.ping_interval == 120s));
  BOOST_TEST(
      !parse_connection_endpoint(answer(200, R"({"code":0,"data":{"URL":"https://elsewhere/"}})")));
  const auto kept = parse_connection_config(R"({"PingInterval":0,"ReconnectNonce":-1})", e->config);
  BOOST_TEST((kept.ping_interval == 120s));
  BOOST_TEST((kept.reconnect_nonce == 30s));
  BOOST_TEST((parse_connection_config(R"({"PingInterval":90})", e->config).ping_interval == 90s));
  BOOST_TEST((parse_connection_config("nonsense", e->config).ping_interval == 120s));
}

BOOST_AUTO_TEST_CASE(kinds_of_chats) {
  const auto chat = [](std::string_view data) {
    return *parse_chat(answer(200, R"({"code":0,"data":)" + std::string{data} + "}"));
  };
  BOOST_TEST(chat(R"({"chat_mode":"topic"})").topic);
  BOOST_TEST(chat(R"({"chat_mode":"group","group_message_type":"thread"})").topic);
  BOOST_TEST(!chat(R"({"chat_mode":"group","group_message_type":"chat"})").topic);
  BOOST_TEST(chat(R"({"chat_mode":"p2p"})").p2p);
  BOOST_TEST(chat(R"({"external":true})").external);
}
