#define BOOST_TEST_MODULE config_sources
#include "config/sources.hpp"

#include <boost/test/unit_test.hpp>

#include "workspace.hpp"

using namespace pb::config;
using namespace pb::config::testing;

namespace {

std::string origin_of(const load_outcome& o, const std::string& key) {
  const auto it = o.origins.find(key);
  return it == o.origins.end() ? "default" : it->second.text();
}

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_at_all_is_a_complete_configuration) {
  const load_outcome o = load({});
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST(o.ok());
  BOOST_TEST(o.warnings.empty());
  BOOST_TEST(o.values.server.port == 8080u);
  BOOST_TEST(database_of(o.values)->path == "planebridge.db");
}

BOOST_AUTO_TEST_CASE(the_environment_beats_the_env_file_beats_credentials_beat_the_file) {
  const folder f;
  std::filesystem::create_directory(f.path("cred"));
  f.write("cred/admin_token", "from-credential-0123456789\n");
  load_inputs in;
  in.toml_path =
      f.write("planebridge.toml",
              "[server]\nport = 1\n[security]\nadmin_token = \"from-toml-0123456789\"\n");
  BOOST_TEST(load(in).values.server.port == 1u);
  BOOST_TEST(load(in).values.security.admin_token.at(0).reveal() == "from-toml-0123456789");
  BOOST_TEST(origin_of(load(in), "server.port") == f.path("planebridge.toml") + ":2");

  in.credentials_directory = f.path("cred");
  BOOST_TEST(load(in).values.security.admin_token.at(0).reveal() == "from-credential-0123456789");
  BOOST_TEST(origin_of(load(in), "security.admin_token").starts_with("credential admin_token"));

  in.env_file_path = f.write(".env", "# comment\nPORT=2\nADMIN_TOKEN=from-env-file-0123456789\n");
  BOOST_TEST(load(in).values.server.port == 2u);
  BOOST_TEST(load(in).values.security.admin_token.at(0).reveal() == "from-env-file-0123456789");
  BOOST_TEST(origin_of(load(in), "server.port") == f.path(".env") + ":2 PORT");

  in.environment = {{"PORT", "3"}, {"ADMIN_TOKEN", "from-environment-0123456789"}};
  const load_outcome o = load(in);
  BOOST_TEST(o.ok());
  BOOST_TEST(o.values.server.port == 3u);
  BOOST_TEST(o.values.security.admin_token.at(0).reveal() == "from-environment-0123456789");
  BOOST_TEST(origin_of(o, "server.port") == "environment PORT");
  BOOST_TEST(origin_of(o, "log.level") == "default");
}

