#include "base/failure.hpp"

#include <stdexcept>

namespace pb {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::none:
      return "none";
    case errc::bad_input:
      return "bad_input";
    case errc::unauthorized:
      return "unauthorized";
    case errc::rate_limited:
      return "rate_limited";
    case errc::upstream_down:
      return "upstream_down";
    case errc::storage:
      return "storage";
    case errc::key_missing:
      return "key_missing";
    case errc::not_found:
      return "not_found";
    case errc::conflict:
      return "conflict";
    case errc::timed_out:
      return "timed_out";
    case errc::tls:
      return "tls";
    case errc::dns:
      return "dns";
    case errc::too_large:
      return "too_large";
    case errc::forbidden:
      return "forbidden";
    case errc::precondition:
      return "precondition";
    case errc::unexpected_answer:
      return "unexpected_answer";
    case errc::breaker_open:
      return "breaker_open";
    case errc::cancelled:
      return "cancelled";
    case errc::insufficient_storage:
      return "insufficient_storage";
    case errc::crashed:
      return "crashed";
  }
  return "unknown";
}

void throw_exception_from_error(const failure& f, const boost::source_location&) {
  throw std::logic_error("unchecked failure: " + describe(f));
}

std::string describe(const failure& f) {
  std::string text = f.where;
  if (!f.detail.empty()) text += (text.empty() ? "" : ": ") + f.detail;
  text += " (" + std::string{to_string(f.code)};
  if (f.status != 0) text += ", status " + std::to_string(f.status);
  if (!f.request_id.empty()) text += ", request " + f.request_id;
  text += ")";
  return text;
}

}  // namespace pb
