#include "protocol/caldav/event.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "base/entity.hpp"
#include "protocol/html/utf8.hpp"

namespace pb::protocol::caldav {
namespace {
namespace chr = std::chrono;
constexpr std::string_view uid_prefix = "plane-issue-";
constexpr std::string_view uid_suffix = "@calplanebot";
constexpr std::string_view cut_tail = "…(cut)";

std::optional<int> digits(std::string_view text) {
  int value = 0;
  if (text.empty() || text.size() > 6) return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<chr::year_month_day> civil(std::string_view y, std::string_view m,
                                         std::string_view d) {
  const auto year = digits(y), month = digits(m), day = digits(d);
  if (!year || !month || !day || *year < 1) return std::nullopt;
  const chr::year_month_day date{chr::year{*year}, chr::month{static_cast<unsigned>(*month)},
                                 chr::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return date;
}

bool blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Runs of CR, LF and TAB become one space; other controls go.
std::string one_line(std::string_view text) {
  std::string out;
  bool run = false;
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\t') {
      if (!run) out += ' ';
      run = true;
      continue;
    }
    run = false;
    if (!control(c)) out += c;
  }
  return std::string{trimmed(out)};
}

std::string plain_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (c == '\n' || c == '\t' || !control(c)) {
      out += c;
    }
  }
  while (!out.empty() && blank(out.back())) out.pop_back();
  return out;
}

std::string label_text(std::string_view name) {
  std::string out;
  for (const char c : one_line(html::valid_utf8(name))) {
    if (c == ',')
      out += "‚";  // U+201A
    else
      out += c;
  }
  return out;
}

std::string ascii_uri(std::string_view url) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : url) {
    const auto b = static_cast<unsigned char>(c);
    if (b > 0x20 && b < 0x7F && c != '"' && c != '<' && c != '>' && c != '\\') {
      out += c;
    } else if (c != '\r' && c != '\n') {
      out += '%';
      out += hex[b >> 4];
      out += hex[b & 15];
    }
  }
  return out;
}

std::string trigger(chr::minutes before) {
  const auto minutes = std::max<chr::minutes::rep>(before.count(), 0);
  std::string out = minutes == 0 ? "PT0M" : "-P";
  if (minutes == 0) return out;
  const auto days = minutes / 1440, hours = minutes % 1440 / 60, rest = minutes % 60;
  if (days > 0) out += std::to_string(days) + "D";
  if (hours > 0 || rest > 0) out += "T";
  if (hours > 0) out += std::to_string(hours) + "H";
  if (rest > 0) out += std::to_string(rest) + "M";
  return out;
}

std::string alarm_text(chr::minutes before) {
  const auto days = (before.count() + 1439) / 1440;
  if (days <= 0) return "Due today";
  return days == 1 ? "Due tomorrow" : "Due in " + std::to_string(days) + " days";
}
}  // namespace

std::string uid_of(std::string_view work_item_uuid) {
  std::string out{uid_prefix};
  for (const char c : work_item_uuid)
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out.append(uid_suffix);
}

std::optional<std::string> work_item_of(std::string_view uid) {
  if (!uid.starts_with(uid_prefix) || !uid.ends_with(uid_suffix) ||
      uid.size() < uid_prefix.size() + uid_suffix.size())
    return std::nullopt;
  uid.remove_prefix(uid_prefix.size());
  uid.remove_suffix(uid_suffix.size());
  if (!is_uuid(uid)) return std::nullopt;
  return std::string{uid};
}

std::optional<chr::year_month_day> parse_civil_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  return civil(text.substr(0, 4), text.substr(5, 2), text.substr(8, 2));
}

std::optional<chr::year_month_day> parse_date(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  return civil(text.substr(0, 4), text.substr(4, 2), text.substr(6, 2));
}

std::string format_date(chr::year_month_day date) {
  std::array<char, 32> out{};
  const int size = std::snprintf(out.data(), out.size(), "%04d%02u%02u", int{date.year()},
                                 unsigned{date.month()}, unsigned{date.day()});
  return {out.data(), static_cast<std::size_t>(size)};
}

chr::year_month_day day_after(chr::year_month_day date) {
  return chr::year_month_day{chr::sys_days{date} + chr::days{1}};
}

