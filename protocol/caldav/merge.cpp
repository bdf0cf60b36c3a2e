#include "protocol/caldav/merge.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

#include "protocol/http_message.hpp"

namespace pb::protocol::caldav {
namespace {
using lines = std::vector<content_line>;

/// The master VEVENT: [begin, end] are the indexes of its BEGIN and END lines.
struct master {
  std::size_t begin = 0, end = 0;
  bool siblings = false;
};

failure not_there() {
  return {errc::not_found, "caldav.read_event", "no event with this UID", "", 0, "", {}};
}

/// Calls see(index) for the lines of a component's own level.
template <class See>
void own_level(const lines& all, std::size_t begin, std::size_t end, See see) {
  int depth = 0;
  for (auto i = begin + 1; i < end; ++i) {
    if (all[i].name == "END") {
      --depth;
      continue;
    }
    if (all[i].name == "BEGIN") {
      ++depth;
      continue;
    }
    if (depth == 0) see(i);
  }
}

std::size_t end_of(const lines& all, std::size_t begin) {
  int depth = 0;
  for (auto i = begin; i < all.size(); ++i) {
    if (all[i].name == "BEGIN") ++depth;
    if (all[i].name == "END" && --depth == 0) return i;
  }
  return all.size() - 1;
}

result<master> find_master(const lines& all, std::string_view uid) {
  std::optional<master> found;
  bool siblings = false;
  for (std::size_t i = 1; i < all.size();) {
    if (all[i].name != "BEGIN") {
      ++i;
      continue;
    }
    const auto end = end_of(all, i);
    if (iequals(all[i].value(), "VEVENT")) {
      std::string_view its_uid;
      bool recurrence = false;
      own_level(all, i, end, [&](std::size_t at) {
        if (all[at].name == "UID") its_uid = all[at].value();
        if (all[at].name == "RECURRENCE-ID") recurrence = true;
      });
      if (uid.empty() || its_uid == uid) {
        if (recurrence)
          siblings = true;
        else if (!found)
          found = master{i, end, false};
      }
    }
    i = end + 1;
  }
  if (!found) return not_there();
  found->siblings = siblings;
  return *found;
}

std::string lower_trimmed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// "20280229" for a plain date, all of the line otherwise: a rewritten value never equals ours.
std::string date_value(const content_line& line) {
  if (parse_date(line.value())) return std::string{line.value()};
  return line.text;
}

/// Servers disagree about blanks at the end of a text; ours never has any.
std::string text_value(const content_line& line) {
  auto out = unescape_text(line.value());
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n' || out.back() == '\t'))
    out.pop_back();
  return out;
}

int parse_sequence(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value > 0 ? value : 0;
}

server_event read(const lines& all, const master& at) {
  server_event out;
  out.recurring = at.siblings;
  bool seen[8] = {};
  const auto first = [&seen](int which) { return !std::exchange(seen[which], true); };
  own_level(all, at.begin, at.end, [&](std::size_t i) {
    const auto& line = all[i];
    if (line.name == "UID") {
      out.uid = line.value();
    } else if (line.name == "SUMMARY" && first(0)) {
      out.owned.summary = text_value(line);
    } else if (line.name == "DESCRIPTION" && first(1)) {
      out.owned.description = text_value(line);
    } else if (line.name == "DTSTART" && first(2)) {
      out.owned.start = date_value(line);
    } else if (line.name == "DTEND" && first(3)) {
      out.owned.end += date_value(line);
    } else if (line.name == "DURATION") {
      out.owned.end += line.text;
    } else if (line.name == "STATUS" && first(4)) {
      out.owned.status = line.value();
    } else if (line.name == "COLOR" && first(5)) {
      out.owned.color = lower_trimmed(line.value());
    } else if (line.name == "URL" && first(6)) {
      out.owned.url = line.value();
    } else if (line.name == "CATEGORIES") {
      for (const auto piece : split_values(line.value()))
        if (!piece.empty()) out.owned.labels.push_back(unescape_text(piece));
    } else if (line.name == "SEQUENCE") {
      out.sequence = std::max(out.sequence, parse_sequence(line.value()));
    } else if (line.name == "LAST-MODIFIED" && first(7)) {
      out.last_modified = parse_instant(line.value());
    } else if (line.name == "RRULE" || line.name == "RDATE") {
      out.recurring = true;
    }
  });
  auto& labels = out.owned.labels;
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return out;
}

bool holds(const std::vector<std::string>& sorted, const std::string& one) {
  return std::binary_search(sorted.begin(), sorted.end(), one);
}

std::vector<std::string> normal_labels(const std::vector<std::string>& labels) {
  event_values carrier;
  carrier.categories = labels;
  return normalized(std::move(carrier)).categories;
}

/// Rewrites one component's lines. Indexes shift while it works, so it marks and rebuilds once.
class rewriter {
public:
  rewriter(lines all, const master& at) : all_(std::move(all)), at_(at), drop_(all_.size()) {
    insert_at_ = at_.end;
    for (auto i = at_.begin + 1; i < at_.end; ++i) {
      if (all_[i].name == "BEGIN") {
        insert_at_ = i;
        break;
      }
    }
  }

