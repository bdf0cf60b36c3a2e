// Runs every file of the folders and files named on the command line through a target: the kept
// corpus as an ordinary test, with any compiler. Prints each name before it runs.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/property.hpp"

namespace {

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path given{words[i]};
    if (!std::filesystem::is_directory(given)) {
      files.push_back(given);
      continue;
    }
    for (const auto& each : std::filesystem::directory_iterator{given})
      if (each.is_regular_file()) files.push_back(each.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fputs("no input: name files or folders\n", stderr);
    return 1;
  }
  for (const auto& file : files) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    const auto text = text_of_file(file);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  std::printf("%zu inputs\n", files.size());
  return 0;
}
