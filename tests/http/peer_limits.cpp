// Who a peer is behind relays, and when its failures are too many.
#define BOOST_TEST_MODULE http_peer_limits
#include "http/peer_limits.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;
using boost::asio::ip::make_address;

namespace {

std::string client_of(const std::vector<std::string>& trusted, const std::string& peer,
                      const std::vector<protocol::http_header>& headers) {
  const auto l = proxy_list::parse(trusted);
  BOOST_REQUIRE(l);
  return l->client(make_address(peer), headers).to_string();
}

}  // namespace

BOOST_AUTO_TEST_CASE(only_a_trusted_peer_may_name_another) {
  const std::vector<protocol::http_header> said = {{"X-Forwarded-For", "203.0.113.9"}};
  BOOST_TEST(client_of({}, "10.0.0.1", said) == "10.0.0.1");
  BOOST_TEST(client_of({"10.0.0.0/8"}, "10.0.0.1", said) == "203.0.113.9");
  BOOST_TEST(client_of({"10.0.0.1"}, "10.0.0.2", said) == "10.0.0.2");
  BOOST_TEST(client_of({"2001:db8::/33"}, "2001:db8:1::5", said) == "203.0.113.9");
  BOOST_TEST(client_of({"2001:db8::/33"}, "2001:db8:8000::5", said) == "2001:db8:8000::5");
  BOOST_TEST(client_of({"10.0.0.0/8"}, "::ffff:10.0.0.1", said) == "203.0.113.9");
}

BOOST_AUTO_TEST_CASE(hops_count_from_the_right_until_one_is_not_trusted) {
  const std::vector<std::string> trusted = {"10.0.0.0/8"};
  BOOST_TEST(client_of(trusted, "10.0.0.1", {{"X-Forwarded-For", "1.1.1.1, 2.2.2.2, 10.0.0.7"}}) ==
             "2.2.2.2");
  BOOST_TEST(client_of(trusted, "10.0.0.1",
                       {{"X-Forwarded-For", "1.1.1.1"}, {"x-forwarded-for", "10.0.0.7"}}) ==
             "1.1.1.1");
  BOOST_TEST(client_of(trusted, "10.0.0.1", {{"X-Forwarded-For", "1.1.1.1, garbage"}}) ==
             "10.0.0.1");
  BOOST_TEST(client_of(trusted, "10.0.0.1", {{"X-Forwarded-For", "3.3.3.3:4711"}}) == "3.3.3.3");
  BOOST_TEST(client_of(trusted, "10.0.0.1", {{"X-Forwarded-For", "[2001:db8::1]:80"}}) ==
             "2001:db8::1");
  BOOST_TEST(client_of(trusted, "10.0.0.1", {}) == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(a_range_that_cannot_be_read_is_named) {
  for (const auto* bad : {"10.0.0.0/33", "proxy", "", "2001:db8::/129", "10.0.0"}) {
    const auto l = proxy_list::parse({bad});
    BOOST_REQUIRE_MESSAGE(!l, bad);
    BOOST_TEST(l.error().detail.find(bad) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(failures_beyond_the_limit_are_told_when_to_come_again) {
  peer_limits l{60};
  const auto a = make_address("203.0.113.9"), b = make_address("203.0.113.10");
  steady_time now{};
  for (int i = 0; i < 60; ++i) BOOST_TEST(!l.failed(a, now));
  const auto pause = l.failed(a, now);
  BOOST_REQUIRE(pause);
  BOOST_TEST(pause->count() == 1);
  BOOST_TEST(!l.failed(b, now));
  now += 1s;
  BOOST_TEST(!l.failed(a, now));
  BOOST_TEST(l.failed(a, now).has_value());
  now += 1min;
  for (int i = 0; i < 60; ++i) BOOST_TEST(!l.failed(a, now));
}

BOOST_AUTO_TEST_CASE(a_whole_ipv6_network_shares_one_allowance) {
  peer_limits l{1};
  BOOST_TEST(!l.failed(make_address("2001:db8:0:1::1"), {}));
  BOOST_TEST(l.failed(make_address("2001:db8:0:1::2"), {}).has_value());
  BOOST_TEST(!l.failed(make_address("2001:db8:0:2::1"), {}));
}

BOOST_AUTO_TEST_CASE(more_strangers_than_memory_is_worth_share_one_allowance) {
  peer_limits l{1};
  bool limited = false;
  for (unsigned i = 0; i < 20'000; ++i)
    limited = l.failed(boost::asio::ip::address_v4{0x0a000000u + i}, {}).has_value() || limited;
  BOOST_TEST(limited);
}

BOOST_AUTO_TEST_CASE(peers_that_went_quiet_make_place_for_strangers) {
  peer_limits l{1};
  const auto stranger = [](unsigned n) {
    return boost::asio::ip::address{boost::asio::ip::address_v4{0x0a000000u + n}};
  };
  const steady_time full{}, later = full + 2min;
  for (unsigned i = 0; i < 20'000; ++i) (void)l.failed(stranger(i), full);
  BOOST_TEST(!l.failed(stranger(30'000), later));
  BOOST_TEST(!l.failed(stranger(30'001), later));
  BOOST_TEST(l.failed(stranger(30'001), later).has_value());
}

BOOST_AUTO_TEST_CASE(zero_means_no_limit) {
  peer_limits l{0};
  for (int i = 0; i < 1000; ++i) BOOST_TEST(!l.failed(make_address("203.0.113.9"), {}));
}
