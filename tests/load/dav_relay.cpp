#include "tests/load/dav_relay.hpp"

#include <poll.h>

#include <boost/beast/core/string.hpp>
#include <functional>
#include <sstream>

namespace pb::app::testing {
namespace {

bool of_the_connection(std::string_view name) {
  for (const auto* own : {"Host", "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length",
                          "Expect", "TE", "Upgrade"})
    if (boost::beast::iequals(name, own)) return true;
  return false;
}

http_fields passed_on(const http_fields& all) {
  http_fields out;
  for (const auto& f : all)
    if (!of_the_connection(f.first)) out.push_back(f);
  return out;
}

/// What a reader of the calendar would see of it.
std::size_t content_of(const std::string& text) {
  std::istringstream lines{text};
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("DTSTAMP") && !line.starts_with("LAST-MODIFIED") &&
        !line.starts_with("SEQUENCE"))
      kept += line + "\n";
  return std::hash<std::string>{}(kept);
}

}  // namespace

dav_relay::dav_relay(std::string server_url)
    : server_(std::move(server_url)), front_([this](const asked& a) { return pass(a); }) {
  while (server_.ends_with('/')) server_.pop_back();
}

answer dav_relay::pass(const asked& a) {
  // Spread evenly, not drawn: which request fails is the load's chance already.
  const auto n = one_in_fails.load();
  const auto turn = n == 0 ? 1 : draws_++ % (std::uint64_t{n} * 3);
  if (n != 0 && turn == 0) return {.status = 503, .fields = {{"Retry-After", "1"}}, .body = {}};
  if (n != 0 && turn == n) return {};
  if (n != 0 && turn == 2 * n) ::poll(nullptr, 0, 1'500);
  auto said = ask({.method = a.method,
                   .url = server_ + a.url,
                   .fields = passed_on(a.fields),
                   .body = a.body,
                   .seconds = 30});
  note(a, said.status);
  said.fields = passed_on(said.fields);
  return said;
}

void dav_relay::note(const asked& a, int status) {
  const std::scoped_lock held{lock_};
  ++seen_.requests;
  const bool done = status >= 200 && status < 300;
  if (a.method == "MKCALENDAR" || a.method == "MKCOL") {
    if (done) ++seen_.calendars_made;
    return;
  }
  if (a.method != "PUT" && a.method != "DELETE") return;
  if (!done) {
    ++seen_.refused;
    return;
  }
  if (a.url.find("/plane-issue-") == std::string::npos)
    wrong_.push_back(a.method + " " + a.url + ": not an event of ours");
  if (a.method == "DELETE") {
    ++seen_.deletes;
    last_.erase(a.url);
    return;
  }
  ++seen_.puts;
  const auto content = content_of(a.body);
  const auto [at, is_new] = last_.try_emplace(a.url, content);
  if (!is_new && at->second == content)
    wrong_.push_back("PUT " + a.url + ": the same content twice:\n" + a.body);
  at->second = content;
}

dav_relay::seen dav_relay::figures() const {
  const std::scoped_lock held{lock_};
  return seen_;
}

std::vector<std::string> dav_relay::wrong() const {
  const std::scoped_lock held{lock_};
  return wrong_;
}

}  // namespace pb::app::testing
