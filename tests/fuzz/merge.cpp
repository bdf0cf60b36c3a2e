// Our values written into a server's copy of an event. The second time nothing changes, what is not
// ours stays byte for byte, and what was written reads back as what was wanted.
//
// Pieces: the server copy, SUMMARY, DESCRIPTION, labels and labels of before (a line each), and a
// line of numbers: start (days since 1970), length, updated (seconds), last sequence.
#include <algorithm>
#include <charconv>
#include <string>

#include "protocol/caldav/content_line.hpp"
#include "protocol/caldav/event.hpp"
#include "protocol/caldav/merge.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
namespace caldav = pb::protocol::caldav;
using fuzz::must;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < 20) {
    const auto end = text.find('\n');
    if (end != 0) out.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

struct numbers {
  int start = 21'915, length = 1, updated = 1'800'000'000, sequence = 0;
};
numbers numbers_of(std::string_view text) {
  numbers out;
  for (int* each : {&out.start, &out.length, &out.updated, &out.sequence}) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *each);
    if (error != std::errc{}) break;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  out.start = std::clamp(out.start, -700'000, 2'900'000);
  out.length = std::clamp(out.length, 0, 1'000);
  out.updated = std::max(out.updated, 0);
  return out;
}

bool ours(const std::string& name) {
  static const std::vector<std::string> names{
      "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND",      "DURATION",
      "SUMMARY", "DESCRIPTION",   "STATUS",   "COLOR",   "CATEGORIES", "URL"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What nobody may touch, in its order: all but the owned properties of the master's own level.
std::vector<std::string> foreign(const std::vector<caldav::content_line>& all,
                                 std::string_view uid) {
  // the same choice as the merge's: the first VEVENT of this UID that is no exception
  std::vector<std::string> out;
  bool done = false;
  for (std::size_t i = 0; i < all.size();) {
    const bool event = i > 0 && all[i].name == "BEGIN" && [&] {
      std::string v{all[i].value()};
      for (auto& c : v) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      return v == "VEVENT";
    }();
    std::size_t end = i;
    if (i > 0 && all[i].name == "BEGIN") {
      int depth = 0;
      for (; end < all.size(); ++end) {
        if (all[end].name == "BEGIN") ++depth;
        if (all[end].name == "END" && --depth == 0) break;
      }
    }
    bool master = event && !done;
    std::string_view found;
    int depth = 0;
    for (auto k = i; master && k <= end && k < all.size(); ++k) {
      if (all[k].name == "BEGIN") ++depth;
      if (all[k].name == "END") --depth;
      if (depth == 1 && all[k].name == "UID") found = all[k].value();
      if (depth == 1 && all[k].name == "RECURRENCE-ID") master = false;
    }
    master = master && found == uid;
    done = done || master;
    depth = 0;
    for (auto k = i; k <= end && k < all.size(); ++k) {
      if (all[k].name == "BEGIN") ++depth;
      const bool own = depth == 1;
      if (all[k].name == "END") --depth;
      if (!(master && own && ours(all[k].name))) out.push_back(all[k].text);
    }
    i = end + 1;
  }
  return out;
}

std::vector<std::string> texts(const std::vector<caldav::content_line>& all) {
  std::vector<std::string> out;
  for (const auto& l : all) out.push_back(l.text);
  return out;
}

void check_lines(std::string_view copy) {
  const auto all = caldav::parse_lines(copy);
  if (!all) return;
  const auto written = caldav::write_lines(*all);
  for (std::size_t at = 0; at < written.size();) {
    const auto end = written.find("\r\n", at);
    must(end != std::string::npos && end - at <= 75, "no line is longer than 75 octets");
    at = end + 2;
  }
  const auto again = caldav::parse_lines(written);
  must(bool{again}, "what was written can be read");
  must(texts(*again) == texts(*all), "read, written and read again: the same lines");
  must(caldav::write_lines(*again) == written, "written twice: the same bytes");
}

void check_texts(std::string_view text) {
  const auto escaped = caldav::escape_text(text);
  must(caldav::escape_text(caldav::unescape_text(escaped)) == escaped, "escapes come back");
  must(escaped.find('\n') == std::string::npos, "an escaped text is one line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = fuzz::pieces(fuzz::text_of(data, size), 6);
  const auto copy = in[0];
  check_lines(copy);
  check_texts(in[1]);
  check_texts(in[2]);
  const auto n = numbers_of(in[5]);

  caldav::event_values wanted;
  const auto there = caldav::read_owned(copy);
  if (there) wanted.uid = there->uid;
  wanted.summary = in[1];
  wanted.description = in[2];
  wanted.categories = lines_of(in[3]);
  wanted.start = std::chrono::sys_days{std::chrono::days{n.start}};
  wanted.end_exclusive = std::chrono::sys_days{std::chrono::days{n.start + n.length}};
  wanted.updated = wanted.created = timestamp{std::chrono::seconds{n.updated}};
  wanted = caldav::normalized(std::move(wanted));
  must(caldav::normalized(wanted).summary == wanted.summary &&
           caldav::normalized(wanted).description == wanted.description &&
           caldav::normalized(wanted).categories == wanted.categories,
       "normalized twice: the same");
  const auto before = lines_of(in[4]);
  const auto now = timestamp{std::chrono::seconds{1'900'000'000}};

  if (caldav::validate(wanted)) {
    const auto fresh = caldav::build_event(wanted);
    const auto same = caldav::merge_event(fresh, wanted, wanted.categories, now, 0);
    must(same && !same->changed, "a fresh event needs no merge");
  }
  const auto merged = caldav::merge_event(copy, wanted, before, now, n.sequence);
  if (!merged) return 0;
  must(bool{there}, "only what can be read is merged");
  must(merged->sequence >= there->sequence || n.sequence > there->sequence,
       "SEQUENCE never goes back");
  if (!merged->changed) {
    must(merged->text == copy, "nothing to write: the copy itself");
    return 0;
  }
  const auto again = caldav::merge_event(merged->text, wanted, before, now, merged->sequence);
  must(bool{again}, "what was merged can be merged");
  must(!again->changed, "merged twice: nothing to write");
  const auto old_lines = caldav::parse_lines(copy), new_lines = caldav::parse_lines(merged->text);
  must(old_lines && new_lines, "both can be read");
  must(foreign(*old_lines, wanted.uid) == foreign(*new_lines, wanted.uid),
       "what is not ours stays as it was");
  auto result = caldav::read_owned(merged->text, wanted.uid);
  must(bool{result}, "the merged event is there");
  const auto goal = caldav::owned_by(wanted);
  must(result->owned.summary == goal.summary && result->owned.description == goal.description &&
           result->owned.start == goal.start && result->owned.end == goal.end &&
           result->owned.status == goal.status,
       "what was written reads back");
  return 0;
}
