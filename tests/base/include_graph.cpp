// The layers hold: every source file is read, and an include that points up, a CAF header outside
// actors/, or a clock, thread or file in the pure layers fails here with file and line.
// The rules are those of ARCHITECTURE.md ("Layers").
#define BOOST_TEST_MODULE include_graph
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;
using namespace std::literals;

namespace {

/// Lowest first: a file may include its own layer and what stands before it.
constexpr std::array layers{"base"sv, "config"sv, "protocol"sv, "sync"sv, "persistence"sv,
                            "http"sv, "actors"sv, "sandbox"sv,  "app"sv};

/// What the pure layers, protocol/ and sync/, must not mention: whole headers, and beginnings.
constexpr std::array impure_headers{
    "condition_variable"sv, "ctime"sv,  "filesystem"sv, "fstream"sv, "future"sv, "iostream"sv,
    "libpq-fe.h"sv,         "random"sv, "sqlite3.h"sv,  "thread"sv,  "time.h"sv, "unistd.h"sv};
constexpr std::array impure_beginnings{"boost/asio"sv, "boost/beast"sv, "boost/process"sv,
                                       "spdlog/"sv, "sys/"sv};
constexpr std::array impure_calls{"system_clock::now"sv,
                                  "steady_clock::now"sv,
                                  "high_resolution_clock::now"sv,
                                  "getenv("sv,
                                  "random_device"sv,
                                  "std::rand("sv,
                                  "fopen("sv,
                                  "std::printf("sv};

std::optional<std::size_t> rank_of(std::string_view layer) {
  const auto found = std::find(layers.begin(), layers.end(), layer);
  if (found == layers.end()) return std::nullopt;
  return static_cast<std::size_t>(found - layers.begin());
}

std::string_view first_segment(std::string_view path) { return path.substr(0, path.find('/')); }

/// The path between the quotes or brackets of an include line; nothing for any other line.
std::optional<std::string_view> included_by(std::string_view line) {
  const auto start = line.find_first_not_of(" \t");
  if (start == line.npos || line[start] != '#') return std::nullopt;
  const auto word = line.find("include", start);
  if (word == line.npos) return std::nullopt;
  const auto open = line.find_first_of("\"<", word);
  if (open == line.npos) return std::nullopt;
  const auto close = line.find_first_of("\">", open + 1);
  if (close == line.npos) return std::nullopt;
  return line.substr(open + 1, close - open - 1);
}

/// Why the file `path` may not include `header`; empty when it may.
std::string objection(std::string_view path, std::string_view header) {
  const auto layer = first_segment(path);
  const bool in_actors = layer == "actors" || path.starts_with("tests/actors/");
  if (header.starts_with("caf/") && !in_actors) return "only actors/ may include CAF";
  const auto own = rank_of(layer);
  const auto other = rank_of(first_segment(header));
  if (own && other && header.find('/') != header.npos && *other > *own)
    return std::string{layer} + "/ is below " + std::string{first_segment(header)} + "/";
  // The sandbox is written from the contracts alone, or it would share the bridge's mistakes.
  if (layer == "sandbox" &&
      (header.starts_with("protocol/plane") || header.starts_with("protocol/lark")))
    return "sandbox/ must not share code with protocol/plane/ and protocol/lark/";
  const auto begins = [&](std::string_view with) { return header.starts_with(with); };
  if ((layer == "protocol" || layer == "sync") &&
      (std::find(impure_headers.begin(), impure_headers.end(), header) != impure_headers.end() ||
       std::any_of(impure_beginnings.begin(), impure_beginnings.end(), begins)))
    return std::string{layer} + "/ is pure: no I/O, no clock, no thread";
  return {};
}

/// The line without a trailing // comment: a comment may name what the code must not call.
std::string_view code_of(std::string_view line) { return line.substr(0, line.find("//")); }

std::vector<std::string> violations(std::string_view path, std::string_view text) {
  std::vector<std::string> found;
  const auto layer = first_segment(path);
  const bool pure = layer == "protocol" || layer == "sync";
  for (std::size_t number = 1, at = 0; at < text.size(); ++number) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    const auto complain = [&](std::string_view why) {
      found.push_back(std::string{path} + ":" + std::to_string(number) + ": " + std::string{why});
    };
    if (const auto header = included_by(line)) {
      if (const auto why = objection(path, *header); !why.empty())
        complain(std::string{*header} + ": " + why);
    } else if (pure) {
      for (const auto call : impure_calls)
        if (code_of(line).find(call) != line.npos) complain(std::string{call} + " in a pure layer");
    }
  }
  return found;
}