BOOST_AUTO_TEST_CASE(any_entry_can_be_set_by_its_own_variable) {
  for (const entry& e : entries()) {
    BOOST_TEST_CONTEXT(e.name()) {
      // Its present value, or something that fits: the entry must then be reported as set by it.
      settings defaults;
      std::string value = display(e, defaults);
      if (value.empty()) value = std::string{e.example};
      if (value.empty()) value = e.must_be == form::base64_key ? good_key : "0123456789abcdef";
      const load_outcome o = load_environment({{e.own_variable(), value}});
      BOOST_TEST_INFO(all_of(o.mistakes));
      BOOST_TEST(origin_of(o, e.name()) == "environment " + e.own_variable());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_names_that_operators_know_set_their_entries) {
  const load_outcome o = load_environment({
      {"PORT", "9"},
      {"DATABASE_URL", "postgres://bridge:pw@db/bridge"},
      {"TIMEZONE", "Asia/Shanghai"},
      {"ENCRYPTION_KEY", good_key},
      {"PLANE_BASE_URL", "https://api.plane.so/"},
      {"PLANE_API_TOKEN", "plane_api_x"},
      {"PLANE_WORKSPACE_SLUG", "my-team"},
      {"PLANE_CLIENT_ID", "id"},
      {"PLANE_CLIENT_SECRET", "cs"},
      {"PLANE_REDIRECT_URI", "https://bridge.example.org/plane/oauth/callback"},
      {"PLANE_WEBHOOK_SECRET", "one, two"},
      {"INTEGRATION_TOKEN", "it"},
      {"CALDAV_URL", "http://127.0.0.1:5232/"},
      {"CALDAV_USERNAME", "bot"},
      {"CALDAV_PASSWORD", " with, comma and blank "},
      {"ADMIN_TOKEN", "0123456789abcdef"},
  });
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST_REQUIRE(o.ok());
  const settings& s = o.values;
  BOOST_TEST(s.server.port == 9u);
  BOOST_TEST((database_of(s)->kind == database_target::engine::postgresql));
  BOOST_TEST(s.general.timezone == "Asia/Shanghai");
  BOOST_TEST(encryption_key_bytes(s)->reveal().size() == 32u);
  BOOST_TEST(s.plane.api_key.reveal() == "plane_api_x");
  BOOST_TEST(s.plane.enabled());
  BOOST_TEST(s.plane.oauth_enabled());
  BOOST_TEST(plane_app_url(s) == "https://app.plane.so");
  BOOST_TEST_REQUIRE(s.plane.webhook_secret.size() == 2u);
  BOOST_TEST(s.plane.webhook_secret[1].reveal() == "two");
  BOOST_TEST(s.calendar.enabled());
  BOOST_TEST(s.calendar.password.reveal() == " with, comma and blank ");
}

BOOST_AUTO_TEST_CASE(the_own_variable_counts_before_the_canonical_one_and_that_before_its_alias) {
  const load_outcome o = load_environment({{"PLANE_API_KEY", "canonical"},
                                           {"PLANE_API_TOKEN", "alias"},
                                           {"PORT", "1"},
                                           {"PLANEBRIDGE_SERVER_PORT", "2"}});
  BOOST_TEST(o.values.plane.api_key.reveal() == "canonical");
  BOOST_TEST(o.values.server.port == 2u);
  BOOST_TEST(mentions(o.warnings, "PLANE_API_TOKEN: also set as PLANE_API_KEY, which counts"));
  BOOST_TEST(mentions(o.warnings, "PORT: also set as PLANEBRIDGE_SERVER_PORT"));
  const load_outcome equal = load_environment({{"PORT", "2"}, {"PLANEBRIDGE_SERVER_PORT", "2"}});
  BOOST_TEST(equal.warnings.empty());
}

BOOST_AUTO_TEST_CASE(an_empty_variable_is_an_unset_one) {
  const load_outcome o = load_toml("[server]\nport = 5\n[plane]\napi_key = \"k\"\n",
                                   {{"PORT", ""},
                                    {"PLANE_API_KEY", ""},
                                    {"PLANE_API_KEY_FILE", ""},
                                    {"PLANEBRIDGE_NO_SUCH_THING", ""}});
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST(o.ok());
  BOOST_TEST(o.values.server.port == 5u);
  BOOST_TEST(o.values.plane.api_key.reveal() == "k");
}

BOOST_AUTO_TEST_CASE(a_secret_can_stand_in_a_file_whose_last_newline_does_not_count) {
  const folder f;
  const std::string path = f.write("token", "0123456789abcdef\r\n");
  const load_outcome o =
      load_environment({{"ADMIN_TOKEN_FILE", path}, {"PLANEBRIDGE_CALENDAR_PASSWORD_FILE", path}});
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST_REQUIRE(o.ok());
  BOOST_TEST(o.values.security.admin_token.at(0).reveal() == "0123456789abcdef");
  BOOST_TEST(o.values.calendar.password.reveal() == "0123456789abcdef");
  BOOST_TEST(origin_of(o, "security.admin_token") ==
             "environment ADMIN_TOKEN_FILE (file " + path + ")");
}

BOOST_AUTO_TEST_CASE(a_secret_file_that_is_empty_or_has_several_lines_is_a_mistake) {
  const folder f;
  BOOST_TEST(
      mentions(load_environment({{"ADMIN_TOKEN_FILE", f.write("a", "\n")}}).mistakes, "is empty"));
  BOOST_TEST(mentions(load_environment({{"ADMIN_TOKEN_FILE", f.write("b", "x\ny\n")}}).mistakes,
                      "line break"));
  BOOST_TEST(mentions(
      load_environment({{"ADMIN_TOKEN_FILE", f.write("c", std::string(70'000, 'x'))}}).mistakes,
      "larger than"));
}

BOOST_AUTO_TEST_CASE(an_env_file_has_quotes_comments_and_exports) {
  const source_text got = read_env(
      "\xef\xbb\xbf# comment\r\nA=1\r\n\n  export B = two words # comment\nC='$x # \\n'\n"
      "D=\"a\\\"b\\n\\$\" # c\nE=tok#en\nF=\nA=2\n",
      ".env");
  BOOST_TEST_INFO(all_of(got.mistakes));
  BOOST_TEST(got.mistakes.empty());
  std::map<std::string, std::string> values;
  for (const located_value& v : got.values) values[v.key] = std::get<std::string>(v.value.held);
  BOOST_TEST(values["A"] == "2");
  BOOST_TEST(values["B"] == "two words");
  BOOST_TEST(values["C"] == "$x # \\n");
  BOOST_TEST(values["D"] == "a\"b\n$");
  BOOST_TEST(values["E"] == "tok#en");
  BOOST_TEST(values["F"].empty());
  BOOST_TEST(mentions(got.warnings, ".env:9:1: A: set before in line 2"));
}

BOOST_AUTO_TEST_CASE(an_env_file_names_line_and_column_of_what_it_cannot_read) {
  const source_text got =
      read_env("NAME\nX='abc\nY=\"a\\q\"\nZ=\"a\" b\n=v\nexport\nexport \n1-2=3\n", "e");
  BOOST_TEST_INFO(all_of(got.mistakes));
  BOOST_TEST_REQUIRE(got.mistakes.size() == 8u);
  BOOST_TEST(describe(got.mistakes[0]).starts_with("e:1:1: not a line"));
  BOOST_TEST(describe(got.mistakes[1]).starts_with("e:2:3: X: the closing quote is missing"));
  BOOST_TEST(describe(got.mistakes[2]).starts_with("e:3:5: Y: a backslash"));
  BOOST_TEST(describe(got.mistakes[3]).starts_with("e:4:6: Z: there is something after"));
}

BOOST_AUTO_TEST_CASE(files_with_secrets_that_others_can_read_are_warned_about) {
  const folder f;
  load_inputs in;
  in.toml_path = f.write("a.toml", "[plane]\napi_key = \"k\"\n", 0644);
  in.env_file_path = f.write(".env", "CALDAV_PASSWORD=x\n", 0640);
  BOOST_TEST(mentions(load(in).warnings, "chmod 600 " + f.path("a.toml")));
  BOOST_TEST(mentions(load(in).warnings, "chmod 600 " + f.path(".env")));
  in.toml_path = f.write("b.toml", "[server]\nport = 1\n", 0644);
  in.env_file_path = f.write("b.env", "CALDAV_PASSWORD=x\n", 0600);
  BOOST_TEST(!mentions(load(in).warnings, "chmod"));
}

BOOST_AUTO_TEST_CASE(the_file_is_looked_for_in_the_order_of_the_documents) {
  const auto only = [](const std::string& which) {
    return [which](const std::string& path) { return path == which; };
  };
  const auto all = [](const std::string&) { return true; };
  const auto none = [](const std::string&) { return false; };
  BOOST_TEST(find_file("x.toml", all).value() == "x.toml");
  BOOST_TEST(find_file("x.toml", none).value() == "x.toml");
  BOOST_TEST(find_file({}, all).value() == "./planebridge.toml");
  BOOST_TEST(find_file({}, only("/etc/planebridge/planebridge.toml")).value() ==
             "/etc/planebridge/planebridge.toml");
  BOOST_TEST(!find_file({}, none).has_value());
}

BOOST_AUTO_TEST_CASE(lists_are_arrays_or_texts_with_commas) {
  BOOST_TEST(load_toml("[plane]\nprojects_include = [\"A\", \"B\"]\n")
                 .values.plane.projects_include.size() == 2u);
  BOOST_TEST(
      load_toml("[plane]\nprojects_include = \"A, B,\"\n").values.plane.projects_include.size() ==
      2u);
  BOOST_TEST(
      load_toml("[plane]\nwebhook_secret = [\"A\", \"B\"]\n").values.plane.webhook_secret.size() ==
      2u);
  BOOST_TEST(
      load_environment({{"NO_PROXY", "localhost, .example.org"}}).values.http.no_proxy.size() ==
      2u);
}
