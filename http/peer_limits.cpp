#include "http/peer_limits.hpp"

#include <algorithm>
#include <cmath>

namespace pb::http {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t most_peers = 16'384;
constexpr std::size_t most_hops = 32;

std::string key_of(const ip::address& a) {
  if (a.is_v4()) return a.to_string();
  auto bytes = a.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return ip::address_v6{bytes}.to_string();
}

/// "1.2.3.4", "1.2.3.4:567", "2001:db8::1" or "[2001:db8::1]:567"
std::optional<ip::address> address_in(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') == std::string_view::npos ? 0 : text.find(']') - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  boost::system::error_code ec;
  const auto a = ip::make_address(std::string{text}, ec);
  if (ec) return std::nullopt;
  return plain_address(a);
}

bool within(const ip::address_v6& a, const ip::network_v6& n) {
  const auto have = a.to_bytes(), want = n.network().to_bytes();
  unsigned left = n.prefix_length();
  for (std::size_t i = 0; i < have.size() && left > 0; ++i) {
    const unsigned bits = std::min(left, 8u);
    const unsigned mask = (0xffu << (8u - bits)) & 0xffu;
    if ((have[i] & mask) != (want[i] & mask)) return false;
    left -= bits;
  }
  return true;
}

bool within(const ip::address_v4& a, const ip::network_v4& n) {
  return (a.to_uint() & n.netmask().to_uint()) == (n.address().to_uint() & n.netmask().to_uint());
}

}  // namespace

ip::address plain_address(const ip::address& a) {
  if (a.is_v6() && a.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, a.to_v6());
  return a;
}

result<proxy_list> proxy_list::parse(const std::vector<std::string>& entries) {
  proxy_list out;
  for (const auto& e : entries) {
    boost::system::error_code ec;
    const bool wide = e.find(':') != std::string::npos, range = e.find('/') != std::string::npos;
    if (wide) {
      auto n = ip::make_network_v6(range ? e : e + "/128", ec);
      if (!ec) out.v6_.push_back(n);
    } else {
      auto n = ip::make_network_v4(range ? e : e + "/32", ec);
      if (!ec) out.v4_.push_back(n);
    }
    if (ec)
      return failure{errc::bad_input, "http.server",
                     "trusted proxy '" + e + "' is neither an address nor a range",
                     "write it as 10.0.0.0/8 or 2001:db8::/32"};
  }
  return out;
}

bool proxy_list::trusts(const ip::address& a) const {
  if (a.is_v4())
    return std::any_of(v4_.begin(), v4_.end(), [&](const auto& n) { return within(a.to_v4(), n); });
  return std::any_of(v6_.begin(), v6_.end(), [&](const auto& n) { return within(a.to_v6(), n); });
}

ip::address proxy_list::client(ip::address peer,
                               const std::vector<protocol::http_header>& headers) const {
  peer = plain_address(peer);
  if (!trusts(peer)) return peer;
  std::string hops;
  for (const auto& h : headers)
    if (protocol::iequals(h.name, "X-Forwarded-For")) hops += (hops.empty() ? "" : ",") + h.value;
  std::string_view rest = hops;
  for (std::size_t n = 0; !rest.empty() && n < most_hops && trusts(peer); ++n) {
    const auto comma = rest.rfind(',');
    const auto said = address_in(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    // what cannot be read was not written by a hop we trust to write
    if (!said) break;
    peer = *said;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
  }
  return peer;
}

void peer_limits::leak(bucket& b, steady_time now) const {
  const std::chrono::duration<double> passed = now - b.seen;
  b.level = std::max(0.0, b.level - passed.count() * most_ / 60.0);
  b.seen = now;
}

// A walk over all of them, so once a second at most: a flood of strangers must not make each of its
// requests pay for one.
void peer_limits::forget_quiet_ones(steady_time now) {
  if (swept_at_ && now - *swept_at_ < std::chrono::seconds{1}) return;
  swept_at_ = now;
  std::erase_if(peers_,
                [&](const auto& p) { return now - p.second.seen > std::chrono::minutes{1}; });
}

std::optional<std::chrono::seconds> peer_limits::failed(const ip::address& peer, steady_time now) {
  if (most_ == 0) return std::nullopt;
  const std::lock_guard lock{guard_};
  auto key = key_of(peer);
  if (peers_.size() >= most_peers && !peers_.contains(key)) {
    forget_quiet_ones(now);
    // more strangers than memory is worth: they share one bucket
    if (peers_.size() >= most_peers) key.clear();
  }
  auto [at, fresh] = peers_.try_emplace(key);
  if (fresh) at->second.seen = now;
  leak(at->second, now);
  if (at->second.level + 1 <= most_) {
    at->second.level += 1;
    return std::nullopt;
  }
  const double seconds = (at->second.level + 1 - most_) * 60.0 / most_;
  return std::chrono::seconds{std::max<std::int64_t>(1, std::llround(std::ceil(seconds)))};
}

}  // namespace pb::http
