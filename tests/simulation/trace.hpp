// tests/simulation/trace: what happened, line by line. Two runs of one seed give the same lines;
// their hash says so without keeping them.
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "persistence/store.hpp"

namespace pb::simulation {

/// A commit in one line, or one that failed.
std::string line_of(const persistence::write& unit, const result<persistence::written>& answer);

class trace {
public:
  explicit trace(bool shown) : shown_(shown) {}
  void add(std::string_view line) {
    for (const char c : line) mix(c);
    mix('\n');
    if (shown_) show(line);
  }
  /// For people: neither kept nor hashed.
  void show(std::string_view line) const {
    if (shown_) std::fprintf(stdout, "%.*s\n", static_cast<int>(line.size()), line.data());
  }
  [[nodiscard]] bool shown() const noexcept { return shown_; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

private:
  void mix(char c) { hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL; }
  bool shown_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace pb::simulation
