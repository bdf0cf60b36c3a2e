// What the documents name exists: files of the repository, links between pages, and, in the pages
// that tie statements to tests, each test case and each recorded file. A test that is renamed or
// removed fails here until its statement is mended.
#define BOOST_TEST_MODULE documents
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path root{PB_SOURCE_DIR};

std::string read(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
std::string shown(const fs::path& file) { return file.lexically_relative(root).string(); }

std::vector<fs::path> markdown_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator{folder})
    if (entry.path().extension() == ".md") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}
/// Pages that tie what they say to tests.
std::vector<fs::path> stating_documents() {
  auto out = markdown_in(root / "docs/contracts");
  out.push_back(root / "docs/sync-rules.md");
  out.push_back(root / "docs/delivery.md");
  out.push_back(root / "docs/store.md");
  return out;
}
std::vector<fs::path> all_documents() {
  std::vector<fs::path> out;
  for (const auto* folder : {"", "docs", "docs/contracts"})
    for (auto& file : markdown_in(root / folder)) out.push_back(std::move(file));
  return out;
}

/// Everything between single backticks, fenced blocks left out.
std::vector<std::string> code_words(const std::string& text) {
  static const std::regex fence{"```[^]*?```"}, word{"`([^`\n]+)`"};
  const auto prose = std::regex_replace(text, fence, "");
  std::vector<std::string> out;
  for (std::sregex_iterator it{prose.begin(), prose.end(), word}, end; it != end; ++it)
    out.push_back((*it)[1]);
  return out;
}

/// Test cases by the stem of their file.
const std::map<std::string, std::set<std::string>>& cases() {
  static const auto all = [] {
    static const std::regex named{
        R"(BOOST_(?:AUTO|FIXTURE|DATA|PARAM)_TEST_CASE(?:_TEMPLATE)?\(\s*([a-z0-9_]+))"};
    std::map<std::string, std::set<std::string>> out;
    for (const auto& entry : fs::recursive_directory_iterator{root / "tests"}) {
      const auto kind = entry.path().extension();
      if (kind != ".cpp" && kind != ".hpp") continue;
      const auto text = read(entry.path());
      for (std::sregex_iterator it{text.begin(), text.end(), named}, end; it != end; ++it)
        out[entry.path().stem().string()].insert((*it)[1]);
    }
    return out;
  }();
  return all;
}

/// Does some file under tests/fixtures begin with this, as "rest/123" or "ics/leap-day.ics" do?
bool recorded(const std::string& name) {
  static const auto files = [] {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator{root / "tests/fixtures"})
      out.push_back(entry.path().lexically_relative(root / "tests/fixtures").string());
    return out;
  }();
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    const auto rest = file.find('/');
    return rest != file.npos && file.compare(rest + 1, name.size(), name) == 0;
  });
}
bool names_a_recording(const std::string& word) {
  const auto slash = word.find('/');
  if (slash == word.npos || slash == 0 || word.find_first_of("*{<> ") != word.npos) return false;
  const auto folder = word.substr(0, slash);
  for (const auto& group : fs::directory_iterator{root / "tests/fixtures"})
    if (fs::is_directory(group.path() / folder)) return true;
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_file_that_a_document_names_exists) {
  static const std::regex path{R"([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+/?)"};
  std::size_t found = 0;
  for (const auto& document : all_documents())
    for (const auto& word : code_words(read(document))) {
      if (!std::regex_match(word, path)) continue;
      const fs::path named{word};
      const auto first = named.begin()->string();
      // "sync/x.cpp" stands for any; what is built is not there yet.
      if (!fs::is_directory(root / first) || first.starts_with(".") || first == "build" ||
          named.stem() == "x")
        continue;
      ++found;
      // A unit is named without its ending too: "sync/cron".
      const auto there = fs::exists(root / named) || fs::exists(root / (word + ".hpp"));
      BOOST_TEST(there, shown(document) << " names " << word << ", which does not exist");
    }
  BOOST_TEST(found > 20U);  // or the words are not found any more
}

BOOST_AUTO_TEST_CASE(every_link_between_pages_leads_somewhere) {
  static const std::regex link{R"(\]\(([^)#\s]+)(?:#[^)]*)?\))"};
  for (const auto& document : all_documents()) {
    const auto text = read(document);
    for (std::sregex_iterator it{text.begin(), text.end(), link}, end; it != end; ++it) {
      const std::string target = (*it)[1];
      if (target.find("://") != target.npos || target.starts_with("mailto:")) continue;
      BOOST_TEST(fs::exists(document.parent_path() / target),
                 shown(document) << " links to " << target << ", which does not exist");
    }
  }
}

BOOST_AUTO_TEST_CASE(every_test_that_a_statement_names_exists) {
  // "plane_parse.a_case", ".another_case_of_the_same", "caldav_merge: a_case", "a_case_alone".
  static const std::regex named{R"((?:([a-z0-9_]+)?(?:\.|: ))?([a-z0-9]+(?:_[a-z0-9]+){3,}))"};
  std::size_t found = 0;
  for (const auto& document : stating_documents()) {
    BOOST_REQUIRE_MESSAGE(fs::exists(document), shown(document) << " is missing");
    for (const auto& word : code_words(read(document))) {
      std::smatch m;
      if (!std::regex_match(word, m, named) || word.starts_with("planebridge_")) continue;
      const std::string unit = m[1], name = m[2];
      ++found;
      const auto in_unit = cases().find(unit);
      const bool there =
          unit.empty() ? std::any_of(cases().begin(), cases().end(),
                                     [&](const auto& file) { return file.second.contains(name); })
                       : in_unit != cases().end() && in_unit->second.contains(name);
      BOOST_TEST(there, shown(document) << " names the test " << word << ", which does not exist");
    }
  }
  BOOST_TEST(found > 100U);
}

BOOST_AUTO_TEST_CASE(every_recording_that_a_statement_names_exists) {
  std::size_t found = 0;
  for (const auto& document : stating_documents())
    for (const auto& word : code_words(read(document))) {
      if (!names_a_recording(word) || word.ends_with('/')) continue;
      ++found;
      BOOST_TEST(recorded(word), shown(document) << " names " << word << ", which is not recorded");
    }
  BOOST_TEST(found > 40U);
}

BOOST_AUTO_TEST_CASE(every_page_that_the_code_names_exists) {
  // The comments of the code send readers to docs/…; what they name has to be there.
  static const std::regex page{R"(docs/[A-Za-z0-9_/.-]+\.md)"};
  for (const auto* layer :
       {"base", "config", "protocol", "sync", "persistence", "http", "actors", "sandbox", "app"})
    for (const auto& entry : fs::recursive_directory_iterator{root / layer}) {
      const auto kind = entry.path().extension();
      if (kind != ".cpp" && kind != ".hpp") continue;
      const auto text = read(entry.path());
      for (std::sregex_iterator it{text.begin(), text.end(), page}, end; it != end; ++it) {
        const std::string name = it->str();
        BOOST_TEST(fs::exists(root / name), shown(entry.path())
                                                << " names " << name << ", which does not exist");
      }
    }
}
