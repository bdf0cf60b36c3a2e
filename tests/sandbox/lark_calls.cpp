// The calls of the in-memory Lark: tokens, messages and their topics, uuids, limits and refusals.
#define BOOST_TEST_MODULE sandbox_lark_calls
#include <boost/test/unit_test.hpp>

#include "tests/sandbox/lark_world.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;
namespace json = boost::json;
using world = test::lark_world;

namespace {

std::string text_at(const json::value& v, std::string_view key) {
  const auto* found = v.as_object().if_contains(key);
  return found == nullptr ? "" : std::string{found->as_string()};
}

json::object reply_body(const std::string& text, bool in_thread = false) {
  json::object body{{"msg_type", "text"},
                    {"content", json::serialize(json::object{{"text", text}})}};
  if (in_thread) body["reply_in_thread"] = true;
  return body;
}

constexpr auto send_path = "im/v1/messages?receive_id_type=chat_id";

/// A card of the samples with one change made to it.
json::value card_with(const std::function<void(json::object& body)>& change) {
  auto card = test::lark_sample("card.v2.work_item.json");
  change(card.at("body").as_object());
  return card;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_token_is_the_same_until_half_an_hour_is_left_and_the_old_one_stays_good) {
  world w;
  const auto first = w.new_token();
  BOOST_TEST(first.at("expire").as_int64() == 7200);
  w.time.run_for(90min);
  BOOST_TEST(w.new_token().at("tenant_access_token") == first.at("tenant_access_token"));
  w.time.run_for(1s);
  const auto second = w.new_token();
  BOOST_TEST(second.at("tenant_access_token") != first.at("tenant_access_token"));
  const std::string old{first.at("tenant_access_token").as_string()};
  BOOST_TEST(w.ask("GET", "/open-apis/bot/v3/info", "", old).status == 200);
  w.time.run_for(30min);
  const auto over = w.ask("GET", "/open-apis/bot/v3/info", "", old);
  BOOST_TEST(json::parse(over.body).at("code").as_int64() == 99991663);
}

BOOST_AUTO_TEST_CASE(wrong_tokens_and_secrets_are_refused_by_their_codes) {
  world w;
  const auto code = [&](const std::string& bearer) {
    return json::parse(w.ask("GET", "/open-apis/bot/v3/info", "", bearer).body)
        .at("code")
        .as_int64();
  };
  BOOST_TEST(code("t-unknown") == 99991663);
  BOOST_TEST(code("a-app") == 99991664);
  BOOST_TEST(code("tenant") == 99991671);
  sb::inbound bare{"GET", "/open-apis/bot/v3/info", "", {}, ""};
  BOOST_TEST(json::parse(w.lark.handle(bare).body).at("code").as_int64() == 99991661);
  bare = {"POST",
          "/open-apis/auth/v3/tenant_access_token/internal",
          "",
          {},
          R"({"app_id":"cli_a7f3c0d2e5b8100c","app_secret":"no"})"};
  BOOST_TEST(json::parse(w.lark.handle(bare).body).at("code").as_int64() == 10014);
  const std::string token = w.token();
  w.lark.expire_tokens();
  BOOST_TEST(code(token) == 99991663);
}

BOOST_AUTO_TEST_CASE(a_uuid_sends_once_within_an_hour_and_again_after_it) {
  world w;
  const auto first = w.send("x", "pb-1");
  w.time.run_for(59min);
  BOOST_TEST(world::id_of(w.send("x", "pb-1")) == world::id_of(first));
  BOOST_TEST(w.lark.messages(w.chat).size() == 1u);
  w.time.run_for(1min);
  BOOST_TEST(world::id_of(w.send("x", "pb-1")) != world::id_of(first));
  BOOST_TEST(w.lark.messages(w.chat).size() == 2u);
  BOOST_TEST(w.code_of("POST", send_path, w.text_body("x", std::string(51, 'u'))) == 230001);
}

BOOST_AUTO_TEST_CASE(roots_parents_and_threads_follow_the_contracts_table) {
  world w;
  const auto root = w.lark.say({.chat = w.chat, .by = w.anna, .text = "root"});
  BOOST_REQUIRE(root.has_value());
  const auto reply = [&](const std::string& to, bool in_thread) {
    return w.call("POST", "im/v1/messages/" + to + "/reply", reply_body("r", in_thread));
  };
  const auto quote = reply(*root, false);
  BOOST_TEST(text_at(quote, "root_id") == *root);
  BOOST_TEST(text_at(quote, "parent_id") == *root);
  BOOST_TEST(text_at(quote, "thread_id").empty());
  const auto deeper = reply(world::id_of(quote), false);
  BOOST_TEST(text_at(deeper, "root_id") == *root);
  BOOST_TEST(text_at(deeper, "parent_id") == world::id_of(quote));
  // The first reply in topic form opens the topic, for its root too.
  const auto opening = reply(*root, true);
  const std::string thread = text_at(opening, "thread_id");
  BOOST_TEST(thread.starts_with("omt_"));
  BOOST_TEST(text_at(opening, "root_id") == *root);
  const auto read = w.call("GET", "im/v1/messages/" + *root);
  BOOST_TEST(text_at(read.at("items").at(0), "thread_id") == thread);
  // Replies to what is in the topic stay there, whatever was asked, and hang on its root.
  const auto inside = reply(world::id_of(opening), false);
  BOOST_TEST(text_at(inside, "thread_id") == thread);
  BOOST_TEST(text_at(inside, "parent_id") == *root);
  // A person's reply tells the same.
  (void)w.pushes();
  BOOST_REQUIRE(w.lark.say({.by = w.bo, .text = "p", .reply_to = world::id_of(inside)}));
  const auto told = w.pushes();
  BOOST_REQUIRE(told.size() == 1u);
  const auto message = world::event_of(told[0]).at("message");
  BOOST_TEST(text_at(message, "root_id") == *root);
  BOOST_TEST(text_at(message, "parent_id") == *root);
  BOOST_TEST(text_at(message, "thread_id") == thread);

  // In a topic group every message opens a topic of its own.
  const std::string topics =
      w.lark.add_chat({.name = "topics", .topic_group = true, .members = {w.anna}});
  const auto opened = w.lark.say({.chat = topics, .by = w.anna, .text = "t"});
  const auto first = world::event_of(w.pushes().at(0)).at("message");
  BOOST_TEST(text_at(first, "thread_id").starts_with("omt_"));
  BOOST_TEST(text_at(first, "root_id").empty());
  BOOST_TEST(text_at(reply(*opened, false), "thread_id") == text_at(first, "thread_id"));
  // A topic's id is no message id.
  BOOST_TEST(w.code_of("POST", "im/v1/messages/" + thread + "/reply", reply_body("x")) == 99992354);
}

BOOST_AUTO_TEST_CASE(a_topic_is_listed_in_pages_and_a_chat_shows_only_its_roots) {
  world w;
  const auto root = w.lark.say({.chat = w.chat, .by = w.anna, .text = "root"});
  std::string thread;
  for (int n = 0; n < 5; ++n) {
    const auto made =
        w.call("POST", "im/v1/messages/" + *root + "/reply", reply_body(std::to_string(n), true));
    thread = text_at(made, "thread_id");
    w.time.run_for(1s);
  }
  std::vector<std::string> seen;
  std::string page;
  do {
    const auto data =
        w.call("GET", "im/v1/messages?container_id_type=thread&container_id=" + thread +
                          "&page_size=4&sort_type=ByCreateTimeAsc" +
                          (page.empty() ? "" : "&page_token=" + page));
    for (const auto& item : data.at("items").as_array()) seen.push_back(world::id_of(item));
    page = data.at("has_more").as_bool() ? text_at(data, "page_token") : "";
  } while (!page.empty());
  BOOST_TEST(seen.size() == 6u);
  BOOST_TEST(seen.front() == *root);
  const auto roots = w.call("GET", "im/v1/messages?container_id_type=chat&container_id=" + w.chat);
  BOOST_TEST(roots.at("items").as_array().size() == 1u);
  BOOST_TEST(w.code_of("GET", "im/v1/messages?container_id_type=thread&container_id=" + thread +
                                  "&start_time=1") == 230001);
  BOOST_TEST(w.code_of("GET", "im/v1/messages?container_id_type=thread&container_id=omt_no") ==
             230019);
}

BOOST_AUTO_TEST_CASE(a_chat_takes_five_messages_a_second_and_the_app_fifty_calls) {
  world w;
  for (int n = 0; n < 5; ++n) (void)w.send("x");
  const auto sixth =
      w.ask("POST", std::string{"/open-apis/"} + send_path, json::serialize(w.text_body("x")));
  BOOST_TEST(sixth.status == 400);
  BOOST_TEST(json::parse(sixth.body).at("code").as_int64() == 230020);
  w.time.run_for(1s);
  (void)w.send("x");
  w.time.run_for(1min);
  int taken = 0;
  protocol::http_response last;
  for (int n = 0; n < 51; ++n) {
    last = w.ask("GET", "/open-apis/bot/v3/info");
    taken += last.status == 200 ? 1 : 0;
  }
  BOOST_TEST(taken == 50);
  BOOST_TEST(last.status == 429);
  BOOST_TEST(last.header("x-ogw-ratelimit-limit") == "50");
  BOOST_TEST(last.header("x-ogw-ratelimit-reset") == "1");
  BOOST_TEST(json::parse(last.body).at("code").as_int64() == 99991400);
  // Over the minute: a thousand.
  w.time.run_for(2min);
  taken = 0;
  for (int n = 0; n < 1100; ++n) {
    if (n % 50 == 0) w.time.run_for(1s);
    taken += w.ask("GET", "/open-apis/bot/v3/info").status == 200 ? 1 : 0;
  }
  BOOST_TEST(taken == 1000);
}

BOOST_AUTO_TEST_CASE(the_monthly_quota_ends_with_its_own_code_and_with_the_month) {
  world w{{.limits = {.monthly_calls = 2}}};
  BOOST_TEST(w.code_of("GET", "bot/v3/info") == 0);
  BOOST_TEST(w.code_of("GET", "bot/v3/info") == 0);
  BOOST_TEST(w.code_of("GET", "bot/v3/info") == 99991403);
  w.time.run_for(std::chrono::days{31});
  BOOST_TEST(w.code_of("GET", "bot/v3/info") == 0);
}

BOOST_AUTO_TEST_CASE(what_may_no_longer_be_done_is_refused_by_its_code) {
  world w;
  const auto card = test::lark_sample("card.v2.work_item.json");
  const auto sent = world::id_of(w.call("POST", send_path, w.card_body(card)));
  const json::object patch{{"content", json::serialize(card)}};
  (void)w.call("PATCH", "im/v1/messages/" + sent, patch);
  const auto text = world::id_of(w.send("x"));
  BOOST_TEST(w.code_of("PATCH", "im/v1/messages/" + text, patch) == 230054);
  const auto hers = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "mine"});
  BOOST_TEST(w.code_of("DELETE", "im/v1/messages/" + hers) == 230026);
  BOOST_TEST(w.code_of("PUT", "im/v1/messages/" + hers, reply_body("x")) == 230071);
  for (int n = 0; n < 20; ++n) (void)w.call("PUT", "im/v1/messages/" + text, reply_body("y"));
  BOOST_TEST(w.code_of("PUT", "im/v1/messages/" + text, reply_body("y")) == 230072);
  BOOST_REQUIRE(w.lark.recall(hers, w.anna));
  BOOST_TEST(w.code_of("POST", "im/v1/messages/" + hers + "/reply", reply_body("x")) == 230011);
  const auto gone = w.call("GET", "im/v1/messages/" + hers).at("items").at(0);
  BOOST_TEST(gone.at("deleted").as_bool());
  BOOST_TEST(text_at(gone.at("body"), "content") == "This message was recalled");
  w.time.run_for(25h);
  BOOST_TEST(w.code_of("DELETE", "im/v1/messages/" + text) == 230009);
  w.time.run_for(std::chrono::days{13});
  BOOST_TEST(w.code_of("PATCH", "im/v1/messages/" + sent, patch) == 230031);
  w.lark.remove_bot(w.chat, w.anna);
  BOOST_TEST(w.code_of("POST", send_path, w.text_body("x")) == 230002);
  BOOST_TEST(w.code_of("GET", "im/v1/chats/" + w.chat) == 230002);
  w.lark.add_bot(w.chat, w.anna);
  w.lark.dissolve(w.chat, w.anna);
  BOOST_TEST(w.code_of("POST", send_path, w.text_body("x")) == 232009);
  w.lark.set_scope_missing("im:message:send_as_bot", true);
  w.lark.set_scope_missing("im:message", true);
  BOOST_TEST(w.code_of("POST", send_path, w.text_body("x")) == 99991672);
}

