// tests/fuzz/property: what a target states about its outcome, and the pieces of an input. A target
// is one function from bytes to nothing; libFuzzer calls it in the `asan` preset, replay.cpp with
// the kept corpus in all others.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

/// Ends the run when a promise does not hold: the input is a finding.
inline void must(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

/// Pieces of an input stand between lines that hold this alone, so that a corpus can be read.
inline constexpr std::string_view border = "\n----\n";

/// Exactly `count` pieces; those that are missing are empty, what is too much stays in the last.
inline std::vector<std::string_view> pieces(std::string_view input, std::size_t count) {
  std::vector<std::string_view> out;
  while (out.size() + 1 < count) {
    const auto at = input.find(border);
    out.push_back(input.substr(0, at));
    input = at == std::string_view::npos ? std::string_view{} : input.substr(at + border.size());
  }
  out.push_back(input);
  return out;
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace fuzz
