#include "sandbox/transport.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace pb::sandbox {
namespace {

failure lost(errc code, std::string detail) {
  return failure{code, "sandbox.transport", std::move(detail), {}, 0, {}, {}};
}

inbound arriving(protocol::http_request r) {
  inbound in;
  const auto scheme = r.url.find("://");
  const auto start = r.url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  std::string target = start == std::string::npos ? "/" : r.url.substr(start);
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  in.method = std::move(r.method);
  in.path = protocol::percent_decode(target.substr(0, question));
  in.query = question == std::string::npos ? "" : target.substr(question + 1);
  in.headers = std::move(r.headers);
  in.body = std::move(r.body);
  return in;
}

/// One call: the first of answer and deadline wins.
struct pending {
  http::transport::completion done;
  http::call_limits limits;
  bool head = false;
  std::atomic<bool> over{false};
  void finish(result<protocol::http_response> r) {
    if (over.exchange(true)) return;
    done(std::move(r));
  }
};

}  // namespace

sandbox_transport::sandbox_transport(host& h, scheduler after, std::chrono::milliseconds travel)
    : host_(h), after_(std::move(after)), travel_(travel) {}

void sandbox_transport::send(protocol::http_request request, http::call_limits limits,
                             completion done) {
  auto call = std::make_shared<pending>();
  call->done = std::move(done);
  call->limits = limits;
  call->head = request.method == "HEAD";
  auto in = std::make_shared<inbound>(arriving(std::move(request)));
  after_(travel_, [this, call, in] {
    // The deadline is only scheduled when the answer is not there yet: virtual time stays short.
    host_.submit(std::move(*in), [call](outcome out) {
      if (out.how == ending::silence) return;
      if (out.how == ending::reset)
        return call->finish(lost(errc::upstream_down, "connection reset by peer"));
      if (out.how == ending::half)
        return call->finish(lost(errc::upstream_down, "half a response, then the end"));
      if (call->head) out.answer.body.clear();
      if (out.answer.body.size() > call->limits.response_bytes)
        return call->finish(lost(errc::too_large, "the answer is larger than allowed"));
      call->finish(std::move(out.answer));
    });
    if (!call->over)
      after_(std::min(call->limits.headers, call->limits.total),
             [call] { call->finish(lost(errc::timed_out, "no answer in time")); });
  });
}

}  // namespace pb::sandbox
