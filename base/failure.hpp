// base/failure: expected failures as values. A failure names the operation, the cause and the
// remedy; exceptions are for bugs and broken resources and end at a layer's edge.
#pragma once
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pb {

/// Few, stable and numbered: callers branch on them, metrics carry them as labels.
enum class errc : std::uint8_t {
  none = 0,
  bad_input = 1,      ///< what we were given is not what the contract allows
  unauthorized = 2,   ///< credentials missing or wrong (401, Plane's 403 for a bad key)
  rate_limited = 3,   ///< 429, or our own budget is used up
  upstream_down = 4,  ///< refused, reset, 5xx, half a response
  storage = 5,        ///< the store is away or refused
  key_missing = 6,    ///< a configuration entry is needed; detail names it
  not_found = 7,
  conflict = 8,            ///< 409, or a lost race on an etag after all rounds
  timed_out = 9,           ///< outcome unknown
  tls = 10,                ///< certificate or handshake
  dns = 11,                ///< the name does not resolve
  too_large = 12,          ///< a size limit, ours or theirs
  forbidden = 13,          ///< authenticated, not allowed
  precondition = 14,       ///< 412
  unexpected_answer = 15,  ///< the remote's answer does not follow its contract
  breaker_open = 16,       ///< not tried: the circuit breaker is open
  cancelled = 17,          ///< not tried: shutting down or superseded
  insufficient_storage = 18,
  crashed = 19,  ///< a bug: an exception reached an actor's edge
};
std::string_view to_string(errc code) noexcept;

struct failure {
  errc code = errc::none;
  std::string where{};   ///< the operation, "plane.list_work_items"; never user text
  std::string detail{};  ///< for people and the log; secrets already masked
  std::string remedy{};  ///< what to do, where it is known; may be empty
  int status = 0;        ///< HTTP status of the remote answer, 0 without one
  std::string request_id{};
  std::optional<std::chrono::milliseconds> retry_after{};
};

template <class T>
using result = boost::system::result<T, failure>;

/// Required by boost::system::result when value() meets a failure: that is a bug, so it throws.
[[noreturn]] void throw_exception_from_error(const failure& f, const boost::source_location& at);

/// One line for a log or a person: "where: detail (code, status 412)".
std::string describe(const failure& f);

}  // namespace pb