BOOST_AUTO_TEST_CASE(sizes_are_bounded) {
  world w;
  BOOST_TEST(w.code_of("POST", send_path, w.text_body(std::string(150'000, 'x'))) == 230025);
  (void)w.send(std::string(149'000, 'x'));
  const json::object post{
      {"zh_cn",
       json::object{{"content", json::array{json::array{json::object{
                                    {"tag", "md"}, {"text", std::string(30'000, 'x')}}}}}}}};
  BOOST_TEST(w.code_of("POST", send_path,
                       {{"receive_id", w.chat},
                        {"msg_type", "post"},
                        {"content", json::serialize(post)}}) == 230025);
}

BOOST_AUTO_TEST_CASE(a_card_with_anything_unknown_is_refused_with_the_place) {
  world w;
  const auto refused = [&](const json::value& card) {
    w.time.run_for(1s);
    const auto a =
        w.ask("POST", std::string{"/open-apis/"} + send_path, json::serialize(w.card_body(card)));
    const auto v = json::parse(a.body);
    return v.at("code").as_int64() == 0 ? std::string{} : std::string{v.at("msg").as_string()};
  };
  const auto has = [](const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
  };
  BOOST_TEST(refused(test::lark_sample("card.v2.work_item.json")) == "");
  BOOST_TEST(refused(test::lark_sample("card.v1.work_item.json")) == "");
  // The sample's own words for a note in a 2.0 card.
  const auto note = refused(card_with([](json::object& body) {
    auto& elements = body["elements"].as_array();
    elements.insert(elements.begin(), json::object{{"tag", "note"}});
  }));
  const auto sample = test::lark_sample("response.error.card_invalid.json");
  BOOST_TEST(note == std::string{sample.at("body").at("msg").as_string()});
  BOOST_TEST(has(refused(card_with([](json::object& body) { body["wide_screen_mode"] = true; })),
                 "200621"));
  BOOST_TEST(has(refused(card_with([](json::object& body) {
                   body["elements"].as_array().push_back(
                       json::object{{"tag", "markdown"}, {"content", "<at id=ou_nobody></at>"}});
                 })),
                 "100290"));
  BOOST_TEST(has(
      refused(card_with([](json::object& body) {
        body["elements"].as_array().push_back(json::object{{"tag", "img"}, {"img_key", "img_no"}});
      })),
      "200570"));
  BOOST_TEST(has(refused(card_with([](json::object& body) {
                   for (int n = 0; n < 200; ++n)
                     body["elements"].as_array().push_back(json::object{{"tag", "hr"}});
                 })),
                 "11310"));
  BOOST_TEST(has(refused(card_with([](json::object& body) {
                   for (auto& e : body["elements"].as_array())
                     if (e.at("tag") == "form") e.at("elements").at(0).as_object().erase("name");
                 })),
                 "200530"));
  BOOST_TEST(
      has(refused(card_with([](json::object& body) {
            body["elements"].as_array().push_back(json::object{
                {"tag", "select_static"},
                {"initial_option", "no"},
                {"options", json::array{json::object{
                                {"text", json::object{{"tag", "plain_text"}, {"content", "a"}}},
                                {"value", "a"}}}}});
          })),
          "200621"));
}

BOOST_AUTO_TEST_CASE(mentions_become_placeholders_and_broken_up_ones_stay_text) {
  world w;
  const auto sent =
      w.send("<at user_id=\"" + w.bo + "\">乙</at> and <at user_id=\"all\"></at> <\u200bat x");
  const auto read = w.call("GET", "im/v1/messages/" + world::id_of(sent)).at("items").at(0);
  BOOST_TEST(text_at(json::parse(text_at(read.at("body"), "content")), "text") ==
             "@_user_1 and @_all <\u200bat x");
  BOOST_TEST(read.at("mentions").as_array().size() == 1u);
  BOOST_TEST(text_at(read.at("mentions").at(0), "id") == w.bo);
}

BOOST_AUTO_TEST_CASE(people_are_found_by_mail_unless_they_are_out_of_range_or_left) {
  world w;
  const auto hidden = w.lark.add_person({.name = "h",
                                         .en_name = "",
                                         .email = "hidden@example.com",
                                         .mobile = "",
                                         .contact_visible = false});
  w.lark.leave_company(w.bo);
  const auto list = w.call("POST", "contact/v3/users/batch_get_id?user_id_type=open_id",
                           {{"emails", json::array{"user.a@example.com", "user.b@example.com",
                                                   "hidden@example.com"}}})
                        .at("user_list");
  BOOST_TEST(text_at(list.at(0), "user_id") == w.anna);
  BOOST_TEST(!list.at(1).as_object().contains("user_id"));
  BOOST_TEST(!list.at(2).as_object().contains("user_id"));
  BOOST_TEST(w.code_of("GET", "contact/v3/users/" + hidden) == 41050);
  BOOST_TEST(w.code_of("GET", "contact/v3/users/ou_foreign") == 99992361);
  BOOST_TEST(
      w.code_of("POST", "im/v1/messages?receive_id_type=open_id",
                {{"receive_id", w.bo}, {"msg_type", "text"}, {"content", R"({"text":"x"})"}}) ==
      230013);
  w.lark.set_scope_missing("contact:user.email:readonly", true);
  const auto anna = w.call("GET", "contact/v3/users/" + w.anna).at("user");
  BOOST_TEST(!anna.as_object().contains("email"));
  BOOST_TEST(text_at(anna, "name") == "测试用户甲");
}

BOOST_AUTO_TEST_CASE(files_of_people_are_read_through_their_message_and_the_bots_by_key) {
  world w;
  const auto said =
      w.lark.say_file({.chat = w.chat, .by = w.anna, .type = "image"}, "p.png", "\x89PNG bytes");
  const auto content =
      json::parse(text_at(world::event_of(w.pushes().at(0)).at("message"), "content"));
  const std::string key = text_at(content, "image_key");
  const auto got =
      w.ask("GET", "/open-apis/im/v1/messages/" + *said + "/resources/" + key + "?type=image");
  BOOST_TEST(got.status == 200);
  BOOST_TEST(got.body == "\x89PNG bytes");
  BOOST_TEST(w.ask("GET", "/open-apis/im/v1/images/" + key).status == 400);
  sb::inbound up{"POST",
                 "/open-apis/im/v1/images",
                 "",
                 {{"Content-Type", "multipart/form-data; boundary=zz"},
                  {"Authorization", "Bearer " + w.token()}},
                 "--zz\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n"
                 "--zz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n"
                 "Content-Type: image/png\r\n\r\n\x89PNG mine\r\n--zz--\r\n"};
  const auto uploaded = json::parse(w.lark.handle(up).body);
  const std::string mine = text_at(uploaded.at("data"), "image_key");
  BOOST_TEST(w.ask("GET", "/open-apis/im/v1/images/" + mine).body == "\x89PNG mine");
  (void)w.call("POST", send_path,
               {{"receive_id", w.chat},
                {"msg_type", "image"},
                {"content", json::serialize(json::object{{"image_key", mine}})}});
}

BOOST_AUTO_TEST_CASE(answers_have_the_keys_and_types_of_the_samples) {
  world w;
  const std::function<void(const json::value&, const json::value&, const std::string&)> same =
      [&](const json::value& got, const json::value& want, const std::string& at) {
        BOOST_TEST(static_cast<int>(got.kind()) == static_cast<int>(want.kind()), at);
        if (got.is_object() && want.is_object())
          for (const auto& [key, inner] : want.get_object()) {
            const auto* mine = got.get_object().if_contains(key);
            BOOST_TEST((mine != nullptr), at << " lacks " << std::string{key});
            if (mine != nullptr) same(*mine, inner, at + "." + std::string{key});
          }
        if (got.is_array() && want.is_array() && !want.get_array().empty()) {
          BOOST_REQUIRE(!got.get_array().empty());
          same(got.get_array()[0], want.get_array()[0], at + "[0]");
        }
      };
  const auto compare = [&](const protocol::http_response& a, const std::string& sample) {
    const auto want = test::lark_sample(sample);
    BOOST_TEST(a.status == want.at("status").as_int64(), sample);
    BOOST_TEST(!a.header("X-Tt-Logid").empty(), sample);
    same(json::parse(a.body), want.at("body"), sample);
  };
  const auto ask = [&](std::string method, const std::string& path, const json::object& body) {
    return w.ask(std::move(method), "/open-apis/" + path,
                 body.empty() ? "" : json::serialize(body));
  };
  const auto sent =
      ask("POST", send_path,
          test::lark_sample("request.message.create.text.json").at("body").as_object());
  compare(sent, "response.message.create.json");
  const std::string id = text_at(json::parse(sent.body).at("data"), "message_id");
  compare(ask("POST", send_path, w.card_body(test::lark_sample("card.v2.work_item.json"))),
          "response.message.create.card.json");
  const auto root =
      *w.lark.say({.chat = w.chat,
                   .by = w.anna,
                   .text = "<at user_id=\"bot\"></at> <at user_id=\"" + w.bo + "\"></at> hi"});
  const auto replied =
      ask("POST", "im/v1/messages/" + root + "/reply",
          test::lark_sample("request.message.reply_in_thread.json").at("body").as_object());
  compare(replied, "response.message.reply_in_thread.json");
  const auto later =
      *w.lark.say({.by = w.anna, .text = "<at user_id=\"bot\"></at> ok", .reply_to = root});
  compare(ask("GET", "im/v1/messages/" + later, {}), "response.message.get.json");
  compare(ask("GET",
              "im/v1/messages?container_id_type=thread&container_id=" +
                  text_at(json::parse(replied.body).at("data"), "thread_id"),
              {}),
          "response.messages.list_thread.json");
  compare(ask("PUT", "im/v1/messages/" + id, reply_body("new")),
          "response.message.update_text.json");
  compare(ask("DELETE", "im/v1/messages/" + id, {}), "response.message.delete.json");
  compare(ask("GET", "bot/v3/info", {}), "response.bot.info.json");
  compare(ask("GET", "im/v1/chats/" + w.chat, {}), "response.chat.get.json");
  compare(ask("GET", "contact/v3/users/" + w.bo, {}), "response.contact.user.get.json");
  compare(ask("POST", "contact/v3/users/batch_get_id?user_id_type=open_id",
              test::lark_sample("request.contact.batch_get_id.json").at("body").as_object()),
          "response.contact.batch_get_id.json");
  compare(ask("POST", "im/v1/messages/" + id + "/reply", reply_body("x")),
          "response.error.message_recalled.json");
  compare(w.ask("GET", "/open-apis/bot/v3/info", "", "t-no"), "response.error.token_invalid.json");
}
