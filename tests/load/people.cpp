#include "tests/load/people.hpp"

#include <algorithm>
#include <stdexcept>

namespace pb::app::testing {
namespace json = boost::json;

people::people(plane_side& plane, std::uint64_t seed, std::size_t most_items)
    : plane_(plane), random_(seed), most_items_(most_items) {}

json::value people::call(const std::string& method, const std::string& path,
                         const json::value& body) {
  auto& server = plane_.server();
  sandbox::inbound in;
  in.method = method;
  const auto query = path.find('?');
  in.path = "/api/v1/workspaces/demo/projects/" + plane_.project() + "/" + path.substr(0, query);
  if (query != std::string::npos) in.query = path.substr(query + 1);
  in.headers = {{"X-API-Key", api_key, true}, {"Content-Type", "application/json", false}};
  if (!body.is_null()) in.body = json::serialize(body);
  const auto a = server.data().handle(in);
  server.webhooks().pump();
  if (a.status < 200 || a.status > 299)
    throw std::runtime_error(method + " " + path + ": " + std::to_string(a.status) + " " + a.body);
  return a.body.empty() ? json::value{} : json::parse(a.body);
}

std::string people::drawn_date() {
  const auto two = [](std::size_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return "2027-" + two(1 + drawn(12)) + "-" + two(1 + drawn(28));
}

void people::create(std::size_t count) {
  for (; count > 0; --count) {
    const json::object body{{"name", "work " + std::to_string(++names_) + " 并发"},
                            {"target_date", drawn_date()}};
    items_.push_back(text_at(call("POST", "work-items/", body), "/id"));
    ++edits_;
  }
}

void people::edit() {
  const auto what = drawn(100);
  if (items_.empty() || (what < 6 && items_.size() < most_items_)) return create(1);
  const auto which = drawn(items_.size());
  const auto path = "work-items/" + items_[which] + "/";
  ++edits_;
  if (what < 10) {
    call("DELETE", path);
    if (on_delete) on_delete(items_[which]);
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(which));
  } else if (what < 16) {
    call("PATCH", path, json::object{{"target_date", nullptr}});
  } else if (what < 60) {
    call("PATCH", path, json::object{{"target_date", drawn_date()}});
  } else {
    call("PATCH", path, json::object{{"name", "work " + std::to_string(++names_) + " 改名"}});
  }
}

std::map<std::string, people::shown> people::wanted() {
  std::map<std::string, shown> out;
  for (std::string cursor;;) {
    const auto page =
        call("GET", "work-items/?per_page=100" + (cursor.empty() ? "" : "&cursor=" + cursor));
    const auto results = at(page, "/results");
    for (const auto& item : results.as_array()) {
      auto date = text_at(item, "/target_date");
      std::erase(date, '-');
      if (!date.empty()) out[text_at(item, "/id")] = {text_at(item, "/name"), date};
    }
    if (text_at(page, "/next_page_results") != "true") return out;
    cursor = text_at(page, "/next_cursor");
  }
}

}  // namespace pb::app::testing
