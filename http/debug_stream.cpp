// /debug/stream: what happens, as server-sent events. One subscription at the inspector serves all
// streams and ends with the last of them; who left is noticed at the next event, or when the next
// one comes.
#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "http/system_endpoints.hpp"

namespace pb::http {
namespace {

constexpr std::size_t max_streams = 32;

std::string as_event(std::string_view event, std::string_view json) {
  std::string out = "event: ";
  out.append(event).append("\n");
  // a newline would end the field
  while (!json.empty()) {
    const auto line = json.substr(0, json.find('\n'));
    out.append("data: ").append(line).append("\n");
    json.remove_prefix(std::min(json.size(), line.size() + 1));
  }
  return out += "\n";
}

class audience {
public:
  /// False when there are too many already.
  bool admit() {
    const std::lock_guard hold{guard_};
    std::erase_if(streams_, [](const auto& s) { return !s.send(": still there\n\n"); });
    return streams_.size() < max_streams;
  }
  /// True when the caller has to subscribe.
  bool add(event_stream s) {
    const std::lock_guard hold{guard_};
    if (!s.send("retry: 2000\n: what happens from now on\n\n")) return false;
    streams_.push_back(std::move(s));
    return !std::exchange(subscribed_, true);
  }
  /// False when nobody is left: the subscription ends.
  bool tell(std::string_view event, std::string_view json) {
    const auto piece = as_event(event, json);
    const std::lock_guard hold{guard_};
    std::erase_if(streams_, [&](const auto& s) { return !s.send(piece); });
    return subscribed_ = !streams_.empty();
  }

private:
  std::mutex guard_;
  std::vector<event_stream> streams_;  // under guard_
  bool subscribed_ = false;            // under guard_
};

}  // namespace

stream_handler debug_stream(inspector& live, admin_auth auth) {
  return [&live, auth = std::move(auth), all = std::make_shared<audience>()](
             const std::shared_ptr<request>& r, const responder& refuse,
             const std::function<event_stream()>& accept) {
    if (auto refused = auth.refusal(*r)) return refuse(std::move(*refused));
    if (!all->admit())
      return refuse(error_response(503, "TOO_MANY_STREAMS", "too many streams are open", r->id));
    // subscribe() is called without the audience's lock: the inspector calls back under its own
    if (all->add(accept()))
      live.subscribe(
          [all](std::string_view event, std::string_view json) { return all->tell(event, json); });
  };
}

}  // namespace pb::http
