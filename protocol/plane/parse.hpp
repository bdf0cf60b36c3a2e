// protocol/plane/parse: what Plane's REST answers and webhook data say, as the values of
// model.hpp. Called by the exchanges, by webhook.cpp and by tests. Wrong types of what is used
// are errors (errc::unexpected_answer unless a caller names another); unknown keys are not.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/plane/model.hpp"

namespace pb::protocol::plane {

/// A page of 1000 items with long descriptions stays below this; more is refused.
inline constexpr std::size_t max_answer_bytes = 64u << 20;

/// A work item cut down by `fields=`: what polls and scans need.
struct work_item_brief {
  std::string id, updated_at, target_date, archived_at, project;
  friend bool operator==(const work_item_brief&, const work_item_brief&) = default;
};

struct project_state {
  std::string id, name, color, project, external_source, external_id;
  state_group group = state_group::backlog;
  bool is_default = false;
};
struct label {
  std::string id, name, color, project, external_source, external_id;
};
/// A member's role is known for workspace members only: 20 admin, 15 member, 5 guest; else 0.
struct member {
  user_ref user;
  std::int64_t role = 0;
};
struct item_link {
  std::string id, work_item, project, title, url;
};

/// One answer of a list. The cursor is opaque: passed on as it came, never built or taken apart.
template <class T>
struct page {
  std::vector<T> results;
  std::string next_cursor;
  bool has_next = false;
  std::int64_t total = 0;  ///< total_results; may exceed what can be listed
};

/// The common form: reads `o` into `out`; the reader keeps the first mistake.
void read(json_reader& r, const boost::json::object& o, std::string_view path, work_item& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path,
          work_item_brief& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path, project& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path, project_state& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path, label& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path, comment& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path, member& out);
void read(json_reader& r, const boost::json::object& o, std::string_view path, item_link& out);

/// One object. @param where names the operation in errors.
template <class T>
result<T> parse_object(const boost::json::value& v, std::string_view where) {
  json_reader r{errc::unexpected_answer, where};
  T out;
  if (const auto* o = v.if_object())
    read(r, *o, "", out);
  else
    r.fail("", "answer", "an object is due, got " + std::string{kind_name(v)});
  if (r.failed()) return r.problem();
  return out;
}
template <class T>
result<T> parse_object(std::string_view body, std::string_view where) {
  auto v = parse_json(body, max_answer_bytes, errc::unexpected_answer, where);
  if (!v) return v.error();
  return parse_object<T>(*v, where);
}

/// Plain (uuids: names stay empty) or with expand=state,assignees,labels. Assignees and labels come
/// sorted by id.
inline result<work_item> parse_work_item(const boost::json::value& v,
                                         std::string_view where = "plane.get_work_item") {
  return parse_object<work_item>(v, where);
}
inline result<work_item> parse_work_item(std::string_view body,
                                         std::string_view where = "plane.get_work_item") {
  return parse_object<work_item>(body, where);
}

/// The envelope of a page; `results` is checked to be an array. A bare array (members) is a page
/// without a next one.
struct page_envelope {
  const boost::json::array* results = nullptr;
  std::string next_cursor;
  bool has_next = false;
  std::int64_t total = 0;
};
page_envelope read_page_envelope(json_reader& r, const boost::json::value& v);

template <class T>
result<page<T>> parse_page(const boost::json::value& v, std::string_view where) {
  json_reader r{errc::unexpected_answer, where};
  auto envelope = read_page_envelope(r, v);
  page<T> out;
  if (!r.failed()) {
    out.next_cursor = std::move(envelope.next_cursor);
    out.has_next = envelope.has_next;
    out.total = envelope.total;
    out.results.reserve(envelope.results->size());
    std::size_t index = 0;
    for (const auto& element : *envelope.results) {
      const auto path = element_path("results", index++);
      T one;
      if (const auto* o = element.if_object())
        read(r, *o, path, one);
      else
        r.fail(path, "", "an object is due, got " + std::string{kind_name(element)});
      if (r.failed()) break;
      out.results.push_back(std::move(one));
    }
  }
  if (r.failed()) return r.problem();
  return out;
}
template <class T>
result<page<T>> parse_page(std::string_view body, std::string_view where) {
  auto v = parse_json(body, max_answer_bytes, errc::unexpected_answer, where);
  if (!v) return v.error();
  return parse_page<T>(*v, where);
}

/// Follows the cursors of one list. A cursor seen before is an error and not an endless loop; so
/// are more pages than `max_pages`.
class page_walker {
public:
  explicit page_walker(std::string where, std::size_t max_pages = 10'000)
      : where_(std::move(where)), max_pages_(max_pages) {}

  /// After each page. The next cursor to ask for, or the empty string at the end.
  result<std::string> after(std::string_view next_cursor, bool has_next);
  template <class T>
  result<std::string> after(const page<T>& p) {
    return after(p.next_cursor, p.has_next);
  }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

private:
  std::string where_;
  std::size_t max_pages_;
  std::size_t pages_ = 0;
  std::set<std::string, std::less<>> seen_;
};

/// nothing for a word that the contract does not have
std::optional<priority> priority_from(std::string_view word) noexcept;
std::optional<state_group> state_group_from(std::string_view word) noexcept;

}  // namespace pb::protocol::plane
