// benchmarks/accepts: the load. Signed Plane webhooks, each a new delivery, one under way on each
// connection. One thread and epoll, so that the load takes little of the machine that it shares
// with the server. Loopback only.
//   closed loop: each connection sends again once it has its answer; latency from the sending.
//   open loop (--rate): request i is due at i / rate whatever the server does; latency from when it
//     was due, so that a server that stalls is charged for those who wait meanwhile.
// --sent FILE gets "item nanoseconds" for each request, the steady clock when it was due.
// Prints one line of JSON. Exit 1 when an answer was not 200 "accepted" or a connection broke.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/lark_pushes.hpp"
#include "benchmarks/webhooks.hpp"

namespace {
using steady = std::chrono::steady_clock;
using instant = steady::time_point;

struct wanted {
  std::uint16_t port = 0;
  std::size_t connections = 64, items = 1000;
  double seconds = 1.5, warmup = 0.3;
  double rate = 0;  ///< per second; 0: closed loop
  bool keep_alive = true;
  std::size_t limit = 0;       ///< requests at most; 0: none
  std::string sent;            ///< file, empty: none
  std::string kind = "plane";  ///< of pushes
};

struct outcome {
  std::size_t accepted = 0;           ///< all of them, for comparison with the rows
  std::size_t accepted_in_slice = 0;  ///< answered after the warm-up and before the end
  std::size_t refused = 0, broken = 0;
  std::size_t late = 0;  ///< open loop: due, but unsent at the end
  std::vector<double> ms;
};

struct connection {
  int socket = -1;
  bool busy = false, asks_to_write = false;
  std::string out, in;
  std::size_t sent = 0;
  instant due;
};

/// The length of the whole answer once its head is there; 0 before.
std::size_t answer_size(const std::string& in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  std::size_t length = 0;
  for (const auto* name : {"Content-Length: ", "content-length: "})
    if (const auto at = in.find(name); at < end)
      std::from_chars(in.data() + at + 16, in.data() + end, length);
  return end + 4 + length;
}

class load {
public:
  load(pb::bench::pushes& source, const wanted& w)
      : source_(source), w_(w), all_(w.connections), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = w.connections; i > 0; --i) {
      if (w.keep_alive) open(all_[i - 1]);
      idle_.push_back(i - 1);
    }
    if (!w.sent.empty()) sent_log_.open(w.sent);
    start_ = steady::now();
    warm_ = start_ + seconds(w.warmup);
    end_ = warm_ + seconds(w.seconds);
  }

  outcome run() {
    for (;;) {
      const auto now = steady::now();
      if (now < end_ && !(w_.limit != 0 && sent_ >= w_.limit)) {
        send_what_is_due(now);
      } else if (idle_.size() == all_.size() || now > end_ + std::chrono::seconds{20}) {
        break;
      }
      wait(now);
    }
    const auto now = steady::now();
    for (auto due : late_) count_latency(due, now);
    for (auto& c : all_)
      if (c.busy) count_latency(c.due, now), ++result_.broken;
    result_.late = late_.size();
    return std::move(result_);
  }

