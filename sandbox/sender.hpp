// sandbox/sender: sends the sandbox's webhooks by Plane's rules (contract 1.3, recorded failures):
// any HTTP answer is a success; a connection that fails or no answer within 30 s is tried again, up
// to five times, each after a random 0 to 600 s, with a fresh delivery id and the same body; after
// the sixth failure the webhook is switched off. Used by the server and by in-process tests.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/transport.hpp"
#include "sandbox/host.hpp"

namespace pb::sandbox {

struct sender_options {
  double time_scale = 1.0;  ///< of the pauses between attempts
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds longest_pause{600'000};
  unsigned attempts = 6;
};

/// One line of the live list; the newest has the highest number.
struct sent_webhook {
  std::uint64_t number = 0;
  std::string at;  ///< RFC 3339, of the last change
  std::string url, event, action, field, object_id;
  unsigned attempt = 0;
  std::string state;  ///< sending, delivered, waiting, lost, dropped, given_up
  int status = 0;
  std::string detail;
  std::size_t bytes = 0;
};

class webhook_sender {
public:
  webhook_sender(plane& p, fault_set& faults, http::transport& out, scheduler after,
                 sender_options options = {});
  ~webhook_sender();
  /// To be called after whatever may have caused webhooks; sends what is due, and later what is
  /// not due yet. Any thread.
  void pump();
  /// The last 300, oldest first.
  [[nodiscard]] std::vector<sent_webhook> log() const;
  /// Deliveries that are being sent or wait for another attempt.
  [[nodiscard]] std::size_t unfinished() const;
  struct impl;

private:
  std::shared_ptr<impl> impl_;  // also held by what is scheduled
};

}  // namespace pb::sandbox
