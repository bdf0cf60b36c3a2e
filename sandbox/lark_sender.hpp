// sandbox/lark_sender: sends the in-memory Lark's pushes by its rules (contract 1.5): only a 200
// within 3 s is a success; events are sent again after 15 s, 5 min, 1 h and 6 h, callbacks never,
// their answer or the error shows at the card. Over HTTP, or over whatever `link` is (the long
// connection). Used by the server and by in-process tests.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/transport.hpp"
#include "sandbox/faults.hpp"
#include "sandbox/host.hpp"
#include "sandbox/lark.hpp"
#include "sandbox/sender.hpp"

namespace pb::sandbox {

struct lark_sender_options {
  std::string event_url{};     ///< empty: events go nowhere
  std::string callback_url{};  ///< empty: the event URL
  double time_scale = 1.0;     ///< of the pauses between attempts
  std::chrono::milliseconds timeout{3'000};
};

class lark_sender {
public:
  /// Carries one push over another way than HTTP. `done` once, with the answer or why there is
  /// none: timed_out after `timeout`, upstream_down when nobody is there.
  using link = std::function<void(const lark_push&, std::chrono::milliseconds timeout,
                                  http::transport::completion done)>;
  lark_sender(lark& l, fault_set& faults, http::transport& out, scheduler after,
              lark_sender_options options = {}, link other_way = {});
  ~lark_sender();
  /// To be called after whatever may have caused pushes; sends what is due, and later what is not
  /// due yet. Any thread.
  void pump();
  /// The last 300, oldest first.
  [[nodiscard]] std::vector<sent_webhook> log() const;
  /// Pushes that are being sent or wait for another attempt.
  [[nodiscard]] std::size_t unfinished() const;
  struct impl;

private:
  std::shared_ptr<impl> impl_;  // also held by what is scheduled
};

}  // namespace pb::sandbox
