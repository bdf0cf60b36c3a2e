#define BOOST_TEST_MODULE config_documents
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <set>

#include "config/secrets.hpp"
#include "config/show.hpp"
#include "config/sources.hpp"
#include "workspace.hpp"

using namespace pb::config;
using namespace pb::config::testing;

namespace {

/// With PB_UPDATE_GENERATED set the committed file is written instead of compared.
void is_committed_as(const std::string& text, const std::string& name) {
  const std::string path = std::string{PB_SOURCE_DIR} + "/" + name;
  if (std::getenv("PB_UPDATE_GENERATED") != nullptr) {
    std::ofstream{path, std::ios::binary} << text;
    return;
  }
  auto committed = read_bounded(path, 1024 * 1024);
  BOOST_TEST_REQUIRE(committed.has_value(), path);
  BOOST_TEST(
      (*committed == text),
      name << " differs from what config/ generates: run this test with PB_UPDATE_GENERATED=1");
}

/// The lines "# key = value" and "#NAME=value" with their "#" taken away.
std::string uncommented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    const bool toml = line.starts_with("# ") && line.find(" = ") != std::string::npos &&
                      line.find(' ', 2) == line.find(" = ");
    const bool env = line.size() > 1 && line[0] == '#' &&
                     std::isupper(static_cast<unsigned char>(line[1])) != 0 &&
                     line.find('=') != std::string::npos;
    if (toml) line.erase(0, 2);
    if (env) line.erase(0, 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_committed_files_are_what_the_table_generates) {
  is_committed_as(secrets_markdown(), "docs/secrets.md");
  is_committed_as(example_env(), ".env.example");
  is_committed_as(example_toml(), "planebridge.example.toml");
}

BOOST_AUTO_TEST_CASE(the_example_file_is_right_as_it_is_and_changes_nothing) {
  const load_outcome o = load_toml(example_toml());
  BOOST_TEST_INFO(report(o));
  BOOST_TEST(o.ok());
  const reload_outcome d = reload_diff(settings{}, o.values);
  BOOST_TEST(d.applied.empty());
  BOOST_TEST(d.needs_restart.empty());
}

BOOST_AUTO_TEST_CASE(the_example_file_names_every_entry_and_is_right_without_its_comment_signs) {
  std::string text = uncommented(example_toml());
  // Two files that do not exist are fine here; a certificate without its key would not be.
  const source_text source = read_toml(text, "example");
  BOOST_TEST_INFO(all_of(source.mistakes));
  BOOST_TEST(source.mistakes.empty());
  std::set<std::string> named;
  for (const located_value& v : source.values) named.insert(v.key);
  for (const entry& e : entries()) BOOST_TEST(named.contains(e.name()), e.name());
  const std::string empty_zone = "full_sync_cron = \"0 6 * * 1-5\"";
  BOOST_TEST((text.find(empty_zone) != std::string::npos));
  const load_outcome o = load_toml(text);
  for (const mistake& m : o.mistakes) BOOST_TEST(m.message == "", describe(m));
}

BOOST_AUTO_TEST_CASE(the_example_variables_are_known_and_right) {
  const folder f;
  load_inputs in;
  in.env_file_path = f.write(".env", example_env());
  const load_outcome plain = load(in);
  BOOST_TEST_INFO(report(plain));
  BOOST_TEST(plain.ok());
  BOOST_TEST(plain.origins.empty());

  in.env_file_path = f.write("all.env", uncommented(example_env()));
  const load_outcome all = load(in);
  BOOST_TEST_INFO(report(all));
  BOOST_TEST(all.ok());
  const source_text source = read_env(uncommented(example_env()), "e");
  std::set<std::string> named;
  for (const located_value& v : source.values) named.insert(v.key);
  for (const entry& e : entries()) BOOST_TEST(named.contains(e.variable()), e.variable());
}

BOOST_AUTO_TEST_CASE(every_entry_has_a_sentence_a_range_and_a_default_inside_it) {
  std::set<std::string> variables;
  const settings defaults;
  for (const entry& e : entries()) {
    BOOST_TEST_CONTEXT(e.name()) {
      BOOST_TEST(e.sentence.ends_with('.'));
      BOOST_TEST(!section_sentence(e.section).empty());
      BOOST_TEST((find_entry(e.name()) == &e));
      for (const std::string& name : e.all_variables())
        BOOST_TEST(variables.insert(name).second, name);
      if (e.is_number()) {
        BOOST_TEST(e.least < e.most);
        if (const auto n = number(e, defaults)) BOOST_TEST((*n >= e.least && *n <= e.most));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_secret_is_registered_with_its_variable_and_its_place) {
  const std::string page = secrets_markdown();
  for (const entry& e : entries())
    if (e.is_secret()) BOOST_TEST((find_requirement(e.name()) != nullptr), e.name());
  for (const requirement& r : requirements()) {
    BOOST_TEST_CONTEXT(r.entry) {
      const entry* e = find_entry(r.entry);
      BOOST_TEST_REQUIRE((e != nullptr));
      BOOST_TEST(e->variable() == r.variable);
      BOOST_TEST(e->is_secret() == r.is_secret);
      BOOST_TEST((page.find("<a id=\"" + std::string{r.anchor} + "\"></a>") != std::string::npos));
      BOOST_TEST((page.find("\n## " + std::string{r.title} + "\n") != std::string::npos));
      // A heading's own anchor is its text in lower case with hyphens: both lead to the place.
      std::string slug;
      for (const char c : r.title)
        slug += c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      BOOST_TEST(slug == r.anchor);
      BOOST_TEST(r.ssot_ref() == "docs/secrets.md#" + slug);
    }
  }
  BOOST_TEST(find_requirement("security.admin_token")->ssot_ref() == "docs/secrets.md#admin-token");
  BOOST_TEST((find_requirement("server.port") == nullptr));
}

BOOST_AUTO_TEST_CASE(what_a_start_would_miss_is_named_and_nothing_else) {
  pb::config::settings s;
  const auto names = [&s] {
    std::vector<std::string_view> out;
    for (const auto* r : pb::config::unmet(s)) out.push_back(r->entry);
    return out;
  };
  const std::vector<std::string_view> nothing_set{"plane.base_url", "plane.webhook_secret",
                                                  "calendar.url", "lark.app_id",
                                                  "security.admin_token"};
  BOOST_TEST(names() == nothing_set, boost::test_tools::per_element());
  s.plane.base_url = "https://plane.test";
  BOOST_TEST(names().front() == "plane.api_key");
  s.plane.api_key = pb::secret{"k"};
  s.plane.webhook_secret = {pb::secret{"w"}};
  s.calendar.url = "https://dav.test";
  s.security.admin_token = {pb::secret{"a"}};
  BOOST_TEST(names() == std::vector<std::string_view>{"lark.app_id"},
             boost::test_tools::per_element());
  s.lark.app_id = "cli_a";
  BOOST_TEST(names() == (std::vector<std::string_view>{"lark.app_secret", "lark.verification_token",
                                                       "lark.encrypt_key"}),
             boost::test_tools::per_element());
  s.lark.app_secret = pb::secret{"s"};
  s.lark.transport = pb::config::lark_transport::websocket;  // needs neither key nor token
  BOOST_TEST(names().empty());
  s.lark.transport = pb::config::lark_transport::webhook;
  s.lark.encrypt_key = {pb::secret{"k"}};
  s.lark.verification_token = {pb::secret{"v"}};
  BOOST_TEST(names().empty());
}
