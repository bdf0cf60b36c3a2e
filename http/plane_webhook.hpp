// http/plane_webhook: POST /webhooks/plane. Verifies the signature over the raw bytes while they
// arrive, says what a delivery is, hands it to the inbox and answers after the commit
// (docs/contracts/plane.md, "Webhooks"). Plane gives up on nothing but a broken connection: an
// error status loses the event, so the answers are 200, 401 for what is not Plane's, and no answer
// at all when nothing durable took the delivery. Wired by app/.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/inbox.hpp"
#include "http/secret_list.hpp"
#include "http/server.hpp"
#include "http/webhook_outcome.hpp"

namespace pb::http {

struct plane_webhook_options {
  std::shared_ptr<secret_list> secrets;          ///< webhook secrets; several while they rotate
  std::size_t keep_bytes = 16u * 1024 * 1024;    ///< larger bodies are kept as ids only …
  std::size_t stream_bytes = 64u * 1024 * 1024;  ///< … up to this; beyond: 413 by the server
  std::string tenant = "default";
  /// Deliveries on their way into the journal at once. What is accepted shall be answered within a
  /// second; of more than this even a busy store could not promise it, so they are closed without
  /// an answer, which Plane repeats.
  std::size_t most_waiting = 1024;
};

/// The inbox and the clock outlive the server.
void add_plane_webhook(server& to, plane_webhook_options options, inbox& deliveries,
                       const clock_source& clock, webhook_counter count = {});

/// The same as a route that is not added anywhere yet (tests drive it without a listener).
route plane_webhook_route(plane_webhook_options options, inbox& deliveries,
                          const clock_source& clock, webhook_counter count = {});

}  // namespace pb::http
