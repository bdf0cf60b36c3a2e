// A server on a free loopback port with the routes that the server's tests talk to.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/server.hpp"

namespace served {

using namespace pb;
using namespace pb::http;

/// What was put in, from any thread to the test's.
template <class T>
class mailbox {
public:
  void put(T value) {
    const std::lock_guard lock{guard_};
    values_.push_back(std::move(value));
    filled_.notify_all();
  }
  T take() {
    std::unique_lock lock{guard_};
    if (!filled_.wait_for(lock, std::chrono::seconds{20}, [&] { return !values_.empty(); }))
      throw std::runtime_error("nothing came");
    T out = std::move(values_.front());
    values_.erase(values_.begin());
    return out;
  }

private:
  std::mutex guard_;
  std::condition_variable filled_;
  std::vector<T> values_;
};

inline server_options quick() {
  server_options o;
  o.address = "127.0.0.1";
  o.port = 0;
  o.access_log = false;
  o.failed_requests_per_minute = 0;
  return o;
}

/// Bytes and pieces an observer saw.
struct watcher final : body_observer {
  std::size_t bytes = 0;
  void feed(std::string_view piece) override { bytes += piece.size(); }
};

struct listener {
  explicit listener(server_options o = quick()) : it(std::move(o), clock, random) {
    on("GET", "/hello", [](auto, const responder& a) { a(data_response("\"hello\"")); });
    on("POST", "/echo", [](auto r, const responder& a) {
      response out;
      out.content_type = "application/octet-stream";
      out.body = *r->body;
      a(std::move(out));
    });
    on("GET", "/peer", [](auto r, const responder& a) {
      a(data_response("\"" + r->peer + (r->loopback ? " local" : "") + "\""));
    });
    on("GET", "/refuse",
       [](auto r, const responder& a) { a(error_response(401, "UNAUTHORIZED", "no", r->id)); });
    on("GET", "/later", [this](auto, responder a) { held.put(std::move(a)); });
  }
  void on(std::string method, std::string pattern, handler h) {
    route r;
    r.method = std::move(method);
    r.pattern = std::move(pattern);
    r.handle = std::move(h);
    it.add(std::move(r));
  }
  /// Starts on first use, so that a test may add its routes before.
  std::uint16_t port() {
    if (!started_) {
      if (auto s = it.start(); !s) throw std::runtime_error(describe(s.error()));
      started_ = true;
    }
    return it.port();
  }

  system_clock_source clock;
  secure_random random;
  mailbox<responder> held;  ///< of GET /later
  server it;

private:
  bool started_ = false;
};

}  // namespace served
