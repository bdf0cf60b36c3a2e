// The daemon as a user runs it: the real binary as a child process on loopback, configured by
// environment alone, asked over HTTP and by its command line.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/run.hpp"
#include "tests/app/asking.hpp"
#include "tests/app/process.hpp"

namespace pb::app::testing {

inline const std::string api_key = "plane_api_4f6e1c0b2d3a49c5";
inline const std::string webhook_secret = "plane_wh_7a1e93d0c4b5f268";
inline const std::string admin_token = "admin-5c2b9d17f3e64a80";

class bridge {
public:
  bridge();
  variables environment;             ///< of the next process; SQLite in the scratch folder, port 0
  std::vector<std::string> options;  ///< before the subcommand: --config …

  /// Serves, and waits until it answers. Later starts take the port of the first.
  void start();
  /// The same, but does not wait: for starts that are to fail.
  void launch();
  /// SIGTERM; the exit status.
  int stop(milliseconds deadline = milliseconds{30'000});
  void kill();
  [[nodiscard]] child_process& process() { return *process_; }
  [[nodiscard]] std::string log() const { return file_text(folder_ / "log"); }
  /// Waits until the log has this, after `from` characters of it.
  bool logs(const std::string& text, std::size_t from = 0,
            milliseconds deadline = milliseconds{20'000}) const;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] const scratch_folder& folder() const noexcept { return folder_; }

  /// With the admin token.
  [[nodiscard]] answer get(const std::string& path) const;
  [[nodiscard]] answer post(const std::string& path, const std::string& json = "{}") const;
  [[nodiscard]] boost::json::value json(const std::string& path) const { return get(path).json(); }
  /// A webhook as Plane sends it, signed with `secret`.
  [[nodiscard]] answer webhook(const std::string& body, const std::string& event,
                               const std::string& secret = webhook_secret) const;
  /// A value of /debug/config.
  [[nodiscard]] std::string configured(const std::string& entry) const;
  /// The command line, beside the running daemon and with its environment.
  [[nodiscard]] finished command_line(std::vector<std::string> words) const;

private:
  [[nodiscard]] command command_of(const std::vector<std::string>& words) const;
  scratch_folder folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<child_process> process_;
};

/// The sandbox's Plane on a socket, with one project.
class plane_side {
public:
  plane_side();
  [[nodiscard]] sandbox::sandbox_server& server() { return *server_; }
  [[nodiscard]] std::string url() const { return server_->url(); }
  [[nodiscard]] const std::string& project() const noexcept { return project_; }
  /// Webhooks go to this daemon from now on.
  void announce_to(const bridge& b);
  /// The environment that lets a daemon read it.
  void configure(bridge& b) const;

  std::string create(const std::string& name, const std::string& target_date,
                     boost::json::object more = {});
  void change(const std::string& id, const boost::json::object& what);
  void remove(const std::string& id);
  [[nodiscard]] std::string state_id(const std::string& group) const;
  [[nodiscard]] boost::json::value call(const std::string& method, const std::string& path,
                                        const boost::json::value& body = nullptr) const;

private:
  std::unique_ptr<sandbox::sandbox_server> server_;
  std::string project_;
};

/// HMAC-SHA256 in hex, as X-Plane-Signature carries it.
std::string signature_of(const std::string& body, const std::string& secret);

}  // namespace pb::app::testing
