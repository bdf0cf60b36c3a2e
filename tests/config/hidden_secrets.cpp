#define BOOST_TEST_MODULE config_hidden_secrets
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "config/rules.hpp"
#include "config/show.hpp"
#include "workspace.hpp"

using namespace pb::config;
using namespace pb::config::testing;

namespace {

// A needle that no key, path or sentence holds; its last characters are what a mask may show.
const std::string needle = "Zq9Zq8Zq7Zq6Zq5Zq4";

void never_appears(const load_outcome& o, const std::string& what) {
  for (const std::string& text : {show(o), show_json(o), report(o)})
    for (const std::string& part : {what, what.substr(0, 6)})
      BOOST_TEST((text.find(part) == std::string::npos), "a secret appears: " << text);
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_secret_appears_when_everything_is_right) {
  for (const entry& e : entries()) {
    if (!e.is_secret() || e.must_be == form::base64_key) continue;
    std::string value = needle;
    if (e.must_be == form::database_url) value = "postgres://role:" + needle + "@db/x";
    if (e.must_be == form::proxy_url) value = "http://u:" + needle + "@proxy:3128";
    const load_outcome o = load_environment({{e.own_variable(), value}});
    BOOST_TEST_CONTEXT(e.name()) {
      BOOST_TEST(o.ok());
      BOOST_TEST(o.origins.contains(e.name()));
      never_appears(o, needle);
    }
  }
  never_appears(load_environment({{"ENCRYPTION_KEY", good_key}}), good_key);
}

BOOST_AUTO_TEST_CASE(no_secret_appears_when_it_is_wrong) {
  for (const std::string& wrong :
       {needle, needle + "\n" + needle, "x://u:" + needle + "@h", needle + std::string(10'000, 'x'),
        needle + "\xff", "postgres://u:" + needle}) {
    for (const entry& e : entries()) {
      if (!e.is_secret()) continue;
      BOOST_TEST_CONTEXT(e.name()) {
        never_appears(load_environment({{e.own_variable(), wrong}}), needle);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(no_secret_appears_in_what_is_said_about_broken_files) {
  for (const std::string& line : std::vector<std::string>{
           "api_key = " + needle, "api_key = \"" + needle, "api_key \"" + needle + "\"",
           "api_key = '" + needle + "' " + needle, "api_key = \"\\" + needle + "\"",
           "api_key = 0x" + needle, "api_key = 99999999999999999999",
           "api_key = [ { a = \"" + needle + "\" } ]", "api_key = [\"" + needle + "\", 1]",
           "api_key = 1" + needle, "api_key = true" + needle}) {
    BOOST_TEST_CONTEXT(line) {
      const load_outcome o = load_toml("[plane]\n" + line + "\n");
      BOOST_TEST(!o.ok());
      never_appears(o, needle);
      never_appears(o, "99999999999999999999");
    }
  }
  const folder f;
  load_inputs in;
  in.env_file_path =
      f.write(".env", "PLANE_API_KEY '" + needle + "'\n" + needle + "\nADMIN_TOKEN=\"" + needle +
                          "\nPLANE_API_KEYY=" + needle + "\n");
  never_appears(load(in), needle);
}

BOOST_AUTO_TEST_CASE(a_password_in_a_url_that_has_no_place_for_it_is_not_repeated) {
  for (const char* name : {"PLANE_BASE_URL", "CALDAV_URL", "PLANEBRIDGE_SERVER_PUBLIC_URL"})
    for (const std::string& url : std::vector<std::string>{
             "https://u:" + needle + "@h/", "u:" + needle + "@h/", "https://h/?k=" + needle})
      never_appears(load_environment({{name, url}}), needle);
}

BOOST_AUTO_TEST_CASE(urls_with_passwords_show_everything_else) {
  BOOST_TEST(masked_url("postgres://role:pw@db:5432/x") == "postgres://role:****@db:5432/x");
  BOOST_TEST(masked_url("postgres://role:p@w?/@db/x") == "postgres://role:****@db/x");
  BOOST_TEST(masked_url("postgres://role@db/x?sslmode=require&password=p") ==
             "postgres://role@db/x?sslmode=****&password=****");
  BOOST_TEST(masked_url("http://token@proxy:3128") == "http://****@proxy:3128");
  BOOST_TEST(masked_url("http://proxy:3128") == "http://proxy:3128");
  BOOST_TEST(masked_url("sqlite:data/x.db") == "sqlite:data/x.db");
  BOOST_TEST(masked_url("postgres://db:5432/x") == "postgres://db:5432/x");
  BOOST_TEST(masked_url("postgres://[::1]:5432/x") == "postgres://[::1]:5432/x");
  BOOST_TEST(masked_url("postgres://role:pw/x") == "****");
  BOOST_TEST(masked_url("host=db password=p") == "****");
}

BOOST_AUTO_TEST_CASE(what_is_shown_says_value_origin_and_default) {
  const load_outcome o = load_toml("[server]\nport = 81\n", {{"ADMIN_TOKEN", needle}});
  const std::string text = show(o);
  BOOST_TEST_INFO(text);
  BOOST_TEST((text.find("server.port = 81 ") != std::string::npos));
  BOOST_TEST((text.find("planebridge.toml:2") != std::string::npos));
  BOOST_TEST((text.find("security.admin_token = \"****") != std::string::npos));
  BOOST_TEST((text.find("# environment ADMIN_TOKEN") != std::string::npos));

  const auto root = boost::json::parse(show_json(o)).as_object();
  const auto& list = root.at("entries").as_array();
  BOOST_TEST(list.size() == entries().size());
  for (const auto& row : list)
    if (row.at("key").as_string() == "server.port") {
      BOOST_TEST(row.at("value").as_int64() == 81);
      BOOST_TEST(row.at("default").as_int64() == 8080);
      BOOST_TEST(row.at("reloadable").as_bool() == false);
      BOOST_TEST(
          (row.at("origin").as_string().find("planebridge.toml:2") != boost::json::string::npos));
      BOOST_TEST(!row.at("description").as_string().empty());
    }
}
