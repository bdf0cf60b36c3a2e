#define BOOST_TEST_MODULE config_rules
#include "config/rules.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb::config;

BOOST_AUTO_TEST_CASE(http_urls_have_a_host_and_neither_user_nor_query) {
  for (const char* good : {"https://h", "http://h:80/", "https://a.b-c.example/x/y/",
                           "http://[::1]:5232/", "HTTPS://H", "http://127.0.0.1:1"})
    BOOST_TEST(!check_http_url(good).has_value(), good);
  for (const char* bad : {"",
                          "h",
                          "https://",
                          "https://:80",
                          "https://h:",
                          "https://h:65536",
                          "https://h:8x",
                          "https://h h",
                          "https://h/\x7f",
                          "https://[::1",
                          "https://[::g]",
                          "https://[::1]x",
                          "https://u@h",
                          "https://h?x",
                          "https://h#x",
                          "javascript:alert(1)",
                          "https://h\\@evil",
                          "https://日本",
                          "//h",
                          "file:///etc/passwd"})
    BOOST_TEST(check_http_url(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(loopback_is_recognized_in_all_its_forms_and_nothing_else_is) {
  for (const char* url : {"http://localhost/", "http://LOCALHOST:1", "http://127.9.9.9/",
                          "http://[::1]:2/", "http://dav.localhost"})
    BOOST_TEST(is_loopback_host(host_of(url)), url);
  for (const char* url :
       {"http://127.0.0.1.example.org", "http://localhost.example.org", "http://10.0.0.1",
        "http://[::2]", "http://128.0.0.1", "http://0x7f.1", "http://mylocalhost"})
    BOOST_TEST(!is_loopback_host(host_of(url)), url);
}

BOOST_AUTO_TEST_CASE(cron_entries_have_five_right_fields) {
  for (const char* good : {"* * * * *", "17 3 * * *", "*/5 0-6,22 1,15 jan-MAR mon-fri",
                           "0 0 * * 7", " 1  2\t3 4 5 ", "0-30/10 * * * sun"})
    BOOST_TEST(!check_cron(good).has_value(), good);
  for (const char* bad :
       {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
        "* * * * 8", "5/2 * * * *", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *",
        "1- * * * *", "-1 * * * *", "@daily", "* * * foo *", "+1 * * * *"})
    BOOST_TEST(check_cron(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(time_zones_are_those_of_the_tz_database) {
  for (const char* good :
       {"UTC", "Asia/Shanghai", "Europe/Berlin", "America/Argentina/Buenos_Aires"})
    BOOST_TEST(!check_time_zone(good).has_value(), good);
  for (const char* bad : {"", "Asia", "CST8", "../../etc/passwd", "Asia/Shanghai "})
    BOOST_TEST(check_time_zone(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(networks_are_addresses_with_or_without_a_prefix) {
  for (const char* good : {"10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8", "0.0.0.0/0"})
    BOOST_TEST(is_network(good, true), good);
  for (const char* bad :
       {"10.0.0.0/33", "10.0.0", "x", "", "/8", "10.0.0.0/", "10.0.0.0/8/8", "fd00::/129"})
    BOOST_TEST(!is_network(bad, true), bad);
  BOOST_TEST(!is_network("10.0.0.0/8", false));
}

BOOST_AUTO_TEST_CASE(database_urls_name_a_file_or_a_server) {
  settings s;
  const auto target = [&](const char* url) {
    s.store.database_url = pb::secret{url};
    return database_of(s);
  };
  BOOST_TEST(target("")->path == "planebridge.db");
  BOOST_TEST(target("sqlite:x.db")->path == "x.db");
  BOOST_TEST(target("sqlite:/var/x.db")->path == "/var/x.db");
  s.store.data_dir = "/var/lib/planebridge";
  BOOST_TEST(target("")->path == "/var/lib/planebridge/planebridge.db");
  BOOST_TEST(target("sqlite:sub/x.db")->path == "/var/lib/planebridge/sub/x.db");
  BOOST_TEST(target("sqlite:/var/x.db")->path == "/var/x.db");
  for (const char* url :
       {"postgres://h/db", "postgresql://u:p@h:5432/db", "postgresql:///db?host=/run/pg"}) {
    BOOST_TEST((target(url)->kind == database_target::engine::postgresql));
    BOOST_TEST(target(url)->url.reveal() == url);
  }
  for (const char* bad : {"sqlite:", "sqlite://x.db", "sqlite::memory:", "mysql://h", "x.db",
                          "postgres://", "host=h"})
    BOOST_TEST(!target(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(links_and_redirects_have_defaults_from_what_is_known) {
  settings s;
  BOOST_TEST(plane_app_url(s).empty());
  BOOST_TEST(plane_redirect_uri(s).empty());
  s.plane.base_url = "https://plane.example.org/";
  BOOST_TEST(plane_app_url(s) == "https://plane.example.org");
  s.plane.base_url = "https://api.plane.so";
  BOOST_TEST(plane_app_url(s) == "https://app.plane.so");
  s.plane.app_url = "https://pages.example.org//";
  BOOST_TEST(plane_app_url(s) == "https://pages.example.org");
  s.server.public_url = "https://bridge.example.org/";
  BOOST_TEST(plane_redirect_uri(s) == "https://bridge.example.org/plane/oauth/callback");
  BOOST_TEST(effective_scheduler_threads(s, 1) == 2u);
  s.concurrency.scheduler_threads = 5;
  BOOST_TEST(effective_scheduler_threads(s, 1) == 5u);
}

BOOST_AUTO_TEST_CASE(the_nearest_word_is_what_a_person_meant) {
  const std::vector<std::string> words{"port", "public_url", "header_timeout_ms",
                                       "idle_timeout_ms"};
  BOOST_TEST(nearest("prot", words).value() == "port");
  BOOST_TEST(nearest("PublicUrl", words).value() == "public_url");
  BOOST_TEST(nearest("public-url", words).value() == "public_url");
  BOOST_TEST(nearest("idle_timeout", words).value() == "idle_timeout_ms");
  BOOST_TEST(!nearest("colour", words).has_value());
  BOOST_TEST(!nearest("", words).has_value());
  BOOST_TEST(edit_distance("ab", "ba") == 1u);
  BOOST_TEST(edit_distance(std::string(1'000, 'a'), "") == 64u);
}

BOOST_AUTO_TEST_CASE(texts_from_outside_are_made_printable_and_short) {
  BOOST_TEST(printable("a\x1b[31m\n") == "a?[31m?");
  BOOST_TEST(printable("日本\xff") == "日本?");
  BOOST_TEST(printable(std::string(200, 'x'), 10) == "xxxxxxxxxx…");
  BOOST_TEST(valid_utf8("日本"));
  for (const char* bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\x80", "\xe6\x97"})
    BOOST_TEST(!valid_utf8(bad));
}
