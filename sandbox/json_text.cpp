#include "sandbox/json_text.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace pb::sandbox {
namespace {
namespace json = boost::json;

void append_u(std::string& out, unsigned unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> shift) & 0xFu];
}

// Boost.JSON has validated the UTF-8, so the lead byte tells the length.
char32_t next_code_point(std::string_view text, std::size_t& i) {
  const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned lead = at(i);
  if (lead < 0x80) {
    ++i;
    return lead;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  char32_t code = lead & (0xFFu >> (length + 1));
  for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
    code = (code << 6) | (at(i + k) & 0x3Fu);
  i += length;
  return code;
}

class writer {
public:
  explicit writer(bool webhook) : webhook_(webhook) {}
  void value(const json::value& v) {
    switch (v.kind()) {
      case json::kind::null:
        out += "null";
        break;
      case json::kind::bool_:
        out += v.get_bool() ? "true" : "false";
        break;
      case json::kind::int64:
        out += std::to_string(v.get_int64());
        break;
      case json::kind::uint64:
        out += std::to_string(v.get_uint64());
        break;
      case json::kind::double_:
        number(v.get_double());
        break;
      case json::kind::string:
        text(v.get_string());
        break;
      case json::kind::array:
        array(v.get_array());
        break;
      case json::kind::object:
        object(v.get_object());
        break;
    }
  }
  std::string out;

private:
  // Python's repr: shortest digits, exponent only below 1e-4 and from 1e16 on, always a fraction.
  void number(double d) {
    std::array<char, 400> buffer{};
    const double size = d < 0 ? -d : d;
    const bool plain = d == 0.0 || (size >= 1e-4 && size < 1e16);
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, format);
    const std::string_view digits{buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
    out += digits;
    if (plain && digits.find('.') == std::string_view::npos) out += ".0";
  }
  void text(std::string_view s) {
    out += '"';
    for (std::size_t i = 0; i < s.size();) {
      const std::size_t start = i;
      const char32_t c = next_code_point(s, i);
      switch (c) {
        case U'"':
          out += "\\\"";
          break;
        case U'\\':
          out += "\\\\";
          break;
        case U'\n':
          out += "\\n";
          break;
        case U'\r':
          out += "\\r";
          break;
        case U'\t':
          out += "\\t";
          break;
        case U'\f':
          out += "\\f";
          break;
        case U'\b':
          out += "\\b";
          break;
        default:
          if (c < 0x20 || (webhook_ && c >= 0x7F && c < 0x10000)) {
            append_u(out, static_cast<unsigned>(c));
          } else if (webhook_ && c >= 0x10000) {
            append_u(out, 0xD800u + static_cast<unsigned>((c - 0x10000) >> 10));
            append_u(out, 0xDC00u + static_cast<unsigned>((c - 0x10000) & 0x3FF));
          } else {
            out += s.substr(start, i - start);
          }
      }
    }
    out += '"';
  }
  void array(const json::array& items) {
    out += '[';
    bool first = true;
    for (const auto& item : items) {
      if (!std::exchange(first, false)) out += webhook_ ? ", " : ",";
      value(item);
    }
    out += ']';
  }
  void object(const json::object& members) {
    out += '{';
    bool first = true;
    for (const auto& member : members) {
      if (!std::exchange(first, false)) out += webhook_ ? ", " : ",";
      text(member.key());
      out += webhook_ ? ": " : ":";
      value(member.value());
    }
    out += '}';
  }
  bool webhook_;
};

}  // namespace

std::string rest_json(const json::value& value) {
  writer w{false};
  w.value(value);
  return std::move(w.out);
}

std::string webhook_json(const json::value& value) {
  writer w{true};
  w.value(value);
  return std::move(w.out);
}

bool same_json(const json::value& a, const json::value& b) noexcept {
  if (a.is_number() && b.is_number() && a.kind() != b.kind()) {
    boost::system::error_code ea, eb;
    const auto x = a.to_number<double>(ea), y = b.to_number<double>(eb);
    return !ea && !eb && !(x < y) && !(y < x);
  }
  return a == b;
}

}  // namespace pb::sandbox
