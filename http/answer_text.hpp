// http/answer_text: an answer as bytes. Pure; called by the server's connection.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace pb::http {

struct answer_facts {
  std::string_view request_id;
  timestamp now{};
  bool keep_alive = false;
  bool old_version = false;             ///< HTTP/1.0, which must be told that the connection stays
  std::optional<std::size_t> length{};  ///< none: the connection's end is the body's end
};

/// Status line to empty line. Framing headers are the server's; a handler's header that could
/// split the answer is left out.
std::string answer_head(const response& r, const answer_facts& f);
/// An error made where the request's id was not at hand gets it here.
void stamp_request_id(response& r, std::string_view id);
/// "Sat, 21 Nov 2026 07:10:48 GMT"
std::string http_date(timestamp t);

}  // namespace pb::http