std::string read(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Every .cpp and .hpp of the layers and of tests/, relative to the repository.
std::vector<fs::path> sources() {
  const fs::path root{PB_SOURCE_DIR};
  std::vector<std::string> folders{layers.begin(), layers.end()};
  folders.insert(folders.end(), {"tests", "benchmarks"});
  std::vector<fs::path> files;
  for (const auto& folder : folders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator{root / folder})
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp")
        files.push_back(fs::relative(entry.path(), root));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_source_file_breaks_the_order_of_the_layers) {
  const auto files = sources();
  BOOST_TEST(files.size() > 20U);
  for (const auto& file : files) {
    const auto text = read(fs::path{PB_SOURCE_DIR} / file);
    BOOST_TEST(!text.empty(), file.string() << " is empty or cannot be read");
    for (const auto& violation : violations(file.generic_string(), text)) BOOST_ERROR(violation);
  }
}

BOOST_AUTO_TEST_CASE(every_layer_folder_is_named_in_the_order) {
  for (const auto layer : layers)
    BOOST_TEST(fs::is_regular_file(fs::path{PB_SOURCE_DIR} / layer / "CMakeLists.txt"), layer);
}

BOOST_AUTO_TEST_CASE(an_include_that_points_up_is_found_with_its_line) {
  const auto found =
      violations("sync/a.cpp", "#include \"base/clock.hpp\"\n#include \"http/server.hpp\"\n");
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found.front() == "sync/a.cpp:2: http/server.hpp: sync/ is below http/");
}

BOOST_AUTO_TEST_CASE(what_the_rules_refuse_and_what_they_allow) {
  struct row {
    std::string_view path, line;
    bool refused;
  };
  for (const row& r : {
           row{"http/a.cpp", "#include \"persistence/rows.hpp\"", false},
           row{"http/a.cpp", "#include \"http/server.hpp\"", false},
           row{"base/a.hpp", "#  include \"config/settings.hpp\"", true},
           row{"persistence/a.cpp", "#include \"actors/front.hpp\"", true},
           row{"actors/a.cpp", "#include \"sandbox/plane.hpp\"", true},
           row{"app/main.cpp", "#include \"sandbox/plane.hpp\"", false},
           row{"actors/a.cpp", "#include <caf/all.hpp>", false},
           row{"tests/actors/a.cpp", "#include <caf/all.hpp>", false},
           row{"app/main.cpp", "#include <caf/all.hpp>", true},
           row{"tests/http/a.cpp", "#include <caf/all.hpp>", true},
           row{"tests/http/a.cpp", "#include \"actors/front.hpp\"", false},
           row{"sandbox/a.cpp", "#include \"protocol/plane/model.hpp\"", true},
           row{"sandbox/a.cpp", "#include \"protocol/lark/model.hpp\"", true},
           row{"sandbox/a.cpp", "#include \"protocol/http_message.hpp\"", false},
           row{"protocol/a.cpp", "#include <thread>", true},
           row{"protocol/a.cpp", "#include <thread_pool.hpp>", false},
           row{"protocol/a.cpp", "#include <boost/beast/http.hpp>", true},
           row{"sync/a.cpp", "#include <fstream>", true},
           row{"sync/a.cpp", "auto t = std::chrono::system_clock::now();", true},
           row{"sync/a.cpp", "// never system_clock::now", false},
           row{"http/a.cpp", "auto t = std::chrono::system_clock::now();", false},
           row{"sync/a.cpp", "#include <chrono>", false},
       })
    BOOST_TEST(violations(r.path, r.line).empty() != r.refused, r.path << ": " << r.line);
}
