#include "http/csv.hpp"

#include <optional>
#include <utility>

#include "base/utf8.hpp"

namespace pb::http {
namespace {

class scanner {
public:
  scanner(std::string_view text, const csv_limits& limits) : text_(text), limits_(limits) {}

  csv_table take() {
    if (text_.size() > limits_.bytes) {
      complain({1, 1}, "larger than " + std::to_string(limits_.bytes) + " bytes");
      return std::move(out_);
    }
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    line_begins_ = at_;
    while (at_ < text_.size() && out_.mistakes.empty()) take_row();
    return std::move(out_);
  }

private:
  [[nodiscard]] bool ended() const { return at_ >= text_.size(); }
  [[nodiscard]] char here() const { return ended() ? '\0' : text_[at_]; }
  [[nodiscard]] csv_place place() const { return {line_, at_ - line_begins_ + 1}; }
  void complain(csv_place where, std::string message) {
    if (out_.mistakes.empty()) out_.mistakes.push_back({where, std::move(message)});
  }

  /// "\n" or "\r\n"; a lone "\r" is neither.
  bool take_line_end() {
    if (here() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    if (here() != '\n') return false;
    ++at_;
    ++line_;
    line_begins_ = at_;
    return true;
  }

  void take_row() {
    if (take_line_end()) return;
    csv_row row;
    const auto begun = place();
    for (;;) {
      if (row.size() == limits_.fields)
        return complain(place(), "more than " + std::to_string(limits_.fields) + " fields");
      auto field = here() == '"' ? quoted() : plain();
      if (!out_.mistakes.empty()) return;
      row.push_back(std::move(field));
      if (here() == ',' && !ended()) {
        ++at_;
        continue;
      }
      if (ended() || take_line_end()) break;
      return complain(place(), "a comma or the end of the line is due");
    }
    if (out_.rows.size() == limits_.rows)
      return complain(begun, "more than " + std::to_string(limits_.rows) + " lines");
    out_.rows.push_back(std::move(row));
  }

  /// One character into the field; false when it may not be there.
  bool take_character(csv_field& to, bool line_breaks) {
    const auto where = place();
    const auto c = static_cast<unsigned char>(here());
    const auto length = utf8_length(text_, at_);
    if (length == 0) {
      complain(where, "not UTF-8; save the file as \"CSV UTF-8\"");
      return false;
    }
    const bool line_break = c == '\n' || c == '\r';
    if ((c < 0x20 && c != '\t' && !(line_break && line_breaks)) || c == 0x7f) {
      complain(where, "a control character");
      return false;
    }
    if (to.text.size() + length > limits_.field_bytes) {
      complain(to.at, "a field of more than " + std::to_string(limits_.field_bytes) + " bytes");
      return false;
    }
    to.text += text_.substr(at_, length);
    at_ += length;
    if (c == '\n') {
      ++line_;
      line_begins_ = at_;
    }
    return true;
  }

  csv_field plain() {
    csv_field out{{}, place()};
    while (!ended() && here() != ',' && here() != '\n') {
      if (here() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') break;
      if (here() == '"') {
        complain(place(), "a quote inside of a field that does not begin with one");
        break;
      }
      if (!take_character(out, false)) break;
    }
    return out;
  }

  csv_field quoted() {
    csv_field out{{}, place()};
    ++at_;
    while (!ended()) {
      if (here() != '"') {
        if (!take_character(out, true)) return out;
        continue;
      }
      ++at_;
      if (here() != '"' || ended()) return out;
      out.text += '"';
      ++at_;
    }
    complain(out.at, "the closing quote is missing");
    return out;
  }

  std::string_view text_;
  const csv_limits& limits_;
  csv_table out_;
  std::size_t at_ = 0, line_ = 1, line_begins_ = 0;
};

}  // namespace

csv_table parse_csv(std::string_view text, const csv_limits& limits) {
  return scanner{text, limits}.take();
}

}  // namespace pb::http
