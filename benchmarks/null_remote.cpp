// benchmarks/null_remote: a calendar server, a Plane and a Feishu that answer at once and do
// nothing else, so that what is measured is planebridge. One thread and epoll; HTTP/1.1 with
// keep-alive; loopback.
//   null_remote PORT [ARRIVALS [MILLISECONDS]]
// ARRIVALS: a file that gets "uid nanoseconds" for each PUT, the steady clock at its first byte.
// MILLISECONDS: each answer to the calendar's PUT comes so much later, as from a server that works.
// SIGTERM ends it and prints {"puts":…,"requests":…}.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace {
using steady = std::chrono::steady_clock;

constexpr std::string_view home = "/cal/bot/", principal = "/principals/bot/";

struct request {
  std::string_view method, path, head, body;
};

std::string answer(int status, std::string_view body = {}, std::string_view headers = {}) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: ";
  return out.append(std::to_string(body.size()))
      .append("\r\n")
      .append(headers)
      .append("\r\n")
      .append(body);
}

std::string multistatus(std::string_view href, std::string_view properties) {
  std::string body =
      "<?xml version=\"1.0\"?><multistatus xmlns=\"DAV:\" "
      "xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><response><href>";
  body.append(href).append("</href><propstat><prop>").append(properties);
  body += "</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>";
  return answer(207, body, "Content-Type: application/xml; charset=utf-8\r\n");
}

class remote {
public:
  explicit remote(std::string projects) : projects_(std::move(projects)) {}

  std::string handle(const request& r) {
    ++requests_;
    if (r.path.starts_with("/open-apis/"))  // Feishu: a token, or a message that was sent
      return answer(200,
                    R"({"code":0,"msg":"ok","tenant_access_token":"t-bench","expire":7200,)"
                    R"("data":{"message_id":"om_)" +
                        std::to_string(requests_) + "\"}}",
                    "Content-Type: application/json\r\n");
    if (r.method == "PUT") {
      ++puts_;
      auto& e = events_[std::string{r.path}];
      e = r.body;
      return answer(201, {}, "ETag: \"" + std::to_string(puts_) + "\"\r\n");
    }
    if (r.method == "PROPFIND") return propfind(r.path);
    if (r.method == "DELETE") return answer(events_.erase(std::string{r.path}) != 0 ? 204 : 404);
    if (r.method != "GET") return answer(r.method == "MKCALENDAR" ? 201 : 405);
    if (r.path.starts_with(home)) {
      const auto e = events_.find(std::string{r.path});
      return e == events_.end()
                 ? answer(404)
                 : answer(200, e->second, "ETag: \"" + std::to_string(puts_) + "\"\r\n");
    }
    return plane(r.path);
  }

  std::string figures() const {
    return "{\"puts\":" + std::to_string(puts_) + ",\"requests\":" + std::to_string(requests_) +
           "}";
  }

private:
  static std::string propfind(std::string_view path) {
    if (path == principal)
      return multistatus(path, "<C:calendar-home-set><href>" + std::string{home} +
                                   "</href></C:calendar-home-set>");
    if (path == home) return multistatus(path, "<resourcetype><collection/></resourcetype>");
    if (path.starts_with(home))  // whatever calendar is asked for is there
      return multistatus(
          path,
          "<resourcetype><collection/><C:calendar/></resourcetype><displayname>x</displayname>"
          "<C:supported-calendar-component-set><C:comp name=\"VEVENT\"/>"
          "</C:supported-calendar-component-set><current-user-privilege-set><privilege><all/>"
          "</privilege></current-user-privilege-set>");
    return multistatus(path, "<current-user-principal><href>" + std::string{principal} +
                                 "</href></current-user-principal>");
  }

  /// One project, and no work items beside those that the webhooks tell of.
  std::string plane(std::string_view path) const {
    constexpr std::string_view json = "Content-Type: application/json\r\n";
    if (path.find("/work-items/") != path.npos || path.find("/issues/") != path.npos)
      return answer(200,
                    R"({"grouped_by":null,"sub_grouped_by":null,"total_count":0,)"
                    R"("next_cursor":"100:1:0","prev_cursor":"100:-1:1","next_page_results":false,)"
                    R"("prev_page_results":false,"count":0,"total_pages":1,"total_results":0,)"
                    R"("extra_stats":null,"results":[]})",
                    json);
    return answer(200, projects_, json);
  }

  std::string projects_;
  std::unordered_map<std::string, std::string> events_;
  std::size_t puts_ = 0, requests_ = 0;
};

struct connection {
  int socket = -1;
  std::string in, out;
  steady::time_point first_byte;
};

