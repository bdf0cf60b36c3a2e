// sandbox/lark_control: what the sandbox has beside Lark's own paths: the page with chats and
// cards, what people do there as JSON calls, the live list of pushes. docs/sandbox.md lists the
// paths.
#pragma once
#include <functional>
#include <optional>

#include "sandbox/lark.hpp"
#include "sandbox/lark_link.hpp"
#include "sandbox/lark_seed.hpp"
#include "sandbox/lark_sender.hpp"

namespace pb::sandbox {

class lark_control {
public:
  lark_control(lark& l, lark_sender& sender, lark_link& link, const lark_seeded& seeds)
      : lark_(l), sender_(sender), link_(link), seeds_(seeds) {}
  /// Nothing when the path is none of these.
  std::optional<protocol::http_response> handle(const inbound& request);

private:
  protocol::http_response act(std::string_view what, const boost::json::object& body);
  protocol::http_response state(const inbound& request) const;
  lark& lark_;
  lark_sender& sender_;
  lark_link& link_;
  const lark_seeded& seeds_;
};

/// sandbox/lark_page.html, embedded at build time.
std::string_view lark_page_html() noexcept;

}  // namespace pb::sandbox
