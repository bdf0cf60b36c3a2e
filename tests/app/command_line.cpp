// The subcommands beside the daemon: exit statuses and words, for right use and for mistakes. 0:
// done, 1: what was asked failed, 2: the command line or the configuration is wrong.
#define BOOST_TEST_MODULE command_line
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using command_lines = std::vector<std::vector<std::string>>;

bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(wrong_words_on_the_command_line_are_status_2_with_a_hint) {
  const bridge b;
  for (const auto& words : command_lines{{},
                                         {"serv"},
                                         {"sync"},
                                         {"sync", "now", "--dryrun"},
                                         {"dead-letters"},
                                         {"dead-letters", "show"},
                                         {"config"}}) {
    const auto f = b.command_line(words);
    BOOST_TEST(f.code == 2, json::serialize(json::value_from(words)));
    BOOST_TEST(!f.err.empty());
  }
  const auto help = b.command_line({"--help"});
  BOOST_TEST(help.code == 0);
  for (const auto* word : {"serve", "migrate", "config", "dead-letters", "actors", "sync"})
    BOOST_TEST(has(help.out, word));
  BOOST_TEST(b.command_line({"--version"}).code == 0);
}

BOOST_AUTO_TEST_CASE(config_check_reports_all_mistakes_at_once_with_their_places) {
  bridge b;
  write_file(
      b.folder() / "planebridge.toml",
      "[server]\nport = 123456\n[concurrency]\nmax_attemts = 3\nbackoff_base_ms = \"soon\"\n");
  auto f = b.command_line({"config", "check"});
  BOOST_TEST(f.code == 2);
  BOOST_TEST(has(f.out, "planebridge.toml:2:"), f.out);
  BOOST_TEST(has(f.out, "planebridge.toml:4:"));
  BOOST_TEST(has(f.out, "max_attempts"));  // the suggestion
  BOOST_TEST(has(f.out, "planebridge.toml:5:"));
  BOOST_TEST(b.command_line({"serve"}).code == 2);

  write_file(b.folder() / "planebridge.toml", "[concurrency]\nmax_attempts = 3\n");
  f = b.command_line({"config", "check"});
  BOOST_TEST(f.code == 0, f.out);
  BOOST_TEST(has(f.out, "the configuration is right"));

  b.options = {"--config", "/nowhere/planebridge.toml"};
  BOOST_TEST(b.command_line({"config", "check"}).code == 2);
}

