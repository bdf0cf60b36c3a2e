// planebridge mappings users|channels list|set|delete|import, users match: over the running
// daemon's API.
#include <array>
#include <fstream>
#include <iostream>
#include <iterator>

#include "app/api_client.hpp"
#include "protocol/http_message.hpp"

namespace pb::app {
namespace json = boost::json;
namespace {

constexpr std::size_t file_limit = 2u << 20;

struct kind_facts {
  std::string path;
  std::vector<std::string_view> keys, columns;
};
kind_facts facts_of(const std::string& what) {
  if (what == "users")
    return {"/admin/mappings/users",
            {"open_id"},
            {"open_id", "plane_user", "name", "email", "union_id"}};
  return {"/admin/mappings/channel-project",
          {"chat", "project"},
          {"chat", "project", "shown", "default", "announce_items", "announce_projects",
           "internal_comments", "external", "states", "priorities", "labels", "types"}};
}

/// A spreadsheet takes a cell that begins so for a formula.
bool looks_like_formula(const std::string& text) {
  return !text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos;
}

std::string cell(const json::value* v) {
  if (v == nullptr || v->is_null()) return {};
  std::string text;
  if (v->is_string()) {
    text = std::string{v->get_string()};
  } else if (v->is_array()) {
    for (const auto& one : v->get_array())
      text += (text.empty() ? "" : ";") +
              (one.is_string() ? std::string{one.get_string()} : json::serialize(one));
  } else {
    text = json::serialize(*v);
  }
  if (looks_like_formula(text)) text.insert(0, " ");
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string{"\"\""} : std::string{c};
  return out + "\"";
}

int list(const api_client& api, const kind_facts& k) {
  std::string heading;
  for (const auto c : k.columns) heading += (heading.empty() ? "" : ",") + std::string{c};
  std::cout << heading << "\n";
  std::string cursor;
  do {
    const auto v = api.get(k.path + "?limit=200" +
                           (cursor.empty() ? "" : "&cursor=" + protocol::percent_encode(cursor)));
    if (!v) return complain(v.error());
    boost::system::error_code ec;
    const auto* rows = v->find_pointer("/data", ec);
    if (rows == nullptr || !rows->is_array())
      return complain({errc::unexpected_answer, "mappings", "no list", "", 0, "", {}});
    for (const auto& row : rows->get_array()) {
      const auto* o = row.if_object();
      std::string line;
      for (std::size_t i = 0; o != nullptr && i < k.columns.size(); ++i)
        line += (i == 0 ? "" : ",") + cell(o->if_contains(k.columns[i]));
      std::cout << line << "\n";
    }
    const auto* next = v->find_pointer("/page/next_cursor", ec);
    cursor = next != nullptr && next->is_string() ? std::string{next->get_string()} : "";
  } while (!cursor.empty());
  return 0;
}

int told(const result<json::value>& answer) {
  if (!answer) return complain(answer.error());
  boost::system::error_code ec;
  const auto* data = answer->find_pointer("/data", ec);
  std::cout << json::serialize(data != nullptr ? *data : *answer) << "\n";
  return 0;
}

int set(const api_client& api, const kind_facts& k, const mapping_options& m) {
  json::object body;
  for (std::size_t i = 0; i < k.keys.size(); ++i) body[k.keys[i]] = m.keys.at(i);
  for (const auto& pair : m.set) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      return complain(
          {errc::bad_input, "mappings", "\"" + pair + "\" is not field=value", "", 0, "", {}});
    body[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return told(api.post(k.path, json::serialize(body)));
}

int import(const api_client& api, const kind_facts& k, const mapping_options& m) {
  std::string text;
  const auto read = [&text](std::istream& in) {
    std::array<char, 64 * 1024> piece;
    while (text.size() <= file_limit && (in.read(piece.data(), piece.size()), in.gcount() > 0))
      text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  };
  if (m.file == "-") {
    read(std::cin);
  } else {
    std::ifstream in{m.file, std::ios::binary};
    if (!in)
      return complain(
          {errc::not_found, "mappings", "\"" + m.file + "\" cannot be read", "", 0, "", {}});
    read(in);
  }
  if (text.size() > file_limit)
    return complain({errc::too_large,
                     "mappings",
                     "the file is larger than 2 MB",
                     "import it in parts",
                     0,
                     "",
                     {}});
  return told(api.post(k.path + "/import" + (m.dry_run ? "?dry_run=1" : ""), text, "text/csv"));
}

/// Who is left goes to standard output, as CSV; the counts beside it.
int match(const api_client& api, const kind_facts& k, const mapping_options& m) {
  const auto v = api.post(k.path + "/match" + (m.dry_run ? "?dry_run=1" : ""));
  if (!v) return complain(v.error());
  boost::system::error_code ec;
  const auto* data = v->find_pointer("/data", ec);
  const auto* report = data != nullptr ? data->if_object() : nullptr;
  const auto* left = report != nullptr ? report->if_contains("left") : nullptr;
  if (left == nullptr || !left->is_array())
    return complain({errc::unexpected_answer, "mappings", "no report", "", 0, "", {}});
  const auto count = [&](const char* name) { return cell(report->if_contains(name)); };
  std::cerr << count("members") << " members, " << count("known") << " mapped before, "
            << count("mapped") << (m.dry_run ? " would be mapped, " : " mapped now, ")
            << left->get_array().size() << " left\n";
  constexpr std::array<std::string_view, 4> columns{"plane_user", "name", "email", "why"};
  std::cout << "plane_user,name,email,why\n";
  for (const auto& row : left->get_array()) {
    const auto* o = row.if_object();
    std::string line;
    for (std::size_t i = 0; o != nullptr && i < columns.size(); ++i)
      line += (i == 0 ? "" : ",") + cell(o->if_contains(columns[i]));
    std::cout << line << "\n";
  }
  return 0;
}

}  // namespace

int mappings(const common_options& o, const remote_options& r, const mapping_options& m) {
  const auto api = api_client::make(o, r.url);
  if (!api) return complain(api.error());
  const auto k = facts_of(m.what);
  if (m.action == "list") return list(*api, k);
  if (m.action == "set") return set(*api, k, m);
  if (m.action == "match") return match(*api, k, m);
  if (m.action == "import") return import(*api, k, m);
  std::string path = k.path;
  for (const auto& key : m.keys) path += "/" + protocol::percent_encode(key);
  return told(api->remove(path));
}

}  // namespace pb::app
