#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>

namespace pb::log {
namespace {

std::atomic<level> least_level{level::info};
std::atomic<format> line_format{format::logfmt};
std::atomic<void (*)(std::string_view)> captured{nullptr};

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger l{"planebridge", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    l.set_pattern("%v");
    l.set_level(spdlog::level::trace);
    l.flush_on(spdlog::level::trace);
    return l;
  }();
  return instance;
}

std::string_view name_of(level l) {
  switch (l) {
    case level::debug:
      return "debug";
    case level::info:
      return "info";
    case level::warn:
      return "warn";
    case level::error:
      return "error";
  }
  return "info";
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (u < 0x20 || u == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", u);
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f)
      return false;
  return true;
}

}  // namespace

void configure(level least, format form) {
  least_level = least;
  line_format = form;
}
void capture(void (*sink)(std::string_view)) { captured = sink; }
bool enabled(level l) noexcept { return l >= least_level.load(std::memory_order_relaxed); }

void write(level l, std::string_view message, std::initializer_list<field> fields) {
  if (!enabled(l)) return;
  const std::string at = format_rfc3339(system_clock_source{}.now());
  std::string line;
  line.reserve(160);
  if (line_format.load(std::memory_order_relaxed) == format::json) {
    line += "{\"at\":\"" + at + "\",\"level\":\"" + std::string{name_of(l)} + "\",\"message\":";
    append_json_string(line, message);
    for (const field& f : fields) {
      line += ',';
      append_json_string(line, f.name);
      line += ':';
      if (f.quoted)
        append_json_string(line, f.value);
      else
        line += f.value;
    }
    line += '}';
  } else {
    line += "at=" + at + " level=" + std::string{name_of(l)} + " message=";
    append_json_string(line, message);
    for (const field& f : fields) {
      line += ' ';
      line += f.name;
      line += '=';
      if (plain(f.value))
        line += f.value;
      else
        append_json_string(line, f.value);
    }
  }
  if (auto* sink = captured.load()) return sink(line);
  logger().log(spdlog::level::info, line);
}

}  // namespace pb::log
