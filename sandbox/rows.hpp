// sandbox/rows: the sandbox's tables. A row is a JSON object with the columns in the order in which
// Plane's serializers write them; deleting is soft, as in Plane. Internal to sandbox/.
#pragma once
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pb::sandbox {

namespace json = boost::json;
using row = json::object;

/// Text of a column; empty when absent or not a string.
inline std::string text_of(const row& r, std::string_view column) {
  const json::value* v = r.if_contains(column);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}
inline bool is_null(const row& r, std::string_view column) {
  const json::value* v = r.if_contains(column);
  return v == nullptr || v->is_null();
}
inline bool true_in(const row& r, std::string_view column) {
  const json::value* v = r.if_contains(column);
  return v != nullptr && v->is_bool() && v->get_bool();
}
inline double number_of(const row& r, std::string_view column) {
  const json::value* v = r.if_contains(column);
  if (v == nullptr || !v->is_number()) return 0;
  boost::system::error_code ec;
  return v->to_number<double>(ec);
}
/// A time column as text that sorts: a whole second has no fraction, so the "Z" must not compare.
inline std::string moment_of(const row& r, std::string_view column) {
  std::string t = text_of(r, column);
  if (!t.empty() && t.back() == 'Z') t.pop_back();
  return t;
}
inline json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value{} : json::value(text);
}
json::array list_of(const row& r, std::string_view column);
bool list_has(const row& r, std::string_view column, std::string_view text);
void list_remove(row& r, std::string_view column, std::string_view text);

class table {
public:
  /// Rows are listed by the text of `group` ("project", "issue", …).
  explicit table(std::string group) : group_(std::move(group)) {}
  table(const table& from);  ///< rows and their order; for snapshots
  table& operator=(const table& from);
  ~table() = default;
  row& add(row r);
  row* find(std::string_view id);                ///< live rows only
  row* find_any(std::string_view id);            ///< deleted ones too
  std::size_t place(std::string_view id) const;  ///< order of creation
  void remove(row& r, std::string_view when);    ///< soft
  void regroup(row& r, std::string_view group);  ///< to the end of another group
  /// Live rows of one group, oldest first.
  const std::vector<row*>& of(std::string_view group) const;

private:
  std::string group_;
  std::deque<row> rows_;
  std::unordered_map<std::string, std::size_t> places_;
  std::unordered_map<std::string, row*> by_id_;
  std::unordered_map<std::string, std::vector<row*>> groups_;
};

}  // namespace pb::sandbox
