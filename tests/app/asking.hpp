// Plain HTTP to loopback, blocking and bounded, by Beast alone: the tests' eyes do not use the code
// they look at.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pb::app::testing {

using http_fields = std::vector<std::pair<std::string, std::string>>;

struct asked {
  std::string method = "GET";
  std::string url;  ///< "http://127.0.0.1:8080/path?query", already encoded
  http_fields fields = {};
  std::string body = {};
  int seconds = 20;  ///< bound on each read and write
};

struct answer {
  int status = 0;  ///< 0: no answer (refused, reset, closed, too late)
  http_fields fields;
  std::string body;
  [[nodiscard]] std::string field(const std::string& name) const;  ///< empty when absent
  [[nodiscard]] boost::json::value json() const;                   ///< null when it is none
};
answer ask(const asked& a);

/// The value at a JSON pointer, null when there is none.
boost::json::value at(const boost::json::value& v, const std::string& pointer);
/// The same as text; numbers and booleans as JSON writes them, empty for null.
std::string text_at(const boost::json::value& v, const std::string& pointer);

/// A connection that a test holds open and speaks on byte by byte.
class raw_connection {
public:
  explicit raw_connection(std::uint16_t port, int seconds = 20);
  bool send(std::string_view text);
  /// Everything up to and with this text; empty when it does not come in time.
  std::string read_until(const std::string& text);
  /// True when the other side has ended it.
  bool ended();

private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string got_;
};

}  // namespace pb::app::testing
