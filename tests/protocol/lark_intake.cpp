#define BOOST_TEST_MODULE lark_intake
#include "protocol/lark/intake.hpp"

#include <boost/test/unit_test.hpp>

#include "lark_fixture.hpp"
#include "protocol/lark/events.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using pb::errc;
using pb::secret;
using use = intake::use;
BOOST_TEST_DONT_PRINT_LOG_VALUE(use)

namespace {
const std::string iv(16, '\x2a');

push_keys with_key() {
  return {secret{fixture::encrypt_key}, secret{fixture::verification_token}, false};
}
push_keys without_key() { return {secret{}, secret{fixture::verification_token}, false}; }
push_keys allowing_legacy(push_keys k) {
  k.legacy_cards = true;
  return k;
}

struct http_sample {
  std::string body;
  push_headers headers;
};
http_sample http(const std::string& name) {
  const auto v = fixture::parsed("http." + name + ".json");
  const auto& h = v.at("headers");
  return {fixture::text(v, "body_raw"),
          {fixture::text(h, "X-Lark-Request-Timestamp"), fixture::text(h, "X-Lark-Request-Nonce"),
           fixture::text(h, "X-Lark-Signature")}};
}

std::string sealed(std::string_view plain) {
  return "{\"encrypt\":\"" + encrypt(plain, secret{fixture::encrypt_key}, iv) + "\"}";
}
push_headers signed_for(std::string_view body) {
  return {"1732147201", "n", signature_of("1732147201", "n", secret{fixture::encrypt_key}, body)};
}
push_headers legacy_signed_for(std::string_view body) {
  return {"1", "n", legacy_signature_of("1", "n", secret{fixture::verification_token}, body)};
}
std::string message_event(std::string_view token = fixture::verification_token) {
  return R"({"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1","token":")" +
         std::string{token} +
         R"("},"event":{"sender":{},"message":{"message_id":"om_1","chat_id":"oc_1"}}})";
}
std::string verification(std::string_view token = fixture::verification_token) {
  return R"({"challenge":"c1","token":")" + std::string{token} + R"(","type":"url_verification"})";
}
void refused(const pb::result<opened>& r, errc code) {
  BOOST_REQUIRE(r.has_error());
  BOOST_TEST(r.error().code == code);
  BOOST_TEST(pb::describe(r.error()).find(fixture::verification_token) == std::string::npos);
  BOOST_TEST(pb::describe(r.error()).find(fixture::encrypt_key) == std::string::npos);
}
intake of(const std::string& name) {
  const auto body = fixture::sample(name);
  return take_in(*parse_event(body), body);
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_recorded_push_opens) {
  for (const auto* name :
       {"event.encrypted", "callback.card.action.trigger.encrypted", "url_verification.encrypted"})
    BOOST_TEST_CONTEXT(name) {
      const auto s = http(name);
      const auto out = open_push(s.headers, s.body, with_key());
      BOOST_REQUIRE(out.has_value());
      const auto v = fixture::parsed("http." + std::string{name} + ".json");
      BOOST_TEST((boost::json::parse(out->body) == v.at("decrypted")));
    }
  const auto legacy = http("callback.card.action.trigger_v1.legacy");
  const auto out = open_push(legacy.headers, legacy.body, allowing_legacy(with_key()));
  BOOST_REQUIRE(out.has_value());
  BOOST_TEST(std::get<card_action>(out->what.what).legacy);
}

BOOST_AUTO_TEST_CASE(with_a_key_nothing_but_a_right_signature_opens_an_event) {
  const auto s = http("event.encrypted");
  auto bent = s.body;
  bent[bent.size() / 2] = bent[bent.size() / 2] == 'A' ? 'B' : 'A';
  refused(open_push(s.headers, bent, with_key()), errc::unauthorized);
  refused(open_push(s.headers, s.body + "\n", with_key()), errc::unauthorized);
  refused(open_push({}, s.body, with_key()), errc::unauthorized);
  auto h = s.headers;
  h.nonce += "x";
  refused(open_push(h, s.body, with_key()), errc::unauthorized);
  refused(open_push({"", "", "0"}, s.body, with_key()), errc::unauthorized);
}

BOOST_AUTO_TEST_CASE(once_a_key_is_set_a_plain_body_is_refused_signed_or_not) {
  for (const auto& body : {message_event(), verification()}) {
    refused(open_push({}, body, with_key()), errc::unauthorized);
    refused(open_push(signed_for(body), body, with_key()), errc::unauthorized);
  }
}

