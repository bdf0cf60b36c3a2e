#include "persistence/daemon_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "persistence/tables.hpp"

namespace pb::persistence {
namespace {

constexpr std::int64_t daemon_lock = 0x706c616e65627267;

std::string host_and_pid() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) std::strcpy(host.data(), "unknown");
  return std::string{host.data()}.substr(0, 30) + ":" + std::to_string(::getpid());
}

/// What the holder wrote into its lock file. It writes right after it locks: a moment's patience
/// for one that has just begun.
std::string name_in(int fd) {
  std::string name;
  for (int tries = 0; tries < 100; ++tries) {
    std::array<char, 128> who{};
    const ssize_t n = ::pread(fd, who.data(), who.size() - 1, 0);
    name.assign(who.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    if (name.ends_with('\n')) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name.empty() ? "a process that left no name" : name;
}

failure held_by(const std::string& who, const std::string& what) {
  return {errc::conflict, "store.lock",
          "another planebridge uses this database: " + who + " holds " + what,
          "stop that one first; one daemon per database"};
}

}  // namespace

result<std::unique_ptr<file_lock>> file_lock::acquire(const std::string& database_path) {
  const std::string path = database_path + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return failure{errc::storage, "store.lock", "cannot open " + path + ": " + std::strerror(errno),
                   "check that the folder exists and that this user may write there"};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    auto who = name_in(fd);
    ::close(fd);
    return held_by(who, path);
  }
  const std::string name = host_and_pid() + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, name.data(), name.size(), 0) < 0) {
    const std::string why = std::strerror(errno);
    ::close(fd);
    return failure{errc::storage, "store.lock", "cannot write " + path + ": " + why};
  }
  return std::unique_ptr<file_lock>{new file_lock{fd}};
}

// The file stays: removing it would let a second process lock a file that a third one no longer
// sees.
file_lock::~file_lock() { ::close(fd_); }

std::string holder_name(const std::string& instance) {
  return ("planebridge " + instance.substr(0, 8) + " " + host_and_pid()).substr(0, 63);
}

result<void> acquire_database(connection& c, const std::string& holder,
                              std::chrono::milliseconds patience) {
  if (c.kind() == dialect::sqlite) return {};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const std::array key{value::of(daemon_lock)};
  while (true) {
    auto got = c.query("SELECT pg_try_advisory_lock($1)", key);
    if (!got) return got.error();
    if (got->front().front().number != 0) break;
    auto sessions = c.query(
        "SELECT a.application_name, a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND ((l.classid::bigint << 32) | l.objid::bigint) = $1",
        key);
    if (!sessions) return sessions.error();
    std::string who;
    if (!sessions->empty()) {
      result_row& r = sessions->front();
      who = r[0].data;
      if (who == holder) {
        // Ours, from before the connection was lost: the server has not noticed yet.
        const std::array pid{value::of(r[1].number)};
        if (auto ended = c.query("SELECT pg_terminate_backend($1::int)", pid); !ended)
          return ended.error();
      }
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      if (who.empty()) {  // a role that may not see the other's session
        const std::array name{value::text("holder")};
        if (auto row_left = c.query("SELECT value FROM store_facts WHERE name = $1", name);
            row_left && !row_left->empty())
          who = row_left->front().front().data;
      }
      return held_by(who.empty() ? "an unknown session" : who, "its advisory lock");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return tables::put_fact(c, "holder", holder);
}

}  // namespace pb::persistence
