// http/system_endpoints: health, metrics, the debug endpoints, and the API's own description.
// Nothing here waits for an actor: the inspector reads probes only. Wired by app/.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "http/admin_auth.hpp"
#include "http/inbox.hpp"
#include "http/server.hpp"

namespace pb::http {

struct system_dependencies {
  inspector& live;  ///< outlives the server
  admin_auth auth;
  std::function<std::string()> metrics;  ///< Prometheus text; called on an HTTP thread
  accepted_tokens metrics_tokens;        ///< may read /metrics from elsewhere than loopback
  std::function<std::string()> config;   ///< JSON, secrets masked, without {"data": …}
};

void add_system_endpoints(server& to, const system_dependencies& needs);
/// All but /debug/stream, not added anywhere yet (tests drive them without a listener).
std::vector<route> system_routes(const system_dependencies& needs);
stream_handler debug_stream(inspector& live, admin_auth auth);

/// The OpenAPI description of every path that planebridge answers.
std::string_view openapi_text() noexcept;
/// The same for people; made from openapi_text().
std::string docs_page();

}  // namespace pb::http
