#include "tests/outage/cluster.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "persistence/connection.hpp"

namespace pb::outage {
namespace fs = std::filesystem;
namespace {

const std::string programs = "/usr/lib/postgresql/15/bin/";

std::string run_script(std::vector<std::string> words) {
  app::testing::command c;
  c.words = std::move(words);
  c.environment = {{"LC_ALL", "C.UTF-8"}, {"HOME", "/tmp"}};
  c.folder = "/";
  const auto done = app::testing::run(c, std::chrono::milliseconds{120'000});
  if (done.code != 0) throw std::runtime_error(c.words.at(0) + ": " + done.out + done.err);
  return done.out;
}

std::string pg_cluster(std::vector<std::string> words) {
  words.insert(words.begin(), PB_SOURCE_DIR "/scripts/pg_cluster");
  return run_script(std::move(words));
}

/// As the user of the servers: PostgreSQL refuses to run as root.
void as_server_user(std::vector<std::string> words) {
  words.at(0) = programs + words.at(0);
  if (::getuid() == 0) words.insert(words.begin(), {"/sbin/runuser", "-u", "postgres", "--"});
  run_script(std::move(words));
}

std::string new_folder() {
  std::string form = (fs::temp_directory_path() / "planebridge-pg.XXXXXX").string();
  if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no scratch folder");
  fs::permissions(form, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  return form;
}

std::uint16_t port_in(const std::string& url) {
  return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

}  // namespace

bool postgres_installed() {
  if (fs::exists(programs + "initdb")) return true;
  std::cerr << "SKIPPED: PostgreSQL's server (package postgresql-15) is not installed.\n";
  return false;
}

cluster::cluster(const std::string& folder) : folder_(folder.empty() ? new_folder() : folder) {
  port_ = port_in(pg_cluster({"start", folder_}));
}

cluster::cluster(cluster&& other) noexcept
    : folder_(std::exchange(other.folder_, {})),
      port_(other.port_),
      frozen_(std::exchange(other.frozen_, {})) {}

cluster::~cluster() {
  if (folder_.empty()) return;
  thaw();
  try {
    pg_cluster({"stop", folder_});
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
  }
}

cluster cluster::standby_of(cluster& primary) {
  // A second server, replaced by a copy of the first one: its port stays.
  cluster c;
  c.halt("fast");
  fs::remove_all(c.folder_ + "/data");
  as_server_user({"pg_basebackup", "-h", "127.0.0.1", "-p", std::to_string(primary.port()), "-U",
                  "postgres", "-D", c.folder_ + "/data", "-R", "-c", "fast"});
  std::ofstream{c.folder_ + "/data/postgresql.conf", std::ios::app} << "port = " << c.port_ << "\n";
  c.resume();
  primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
  primary.run("SELECT pg_reload_conf()");
  return c;
}

void cluster::halt(const std::string& how) { pg_cluster({"halt", folder_, how}); }
void cluster::resume() { pg_cluster({"resume", folder_}); }
void cluster::promote() { as_server_user({"pg_ctl", "-D", folder_ + "/data", "-w", "promote"}); }

std::vector<pid_t> cluster::processes() const {
  std::vector<pid_t> out;
  pid_t main = 0;
  std::ifstream{folder_ + "/data/postmaster.pid"} >> main;
  if (main == 0) return out;
  out.push_back(main);
  const auto id = std::to_string(main);
  std::ifstream children{"/proc/" + id + "/task/" + id + "/children"};
  for (pid_t child = 0; children >> child;) out.push_back(child);
  return out;
}

void cluster::freeze() {
  // The parent first, so that no further child appears.
  const auto main = processes();
  if (main.empty()) throw std::runtime_error("no server to freeze");
  ::kill(main.front(), SIGSTOP);
  frozen_ = processes();
  for (const auto p : frozen_) ::kill(p, SIGSTOP);
}
void cluster::thaw() {
  for (const auto p : frozen_) ::kill(p, SIGCONT);
  frozen_.clear();
}

void cluster::run(const std::string& sql) const { (void)rows(sql); }

std::vector<std::string> cluster::rows(const std::string& sql) const {
  persistence::postgres_options o;
  o.url = secret{url()};
  auto c = persistence::connect_postgres(o);
  if (!c) throw std::runtime_error(describe(c.error()));
  auto rows = (*c)->query(sql, {});
  if (!rows) throw std::runtime_error(describe(rows.error()));
  std::vector<std::string> out;
  for (const auto& r : *rows) out.push_back(r.at(0).data);
  return out;
}

}  // namespace pb::outage
