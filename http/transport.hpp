// http/transport: carries one outbound HTTP call. The real one is http::client (Beast, pooled);
// tests and the simulation give a stand-in that answers from a sandbox on virtual time.
#pragma once
#include <chrono>
#include <functional>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"

namespace pb::http {

struct call_limits {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds headers{20'000};  ///< from the request sent to the answer's headers
  std::chrono::milliseconds total{60'000};
  std::size_t response_bytes = 32u << 20;
  std::chrono::milliseconds body{30'000};  ///< silence between two pieces of the answer's body
};

class transport {
public:
  /// Called exactly once, on a thread of the transport's own; must not block. Failures: timed_out
  /// (outcome unknown), upstream_down, tls, dns, too_large, cancelled.
  using completion = std::function<void(result<protocol::http_response>)>;
  virtual ~transport() = default;
  virtual void send(protocol::http_request request, call_limits limits, completion done) = 0;
};

}  // namespace pb::http