BOOST_AUTO_TEST_CASE(config_show_tells_values_and_where_they_come_from) {
  bridge b;
  write_file(b.folder() / "planebridge.toml", "[concurrency]\nmax_attempts = 3\n");
  auto f = b.command_line({"config", "show"});
  BOOST_TEST(f.code == 0, f.err);
  BOOST_TEST(has(f.out, "concurrency.max_attempts = 3"));
  BOOST_TEST(has(f.out, "planebridge.toml:2"));
  BOOST_TEST(has(f.out, "environment PORT"));
  f = b.command_line({"config", "show", "--json"});
  BOOST_TEST(f.code == 0);
  boost::system::error_code ec;
  const auto parsed = json::parse(f.out, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(at(parsed, "/entries").is_array());
}

BOOST_AUTO_TEST_CASE(config_init_writes_a_file_for_its_owner_only_and_never_over_another) {
  bridge b;
  auto f = b.command_line({"config", "init", "new.toml"});
  BOOST_TEST(f.code == 0, f.err);
  struct stat s {};
  BOOST_TEST(::stat((b.folder() / "new.toml").c_str(), &s) == 0);
  BOOST_TEST((s.st_mode & 077) == 0u);
  b.options = {"--config", "new.toml"};
  BOOST_TEST(b.command_line({"config", "check"}).code == 0);
  b.options.clear();
  write_file(b.folder() / "new.toml", "mine");
  f = b.command_line({"config", "init", "new.toml"});
  BOOST_TEST(f.code == 1);
  BOOST_TEST(has(f.err, "--force"));
  BOOST_TEST(file_text(b.folder() / "new.toml") == "mine");
  BOOST_TEST(b.command_line({"config", "init", "--force", "new.toml"}).code == 0);
  BOOST_TEST(b.command_line({"config", "init", "/nowhere/new.toml"}).code == 1);
}

BOOST_AUTO_TEST_CASE(the_example_env_file_of_the_repository_is_right) {
  bridge b;
  b.options = {"--env-file", PB_SOURCE_DIR "/.env.example"};
  const auto f = b.command_line({"config", "check"});
  BOOST_TEST(f.code == 0, f.out << f.err);
  b.options = {"--env-file", "/nowhere/.env"};
  BOOST_TEST(b.command_line({"config", "check"}).code == 2);
}

BOOST_AUTO_TEST_CASE(migrate_brings_the_database_to_this_version_and_its_status_tells) {
  const bridge b;
  auto f = b.command_line({"migrate", "--status"});
  BOOST_TEST(f.code == 0, f.err);
  BOOST_TEST(has(f.out, "pending"), f.out);
  f = b.command_line({"migrate"});
  BOOST_TEST(f.code == 0, f.err);
  BOOST_TEST(has(f.out, "applied"));
  f = b.command_line({"migrate", "--status"});
  BOOST_TEST(f.code == 0);
  BOOST_TEST(!has(f.out, "pending"), f.out);

  bridge elsewhere;
  elsewhere.environment["DATABASE_URL"] = "sqlite:/nowhere/at/all.db";
  f = elsewhere.command_line({"migrate"});
  BOOST_TEST(f.code == 1);
  BOOST_TEST(has(f.err, "/nowhere/at"), f.err);
}

BOOST_AUTO_TEST_CASE(commands_that_ask_the_daemon_say_what_is_wrong_when_they_cannot) {
  bridge b;
  b.start();
  const command_lines commands = {
      {"actors"}, {"dead-letters", "list"}, {"dead-letters", "export"}, {"sync", "now"}};
  for (const auto& words : commands) {
    auto running = b.command_line(words);
    BOOST_TEST(running.code == 0, running.err);
    auto wrong = b.environment;
    std::swap(wrong, b.environment);
    b.environment["ADMIN_TOKEN"] = "another";
    auto f = b.command_line(words);
    BOOST_TEST(f.code == 1);
    BOOST_TEST(has(f.err, "set ADMIN_TOKEN to the daemon's"), f.err);
    b.environment.erase("ADMIN_TOKEN");
    f = b.command_line(words);
    BOOST_TEST(f.code == 1);
    BOOST_TEST(has(f.err, "ADMIN_TOKEN"), f.err);
    b.environment = {{"ADMIN_TOKEN", admin_token}};
    auto away = words;
    away.insert(away.end(), {"--url", "http://127.0.0.1:1"});
    f = b.command_line(away);
    BOOST_TEST(f.code == 1);
    BOOST_TEST(has(f.err, "is the daemon running at http://127.0.0.1:1?"), f.err);
    away.back() = "nonsense";
    f = b.command_line(away);
    BOOST_TEST(f.code != 0);
    BOOST_TEST(!f.err.empty());
    b.environment = wrong;
    b.environment["PORT"] = std::to_string(b.port());
    b.environment["ADMIN_TOKEN"] = admin_token;
  }
  BOOST_TEST(b.command_line({"dead-letters", "show", "d99"}).code == 1);
  BOOST_TEST(b.command_line({"dead-letters", "retry", "e99"}).code == 1);
  BOOST_TEST(b.command_line({"dead-letters", "skip", "nonsense"}).code == 1);
}

BOOST_AUTO_TEST_CASE(a_daemon_without_an_admin_token_says_which_entry_is_missing) {
  bridge b;
  b.environment.erase("ADMIN_TOKEN");
  b.start();
  const auto f = b.command_line({"actors"});
  BOOST_TEST(f.code == 1);
  BOOST_TEST(has(f.err, "ADMIN_TOKEN"), f.err);
  BOOST_TEST(b.command_line({"healthcheck"}).code == 0);
}

BOOST_AUTO_TEST_CASE(healthcheck_is_0_only_while_the_daemon_is_ready) {
  bridge b;
  b.start();
  BOOST_TEST(b.command_line({"healthcheck"}).code == 0);
  BOOST_TEST(b.stop() == 0);
  const auto f = b.command_line({"healthcheck"});
  BOOST_TEST(f.code == 1);
  BOOST_TEST(has(f.err, "is the daemon running"), f.err);
}

BOOST_AUTO_TEST_CASE(actors_shows_what_lives_and_filters_it) {
  plane_side plane;
  bridge b;
  plane.configure(b);
  b.start();
  plane.announce_to(b);
  plane.create("one", "2027-01-01");
  finished f;
  BOOST_TEST(eventually(20s,
                        [&] {
                          f = b.command_line({"actors", "--kind", "issue"});
                          return has(f.out, "plane:issue:");
                        }),
             f.out << f.err);
  BOOST_TEST(!has(f.out, "connector"));
  BOOST_TEST(has(b.command_line({"actors"}).out, "dispatcher"));
}

BOOST_AUTO_TEST_CASE(a_sync_of_an_unknown_project_fails_with_its_reason) {
  plane_side plane;
  bridge b;
  plane.configure(b);
  b.start();
  plane.create("one", "2027-01-01");
  BOOST_TEST(b.command_line({"sync", "now"}).code == 0);
  auto f = b.command_line({"sync", "now", "--project", "REL", "--dry-run"});
  BOOST_TEST(f.code == 0, f.out << f.err);
  BOOST_TEST(has(f.out, "would be mended"));
  f = b.command_line({"sync", "now", "--project", "NOPE"});
  BOOST_TEST(f.code == 1, f.out << f.err);
  BOOST_TEST(has(f.err, "NOPE"), f.out << f.err);
}
