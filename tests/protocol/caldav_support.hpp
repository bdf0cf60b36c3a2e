// What the calendar tests share: fixtures, recorded exchanges, and a scripted server.
#pragma once
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/caldav/event.hpp"
#include "protocol/exchange.hpp"

namespace pb::protocol::caldav::testing {

inline std::string fixture(const std::string& name) {
  std::ifstream in{std::string{PB_FIXTURES} + "/caldav/" + name, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(in, "fixture is missing: " + name);
  return {std::istreambuf_iterator<char>{in}, {}};
}

struct recorded {
  http_request request;  ///< url holds the request target
  http_response answer;
};

/// The request/response pairs of one recorded file.
inline std::vector<recorded> recording(const std::string& name) {
  const auto text = fixture(name);
  std::vector<recorded> out;
  const auto part = [&text](std::size_t from) {
    auto end = std::min(
        {text.find("\n>>> REQUEST\n", from), text.find("\n<<< RESPONSE\n", from), text.size()});
    return text.substr(from, end - from);
  };
  const auto split = [](std::string block, std::string& first, std::vector<http_header>& headers,
                        std::string& body) {
    std::size_t at = 0;
    for (bool head = true; head && at < block.size();) {
      auto end = std::min(block.find('\n', at), block.size());
      auto line = block.substr(at, end - at);
      at = end + 1;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.empty())
        head = false;
      else if (first.empty())
        first = line;
      else
        headers.push_back({line.substr(0, line.find(':')),
                           line.substr(std::min(line.find(": ") + 2, line.size()))});
    }
    body = at < block.size() ? block.substr(at) : "";
    while (!body.empty() && body.back() == '\n') body.pop_back();
  };
  for (auto at = text.find(">>> REQUEST\n"); at != std::string::npos;
       at = text.find(">>> REQUEST\n", at + 1)) {
    recorded one;
    std::string line;
    split(part(at + 12), line, one.request.headers, one.request.body);
    one.request.method = line.substr(0, line.find(' '));
    one.request.url = line.substr(line.find(' ') + 1);
    one.request.url.resize(one.request.url.rfind(' '));
    const auto answer = text.find("<<< RESPONSE\n", at);
    BOOST_REQUIRE(answer != std::string::npos);
    line.clear();
    split(part(answer + 13), line, one.answer.headers, one.answer.body);
    one.answer.status = std::stoi(line.substr(line.find(' ') + 1, 3));
    out.push_back(std::move(one));
  }
  BOOST_REQUIRE(!out.empty());
  return out;
}
inline http_response answer_of(const std::string& name) { return recording(name).back().answer; }

inline std::string header_of(const http_request& r, std::string_view name) {
  for (const auto& h : r.headers)
    if (iequals(h.name, name)) return h.value;
  return {};
}

/// An exchange and the answers it is given, one after the other.
class script {
public:
  explicit script(exchange& run) : run_(run), now_(run.start()) {}

  /// The request that waits for an answer.
  const http_request& request() const {
    const auto* waiting = std::get_if<call>(&now_);
    if (waiting == nullptr) {
      if (const auto* f = std::get_if<failure>(&now_)) BOOST_TEST_MESSAGE(describe(*f));
      BOOST_FAIL("the exchange has ended");
    }
    return std::get<call>(now_).request;
  }
  std::string line() const { return request().method + " " + request().url; }
  script& answer(http_response with) {
    (void)request();
    now_ = run_.on_response(with);
    return *this;
  }
  script& answer(int status, std::string body = {}, std::vector<http_header> headers = {}) {
    return answer(http_response{status, std::move(headers), std::move(body)});
  }
  bool done() const { return std::holds_alternative<finished>(now_); }
  const failure& failed() const {
    BOOST_REQUIRE(std::holds_alternative<failure>(now_));
    return std::get<failure>(now_);
  }

private:
  exchange& run_;
  step now_;
};

inline std::string multi(const std::string& inner) {
  return "<d:multistatus xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\""
         " xmlns:cs=\"http://calendarserver.org/ns/\" xmlns:a=\"http://apple.com/ns/ical/\">" +
         inner + "</d:multistatus>";
}
inline std::string found(const std::string& href, const std::string& properties) {
  return "<d:response><d:href>" + href + "</d:href><d:propstat><d:prop>" + properties +
         "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>";
}

inline constexpr std::string_view leap_uuid = "1a2b3c4d-0000-4000-8000-00000000feb9";
inline timestamp at(std::string_view rfc3339) {
  const auto t = parse_rfc3339(rfc3339);
  BOOST_REQUIRE(t.has_value());
  return *t;
}
inline event_values on_day(std::string_view uuid, std::string_view day) {
  event_values v;
  v.uid = uid_of(uuid);
  const auto date = parse_civil_date(day);
  BOOST_REQUIRE(date.has_value());
  v.start = *date;
  v.end_exclusive = day_after(*date);
  v.created = at("2026-11-01T08:00:00Z");
  v.updated = at("2026-11-21T06:00:00Z");
  return v;
}
inline event_values leap_day() {
  auto v = on_day(leap_uuid, "2028-02-29");
  v.summary = "[7] Leap day release";
  v.description = "Target 2028-02-29.";
  v.color = "green";
  v.url = "https://plane.example.org/acme/browse/CORE-7/";
  return v;
}

}  // namespace pb::protocol::caldav::testing
