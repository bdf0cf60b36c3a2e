// benchmarks/accepts: durable accepts per second. Signed Plane webhooks over keep-alive
// connections, one under way on each; every body is a new delivery (its own item and update time).
// One thread and poll(2), so that the load takes little of the machine it shares with the daemon.
//   PLANE_WEBHOOK_SECRET=… benchmarks/accepts PORT CONNECTIONS SECONDS
// Called by scripts/bench. Exit 1 when an answer was not 200 "accepted" or a connection broke.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/random.hpp"

namespace {
using steady = std::chrono::steady_clock;

/// A recorded webhook with places for its item and its update time.
class deliveries {
public:
  deliveries(std::string body, std::string key, std::string host)
      : body_(std::move(body)), key_(std::move(key)), host_(std::move(host)) {
    id_ = body_.find("\"id\": \"", body_.find("\"data\"")) + 7;
    updated_ = body_.find("\"updated_at\": \"") + 15;
  }

  std::string next() {
    body_.replace(id_, 36, pb::make_uuid(random_));
    body_.replace(updated_, 27, pb::format_rfc3339(clock_.now()));
    std::string out =
        "POST /webhooks/plane HTTP/1.1\r\nHost: " + host_ +
        "\r\nContent-Type: application/json\r\nX-Plane-Event: issue\r\nX-Plane-Delivery: " +
        pb::make_uuid(random_) +
        "\r\nX-Plane-Signature: " + pb::to_hex(pb::hmac_sha256(key_, body_)) +
        "\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n";
    out += body_;
    return out;
  }

private:
  std::string body_, key_, host_;
  std::size_t id_ = 0, updated_ = 0;
  pb::system_clock_source clock_;
  pb::seeded_random random_{std::random_device{}()};
};

struct connection {
  int socket = -1;
  std::string out, in;
  std::size_t sent = 0;
  steady::time_point began;
};

/// The length of the whole answer once its head is there; 0 before.
std::size_t answer_size(const std::string& in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  const auto at = in.find("Content-Length: ");
  std::size_t length = 0;
  if (at < end) std::from_chars(in.data() + at + 16, in.data() + end, length);
  return end + 4 + length;
}

struct outcome {
  std::size_t accepted = 0, refused = 0, broken = 0;
  std::vector<double> ms;
};

class load {
public:
  load(deliveries& source, std::uint16_t port, std::size_t count, steady::time_point until)
      : source_(source), until_(until), all_(count), polled_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      all_[i].socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const int on = 1;
      ::setsockopt(all_[i].socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (::connect(all_[i].socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        std::perror("connect"), std::exit(2);
      begin(i);
    }
  }

  outcome run() {
    while (open_ > 0) {
      if (::poll(polled_.data(), polled_.size(), 10'000) <= 0) break;
      for (std::size_t i = 0; i < all_.size(); ++i) {
        if ((polled_[i].revents & POLLOUT) != 0) send_more(i);
        if ((polled_[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive(i);
      }
    }
    result_.broken += open_;
    return std::move(result_);
  }

private:
  void begin(std::size_t i) {
    auto& c = all_[i];
    c.out = source_.next();
    c.sent = 0;
    c.in.clear();
    c.began = steady::now();
    if (polled_[i].fd != c.socket || polled_[i].events == 0) ++open_;
    polled_[i] = {c.socket, POLLOUT, 0};
  }

  void send_more(std::size_t i) {
    auto& c = all_[i];
    const auto n = ::send(c.socket, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0) return end(i, true);
    c.sent += static_cast<std::size_t>(n);
    if (c.sent == c.out.size()) polled_[i].events = POLLIN;
  }

  void receive(std::size_t i) {
    auto& c = all_[i];
    char piece[4096];
    const auto n = ::recv(c.socket, piece, sizeof piece, 0);
    if (n <= 0) return end(i, true);
    c.in.append(piece, static_cast<std::size_t>(n));
    const auto whole = answer_size(c.in);
    if (whole == 0 || c.in.size() < whole) return;
    const auto now = steady::now();
    result_.ms.push_back(std::chrono::duration<double, std::milli>(now - c.began).count());
    const bool good = c.in.starts_with("HTTP/1.1 200") && c.in.find("\"accepted\"") != c.in.npos;
    ++(good ? result_.accepted : result_.refused);
    if (now >= until_) return end(i, false);
    begin(i);
  }

  void end(std::size_t i, bool broke) {
    ::close(all_[i].socket);
    polled_[i].fd = -1;
    --open_;
    if (broke) ++result_.broken;
  }

  deliveries& source_;
  steady::time_point until_;
  std::vector<connection> all_;
  std::vector<pollfd> polled_;
  std::size_t open_ = 0;
  outcome result_;
};

}  // namespace

int main(int argc, char** argv) {
  const char* key = std::getenv("PLANE_WEBHOOK_SECRET");
  if (argc != 4 || key == nullptr) {
    std::fputs("usage: PLANE_WEBHOOK_SECRET=… accepts PORT CONNECTIONS SECONDS\n", stderr);
    return 2;
  }
  std::ifstream recorded{PB_FIXTURES "/plane/webhook_v1_issue_updated_target_date.json"};
  std::stringstream body;
  body << recorded.rdbuf();
  deliveries source{body.str(), key, "127.0.0.1:" + std::string{argv[1]}};
  const auto count = static_cast<std::size_t>(std::atol(argv[2]));
  const auto began = steady::now();
  auto r = load{source, static_cast<std::uint16_t>(std::atoi(argv[1])), count,
                began + std::chrono::seconds{std::atol(argv[3])}}
               .run();
  const double took = std::chrono::duration<double>(steady::now() - began).count();
  if (r.ms.empty()) return 1;
  std::sort(r.ms.begin(), r.ms.end());
  const auto at = [&r](double share) {
    return r.ms[std::min(r.ms.size() - 1,
                         static_cast<std::size_t>(static_cast<double>(r.ms.size()) * share))];
  };
  std::printf(
      "accepts_per_second=%.0f connections=%zu p50_ms=%.1f p99_ms=%.1f max_ms=%.1f refused=%zu "
      "broken=%zu\n",
      static_cast<double>(r.accepted) / took, count, at(0.5), at(0.99), r.ms.back(), r.refused,
      r.broken);
  return r.refused == 0 && r.broken == 0 ? 0 : 1;
}