  /// No value: all lines of that name go.
  void set(std::string_view name, const std::optional<std::string>& value,
           std::string_view params = {}) {
    bool placed = false;
    own_level(all_, at_.begin, at_.end, [&](std::size_t i) {
      if (all_[i].name != name || drop_[i]) return;
      if (placed || !value) {
        drop_[i] = true;
        return;
      }
      all_[i] = make_line(name, *value, params);
      placed = true;
    });
    if (!placed && value) added_.push_back(make_line(name, *value, params));
  }

  void set_labels(const std::vector<std::string>& wanted, const std::vector<std::string>& base) {
    std::vector<std::pair<std::string, std::string>> kept;  // unescaped, as it was written
    bool change = false;
    std::size_t found = 0;
    own_level(all_, at_.begin, at_.end, [&](std::size_t i) {
      if (all_[i].name != "CATEGORIES") return;
      ++found;
      for (const auto piece : split_values(all_[i].value())) {
        auto label = unescape_text(piece);
        const bool ours = holds(base, label) && !holds(wanted, label);
        const bool twice =
            std::any_of(kept.begin(), kept.end(), [&](const auto& k) { return k.first == label; });
        if (label.empty() || ours || twice)
          change = true;
        else
          kept.emplace_back(std::move(label), std::string{piece});
      }
    });
    for (const auto& label : wanted) {
      if (std::any_of(kept.begin(), kept.end(), [&](const auto& k) { return k.first == label; }))
        continue;
      kept.emplace_back(label, escape_text(label));
      change = true;
    }
    if (!change && found <= 1) return;  // byte for byte as it was
    std::string joined;
    for (const auto& [label, raw] : kept) joined.append(joined.empty() ? "" : ",").append(raw);
    set("CATEGORIES", kept.empty() ? std::nullopt : std::optional{joined});
  }

  std::string text() {
    lines out;
    out.reserve(all_.size() + added_.size());
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (i == insert_at_) std::move(added_.begin(), added_.end(), std::back_inserter(out));
      if (!drop_[i]) out.push_back(std::move(all_[i]));
    }
    return write_lines(out);
  }

private:
  lines all_;
  master at_;
  std::vector<bool> drop_;
  lines added_;
  std::size_t insert_at_ = 0;
};

int next_sequence(int server, int last, bool moved) {
  const int highest = std::max({server, last, 0});
  return moved && highest < std::numeric_limits<int>::max() ? highest + 1 : highest;
}
}  // namespace

result<server_event> read_owned(std::string_view server_copy, std::string_view uid) {
  auto all = parse_lines(server_copy);
  if (!all) return all.error();
  auto at = find_master(*all, uid);
  if (!at) return at.error();
  return read(*all, *at);
}

std::string content_hash(const server_event& event, const std::vector<std::string>& wanted_labels,
                         const std::vector<std::string>& base_labels) {
  const auto wanted = normal_labels(wanted_labels), base = normal_labels(base_labels);
  auto owned = event.owned;
  std::erase_if(owned.labels, [&](const auto& l) { return !holds(wanted, l) && !holds(base, l); });
  return content_hash(owned);
}

result<merged> merge_event(std::string_view server_copy, const event_values& wanted,
                           const std::vector<std::string>& base_labels, timestamp now,
                           int last_sequence) {
  if (auto sane = validate(wanted); !sane) return sane.error();
  auto all = parse_lines(server_copy);
  if (!all) return all.error();
  auto at = find_master(*all, wanted.uid);
  if (!at) return at.error();

  const auto current = read(*all, *at);
  const auto goal = owned_by(wanted);
  merged out;
  if (current.recurring)
    out.notes.emplace_back("a client made the event recur; only its master follows the work item");
  if (content_hash(current, goal.labels, base_labels) == content_hash(goal)) {
    out.text = server_copy;
    out.sequence = std::max(current.sequence, last_sequence);
    return out;
  }

  const bool moved = current.owned.start != goal.start || current.owned.end != goal.end ||
                     current.owned.status != goal.status;
  out.changed = true;
  out.sequence = next_sequence(current.sequence, last_sequence, moved);
  // A client's later edit must not look newer than ours.
  const auto plane_time = std::chrono::floor<std::chrono::seconds>(wanted.updated);
  const bool edited = current.last_modified && *current.last_modified > plane_time;
  const auto revised = format_instant(edited ? now : timestamp{plane_time});
  const auto optional_value = [](const std::string& v) {
    return v.empty() ? std::nullopt : std::optional{v};
  };

  rewriter text{std::move(*all), *at};
  text.set("DTSTAMP", revised);
  text.set("LAST-MODIFIED", revised);
  text.set("SEQUENCE", std::to_string(out.sequence));
  text.set("DTSTART", goal.start, ";VALUE=DATE");
  text.set("DURATION", std::nullopt);
  text.set("DTEND", goal.end, ";VALUE=DATE");
  text.set("SUMMARY", escape_text(goal.summary));
  text.set("DESCRIPTION", optional_value(escape_text(goal.description)));
  text.set("STATUS", goal.status);
  text.set("COLOR", optional_value(goal.color));
  text.set_labels(goal.labels, normal_labels(base_labels));
  text.set("URL", optional_value(goal.url));
  out.text = text.text();
  return out;
}

}  // namespace pb::protocol::caldav
