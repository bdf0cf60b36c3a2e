// sandbox/host: a Plane or a Lark together with what goes wrong on the way to it. Decides per
// request which faults strike, does the work at the right moment and tells how the exchange ends;
// the in-process transport and the listener carry that out. Any thread.
#pragma once
#include <chrono>
#include <functional>

#include "sandbox/faults.hpp"
#include "sandbox/lark.hpp"
#include "sandbox/plane.hpp"

namespace pb::sandbox {

/// Runs the function after the pause; on virtual time in tests, on a timer in the server.
using scheduler = std::function<void(std::chrono::milliseconds, std::function<void()>)>;

enum class ending {
  answered,  ///< a whole answer
  reset,     ///< the connection is reset, nothing came
  half,      ///< half of the answer came, then the end
  silence,   ///< nothing comes, ever
};

struct outcome {
  ending how = ending::answered;
  protocol::http_response answer;
};

class host {
public:
  /// @param worked  called after each request that may have caused webhooks; may be empty
  host(plane& p, fault_set& faults, scheduler after, std::function<void()> worked = {});
  /// The same for Lark, with its own words for 429 and 5xx.
  host(lark& l, fault_set& faults, scheduler after, std::function<void()> worked = {});

  /// `done` is called once: at once, or from the scheduler when a fault delays it. For silence it
  /// is called at once as well, so that the caller can start its own patience.
  void submit(inbound request, std::function<void(outcome)> done);

private:
  using worker = std::function<protocol::http_response(const inbound&, fault_kind twist)>;
  using refuser = std::function<protocol::http_response(const fault&)>;
  protocol::http_response work(const inbound& request, fault_kind twist);
  worker serve_;
  refuser refuse_;
  fault_set& faults_;
  scheduler after_;
  std::function<void()> worked_;
};

}  // namespace pb::sandbox
