// http/router: which route answers a path. Patterns are split at "/" before percent-decoding, so
// that an escaped slash stays inside its segment. Filled before the threads start, then read only.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace pb::http {

struct routed {
  route what;  ///< handle is empty for a stream
  stream_handler stream;
};

struct route_match {
  const routed* entry = nullptr;
  std::map<std::string, std::string> params;
  std::string allow;  ///< with no entry: the methods this path has; empty: 404
};

class router {
public:
  void add(routed r);
  /// HEAD falls back to GET. Literal segments win over "{name}", then the first added.
  [[nodiscard]] route_match find(std::string_view method, std::string_view raw_path) const;

private:
  struct segment {
    std::string before, name, after;  ///< "{token}.ics" → "", "token", ".ics"; literal: before only
  };
  struct known {
    routed r;
    std::vector<segment> segments;
    std::size_t literals = 0;
  };
  static bool fits(const segment& s, std::string_view piece,
                   std::map<std::string, std::string>& params);
  static bool fits(const known& k, const std::vector<std::string_view>& pieces,
                   std::map<std::string, std::string>& params);

  std::vector<known> known_;
};

}  // namespace pb::http
