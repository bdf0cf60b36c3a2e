// http/peer_limits: who a peer is, and how often its requests may fail. Only requests that ended
// with 4xx count: a correctly signed one is never limited by its address. Called by the server's
// connections from every thread.
#pragma once
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "protocol/http_message.hpp"

namespace pb::http {

/// trusted_proxies: relays and load balancers whose X-Forwarded-For is believed.
class proxy_list {
public:
  /// errc::bad_input names the entry that is neither an address nor a CIDR.
  static result<proxy_list> parse(const std::vector<std::string>& entries);
  [[nodiscard]] bool trusts(const boost::asio::ip::address& a) const;
  /// Walks X-Forwarded-For from the right for as long as the hop that wrote an entry is trusted.
  [[nodiscard]] boost::asio::ip::address client(
      boost::asio::ip::address socket_peer,
      const std::vector<protocol::http_header>& headers) const;

private:
  std::vector<boost::asio::ip::network_v4> v4_;
  std::vector<boost::asio::ip::network_v6> v6_;
};

/// An IPv4 address inside IPv6 becomes IPv4.
boost::asio::ip::address plain_address(const boost::asio::ip::address& a);

/// One bucket of failures per peer (IPv6: per /64), refilled evenly over a minute.
class peer_limits {
public:
  explicit peer_limits(unsigned failures_per_minute) : most_(failures_per_minute) {}
  /// Counts one failed request. The pause until the next is due when the peer had too many.
  std::optional<std::chrono::seconds> failed(const boost::asio::ip::address& peer, steady_time now);

private:
  struct bucket {
    double level = 0;  ///< failures not yet forgotten
    steady_time seen{};
  };
  void leak(bucket& b, steady_time now) const;
  void forget_quiet_ones(steady_time now);

  unsigned most_;
  std::mutex guard_;
  std::unordered_map<std::string, bucket> peers_;  ///< under guard_
  std::optional<steady_time> swept_at_;            ///< under guard_
};

}  // namespace pb::http
