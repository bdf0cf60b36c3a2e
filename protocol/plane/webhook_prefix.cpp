// The tolerant half of webhook.hpp: a JSON tokenizer that keeps a few short strings of the first
// two levels and walks over everything else, cut off or not.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/entity.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/plane/webhook.hpp"

namespace pb::protocol::plane {
namespace {

constexpr std::size_t max_value_bytes = 200;

class prefix_scanner {
public:
  explicit prefix_scanner(std::string_view text) : text_(text) {}

  prefix_facts run() {
    while (at_ < text_.size() && step()) {
    }
    if (facts_.id.empty()) facts_.id = entity_id_;
    if (facts_.generation == 2) facts_.event = normalized_event(facts_.event);
    const auto cut = facts_.event.rfind('.');
    if (facts_.generation == 2 && cut != std::string::npos) {
      if (facts_.action.empty()) facts_.action = facts_.event.substr(cut + 1);
      facts_.about = subject_from(std::string_view{facts_.event}.substr(0, cut));
    } else {
      facts_.about = subject_from(facts_.event);
    }
    return std::move(facts_);
  }

private:
  struct level {
    bool object = false;
    bool expect_key = false;
    std::string_view key;
  };

  /// One token; false ends the walk.
  bool step() {
    const char c = text_[at_];
    switch (c) {
      case '{':
      case '[':
        if (levels_.size() >= max_json_depth) return false;
        levels_.push_back({c == '{', c == '{', {}});
        ++at_;
        return true;
      case '}':
      case ']':
        if (levels_.empty()) return false;
        levels_.pop_back();
        ++at_;
        return !levels_.empty();
      case ',':
        if (levels_.empty()) return false;
        levels_.back().expect_key = levels_.back().object;
        ++at_;
        return true;
      case '"':
        return string_token();
      default:
        ++at_;
        return true;  // blanks, colons, numbers and literals carry nothing
    }
  }

  bool string_token() {
    const auto begin = ++at_;
    bool escaped = false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        escaped = true;
        ++at_;
      }
      ++at_;
    }
    if (at_ >= text_.size()) return false;  // cut inside the string
    const auto value = text_.substr(begin, at_ - begin);
    ++at_;
    if (levels_.empty()) return false;
    auto& here = levels_.back();
    if (here.object && here.expect_key) {
      here.key = value;
      here.expect_key = false;
    } else if (here.object && !escaped && value.size() <= max_value_bytes) {
      take(value);
    }
    return true;
  }

  void take(std::string_view value) {
    const auto key = levels_.back().key;
    if (levels_.size() == 1) return take_top(key, value);
    if (levels_.size() == 2 && levels_.front().key == "data") take_data(key, value);
  }

  void take_top(std::string_view key, std::string_view value) {
    if (key == "version") facts_.generation = value == "v2" ? 2 : 1;
    if (key == "event") facts_.event = value;
    if (key == "action") facts_.action = value;
    if (key == "webhook_id") keep_id(facts_.webhook_id, value);
    if (key == "workspace_id") keep_id(facts_.workspace_id, value);
    if (key == "event_id") keep_id(facts_.stable_id, value);
    if (key == "entity_id") keep_id(entity_id_, value);
  }

  void take_data(std::string_view key, std::string_view value) {
    if (key == "id") keep_id(facts_.id, value);
    if (key == "project" || key == "project_id") keep_id(facts_.project_id, value);
    if (key == "issue" || key == "issue_id") keep_id(facts_.issue_id, value);
  }

  static void keep_id(std::string& into, std::string_view value) {
    if (into.empty() && is_uuid(value)) into = value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<level> levels_;
  prefix_facts facts_;
  std::string entity_id_;
};

}  // namespace

prefix_facts scan_prefix(std::string_view first_bytes) {
  return prefix_scanner{first_bytes.substr(0, prefix_bytes)}.run();
}

}  // namespace pb::protocol::plane