/// The first whole request in `in` and its length; nothing while it is incomplete.
std::size_t first_request(const std::string& in, request& r) {
  const auto end = in.find("\r\n\r\n");
  if (end == in.npos) return 0;
  r.head = std::string_view{in}.substr(0, end);
  std::size_t length = 0;
  if (const auto at = r.head.find("Content-Length: "); at != r.head.npos)
    std::from_chars(r.head.data() + at + 16, r.head.data() + end, length);
  if (in.size() < end + 4 + length) return 0;
  r.body = std::string_view{in}.substr(end + 4, length);
  const auto space = r.head.find(' ');
  r.method = r.head.substr(0, space);
  r.path = r.head.substr(space + 1, r.head.find(' ', space + 1) - space - 1);
  return end + 4 + length;
}

class listener {
public:
  listener(std::uint16_t port, remote& to, const char* arrivals, std::chrono::milliseconds work)
      : remote_(to), work_(work) {
    if (arrivals != nullptr) arrivals_.open(arrivals);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(socket_, 512) != 0)
      std::perror("null_remote"), std::exit(1);
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigaddset(&term, SIGINT);
    ::sigprocmask(SIG_BLOCK, &term, nullptr);
    signals_ = ::signalfd(-1, &term, SFD_CLOEXEC);
    watch(socket_, EPOLLIN);
    watch(signals_, EPOLLIN);
  }

  void run() {
    for (;;) {
      epoll_event seen[128];
      const int n = ::epoll_wait(epoll_, seen, 128, send_what_is_due());
      for (int i = 0; i < n; ++i) {
        if (seen[i].data.fd == signals_) return arrivals_.flush(), void();
        if (seen[i].data.fd == socket_)
          take_connections();
        else
          receive(seen[i].data.fd);
      }
    }
  }

private:
  void watch(int fd, std::uint32_t events) {
    epoll_event e{};
    e.events = events;
    e.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
  }
  void take_connections() {
    for (int fd; (fd = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      all_[fd].socket = fd;
      watch(fd, EPOLLIN);
    }
  }
  void receive(int fd) {
    auto& c = all_[fd];
    char piece[65536];
    const auto n = ::recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(fd);
      all_.erase(fd);
      return;
    }
    if (c.in.empty()) c.first_byte = steady::now();
    c.in.append(piece, static_cast<std::size_t>(n));
    request r;
    while (const auto whole = first_request(c.in, r)) {
      if (r.method == "PUT" && arrivals_.is_open()) note(r.path, c.first_byte);
      if (r.method == "PUT" && work_.count() > 0)
        later_.push_back({steady::now() + work_, fd, remote_.handle(r)});
      else
        c.out += remote_.handle(r);
      c.in.erase(0, whole);
    }
    // An answer is small and its reader waits for it: this blocks for no time worth speaking of.
    if (!c.out.empty()) ::send(fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    c.out.clear();
  }
  /// Milliseconds until the next is due; -1: nothing waits.
  int send_what_is_due() {
    for (; !later_.empty(); later_.pop_front()) {
      const auto& next = later_.front();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next.at - steady::now());
      if (left.count() > 0) return static_cast<int>(left.count());
      if (all_.contains(next.socket))
        ::send(next.socket, next.answer.data(), next.answer.size(), MSG_NOSIGNAL);
    }
    return -1;
  }
  void note(std::string_view path, steady::time_point at) {
    const auto uuid = path.find("plane-issue-");
    if (uuid != path.npos)
      arrivals_ << path.substr(uuid + 12, 36) << ' '
                << std::chrono::nanoseconds{at.time_since_epoch()}.count() << '\n';
  }

  struct answer_later {
    steady::time_point at;
    int socket;
    std::string answer;
  };

  remote& remote_;
  std::chrono::milliseconds work_;
  std::deque<answer_later> later_;  ///< in the order of their times: all wait equally long
  std::ofstream arrivals_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC), socket_ = -1, signals_ = -1;
  std::unordered_map<int, connection> all_;
};
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: null_remote PORT [ARRIVALS [MILLISECONDS]]\n", stderr), 2;
  std::ifstream recorded{PB_FIXTURES "/plane/rest_projects_page.json"};
  std::stringstream projects;
  projects << recorded.rdbuf();
  remote to{projects.str()};
  listener{static_cast<std::uint16_t>(std::atoi(argv[1])), to, argc > 2 ? argv[2] : nullptr,
           std::chrono::milliseconds{argc > 3 ? std::atoi(argv[3]) : 0}}
      .run();
  std::puts(to.figures().c_str());
}
