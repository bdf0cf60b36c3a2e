// sandbox/inbound: a request as it came in, over a socket or in-process.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/http_message.hpp"

namespace pb::sandbox {

/// `path` percent-decoded, `query` raw.
struct inbound {
  std::string method;
  std::string path;
  std::string query;
  std::vector<protocol::http_header> headers;
  std::string body;
};

/// The first of that name, in any case; empty when there is none.
std::string_view header_of(const inbound& in, std::string_view name);
/// Of a query, or of a form's body; the first 200.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace pb::sandbox
