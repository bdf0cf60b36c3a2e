// The editor's HTML as text for people. Whatever comes in: bounded, well-formed, without controls,
// the same each time, and text that is text already stays as it is.
#include <algorithm>
#include <string>

#include "protocol/html/plain_text.hpp"
#include "protocol/html/utf8.hpp"
#include "tests/fuzz/property.hpp"

namespace {

namespace html = pb::protocol::html;
using fuzz::must;

html::plain_text_options small() {
  html::plain_text_options o;
  o.input_limit = 16 * 1024;
  o.output_limit = 4 * 1024;
  o.name_of = [](std::string_view id) -> std::optional<std::string> {
    if (id.empty()) return std::nullopt;
    return std::string{id.substr(0, 40)};
  };
  return o;
}

void check_text(const std::string& text, std::size_t limit) {
  must(text.size() <= limit, "the output is bounded");
  must(html::valid_utf8(text) == text, "the output is well-formed UTF-8");
  must(std::none_of(text.begin(), text.end(),
                    [](char c) {
                      return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') ||
                             c == 0x7F;
                    }),
       "no control characters");
  must(text.empty() || text.front() != '\n', "no blank line at the beginning");
  must(text.find("\n\n\n") == std::string::npos, "never two blank lines in a row");
}

std::string as_code(const std::string& text) {
  std::string out = "<pre>\n";
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out + "</pre>";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const auto options = small();
  const auto text = html::to_plain_text(input, options);
  check_text(text, options.output_limit);
  must(html::to_plain_text(input, options) == text, "the same HTML gives the same text");
  auto wide = options;
  wide.input_limit = wide.output_limit = 256 * 1024;
  must(html::to_plain_text(as_code(text), wide) == text, "text stays what it is");
  return 0;
}
