// sandbox/transport: the sandbox's Plane as an http::transport, in the same process. Tests and the
// simulation give it to the connectors in place of http::client; time passes only through the
// scheduler, so it runs on virtual time.
#pragma once
#include "http/transport.hpp"
#include "sandbox/host.hpp"

namespace pb::sandbox {

class sandbox_transport final : public http::transport {
public:
  /// @param travel  from sending to arriving; the answer needs none
  sandbox_transport(host& h, scheduler after, std::chrono::milliseconds travel = {});
  /// Never calls `done` inside send. Failures as http::client's: upstream_down for a reset and for
  /// half a response, timed_out when the answer does not come within limits.headers, too_large.
  void send(protocol::http_request request, http::call_limits limits, completion done) override;

private:
  host& host_;
  scheduler after_;
  std::chrono::milliseconds travel_;
};

}  // namespace pb::sandbox
