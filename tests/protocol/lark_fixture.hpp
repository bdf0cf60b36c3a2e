// Written Feishu traffic, as the tests of protocol/lark read it: tests/fixtures/lark/.
#pragma once
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"

BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::errc)

namespace lark_fixture {
namespace json = boost::json;

/// The samples' credentials.
inline const std::string encrypt_key = "kW3pR9xQ2mZt7vLs";
inline const std::string verification_token = "vt-Q7mX2cK9planebridge";
inline const std::string bot_open_id = "ou_c0ffee00c0ffee00c0ffee00c0ffee00";

inline std::filesystem::path folder() { return std::filesystem::path{PB_FIXTURES} / "lark"; }
inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>{in}, {}};
}
inline std::string sample(const std::string& name) { return read_file(folder() / name); }
inline json::value parsed(const std::string& name) { return json::parse(sample(name)); }

/// The names of all samples that begin so, sorted.
inline std::vector<std::string> names(std::string_view prefix) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator{folder()})
    if (const auto name = entry.path().filename().string(); name.starts_with(prefix))
      out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

inline std::string text(const json::value& v) {
  return v.is_null() ? std::string{} : std::string{v.as_string().c_str(), v.as_string().size()};
}
inline std::string text(const json::value& v, std::string_view key) {
  const auto* found = v.as_object().if_contains(json::string_view{key.data(), key.size()});
  return found == nullptr ? std::string{} : text(*found);
}

inline std::vector<pb::protocol::http_header> headers(const json::value& o) {
  std::vector<pb::protocol::http_header> out;
  for (const auto& [name, value] : o.as_object())
    out.push_back({std::string{name.data(), name.size()}, text(value), false});
  return out;
}

/// response.<name>.json as the client would hand it on.
inline pb::protocol::http_response response(const std::string& name) {
  const auto v = parsed("response." + name + ".json");
  const auto& o = v.as_object();
  pb::protocol::http_response out;
  out.status = static_cast<int>(o.at("status").as_int64());
  out.headers = headers(o.at("headers"));
  if (const auto* body = o.if_contains("body")) out.body = json::serialize(*body);
  return out;
}

}  // namespace lark_fixture
