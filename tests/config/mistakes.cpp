#define BOOST_TEST_MODULE config_mistakes
#include <boost/test/unit_test.hpp>

#include "workspace.hpp"

using namespace pb::config;
using namespace pb::config::testing;

namespace {

struct toml_row {
  const char* text;
  std::size_t line, column;
  const char* key;
  const char* message;     ///< part of it
  const char* suggestion;  ///< part of it
};

// Each text has exactly one mistake.
const toml_row toml_rows[] = {
    {"[server]\nprot = 80\n", 2, 1, "server.prot", "unknown key", "did you mean \"port\"?"},
    {"[server]\nheader_timeout = 5\n", 2, 1, "server.header_timeout", "unknown key",
     "did you mean \"header_timeout_ms\"?"},
    {"[servr]\nport = 80\n", 1, 2, "servr", "unknown section", "did you mean [server]?"},
    {"[weather]\nx = 80\n", 1, 2, "weather", "unknown section", "sections: general, server"},
    {"port = 80\n", 1, 1, "port", "outside of any section", "did you mean \"port\" in [server]?"},
    {"server = 80\n", 1, 1, "server", "is a section", "[server]"},
    {"[store]\nport = 80\n", 2, 1, "store.port", "unknown key", "it belongs to [server]"},
    {"[log]\nqqqqqqqq = 80\n", 2, 1, "log.qqqqqqqq", "unknown key", "keys of [log]: level format"},
    {"[plane.projects]\ninclude = [\"WEB\"]\n", 1, 8, "plane.projects", "unknown key",
     "did you mean \"projects_include\"?"},
    {"[server]\nport = \"80\"\n", 2, 8, "server.port", "a number is expected, not a text",
     "write 80 without quotes"},
    {"[server]\nport = 70000\n", 2, 8, "server.port", "out of range (0 to 65535)", "write 65535"},
    {"[server]\nport = -1\n", 2, 8, "server.port", "out of range", "write 0"},
    {"[server]\nport = 80.5\n", 2, 8, "server.port", "a whole number", "write 81"},
    {"[server]\nport = nan\n", 2, 8, "server.port", "a whole number", ""},
    {"[server]\nport = true\n", 2, 8, "server.port", "a number is expected, not true or false", ""},
    {"[server]\nport = [80]\n", 2, 8, "server.port", "a number is expected", ""},
    {"[server]\nport = { a = 1 }\n", 2, 8, "server.port", "not a table", ""},
    {"[server]\nport = 2026-01-01\n", 2, 8, "server.port", "not a date", ""},
    {"[server]\n  header_timeout_ms = \"10s\"\n", 2, 23, "server.header_timeout_ms",
     "a number without a unit", "write 10000"},
    {"[plane]\nbody_limit_bytes = \"1MiB\"\n", 2, 20, "plane.body_limit_bytes",
     "a number without a unit", "write 1048576"},
    {"[plane]\nsilence_minutes = \"1h\"\n", 2, 19, "plane.silence_minutes",
     "a number without a unit", "write 60"},
    {"[server]\naccess_log = \"yes\"\n", 2, 14, "server.access_log", "true or false",
     "write true without quotes"},
    {"[server]\naccess_log = 1\n", 2, 14, "server.access_log", "true or false", ""},
    {"[log]\nlevel = \"inof\"\n", 2, 9, "log.level", "is not one of debug, info, warn, error",
     "did you mean \"info\"?"},
    {"[calendar]\nspan = \"start_to_target\"\n", 2, 8, "calendar.span", "is not one of",
     "did you mean \"start-to-target\"?"},
    {"[plane]\nmode = 7\n", 2, 8, "plane.mode", "a text is expected", "double quotes"},
    {"[general]\ntimezone = \"Asia/Shanghia\"\n", 2, 12, "general.timezone", "tz database",
     "did you mean \"Asia/Shanghai\"?"},
    {"[general]\ntimezone = \"shanghai\"\n", 2, 12, "general.timezone", "tz database",
     "did you mean \"Asia/Shanghai\"?"},
    {"[general]\ntimezone = \"\"\n", 2, 12, "general.timezone", "tz database", "Asia/Shanghai"},
    {"[server]\naddress = \"all\"\n", 2, 11, "server.address", "not an IP address", "0.0.0.0"},
    {"[server]\ntrusted_proxies = [\"10.0.0.0/33\"]\n", 2, 19, "server.trusted_proxies",
     "neither an address nor a network", "10.0.0.0/8"},
    {"[server]\ntrusted_proxies = [10]\n", 2, 19, "server.trusted_proxies", "a list of texts", ""},
    {"[server]\npublic_url = \"bridge.example.org\"\n", 2, 14, "server.public_url",
     "does not begin with", "write https://bridge.example.org"},
    {"[plane]\nbase_url = \"ftp://plane.example.org\"\n", 2, 12, "plane.base_url",
     "does not begin with http:// or https://", ""},
    {"[plane]\nbase_url = \"https://me:pass@plane.example.org\"\n", 2, 12, "plane.base_url",
     "a user or a password", "entries for user and password"},
    {"[plane]\nbase_url = \"https://plane.example.org:0\"\n", 2, 12, "plane.base_url",
     "port is not a number", ""},
    {"[plane]\nbase_url = \"https://plane.example.org/?a=1\"\n", 2, 12, "plane.base_url",
     "a query or a fragment", ""},
    {"[plane]\nbase_url = \"https:///x\"\n", 2, 12, "plane.base_url", "names no host", ""},
    {"[plane]\nbase_url = \"https://plane.example.org/api/v1/\"\nworkspace_slug = \"a\"\n", 2, 12,
     "plane.base_url", "the API's path", "without /api/v1"},
    {"[plane]\nworkspace_slug = \"https://app.plane.so/my-team\"\n", 2, 18, "plane.workspace_slug",
     "not a workspace slug", "my-team"},
    {"[plane]\nprojects_include = [\"A\"]\nprojects_exclude = [\"A\"]\n", 3, 20,
     "plane.projects_exclude", "both included and excluded", "remove it"},
    {"[plane]\nbody_limit_bytes = 134217728\n", 2, 20, "plane.body_limit_bytes",
     "larger than plane.stream_limit_bytes", "67108864"},
    {"[calendar]\nurl = \"http://dav.example.org/\"\n", 2, 7, "calendar.url",
     "the password would travel over plain http", "calendar.allow_insecure = true"},
    {"[calendar]\nname_template = \"tasks\"\n", 2, 17, "calendar.name_template", "the same name",
     "{project}"},
    {"[security]\nencryption_key = \"c2hvcnQ=\"\n", 2, 18, "security.encryption_key",
     "base64 of 5 bytes, not of 32", "openssl rand -base64 32"},
    {"[security]\nencryption_key = \"%%%\"\n", 2, 18, "security.encryption_key", "not base64",
     "openssl rand -base64 32"},
    {"[store]\ndatabase_url = \"mysql://h/db\"\n", 2, 16, "store.database_url", "not a form",
     "sqlite:path/to/file.db"},
    {"[scheduler]\nretention_cron = \"17 3 * *\"\n", 2, 18, "scheduler.retention_cron",
     "five fields, this one has 4", "17 3 * * *"},
    {"[scheduler]\nretention_cron = \"17 25 * * *\"\n", 2, 18, "scheduler.retention_cron",
     "\"25\" is not a hour field", ""},
    {"[server]\ntls_key_file = \"/k.pem\"\n", 2, 16, "server.tls_key_file", "belong together",
     "tls_certificate_file"},
    {"[concurrency]\nbackoff_base_ms = 900000\n", 2, 19, "concurrency.backoff_base_ms",
     "larger than concurrency.backoff_cap_ms", "600000"},
    {"[concurrency]\nhttp_threads = 0\n", 2, 16, "concurrency.http_threads", "out of range",
     "write 1"},
    {"[http]\nhttps_proxy = \"proxy:3128\"\n", 2, 15, "http.https_proxy", "not an http://",
     "http://host:port"},
    {"[plane]\nusername = 1\nbase_url = \"\"\n", 2, 1, "plane.username", "unknown key",
     "it belongs to [calendar]"},
    {"[plane]\napi_key = \"a\\nb\"\n", 2, 11, "plane.api_key", "a line break", ""},
    {"[log]\nlevel = info\n", 2, 12, "level", "not valid TOML", "double quotes"},
    {"[log]\nlevel =\n", 2, 8, "level", "not valid TOML", "write a value"},
    {"[log\nlevel = \"info\"\n", 1, 5, "", "not valid TOML", "as [name]"},
    {"[log]\nlevel = \"info\"\n[log]\nformat = \"json\"\n", 3, 1, "",
     "redefine existing table 'log'", "each section stands once"},
    {"[log]\nlevel = \"info\"\nlevel = \"warn\"\n", 3, 9, "level", "redefine", ""},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_mistake_of_a_file_has_its_place_its_reason_and_a_way_out) {
  for (const toml_row& row : toml_rows) {
    BOOST_TEST_CONTEXT(row.text) {
      const load_outcome o = load_toml(row.text);
      BOOST_TEST_INFO(all_of(o.mistakes));
      BOOST_TEST_REQUIRE(o.mistakes.size() == 1u);
      const mistake& m = o.mistakes.front();
      BOOST_TEST(m.file.ends_with("planebridge.toml"));
      BOOST_TEST(m.line == row.line);
      BOOST_TEST(m.column == row.column);
      BOOST_TEST(m.key == row.key);
      BOOST_TEST_INFO(m.message);
      BOOST_TEST((m.message.find(row.message) != std::string::npos));
      BOOST_TEST_INFO(m.suggestion);
      BOOST_TEST((m.suggestion.find(row.suggestion) != std::string::npos));
      BOOST_TEST(!o.ok());
    }
  }
}

namespace {

struct variable_row {
  std::map<std::string, std::string> environment;
  const char* key;
  const char* message;
  const char* suggestion;
};

const variable_row variable_rows[] = {
    {{{"PORT", "eighty"}}, "PORT", "not a whole number", ""},
    {{{"PORT", "99999999999999999999"}}, "PORT", "out of range", ""},
    {{{"PORT", "65536"}}, "PORT", "out of range", "write 65535"},
    {{{"PLANEBRIDGE_SERVER_PROT", "80"}},
     "PLANEBRIDGE_SERVER_PROT",
     "no entry has this variable",
     "did you mean PLANEBRIDGE_SERVER_PORT?"},
    {{{"PLANEBRIDGE_SERVER_HEADER_TIMEOUT", "80"}},
     "PLANEBRIDGE_SERVER_HEADER_TIMEOUT",
     "no entry",
     "PLANEBRIDGE_SERVER_HEADER_TIMEOUT_MS"},
    {{{"PLANEBRIDGE_SERVER_IDLE_TIMEOUT_MS", "75s"}},
     "PLANEBRIDGE_SERVER_IDLE_TIMEOUT_MS",
     "without a unit",
     "write 75000"},
    {{{"PLANEBRIDGE_SERVER_ACCESS_LOG", "maybe"}},
     "PLANEBRIDGE_SERVER_ACCESS_LOG",
     "neither true nor false",
     ""},
    {{{"TIMEZONE", "Mars/Base"}}, "TIMEZONE", "tz database", ""},
    {{{"CALDAV_URL", "http://dav.example.org"}}, "CALDAV_URL", "plain http", "allow_insecure"},
    {{{"ENCRYPTION_KEY", "short"}}, "ENCRYPTION_KEY", "not base64", "openssl rand -base64 32"},
    {{{"ENCRYPTION_KEY_PREVIOUS", good_key + ",AAAA"}}, "ENCRYPTION_KEY_PREVIOUS", "3 bytes", ""},
    {{{"DATABASE_URL", "sqlite:"}}, "DATABASE_URL", "names no file", "sqlite:path"},
    {{{"DATABASE_URL", "sqlite:///tmp/a.db"}}, "DATABASE_URL", "takes a path", "sqlite:/absolute"},
    {{{"DATABASE_URL", "postgres://role:word/db"}}, "DATABASE_URL", "port is not a number", "@"},
    {{{"DATABASE_URL", "sqlite::memory:"}}, "DATABASE_URL", "keeps nothing", "name a file"},
    {{{"ADMIN_TOKEN", "aaaaaaaaaaaaaaaaaaaa"}, {"ADMIN_TOKEN_FILE", "/nowhere"}},
     "ADMIN_TOKEN_FILE",
     "both set",
     "set one of them"},
    {{{"ADMIN_TOKEN_FILE", "/nowhere/at/all"}}, "ADMIN_TOKEN_FILE", "cannot be read", ""},
    {{{"ADMIN_TOKEN_FILE", "/tmp"}}, "ADMIN_TOKEN_FILE", "a folder", ""},
    {{{"CALENDAR_FEED_TOKEN", "has/a/slash/in/the/middle"}},
     "CALENDAR_FEED_TOKEN",
     "part of a URL",
     "letters, digits"},
    {{{"CALDAV_USERNAME", "a:b"}, {"CALDAV_PASSWORD", "x"}},
     "CALDAV_USERNAME",
     "cannot log in",
     ""},
    {{{"PLANE_WORKSPACE_SLUG", "\xff\xfe"}}, "PLANE_WORKSPACE_SLUG", "UTF-8", ""},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_mistake_of_a_variable_names_it) {
  for (const variable_row& row : variable_rows) {
    BOOST_TEST_CONTEXT(row.key << " " << row.message) {
      const load_outcome o = load_environment(row.environment);
      BOOST_TEST_INFO(all_of(o.mistakes));
      const bool two = o.mistakes.size() == 2 && row.environment.contains("ADMIN_TOKEN");
      BOOST_TEST_REQUIRE((o.mistakes.size() == 1u || two));
      const mistake& m = o.mistakes.front();
      BOOST_TEST(m.file == "environment");
      BOOST_TEST(m.line == 0u);
      BOOST_TEST(m.key == row.key);
      BOOST_TEST((m.message.find(row.message) != std::string::npos));
      BOOST_TEST_INFO(m.suggestion);
      BOOST_TEST((m.suggestion.find(row.suggestion) != std::string::npos));
    }
  }
}

BOOST_AUTO_TEST_CASE(all_mistakes_of_all_sources_come_together_and_in_order) {
  const folder f;
  load_inputs in;
  in.toml_path =
      f.write("planebridge.toml",
              "[server]\nport = 70000\nprot = 1\naddress = nowhere\n[log]\nlevel = \"loud\"\n");
  in.env_file_path = f.write(".env", "TIMEZONE=Nowhere\nno value here\n");
  in.environment = {{"PLANEBRIDGE_LOG_FORMAT", "xml"}};
  const load_outcome o = load(in);
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST_REQUIRE(o.mistakes.size() == 7u);
  BOOST_TEST(o.mistakes[0].line == 2u);
  BOOST_TEST(o.mistakes[1].line == 3u);
  BOOST_TEST(o.mistakes[2].line == 4u);
  BOOST_TEST(o.mistakes[3].line == 6u);
  BOOST_TEST(o.mistakes[4].file.ends_with(".env"));
  BOOST_TEST(o.mistakes[4].line == 2u);
  BOOST_TEST(o.mistakes[5].key == "TIMEZONE");
  BOOST_TEST(o.mistakes[5].line == 1u);
  BOOST_TEST(o.mistakes[6].key == "PLANEBRIDGE_LOG_FORMAT");
}

BOOST_AUTO_TEST_CASE(several_syntax_errors_are_found_in_one_go) {
  const load_outcome o =
      load_toml("[server]\nport = eighty\n[log]\nlevel = info\nformat = \"json\n");
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST_REQUIRE(o.mistakes.size() == 3u);
  BOOST_TEST(o.mistakes[0].line == 2u);
  BOOST_TEST(o.mistakes[1].line == 4u);
  BOOST_TEST(o.mistakes[2].line == 5u);
}

BOOST_AUTO_TEST_CASE(a_wrong_entry_keeps_its_default) {
  const load_outcome o = load_toml("[server]\nport = 70000\nmax_connections = 7\n");
  BOOST_TEST(o.values.server.port == 8080u);
  BOOST_TEST(o.values.server.max_connections == 7u);
}

BOOST_AUTO_TEST_CASE(a_given_file_that_is_missing_or_too_large_is_a_mistake) {
  const folder f;
  load_inputs in;
  in.toml_path = f.path("absent.toml");
  BOOST_TEST(mentions(load(in).mistakes, "No such file"));
  in.toml_path = f.write("large.toml", std::string(2 * 1024 * 1024, '#'));
  BOOST_TEST(mentions(load(in).mistakes, "larger than"));
}

BOOST_AUTO_TEST_CASE(hostile_text_ends_in_mistakes_and_not_in_trouble) {
  std::string deep = "[server]\nport = ";
  deep.append(100'000, '[');
  const std::string texts[] = {deep,
                               std::string(50'000, '='),
                               std::string(1'000, '\0'),
                               "\xff\xfe\x00",
                               "[server]\nport = \"" + std::string(100'000, 'x') + "\"\n",
                               "[\"\\u0000\"]\n\"\\u001b[31m\" = 1\n"};
  for (const std::string& text : texts) {
    const load_outcome o = load_toml(text);
    BOOST_TEST(!o.ok());
    BOOST_TEST(o.mistakes.size() <= 30u);
    for (const mistake& m : o.mistakes) {
      BOOST_TEST(describe(m).size() < 1'500u);
      BOOST_TEST(describe(m).find('\x1b') == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(doubtful_settings_are_warnings_and_do_not_stop_the_start) {
  const auto o = load_environment({{"PLANE_API_KEY", "k"}, {"ADMIN_TOKEN", "short"}});
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST(o.ok());
  BOOST_TEST(mentions(o.warnings, "plane.base_url is missing"));
  BOOST_TEST(mentions(o.warnings, "fewer than 16 characters"));
  BOOST_TEST(
      mentions(load_environment({{"PLANE_APIKEY", "k"}}).warnings, "did you mean PLANE_API_KEY?"));
  BOOST_TEST(mentions(load_environment({{"CALDAV_URL_FILE", "k"}}).warnings, "only secrets"));
}

BOOST_AUTO_TEST_CASE(names_of_integrations_to_come_are_accepted_and_named_as_unused) {
  const auto o = load_environment({{"REDIS_URL", "redis://h"}, {"CNB_APP_TOKEN", ""}});
  BOOST_TEST(o.ok());
  BOOST_TEST(o.notes.size() == 1u);
  BOOST_TEST(mentions(o.notes, "REDIS_URL: accepted, unused by this version"));
}

BOOST_AUTO_TEST_CASE(variables_that_kubernetes_or_the_command_line_owns_are_no_mistakes) {
  const auto o = load_environment({{"PLANEBRIDGE_SERVICE_HOST", "10.0.0.1"},
                                   {"PLANEBRIDGE_SERVICE_PORT_HTTP", "80"},
                                   {"PLANEBRIDGE_PORT", "tcp://10.0.0.1:80"},
                                   {"PLANEBRIDGE_PORT_8080_TCP_ADDR", "10.0.0.1"},
                                   {"PLANEBRIDGE_CONFIG", "x"}});
  BOOST_TEST_INFO(all_of(o.mistakes));
  BOOST_TEST(o.ok());
}
