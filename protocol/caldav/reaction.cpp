#include "protocol/caldav/reaction.hpp"

#include <charconv>

namespace pb::protocol::caldav {
namespace {
errc code_of(const effective_status& s) {
  if (s.condition == "valid-calendar-data" || s.condition == "valid-calendar-object-resource" ||
      s.condition == "supported-calendar-component")
    return errc::bad_input;
  if (s.condition == "max-resource-size") return errc::too_large;
  if (s.status == 415) return errc::bad_input;
  // 501 is an answer about the method, not a passing state.
  return s.status == 501 ? errc::unexpected_answer : meaning_of_status(s.status);
}

std::string remedy_of(errc code) {
  switch (code) {
    case errc::unauthorized:
      return "check calendar.username and calendar.password";
    case errc::forbidden:
      return "give the account write permission on the calendar";
    case errc::insufficient_storage:
      return "free space on the calendar server";
    default:
      return {};
  }
}

std::optional<std::chrono::milliseconds> pause_asked(std::string_view value) {
  long seconds = 0;  // a date instead of seconds is left to our own schedule
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc{} || end != value.data() + value.size() || seconds < 0)
    return std::nullopt;
  constexpr long week = 7L * 24 * 3600;
  return std::chrono::seconds{seconds > week ? week : seconds};
}
}  // namespace

std::string_view to_string(reaction r) noexcept {
  switch (r) {
    case reaction::retry_later:
      return "retry_later";
    case reaction::pause_connector:
      return "pause_connector";
    case reaction::dead_letter:
      return "dead_letter";
    case reaction::rediscover:
      return "rediscover";
  }
  return "retry_later";
}

reaction react(const failure& f) noexcept {
  switch (f.code) {
    case errc::unauthorized:
    case errc::insufficient_storage:
    case errc::key_missing:
      return reaction::pause_connector;
    case errc::bad_input:
    case errc::forbidden:
    case errc::too_large:
    case errc::precondition:
      return reaction::dead_letter;
    case errc::not_found:
      return f.detail == collection_gone ? reaction::rediscover : reaction::dead_letter;
    case errc::unexpected_answer:
      return f.status == 405 || f.status == 501 ? reaction::dead_letter : reaction::retry_later;
    default:
      return reaction::retry_later;
  }
}

failure failure_of(std::string_view where, const http_response& answer) {
  const auto effective = status_of(answer);
  failure out;
  out.code = code_of(effective);
  out.where = where;
  out.status = effective.status;
  out.detail = "the calendar server answered " + std::to_string(effective.status);
  if (!effective.condition.empty()) out.detail += " " + effective.condition;
  if (!effective.description.empty()) out.detail += ": " + effective.description;
  out.remedy = remedy_of(out.code);
  out.retry_after = pause_asked(answer.header("Retry-After"));
  return out;
}

failure collection_failure(std::string_view where, int status) {
  return {errc::not_found,
          std::string{where},
          std::string{collection_gone},
          "the calendar is looked for again",
          status,
          "",
          {}};
}

}  // namespace pb::protocol::caldav