private:
  static steady::duration seconds(double s) {
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(s));
  }
  [[nodiscard]] instant due_at(std::size_t i) const {
    return start_ + seconds(static_cast<double>(i) / w_.rate);
  }

  void send_what_is_due(instant now) {
    if (w_.rate > 0)
      for (; due_at(next_due_) <= now; ++next_due_) late_.push_back(due_at(next_due_));
    while (!idle_.empty() && (w_.rate == 0 || !late_.empty())) {
      auto& c = all_[idle_.back()];
      idle_.pop_back();
      c.due = w_.rate > 0 ? late_.front() : steady::now();
      if (w_.rate > 0) late_.pop_front();
      begin(c);
      if (w_.limit != 0 && sent_ >= w_.limit) return;
    }
  }

  void wait(instant now) {
    auto until = now < end_ ? end_ : now + std::chrono::milliseconds{50};
    if (now < end_ && w_.rate > 0 && !idle_.empty()) until = std::min(until, due_at(next_due_));
    const auto ns = std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::nanoseconds>(until - now).count());
    const timespec pause{ns / 1'000'000'000, ns % 1'000'000'000};
    epoll_event seen[256];
    const int n = ::epoll_pwait2(epoll_, seen, 256, &pause, nullptr);
    for (int i = 0; i < n; ++i) {
      auto& c = all_[seen[i].data.u64];
      if (c.socket < 0) continue;
      if ((seen[i].events & EPOLLOUT) != 0) send_more(c);
      if (c.socket >= 0 && (seen[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(c);
    }
  }

  void open(connection& c) {
    c.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(c.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(w_.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool there = ::connect(c.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    c.asks_to_write = !there;
    watch(c, EPOLL_CTL_ADD);
  }

  void watch(connection& c, int how) {
    epoll_event e{};
    e.events = c.asks_to_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    e.data.u64 = static_cast<std::uint64_t>(&c - all_.data());
    ::epoll_ctl(epoll_, how, c.socket, &e);
  }

  void begin(connection& c) {
    if (c.socket < 0) open(c);
    const auto& item = source_.next(c.out);
    if (sent_log_.is_open())
      sent_log_ << item << ' ' << std::chrono::nanoseconds{c.due.time_since_epoch()}.count()
                << '\n';
    c.sent = 0;
    c.in.clear();
    c.busy = true;
    ++sent_;
    if (!c.asks_to_write) send_more(c);
  }

  void send_more(connection& c) {
    while (c.busy && c.sent < c.out.size()) {
      const auto n = ::send(c.socket, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
      if (n < 0) {
        if (errno != EAGAIN) return;  // the reader sees it, too
        break;
      }
      c.sent += static_cast<std::size_t>(n);
    }
    const bool more = c.busy && c.sent < c.out.size();
    if (more != c.asks_to_write) {
      c.asks_to_write = more;
      watch(c, EPOLL_CTL_MOD);
    }
  }

  void receive(connection& c) {
    char piece[4096];
    const auto n = ::recv(c.socket, piece, sizeof piece, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      if (c.busy) ++result_.broken;
      return end(c, true);
    }
    c.in.append(piece, static_cast<std::size_t>(n));
    const auto whole = answer_size(c.in);
    if (whole == 0 || c.in.size() < whole || !c.busy) return;
    const auto now = steady::now();
    count_latency(c.due, now);
    const bool good =
        c.in.starts_with("HTTP/1.1 200") && c.in.find(source_.accepted()) != c.in.npos;
    ++(good ? result_.accepted : result_.refused);
    if (good && now >= warm_ && now < end_) ++result_.accepted_in_slice;
    const auto head = c.in.substr(0, c.in.find("\r\n\r\n"));
    end(c, !w_.keep_alive || head.find("onnection: close") != head.npos);
  }

  void count_latency(instant due, instant now) {
    if (due >= warm_ && due < end_)
      result_.ms.push_back(std::chrono::duration<double, std::milli>(now - due).count());
  }

  void end(connection& c, bool close_it) {
    if (std::exchange(c.busy, false)) idle_.push_back(static_cast<std::size_t>(&c - all_.data()));
    if (!close_it) return;
    ::close(c.socket);
    c.socket = -1;
    c.asks_to_write = false;
  }

  pb::bench::pushes& source_;
  wanted w_;
  std::vector<connection> all_;
  int epoll_;
  std::vector<std::size_t> idle_;
  std::deque<instant> late_;  ///< due times of what waits for a free connection
  std::size_t next_due_ = 0, sent_ = 0;
  std::ofstream sent_log_;
  instant start_, warm_, end_;
  outcome result_;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: PLANE_WEBHOOK_SECRET=… accepts --port PORT [--connections N] [--seconds S]\n"
      "  [--warmup S] [--rate PER_SECOND] [--items N] [--limit REQUESTS] [--keep-alive yes|no]\n"
      "  [--sent FILE] [--kind plane|lark_message|lark_click]\n"
      "  of Lark: LARK_ENCRYPT_KEY=… in place of the secret, items are conversations\n",
      stderr);
  std::exit(2);
}

wanted read_arguments(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  if (argc % 2 == 0) usage();
  wanted w;
  for (const auto& [name, value] : given) {
    const double n = std::atof(value.c_str());
    if (name == "--port")
      w.port = static_cast<std::uint16_t>(n);
    else if (name == "--connections")
      w.connections = static_cast<std::size_t>(n);
    else if (name == "--seconds")
      w.seconds = n;
    else if (name == "--warmup")
      w.warmup = n;
    else if (name == "--rate")
      w.rate = n;
    else if (name == "--items")
      w.items = static_cast<std::size_t>(n);
    else if (name == "--limit")
      w.limit = static_cast<std::size_t>(n);
    else if (name == "--keep-alive")
      w.keep_alive = value == "yes";
    else if (name == "--kind")
      w.kind = value;
    else if (name == "--sent")
      w.sent = value;
    else
      usage();
  }
  if (w.port == 0 || w.connections == 0 || w.seconds <= 0) usage();
  return w;
}

double cpu_seconds() {
  rusage r{};
  ::getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const char* secret = std::getenv("PLANE_WEBHOOK_SECRET");
  const auto w = read_arguments(argc, argv);
  const bool of_plane = w.kind == "plane";
  if (!of_plane) secret = std::getenv("LARK_ENCRYPT_KEY");
  if (secret == nullptr) usage();
  std::ifstream recorded{PB_FIXTURES "/plane/webhook_v1_issue_updated_target_date.json"};
  std::stringstream body;
  body << recorded.rdbuf();
  const auto host = "127.0.0.1:" + std::to_string(w.port);
  std::unique_ptr<pb::bench::pushes> from;
  if (of_plane)
    from = std::make_unique<pb::bench::webhooks>(body.str(), secret, host, w.items, w.keep_alive);
  else
    from = std::make_unique<pb::bench::lark_pushes>(w.kind == "lark_click"
                                                        ? pb::bench::lark_pushes::kind::click
                                                        : pb::bench::lark_pushes::kind::message,
                                                    secret, host, w.items);
  auto& source = *from;
  const double cpu = cpu_seconds();
  auto r = load{source, w}.run();
  std::sort(r.ms.begin(), r.ms.end());
  const auto at = [&r](double share) {
    if (r.ms.empty()) return 0.0;
    const auto i = static_cast<std::size_t>(static_cast<double>(r.ms.size()) * share);
    return r.ms[std::min(i, r.ms.size() - 1)];
  };
  std::printf(
      "{\"per_second\":%.1f,\"accepted\":%zu,\"refused\":%zu,\"broken\":%zu,\"late\":%zu,"
      "\"samples\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"cpu_s\":%.3f,"
      "\"mean_body_bytes\":%.0f}\n",
      static_cast<double>(r.accepted_in_slice) / w.seconds, r.accepted, r.refused, r.broken, r.late,
      r.ms.size(), at(0.5), at(0.99), at(1.0), cpu_seconds() - cpu, source.mean_body_bytes());
  return r.refused == 0 && r.broken == 0 ? 0 : 1;
}
