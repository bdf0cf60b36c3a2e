// Recorded and written Plane traffic, as the tests of protocol/plane read it.
#pragma once
#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"
#include "protocol/plane/model.hpp"

BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::errc)
BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::protocol::plane::subject)
BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::protocol::plane::action)

namespace plane_fixture {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>{in}, {}};
}
inline std::filesystem::path root() { return std::filesystem::path{PB_FIXTURES}; }
/// A written sample: tests/fixtures/plane/<name>.
inline std::string sample(const std::string& name) { return read_file(root() / "plane" / name); }

inline std::vector<std::filesystem::path> files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator{root() / folder})
    if (entry.path().extension() == ".json") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

inline std::string text(const boost::json::value& v) {
  return v.is_null() ? std::string{} : std::string{v.as_string().c_str(), v.as_string().size()};
}

inline std::vector<pb::protocol::http_header> headers(const boost::json::value& list) {
  std::vector<pb::protocol::http_header> out;
  for (const auto& pair : list.as_array())
    out.push_back({text(pair.as_array().at(0)), text(pair.as_array().at(1)), false});
  return out;
}

/// One recorded delivery.
struct delivery {
  std::string name, body, secret;
  pb::protocol::http_response as_headers;  ///< only for its header() look-up
  bool signature_holds = false;
  bool cut = false;  ///< the recording cut a very large body
};

inline bool is_cut(const std::string& body) {
  boost::system::error_code ec;
  const auto whole = boost::json::parse(body, ec);
  return !body.empty() && ec.failed();
}

inline delivery load_delivery(const std::filesystem::path& path) {
  const auto v = boost::json::parse(read_file(path));
  const auto& o = v.as_object();
  delivery d;
  d.name = path.stem().string();
  d.body = text(o.at("body_raw"));
  d.as_headers.headers = headers(o.at("headers"));
  if (const auto* s = o.if_contains("signing_secret")) d.secret = text(*s);
  if (const auto* s = o.if_contains("signature_is_hmac_sha256_hex_of_full_body_bytes"))
    d.signature_holds = s->is_bool() && s->as_bool();
  d.cut = is_cut(d.body);
  return d;
}

/// One recorded REST exchange.
struct exchange {
  std::string step, method, path;
  pb::protocol::http_response answer;
  bool cut = false;  ///< the recording cut a very large body
};
inline exchange load_exchange(const std::filesystem::path& path) {
  const auto v = boost::json::parse(read_file(path));
  const auto& o = v.as_object();
  exchange e;
  e.step = text(o.at("step"));
  e.method = text(o.at("request").as_object().at("method"));
  e.path = text(o.at("request").as_object().at("path"));
  const auto& response = o.at("response").as_object();
  e.answer.status = static_cast<int>(response.at("status").as_int64());
  e.answer.headers = headers(response.at("headers"));
  e.answer.body = text(response.at("body"));
  e.cut = is_cut(e.answer.body);
  return e;
}
inline exchange recorded(const std::string& name) {
  return load_exchange(root() / "plane-live" / "rest" / (name + ".json"));
}

}  // namespace plane_fixture
