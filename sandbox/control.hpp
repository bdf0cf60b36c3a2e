// sandbox/control: what the sandbox has beside Plane: its page, the fault switches, the live list
// of webhooks, and the session API for the page's own user. docs/sandbox.md lists the paths.
#pragma once
#include <optional>
#include <string>

#include "sandbox/faults.hpp"
#include "sandbox/plane.hpp"
#include "sandbox/seed.hpp"
#include "sandbox/sender.hpp"

namespace pb::sandbox {

class control {
public:
  control(plane& p, fault_set& faults, webhook_sender& sender, const seeded& seeds)
      : plane_(p), faults_(faults), sender_(sender), seeds_(seeds) {}
  /// Nothing when the path is Plane's.
  std::optional<protocol::http_response> handle(const inbound& request);

private:
  protocol::http_response faults(const inbound& request);
  protocol::http_response webhooks(const inbound& request) const;
  protocol::http_response session(const inbound& request);
  protocol::http_response end_tokens(const inbound& request);
  plane& plane_;
  fault_set& faults_;
  webhook_sender& sender_;
  const seeded& seeds_;
};

/// Never kept by a browser.
protocol::http_response answer_json(int status, const boost::json::value& body);
/// The list of sent webhooks or pushes, as both pages show it.
boost::json::value log_json(const std::vector<sent_webhook>& log, std::size_t unfinished);
/// A foreign page in the same browser must not change anything here.
bool from_elsewhere(const inbound& in);

/// sandbox/page.html, embedded at build time.
std::string_view page_html() noexcept;

}  // namespace pb::sandbox
