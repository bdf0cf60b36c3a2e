// Stands between the daemon and a calendar server, passes everything on, and writes down what was
// written: the witness of "nothing doubled, nobody else's event touched". What the daemon had sent
// when it was killed still reaches the server, as on a real network.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/app/process.hpp"
#include "tests/load/loopback_server.hpp"

namespace pb::app::testing {

class dav_relay {
public:
  explicit dav_relay(std::string server_url);

  [[nodiscard]] std::string url() const { return front_.url(); }
  /// The daemon's CALDAV_URL from now on.
  void configure(variables& environment) const { environment["CALDAV_URL"] = url() + "/"; }

  struct seen {
    std::uint64_t requests = 0, puts = 0, deletes = 0, calendars_made = 0, refused = 0;
  };
  [[nodiscard]] seen figures() const;
  /// Writes that repeated the one before on the same object, and objects other than ours that were
  /// written to; each in words. Stamps and revision numbers do not count as content.
  [[nodiscard]] std::vector<std::string> wrong() const;

  /// One of this many writes and reads (0: none) is answered 503, reset, or late.
  std::atomic<unsigned> one_in_fails{0};

private:
  answer pass(const asked& a);
  void note(const asked& a, int status);
  std::string server_;
  mutable std::mutex lock_;
  seen seen_;
  std::map<std::string, std::size_t> last_;  ///< hash of each object's last content; by path
  std::vector<std::string> wrong_;
  std::atomic<std::uint64_t> draws_{0};
  loopback_server front_;  ///< last: it calls the rest
};

}  // namespace pb::app::testing
