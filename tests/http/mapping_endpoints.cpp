// /admin/mappings/… over a store in memory: what is set, what it leaves alone, and what a file may
// do wrong.
#define BOOST_TEST_MODULE http_mapping_endpoints
#include "http/mapping_endpoints.hpp"

#include <boost/test/unit_test.hpp>

#include "ask.hpp"
#include "fake_store.hpp"
#include "sync/channel_options.hpp"

namespace {

const std::string web = "11111111-1111-4111-8111-111111111111";
const std::string ops = "22222222-2222-4222-8222-222222222222";
const std::string ann = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const std::string bob = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const std::string users = "/admin/mappings/users";
const std::string channels = "/admin/mappings/channel-project";

struct fixture {
  pb::manual_clock clock{pb::from_micros(1'795'245'000'000'000)};
  fake::store store;
  std::vector<std::string> changed;
  std::vector<pb::http::route> routes = pb::http::mapping_routes(
      {store, clock,
       pb::http::admin_auth{pb::http::accepted_tokens{{pb::secret{ask::admin_token}}}},
       [](const std::string& given) { return given == "WEB" ? web : std::string{}; },
       [this](pb::http::mapping_kind, const std::string& key) { changed.push_back(key); },
       [this](bool dry_run, const std::function<void(pb::result<std::string>)>& done) {
         matched.push_back(dry_run);
         done(match_answer);
       }});
  std::vector<bool> matched;
  pb::result<std::string> match_answer{R"({"mapped":2,"left":[]})"};

  pb::http::response post(const std::string& path, const std::string& body,
                          const std::string& query = {}) {
    return ask::now(routes, "POST", path, {.query = query, .path_params = {}, .body = body});
  }
  pb::http::response get(const std::string& path, const std::string& query = {}) {
    return ask::now(routes, "GET", path, {.query = query, .path_params = {}, .body = {}});
  }
  std::string message(const pb::http::response& r) {
    return ask::text(ask::json_of(r).at("error"), "message");
  }
};

pb::http::response without_token(const std::vector<pb::http::route>& routes,
                                 const std::string& method, const std::string& pattern) {
  ask::question q;
  q.headers.clear();
  q.body = "{}";
  return ask::now(routes, method, pattern, std::move(q));
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(nobody_without_the_token_sees_or_changes_anything, fixture) {
  for (const auto& r : routes) {
    BOOST_TEST(without_token(routes, r.method, r.pattern).status == 401, r.pattern);
    BOOST_REQUIRE(r.refuse_unread);  // not even a body is read
    pb::http::request nobody;
    BOOST_TEST(r.refuse_unread(nobody)->status == 401);
  }
  BOOST_TEST(store.users_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(a_user_is_set_by_hand_and_what_is_not_named_stays, fixture) {
  auto& known = store.users_kept["ou_ann"];
  known.open_id = "ou_ann";
  known.name = "小安";
  known.email = "ann@example.org";
  known.how = pb::persistence::mapped_by::automatic;
  const auto out = post(users, R"({"open_id":"ou_ann","plane_user":")" + ann + R"("})");
  BOOST_TEST(out.status == 200);
  const auto& kept = store.users_kept.at("ou_ann");
  BOOST_TEST(kept.plane_user == ann);
  BOOST_TEST(kept.name == "小安");
  BOOST_TEST(kept.email == "ann@example.org");
  BOOST_TEST((kept.how == pb::persistence::mapped_by::manual));
  BOOST_TEST((kept.changed_at == clock.now()));
  BOOST_TEST(changed == std::vector<std::string>{"ou_ann"}, boost::test_tools::per_element());
  const auto shown = ask::json_of(out).at("data").as_object();
  BOOST_TEST(ask::text(shown, "how") == "manual");
  BOOST_TEST(post(users, R"({"open_id":"ou_new"})").status == 201);
  changed.clear();
  BOOST_TEST(post(users, R"({"open_id":"ou_new"})").status == 200);
  BOOST_TEST(changed.empty());  // nothing was written
}

BOOST_FIXTURE_TEST_CASE(another_plane_user_or_none_takes_the_personal_key_along, fixture) {
  const auto key = pb::http::personal_key_credential("ou_ann");
  const auto seal = [&] { store.credentials_kept[key] = {"default", key, "k", "sealed", {}}; };
  post(users, R"({"open_id":"ou_ann","plane_user":")" + ann + R"("})");
  seal();
  post(users, R"({"open_id":"ou_ann","name":"Ann"})");
  BOOST_TEST(store.credentials_kept.contains(key));
  post(users, R"({"open_id":"ou_ann","plane_user":")" + bob + R"("})");
  BOOST_TEST(!store.credentials_kept.contains(key));
  seal();
  BOOST_TEST(ask::now(routes, "DELETE", users + "/{open_id}",
                      {.query = {}, .path_params = {{"open_id", "ou_ann"}}, .body = {}})
                 .status == 200);
  BOOST_TEST(!store.credentials_kept.contains(key));
  BOOST_TEST(store.users_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(mistakes_in_a_body_name_the_field_and_change_nothing, fixture) {
  const std::string long_name(300, 'n');
  for (const auto& [body, word] : std::vector<std::pair<std::string, std::string>>{
           {"", "JSON object"},
           {"[]", "JSON object"},
           {"{", "JSON object"},
           {"{}", "open_id: this field is missing"},
           {R"({"open_id":7})", "open_id: of the wrong type"},
           {R"({"open_id":"x"})", "begins with \"ou_\""},
           {R"({"open_id":"ou_"})", "begins with \"ou_\""},
           {R"({"open_id":"ou_a b"})", "begins with \"ou_\""},
           {R"({"open_id":"ou_a","plane_user":"ann"})", "uuid of a Plane user"},
           {R"({"open_id":"ou_a","email":"ann"})", "e-mail"},
           {R"({"open_id":"ou_a","email":"a@b@c"})", "e-mail"},
           {R"({"open_id":"ou_a","name":")" + long_name + R"("})", "longer than"},
           {R"({"open_id":"ou_a","name":"\u0001"})", "no text"},
           {R"({"open_id":"ou_a","name":["x"]})", "a text is due"},
           {R"({"open_id":"ou_a","nme":"x"})", "no such field"}}) {
    BOOST_TEST_CONTEXT(body) {
      const auto out = post(users, body);
      BOOST_TEST(out.status == 400);
      BOOST_TEST(message(out).find(word) != std::string::npos, message(out));
    }
  }
  BOOST_TEST(store.users_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(a_channel_takes_an_identifier_for_its_project, fixture) {
  const auto out = post(channels, R"({"chat":"oc_a","project":"WEB","default":true,)"
                                  R"("announce_projects":true,"states":["In Progress; now"],)"
                                  R"("priorities":["High"],"external":true})");
  BOOST_TEST(out.status == 201);
  const auto& row = store.channels_kept.at({"oc_a", web});
  const auto m = pb::sync::read_channel_mapping(row.chat, row.project, row.options);
  BOOST_REQUIRE(m.has_value());
  BOOST_TEST(m->shown);
  BOOST_TEST(m->is_default);
  BOOST_TEST(m->announce_items);
  BOOST_TEST(m->announce_projects);
  BOOST_TEST(!m->internal_comments);
  BOOST_TEST(m->external);
  BOOST_REQUIRE(m->states.size() == 1u);
  BOOST_TEST(m->states[0] == "In Progress; now");
  BOOST_TEST(m->priorities[0] == "high");
  BOOST_TEST(changed == std::vector<std::string>{"oc_a"}, boost::test_tools::per_element());
  for (const auto& [body, word] : std::vector<std::pair<std::string, std::string>>{
           {R"({"chat":"oc_a"})", "project: this field is missing"},
           {R"({"chat":"ou_a","project":"WEB"})", "begins with \"oc_\""},
           {R"({"chat":"oc_a/b","project":"WEB"})", "begins with \"oc_\""},
           {R"({"chat":"oc_a","project":"NOPE"})", "not a project's uuid"},
           {R"({"chat":"oc_a","project":"WEB","shown":"maybe"})", "neither true nor false"},
           {R"({"chat":"oc_a","project":"WEB","shown":["true"]})", "not a list"},
           {R"({"chat":"oc_a","project":"WEB","priorities":["asap"]})", "urgent, high"},
           {R"({"chat":"oc_a","project":"WEB","states":[1]})", "wrong type"}}) {
    const auto refused = post(channels, body);
    BOOST_TEST(refused.status == 400, body);
    BOOST_TEST(message(refused).find(word) != std::string::npos, message(refused));
  }
}

BOOST_FIXTURE_TEST_CASE(a_chat_has_one_default_project, fixture) {
  post(channels, R"({"chat":"oc_a","project":"WEB","default":true})");
  post(channels, R"({"chat":"oc_b","project":"WEB","default":true})");
  post(channels, R"({"chat":"oc_a","project":")" + ops + R"(","default":true})");
  const auto is_default = [&](const std::string& chat, const std::string& project) {
    const auto& row = store.channels_kept.at({chat, project});
    return pb::sync::read_channel_mapping(chat, project, row.options)->is_default;
  };
  BOOST_TEST(!is_default("oc_a", web));
  BOOST_TEST(is_default("oc_a", ops));
  BOOST_TEST(is_default("oc_b", web));
}

BOOST_FIXTURE_TEST_CASE(lists_come_in_pages, fixture) {
  for (const char* id : {"ou_1", "ou_2", "ou_3"})
    post(users, R"({"open_id":")" + std::string{id} + R"("})");
  const auto first = get(users, "limit=2");
  BOOST_TEST(ask::data_of(first).size() == 2u);
  BOOST_TEST(ask::next_cursor(first) == "ou_2");
  const auto second = get(users, "limit=2&cursor=ou_2");
  BOOST_TEST(ask::data_of(second).size() == 1u);
  BOOST_TEST(ask::next_cursor(second).empty());
  BOOST_TEST(get(users, "limit=201").status == 400);
  for (const char* chat : {"oc_1", "oc_2"})
    for (const auto& project : {web, ops})
      post(channels, R"({"chat":")" + std::string{chat} + R"(","project":")" + project + R"("})");
  std::string seen, cursor;
  do {
    const auto page = get(channels, "limit=3&cursor=" + cursor);
    for (const auto& row : ask::data_of(page))
      seen += ask::text(row, "chat") + ask::text(row, "project").substr(0, 1) + " ";
    cursor = ask::next_cursor(page);
  } while (!cursor.empty());
  BOOST_TEST(seen == "oc_11 oc_12 oc_21 oc_22 ");
}

BOOST_FIXTURE_TEST_CASE(options_that_do_not_read_are_shown_bare_so_that_they_can_be_mended,
                        fixture) {
  pb::persistence::channel_mapping_row row;
  row.chat = "oc_a";
  row.project = web;
  row.options = "{\"shown\":7}";
  store.channels_kept[{row.chat, row.project}] = row;
  BOOST_TEST(ask::data_of(get(channels)).size() == 1u);
  BOOST_TEST(post(channels, R"({"chat":"oc_a","project":"WEB","shown":false})").status == 200);
  BOOST_TEST(store.channels_kept.at({"oc_a", web}).options.find("\"shown\":false") !=
             std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_is_not_there_cannot_be_deleted, fixture) {
  const auto remove = [&](const std::string& chat, const std::string& project) {
    return ask::now(
               routes, "DELETE", channels + "/{chat}/{project}",
               {.query = {}, .path_params = {{"chat", chat}, {"project", project}}, .body = {}})
        .status;
  };
  BOOST_TEST(remove("oc_a", web) == 404);
  post(channels, R"({"chat":"oc_a","project":"WEB"})");
  BOOST_TEST(remove("oc_a", "WEB") == 200);
  BOOST_TEST(store.channels_kept.empty());
  BOOST_TEST(remove("x", web) == 400);
}

BOOST_FIXTURE_TEST_CASE(a_file_of_people_is_taken_whole, fixture) {
  post(users, R"({"open_id":"ou_ann","plane_user":")" + ann + R"(","name":"Ann"})");
  post(users, R"({"open_id":"ou_bob","name":"Bob"})");
  changed.clear();
  const std::string file = "\xef\xbb\xbfPLANE_USER, open_id ,name\r\n" + ann + ",ou_ann,Ann\r\n" +
                           bob + ",ou_bob,\"Bob, jr\"\r\n,ou_new,新人\r\n";
  const auto dry = post(users + "/import", file, "dry_run=1");
  BOOST_TEST(dry.status == 200);
  BOOST_TEST(store.users_kept.size() == 2u);
  const auto out = post(users + "/import", file);
  BOOST_TEST(out.body == dry.body);
  const auto counts = ask::json_of(out).at("data").as_object();
  BOOST_TEST(counts.at("rows").to_number<int>() == 3);
  BOOST_TEST(counts.at("created").to_number<int>() == 1);
  BOOST_TEST(counts.at("changed").to_number<int>() == 1);
  BOOST_TEST(counts.at("unchanged").to_number<int>() == 1);
  BOOST_TEST(store.users_kept.at("ou_bob").name == "Bob, jr");
  BOOST_TEST(store.users_kept.at("ou_new").plane_user.empty());
  BOOST_TEST(changed == (std::vector<std::string>{"ou_bob", "ou_new"}),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(one_mistake_in_a_file_keeps_all_of_it_out_and_is_named_with_its_place,
                        fixture) {
  for (const auto& [file, word] : std::vector<std::pair<std::string, std::string>>{
           {"", "line 1, column 1: the first line names the fields"},
           {"open_id,nme\nou_a,x\n", "line 1, column 9: no field of this name"},
           {"open_id,open_id\nou_a,ou_a\n", "line 1, column 9: open_id: this field is named twice"},
           {"name\nAnn\n", "open_id: this field is missing"},
           {"open_id,name\nou_a,Ann\nou_b\n", "line 3, column 1: 1 fields, the heading has 2"},
           {"open_id,name\nou_a,Ann\nou_a,Ann\n",
            "line 3, column 1: the same mapping as in line 2"},
           {"open_id,plane_user\nou_a,\nou_b,ann\n", "line 3, column 6: plane_user: not the uuid"},
           {"open_id,name\nou_a,\"Ann\n", "line 2, column 6: the closing quote is missing"},
           {"open_id,name\nou_a,\xb0\xb2\n", "line 2, column 6: not UTF-8"},
           {"open_id\nou_a\n\nx\ny\n", "(and 1 more)"}}) {
    BOOST_TEST_CONTEXT(file) {
      const auto out = post(users + "/import", file);
      BOOST_TEST(out.status == 400);
      BOOST_TEST(message(out).find(word) != std::string::npos, message(out));
    }
  }
  BOOST_TEST(store.users_kept.empty());
  const auto out = post(users + "/import", "open_id\nx\ny\n");
  const auto listed = ask::json_of(out).at("error").at("details").at("mistakes").as_array();
  BOOST_REQUIRE(listed.size() == 2u);
  BOOST_TEST(listed[1].at("line").to_number<int>() == 3);
  BOOST_TEST(ask::text(listed[1], "field") == "open_id");
}

BOOST_FIXTURE_TEST_CASE(a_file_of_channels_may_leave_choices_blank, fixture) {
  const auto out = post(channels + "/import",
                        "chat,project,shown,default,states\n"
                        "oc_a,WEB,,yes,Todo; In Progress\n"
                        "oc_b,WEB,no,,\n");
  BOOST_TEST(out.status == 200);
  const auto a =
      pb::sync::read_channel_mapping("oc_a", web, store.channels_kept.at({"oc_a", web}).options);
  BOOST_TEST(a->shown);
  BOOST_TEST(a->is_default);
  BOOST_TEST(a->states == (std::vector<std::string>{"Todo", "In Progress"}),
             boost::test_tools::per_element());
  BOOST_TEST(message(post(channels + "/import",
                          "chat,project,default\noc_a,WEB,yes\noc_a," + ops + ",1\n"))
                 .find("line 3, column 1: default: line 2 makes another project") !=
             std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_is_said_with_a_time_to_come_again, fixture) {
  store.away = true;
  for (const auto& out : {get(users), post(users, R"({"open_id":"ou_a"})"),
                          post(users + "/import", "open_id\nou_a\n")}) {
    BOOST_TEST(out.status == 503);
    BOOST_TEST(!ask::header(out, "Retry-After").empty());
  }
}

BOOST_AUTO_TEST_CASE(options_of_a_channel_come_back_and_what_is_unknown_is_passed_over) {
  pb::sync::channel_mapping m;
  m.chat = "oc_a";
  m.project = web;
  m.shown = false;
  m.internal_comments = true;
  m.external = true;
  m.labels = {"缺陷", "b\"c"};
  const auto back = pb::sync::read_channel_mapping("oc_a", web, pb::sync::channel_options(m));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(pb::sync::channel_options(*back) == pb::sync::channel_options(m));
  BOOST_TEST(!back->shown);
  BOOST_TEST(back->external);
  BOOST_TEST(back->labels[1] == "b\"c");
  BOOST_TEST(pb::sync::read_channel_mapping("c", "p", R"({"later":1})")->shown);
  for (const char* bad : {"", "[]", "{\"shown\":1}", "{\"states\":\"x\"}", "{\"states\":[1]}"})
    BOOST_TEST(!pb::sync::read_channel_mapping("c", "p", bad).has_value(), bad);
}

BOOST_FIXTURE_TEST_CASE(all_people_are_matched_by_e_mail_on_request, fixture) {
  const auto out = post(users + "/match", "");
  BOOST_TEST(out.status == 200);
  BOOST_TEST(ask::json_of(out).at("data").at("mapped").as_int64() == 2);
  BOOST_TEST(post(users + "/match", "", "dry_run=1").status == 200);
  BOOST_TEST((matched == std::vector<bool>{false, true}));
  match_answer =
      pb::failure{pb::errc::key_missing, "mappings", "Feishu is not configured", "set lark.app_id"};
  const auto without = post(users + "/match", "");
  BOOST_TEST(without.status == 503);
  BOOST_TEST(ask::text(ask::json_of(without).at("error"), "code") == "KEY_MISSING");
}