std::string format_instant(timestamp t) {
  const auto day = chr::floor<chr::days>(t);
  const chr::hh_mm_ss time{chr::floor<chr::seconds>(t) - day};
  std::array<char, 32> out{};
  const int size = std::snprintf(
      out.data(), out.size(), "T%02d%02d%02dZ", static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return format_date(chr::year_month_day{day}) +
         std::string{out.data(), static_cast<std::size_t>(size)};
}

std::optional<timestamp> parse_instant(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto date = parse_date(text.substr(0, 8));
  const auto h = digits(text.substr(9, 2)), m = digits(text.substr(11, 2)),
             s = digits(text.substr(13, 2));
  if (!date || !h || !m || !s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  return timestamp{chr::sys_days{*date} + chr::hours{*h} + chr::minutes{*m} + chr::seconds{*s}};
}

std::string cut_text(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string{text};
  const auto room = limit > cut_tail.size() ? limit - cut_tail.size() : 0;
  return std::string{html::cut_utf8(text, room)}.append(cut_tail);
}

event_values normalized(event_values values) {
  values.summary = one_line(html::valid_utf8(values.summary));
  values.description =
      cut_text(plain_lines(html::valid_utf8(values.description)), description_limit);
  values.color = std::string{trimmed(values.color)};
  for (auto& c : values.color)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  values.url = ascii_uri(trimmed(values.url));
  for (auto& label : values.categories) label = label_text(label);
  std::erase(values.categories, std::string{});
  std::sort(values.categories.begin(), values.categories.end());
  values.categories.erase(std::unique(values.categories.begin(), values.categories.end()),
                          values.categories.end());
  return values;
}

result<void> validate(const event_values& values) {
  const auto bad = [](std::string detail) {
    return failure{errc::bad_input, "caldav.build_event", std::move(detail), "", 0, "", {}};
  };
  const auto year_ok = [](chr::year_month_day d) {
    return d.ok() && int{d.year()} >= 1 && int{d.year()} <= 9999;
  };
  if (!work_item_of(values.uid)) return bad("UID is not one of ours");
  if (!year_ok(values.start) || !year_ok(values.end_exclusive)) return bad("no such date");
  if (values.end_exclusive <= values.start) return bad("the event ends before it begins");
  for (const char c : values.color)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) return bad("COLOR is not a CSS3 name");
  return {};
}

void append_event(std::vector<content_line>& lines, const event_values& values,
                  std::optional<chr::minutes> alarm, int sequence) {
  const auto v = normalized(values);
  const auto add = [&lines](std::string_view name, std::string_view value,
                            std::string_view params = {}) {
    lines.push_back(make_line(name, value, params));
  };
  const auto revised = format_instant(v.updated);
  add("BEGIN", "VEVENT");
  add("UID", v.uid);
  add("DTSTAMP", revised);
  add("CREATED", format_instant(v.created));
  add("LAST-MODIFIED", revised);
  add("SEQUENCE", std::to_string(sequence));
  add("DTSTART", format_date(v.start), ";VALUE=DATE");
  add("DTEND", format_date(v.end_exclusive), ";VALUE=DATE");
  add("SUMMARY", escape_text(v.summary));
  if (!v.description.empty()) add("DESCRIPTION", escape_text(v.description));
  add("STATUS", v.cancelled ? "CANCELLED" : "CONFIRMED");
  add("TRANSP", "TRANSPARENT");
  add("CLASS", "PUBLIC");
  if (!v.color.empty()) add("COLOR", v.color);
  if (!v.categories.empty()) {
    std::string joined;
    for (const auto& label : v.categories) {
      if (!joined.empty()) joined += ',';
      joined += escape_text(label);
    }
    add("CATEGORIES", joined);
  }
  if (!v.url.empty()) add("URL", v.url);
  if (alarm) {
    add("BEGIN", "VALARM");
    add("ACTION", "DISPLAY");
    add("DESCRIPTION", alarm_text(*alarm));
    add("TRIGGER", trigger(*alarm));
    add("END", "VALARM");
  }
  add("END", "VEVENT");
}

std::string build_event(const event_values& values, std::optional<chr::minutes> alarm,
                        int sequence) {
  std::vector<content_line> lines;
  lines.push_back(make_line("BEGIN", "VCALENDAR"));
  lines.push_back(make_line("VERSION", "2.0"));
  lines.push_back(make_line("PRODID", "-//planebridge//calplanebot 1.0//EN"));
  lines.push_back(make_line("CALSCALE", "GREGORIAN"));
  append_event(lines, values, alarm, sequence);
  lines.push_back(make_line("END", "VCALENDAR"));
  return write_lines(lines);
}

owned_values owned_by(const event_values& values) {
  auto v = normalized(values);
  owned_values out;
  out.summary = std::move(v.summary);
  out.description = std::move(v.description);
  out.start = format_date(v.start);
  out.end = format_date(v.end_exclusive);
  out.status = v.cancelled ? "CANCELLED" : "CONFIRMED";
  out.color = std::move(v.color);
  out.url = std::move(v.url);
  out.labels = std::move(v.categories);
  return out;
}

std::string content_hash(const owned_values& owned) {
  std::string all;
  // Length before each value: no two different sets of values make the same text.
  const auto add = [&all](std::string_view value) {
    all += std::to_string(value.size());
    all += ':';
    all += value;
  };
  for (const auto* value : {&owned.summary, &owned.description, &owned.start, &owned.end,
                            &owned.status, &owned.color, &owned.url})
    add(*value);
  for (const auto& label : owned.labels) add(label);
  return sha256_hex(all);
}

std::string content_hash(const event_values& values) { return content_hash(owned_by(values)); }

}  // namespace pb::protocol::caldav