BOOST_AUTO_TEST_CASE(an_unsigned_push_is_a_verification_with_the_right_token_or_nothing) {
  BOOST_TEST(open_push({}, sealed(verification()), with_key()).has_value());
  refused(open_push({}, sealed(verification("other")), with_key()), errc::unauthorized);
  refused(open_push({}, sealed(verification("")), with_key()), errc::unauthorized);
  refused(open_push({}, sealed(message_event()), with_key()), errc::unauthorized);
  // without a signature nothing tells what was wrong inside
  for (const auto& body : {std::string{"nonsense"}, std::string{"{\"encrypt\":7}"},
                           std::string{"[]"}, std::string{"{\"encrypt\":\"AAAA\"}"}, std::string{}})
    refused(open_push({}, body, with_key()), errc::unauthorized);
  refused(open_push({}, sealed(verification() + std::string(9'000, ' ')), with_key()),
          errc::unauthorized);
  // nobody can prove anything while we do not know the token
  refused(open_push({}, sealed(verification("")), {secret{fixture::encrypt_key}, {}, false}),
          errc::key_missing);
}

BOOST_AUTO_TEST_CASE(a_signed_event_still_needs_the_right_token) {
  const auto right = sealed(message_event());
  BOOST_TEST(open_push(signed_for(right), right, with_key()).has_value());
  for (const auto* token : {"other", "", "vt-Q7mX2cK9planebridg", "vt-Q7mX2cK9planebridge "}) {
    const auto body = sealed(message_event(token));
    refused(open_push(signed_for(body), body, with_key()), errc::unauthorized);
  }
  // a token that is not configured is not asked for: the key vouches
  BOOST_TEST(
      open_push(signed_for(right), right, {secret{fixture::encrypt_key}, {}, false}).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_signed_rightly_and_still_wrong_is_said) {
  for (const auto& body : {sealed("not json"), sealed("{}"), std::string{"{\"encrypt\":\"AAAA\"}"},
                           std::string{"not json"}})
    refused(open_push(signed_for(body), body, with_key()), errc::bad_input);
}

BOOST_AUTO_TEST_CASE(without_a_key_the_token_vouches) {
  BOOST_TEST(open_push({}, message_event(), without_key()).has_value());
  BOOST_TEST(open_push({}, verification(), without_key()).has_value());
  refused(open_push({}, message_event("other"), without_key()), errc::unauthorized);
  refused(open_push({}, verification(""), without_key()), errc::unauthorized);
  refused(open_push({}, message_event(), {}), errc::key_missing);
  refused(open_push({}, message_event(""), {}), errc::key_missing);
  const auto body = sealed(message_event());
  const auto asked = open_push(signed_for(body), body, without_key());
  refused(asked, errc::key_missing);
  BOOST_TEST(asked.error().detail == "lark.encrypt_key");
}

BOOST_AUTO_TEST_CASE(old_cards_count_only_where_they_are_allowed_and_signed) {
  const auto s = http("callback.card.action.trigger_v1.legacy");
  refused(open_push(s.headers, s.body, with_key()), errc::unauthorized);
  refused(open_push(s.headers, s.body, without_key()), errc::unauthorized);
  for (const auto& keys : {allowing_legacy(with_key()), allowing_legacy(without_key())}) {
    BOOST_TEST(open_push(s.headers, s.body, keys).has_value());
    refused(open_push(s.headers, s.body + " ", keys), errc::unauthorized);
    refused(open_push({}, s.body, keys), errc::unauthorized);
  }
  // SHA-1 with the token signs nothing but old cards
  refused(
      open_push(legacy_signed_for(message_event()), message_event(), allowing_legacy(with_key())),
      errc::unauthorized);
  // an encrypted old card does not exist
  const auto body = sealed(s.body);
  BOOST_TEST(!open_push(signed_for(body), body, allowing_legacy(with_key())).has_value());
  // the address of old cards is verified in plain text
  BOOST_TEST(open_push({}, verification(), allowing_legacy(with_key())).has_value());
  refused(open_push({}, message_event(), allowing_legacy(with_key())), errc::unauthorized);
}

BOOST_AUTO_TEST_CASE(a_large_push_is_not_looked_at) {
  const std::string large(max_push_bytes + 1, ' ');
  refused(open_push(signed_for(large), large, with_key()), errc::too_large);
  refused(open_push({}, large, without_key()), errc::too_large);
}

BOOST_AUTO_TEST_CASE(which_entity_an_event_belongs_to) {
  const struct {
    const char* name;
    use what;
    const char* entity;
  } table[]{
      {"event.im.message.receive_v1.text_command.json", use::journal,
       "lark:thread:om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b"},
      {"event.im.message.receive_v1.text_in_thread.json", use::journal,
       "lark:thread:om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b"},
      {"event.im.message.receive_v1.text_quote_reply.json", use::journal,
       "lark:thread:om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b"},
      {"event.im.message.receive_v1.topic_group_root.json", use::journal,
       "lark:thread:om_1f0eb0985870635e62fa2f68a223b173"},
      {"event.im.message.recalled_v1.json", use::journal,
       "lark:chat:oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e"},
      {"event.im.chat.member.bot.added_v1.json", use::journal,
       "lark:chat:oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e"},
      {"event.im.chat.member.bot.deleted_v1.json", use::journal,
       "lark:chat:oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e"},
      {"event.im.chat.member.user.added_v1.json", use::journal,
       "lark:chat:oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e"},
      {"event.application.bot.menu_v6.json", use::journal,
       "lark:chat:ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a"},
      {"event.v1.p2p_chat_create.json", use::journal,
       "lark:chat:oc_26b66a5eb603162b849f91bcd8815b20"},
      {"callback.card.action.trigger.button.json", use::journal,
       "lark:thread:om_77aa66bb55cc44dd33ee22ff11009988"},
      {"event.im.message.reaction.created_v1.json", use::ignore, ""},
      {"event.drive.file.edit_v1.json", use::ignore, ""},
      {"callback.url.preview.get.json", use::preview, ""},
      {"callback.url.preview.get.unsent_draft.json", use::preview, ""},
      {"url_verification.request.json", use::challenge, ""},
  };
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.name) {
      const auto got = of(row.name);
      BOOST_TEST(got.what == row.what);
      BOOST_TEST(got.entity.text() == row.entity);
      BOOST_TEST((got.what == use::ignore) == !got.reason.empty());
      BOOST_TEST(boost::json::parse(got.answer).is_object());
    }
}

BOOST_AUTO_TEST_CASE(a_message_is_known_by_its_event_and_by_itself) {
  const auto got = of("event.im.message.receive_v1.text_command.json");
  BOOST_TEST(got.identities == (std::vector<std::string>{"e:6b42f3eb71dfb37c3738cbdd9b8b36ef",
                                                         "m:om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b"}),
             boost::test_tools::per_element());
  BOOST_TEST(got.event == "im.message.receive_v1");
  BOOST_TEST(got.answer == "{}");
  BOOST_TEST(!got.callback);
}

BOOST_AUTO_TEST_CASE(a_click_goes_to_the_conversation_that_the_card_names) {
  const auto body = [](std::string_view value, std::string_view message) {
    return R"({"schema":"2.0","header":{"event_id":"e1","event_type":"card.action.trigger"},)"
           R"("event":{"operator":{"open_id":"ou_1"},"action":{"tag":"button","value":)" +
           std::string{value} + R"(},"context":{"open_message_id":")" + std::string{message} +
           "\"}}}";
  };
  const auto entity = [&](std::string_view value, std::string_view message) {
    const auto b = body(value, message);
    return take_in(*parse_event(b), b).entity.text();
  };
  BOOST_TEST(entity(R"({"thread":"om_root","do":"state"})", "om_card") == "lark:thread:om_root");
  BOOST_TEST(entity(R"({"do":"state"})", "om_card") == "lark:thread:om_card");
  BOOST_TEST(entity(R"("a text")", "om_card") == "lark:thread:om_card");
  BOOST_TEST(entity(R"({"thread":"om root"})", "om_card") == "lark:thread:om_card");
  BOOST_TEST(entity(R"({"thread":7})", "om_card") == "lark:thread:om_card");
  const auto nowhere = take_in(*parse_event(body("{}", "")), body("{}", ""));
  BOOST_TEST(nowhere.what == use::ignore);
  BOOST_TEST(nowhere.answer == "{}");
}

BOOST_AUTO_TEST_CASE(who_clicks_is_told_that_it_is_being_saved) {
  const auto got = of("callback.card.action.trigger.select_static.json");
  BOOST_TEST(got.callback);
  const auto answer = boost::json::parse(got.answer);
  const auto& toast = answer.at("toast");
  BOOST_TEST(fixture::text(toast, "type") == "info");
  BOOST_TEST(fixture::text(toast.at("i18n"), "zh_cn") == "正在保存…");
  BOOST_TEST(fixture::text(toast.at("i18n"), "en_us") == "Saving…");
  BOOST_TEST(boost::json::parse(refused_toast()).at("toast").at("type").as_string() == "error");
}

BOOST_AUTO_TEST_CASE(the_verification_token_does_not_reach_the_journal) {
  for (const auto& name : fixture::names("event.")) {
    const auto got = of(name);
    BOOST_TEST(got.body.find(fixture::verification_token) == std::string::npos);
    const auto again = parse_event(got.body);  // and it still reads
    BOOST_REQUIRE(again.has_value());
    BOOST_TEST(again->type == got.event);
  }
}

BOOST_AUTO_TEST_CASE(a_challenge_is_answered_with_itself) {
  const auto got = of("url_verification.request.json");
  BOOST_TEST((boost::json::parse(got.answer) == fixture::parsed("url_verification.response.json")));
}
