// http/message: an inbound request as a handler sees it, and the one-shot way to answer it.
// No Beast in here: many files include it.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "protocol/http_message.hpp"

namespace pb::http {

/// Sees the body while it arrives, also the part that is not kept. One per request.
class body_observer {
public:
  virtual ~body_observer() = default;
  virtual void feed(std::string_view piece) = 0;
};

struct request {
  std::string id;  ///< request id: taken from X-Request-Id when sane, else made
  std::string method;
  std::string target;                              ///< as sent
  std::string path;                                ///< percent-decoded, without query
  std::string query;                               ///< raw, without "?"
  std::map<std::string, std::string> path_params;  ///< "{token}" of the route's pattern
  std::vector<protocol::http_header> headers;
  std::shared_ptr<const std::string> body = std::make_shared<const std::string>();
  bool body_truncated = false;  ///< larger than the route keeps; the observer saw all of it
  std::unique_ptr<body_observer> observer;
  std::string peer;  ///< client address after trusted_proxies
  bool loopback = false;
  timestamp received_at{};

  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  /// Decoded value of the first such query parameter; empty when absent.
  [[nodiscard]] std::string query_value(std::string_view name) const;
  [[nodiscard]] std::string bearer() const;  ///< of Authorization; empty when absent
};

struct response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<protocol::http_header> headers;
  /// Close the connection without an answer (Plane retries that; contracts: Plane 1.3).
  bool drop_connection = false;
};

/// Answers exactly once, from any thread. When the last copy goes away unanswered, 503.
class responder {
public:
  using deliver = std::function<void(response)>;
  responder() = default;
  explicit responder(deliver d);
  void operator()(response r) const;
  /// Server-sent events: headers at once, then pieces; false when the peer is gone.
  /// Set by the server when the route was registered as a stream.
private:
  struct once;
  std::shared_ptr<once> once_;
};

/// {"data": …}; `json` is already serialized.
response data_response(std::string_view json, int status = 200);
/// {"error": {"code", "message", "details", "request_id"}}; details is serialized JSON or empty.
response error_response(int status, std::string_view code, std::string_view message,
                        std::string_view request_id, std::string_view details = {});
/// 503 KEY_MISSING with entry, variable and ssot_ref (the place in docs/secrets.md).
response key_missing_response(std::string_view entry, std::string_view variable,
                              std::string_view ssot_ref, std::string_view request_id);

}  // namespace pb::http
