// sandbox/faults: what goes wrong on demand between a caller and the sandbox's Plane or Lark. A
// fault is chosen by kind, method, path pattern, count and probability; set by tests in-process and
// by POST /sandbox/faults. It only decides; sandbox_transport and the listener carry it out.
#pragma once
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/random.hpp"

namespace pb::sandbox {

enum class fault_kind {
  latency,             ///< the answer comes `delay` later
  status,              ///< `status` (429, 5xx …) instead of the work; retry_after as header
  reset,               ///< connection reset, no work done
  half_response,       ///< work done, half of the answer, then the connection ends
  lost_answer,         ///< work done, the answer never comes
  late_work,           ///< the caller hears nothing; the work is done after `delay`
  race,                ///< external ids are not checked on creation, as under concurrency
  token_expired,       ///< Lark: all tenant tokens stop working before the request is looked at
  webhook_lost,        ///< never sent
  webhook_duplicated,  ///< sent once more (other delivery id, same body)
  webhook_reordered,   ///< sent `delay` later, so that younger ones pass it
};
std::string_view to_string(fault_kind kind) noexcept;
std::optional<fault_kind> fault_kind_of(std::string_view name) noexcept;

struct fault {
  fault_kind kind = fault_kind::latency;
  std::string method{};             ///< empty: any; for webhooks the event ("issue")
  std::string path = "*";           ///< "*" stands for any characters; for webhooks "event/action"
  std::optional<unsigned> count{};  ///< how often still; empty: always
  unsigned skip = 0;                ///< lets that many matching ones pass first
  double probability = 1.0;
  std::chrono::milliseconds delay{0};
  int status = 503;
  std::chrono::seconds retry_after{0};
  std::uint64_t id = 0;    ///< given by add()
  std::uint64_t hits = 0;  ///< how often it struck
};

class fault_set {
public:
  explicit fault_set(random_source& random) : random_(random) {}
  std::uint64_t add(fault f);
  bool remove(std::uint64_t id);
  void clear();
  [[nodiscard]] std::vector<fault> list() const;

  /// The faults that strike this request, oldest first, each counted as a hit.
  std::vector<fault> strike_request(std::string_view method, std::string_view path);
  /// The same for one webhook.
  std::vector<fault> strike_webhook(std::string_view event, std::string_view action);

private:
  std::vector<fault> strike(std::string_view method, std::string_view path, bool webhook);
  mutable std::mutex lock_;
  random_source& random_;
  std::vector<fault> faults_;
  std::uint64_t last_id_ = 0;
};

/// {"kind": "status", "method", "path", "count", "skip", "probability", "delay_ms", "status",
/// "retry_after_s"}; errc::bad_input names the wrong key.
result<fault> fault_from_json(const boost::json::value& v);
boost::json::value to_json(const fault& f);

}  // namespace pb::sandbox
