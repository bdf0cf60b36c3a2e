// base/log: one event, one line, a constant lower-case message and facts as fields, as logfmt or
// JSON. A `secret` has no kv() overload, so it cannot be logged. spdlog stays in the .cpp.
#pragma once
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/entity.hpp"
#include "base/failure.hpp"

namespace pb::log {

enum class level { debug, info, warn, error };
enum class format { logfmt, json };

struct field {
  std::string_view name;
  std::string value;
  bool quoted = true;  ///< false for numbers and booleans
};

inline field kv(std::string_view name, std::string_view value) {
  return {name, std::string{value}, true};
}
inline field kv(std::string_view name, const char* value) { return {name, value, true}; }
inline field kv(std::string_view name, bool value) {
  return {name, value ? "true" : "false", false};
}
template <std::integral T>
field kv(std::string_view name, T value) {
  return {name, std::to_string(value), false};
}
inline field kv(std::string_view name, double value) {
  return {name, std::to_string(value), false};
}
inline field kv(std::string_view name, const entity_key& e) { return {name, e.text(), true}; }
inline field kv(std::string_view name, errc code) {
  return {name, std::string{to_string(code)}, true};
}
inline field kv(std::string_view name, const failure& f) { return {name, describe(f), true}; }

/// Before the first line; later calls change level and format at run time (SIGHUP). Any thread.
void configure(level least, format form);
/// Tests: lines go to this function instead of standard error; nullptr restores.
void capture(void (*sink)(std::string_view line));
bool enabled(level l) noexcept;
void write(level l, std::string_view message, std::initializer_list<field> fields);

inline void debug(std::string_view m, std::initializer_list<field> f = {}) {
  if (enabled(level::debug)) write(level::debug, m, f);
}
inline void info(std::string_view m, std::initializer_list<field> f = {}) {
  write(level::info, m, f);
}
inline void warn(std::string_view m, std::initializer_list<field> f = {}) {
  write(level::warn, m, f);
}
inline void error(std::string_view m, std::initializer_list<field> f = {}) {
  write(level::error, m, f);
}

}  // namespace pb::log
