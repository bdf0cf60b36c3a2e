// sandbox/run: the sandbox as a server on loopback: `planebridge sandbox`, and end-to-end tests
// that want real sockets.
#pragma once
#include <iosfwd>
#include <memory>
#include <string>

#include "sandbox/control.hpp"
#include "sandbox/lark_link.hpp"
#include "sandbox/lark_seed.hpp"
#include "sandbox/listener.hpp"

namespace pb::sandbox {

struct run_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8090;  ///< 0: any free one
  std::string webhook_url;    ///< empty: none
  secret webhook_secret;
  secret api_key{"plane_api_sandbox"};
  std::string seed = "demo";  ///< "demo", or empty for a workspace without projects
  double time_scale = 1.0;    ///< of the pauses between webhook attempts
  plane_options plane{.late_timestamps = true};
  lark_options lark{};
  std::string lark_event_url{};       ///< empty: none
  std::string lark_callback_url{};    ///< empty: the event URL
  bool lark_long_connection = false;  ///< pushes go over the long connection instead
  lark_link_options link{};           ///< of the long connection
};

/// Everything together; answers as soon as it is made.
class sandbox_server {
public:
  /// errc::bad_input when the port is taken.
  static result<std::unique_ptr<sandbox_server>> start(const run_options& options);
  ~sandbox_server();
  [[nodiscard]] std::string url() const;  ///< "http://127.0.0.1:8090"
  [[nodiscard]] const seeded& seeds() const noexcept;
  [[nodiscard]] plane& data() noexcept;
  [[nodiscard]] fault_set& faults() noexcept;
  [[nodiscard]] webhook_sender& webhooks() noexcept;
  [[nodiscard]] lark& chats() noexcept;
  [[nodiscard]] const lark_seeded& lark_seeds() const noexcept;
  [[nodiscard]] lark_sender& pushes() noexcept;
  [[nodiscard]] lark_link& link() noexcept;
  /// Until SIGTERM or SIGINT.
  void wait_for_signal();

private:
  struct impl;
  explicit sandbox_server(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// Prints where to look and what was seeded, then serves until a signal. An exit status.
int run_sandbox(const run_options& options, std::ostream& out);

}  // namespace pb::sandbox
