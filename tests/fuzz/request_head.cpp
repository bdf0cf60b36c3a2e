// The head of an HTTP request before any parser sees it: however it arrives in pieces, the verdict
// is the same, and what passes can be read in one way only.
#include <algorithm>
#include <string>

#include "http/request_guard.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
using fuzz::must;

struct scanned {
  http::head_scan said = http::head_scan::incomplete;
  std::size_t end = 0;
};

/// As the connection does it: the same text, longer each time.
scanned in_pieces(std::string_view text, std::size_t piece) {
  scanned out;
  std::size_t from = 0;
  for (std::size_t n = std::min(piece, text.size());; n = std::min(n + piece, text.size())) {
    out.said = http::scan_head(text.substr(0, n), from, out.end);
    if (out.said != http::head_scan::incomplete || n == text.size()) return out;
  }
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

void check_passed(std::string_view head) {
  must(head.ends_with("\r\n\r\n"), "a head ends in an empty line");
  for (std::size_t i = 0; i < head.size(); ++i)
    if (head[i] == '\n') must(i > 0 && head[i - 1] == '\r', "no bare LF");
  must(
      head.find("\r\n ") == std::string_view::npos && head.find("\r\n\t") == std::string_view::npos,
      "no folded line");
  must(head.find('\0') == std::string_view::npos, "no zero byte");
  const auto small = lower(head);
  const auto lengths = count(small, "\r\ncontent-length:"),
             encodings = count(small, "\r\ntransfer-encoding:");
  must(lengths + encodings <= 1, "one framing at most");
  must(count(small, "\r\nhost:") <= 1, "one host at most");
  must(count(small, "\r\ncontent-length ") + count(small, "\r\ntransfer-encoding ") == 0,
       "no blank before a colon");
  if (lengths == 1) {
    auto rest = std::string_view{small}.substr(small.find("\r\ncontent-length:") + 17);
    rest = rest.substr(0, rest.find('\r'));
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t')) rest.remove_suffix(1);
    must(!rest.empty() && rest.find_first_not_of("0123456789") == std::string_view::npos,
         "a length is digits");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const auto whole = in_pieces(input, input.size() + 1);
  for (const std::size_t piece : {1u, 7u}) {
    const auto each = in_pieces(input, piece);
    must(each.said == whole.said, "pieces do not change the verdict");
    if (whole.said == http::head_scan::complete)
      must(each.end == whole.end, "nor where the head ends");
  }
  if (whole.said == http::head_scan::complete) {
    const auto head = input.substr(0, whole.end);
    const auto fault = http::head_fault(head);
    if (fault)
      must(!fault->empty() && fault->size() < 100, "a fault is a sentence");
    else
      check_passed(head);
  }
  if (const auto target = http::split_target(input)) {
    must(target->raw_path.starts_with('/'), "a path begins with a slash");
    must(std::none_of(target->path.begin(), target->path.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }),
         "no control character behind an escape");
  }
  must(!http::sane_request_id(input) || input.find_first_of("\r\n \"") == std::string_view::npos,
       "a request id is a word");
  (void)http::media_type(input);
  return 0;
}
