#include "tests/load/announcer.hpp"

#include <algorithm>

namespace pb::app::testing {
namespace {

constexpr std::string_view updated_key = "\"updated_at\": \"";

/// Where the item's update time stands in a webhook's body, and how long it is.
std::pair<std::size_t, std::size_t> updated_in(const std::string& body) {
  const auto data = body.find("\"data\"");
  const auto key = body.find(updated_key, data);
  if (data == std::string::npos || key == std::string::npos) return {0, 0};
  const auto from = key + updated_key.size();
  return {from, body.find('"', from) - from};
}

}  // namespace

announcer::announcer(plane_side& plane, const bridge& daemon, options o)
    : daemon_(daemon), options_(o), rate_(o.rate), random_(o.seed), ear_([this](const asked& a) {
        return hear(a);
      }) {
  (void)plane.server().data().add_webhook(
      "demo", {.url = ear_.url() + "/", .signing_secret = secret{webhook_secret}});
}

announcer::~announcer() { stop(milliseconds{0}); }

answer announcer::hear(const asked& a) {
  boost::system::error_code ec;
  const auto said = boost::json::parse(a.body, ec);
  const auto [from, length] = updated_in(a.body);
  if (ec || length == 0 || text_at(said, "/event") != "issue")
    return {.status = 200, .fields = {}, .body = {}};
  const auto updated = parse_rfc3339(a.body.substr(from, length));
  if (!updated) return {.status = 200, .fields = {}, .body = {}};
  const auto id = text_at(said, "/data/id");
  const std::scoped_lock held{lock_};
  const auto [item, is_new] = items_.try_emplace(id, known_item{a.body, *updated, 0});
  if (is_new) order_.push_back(id);
  if (!is_new && *updated > item->second.updated) item->second = {a.body, *updated, 0};
  return {.status = 200, .fields = {}, .body = {}};
}

void announcer::forget(const std::string& item) {
  const std::scoped_lock held{lock_};
  items_.erase(item);
  std::erase(order_, item);
}

std::size_t announcer::known() const {
  const std::scoped_lock held{lock_};
  return order_.size();
}

std::optional<std::string> announcer::next_body() {
  const std::scoped_lock held{lock_};
  if (order_.empty()) return std::nullopt;
  auto& item = items_.at(order_[random_.next() % order_.size()]);
  auto body = item.body;
  const auto [from, length] = updated_in(body);
  body.replace(from, length,
               format_rfc3339(item.updated + std::chrono::microseconds{++item.later_us}));
  return body;
}

void announcer::start() {
  next_turn_ = std::chrono::steady_clock::now();
  stopping_ = giving_up_ = false;
  busy_ = options_.senders;
  for (std::size_t n = 0; n < options_.senders; ++n) threads_.emplace_back([this, n] { send(n); });
}

void announcer::stop(milliseconds deadline) {
  std::unique_lock held{lock_};
  stopping_ = true;
  turn_.notify_all();
  if (!turn_.wait_for(held, deadline, [this] { return busy_ == 0; })) giving_up_ = true;
  turn_.notify_all();
  held.unlock();
  for (auto& t : threads_) t.join();
  threads_.clear();
}

bool announcer::wait_turn() {
  std::unique_lock held{lock_};
  const double rate = rate_;
  if (rate > 0) {
    const auto pause = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(1.0 / rate));
    // Behind by more than a second: the load is not made up for, or a restart would meet a flood.
    const auto now = std::chrono::steady_clock::now();
    next_turn_ = std::max(next_turn_ + pause, now - std::chrono::seconds{1});
    turn_.wait_until(held, next_turn_, [this] { return stopping_; });
  }
  return !stopping_;
}

void announcer::send(std::size_t number) {
  seeded_random random{options_.seed * 1'000 + number};
  while (wait_turn()) {
    const auto body = next_body();
    if (!body) {
      std::unique_lock held{lock_};
      turn_.wait_for(held, milliseconds{50}, [this] { return stopping_; });
      continue;
    }
    announced row;
    bool again = true;
    while (again && !attempt(*body, row, random)) {
      std::unique_lock held{lock_};
      again = !turn_.wait_for(held, milliseconds{50}, [this] { return giving_up_; });
    }
    const std::scoped_lock held{lock_};
    ++figures_.bodies;
    if (options_.keep) sent_.push_back(std::move(row));
  }
  const std::scoped_lock held{lock_};
  --busy_;
  turn_.notify_all();
}

bool announcer::attempt(const std::string& body, announced& row, seeded_random& random) {
  row.ids.push_back(make_uuid(random));
  asked a{.method = "POST", .url = daemon_.url() + "/webhooks/plane"};
  a.fields = {{"Content-Type", "application/json"},
              {"X-Plane-Event", "issue"},
              {"X-Plane-Delivery", row.ids.back()},
              {"X-Plane-Signature", signature_of(body, webhook_secret)}};
  a.body = body;
  a.seconds = 30;
  const auto began = std::chrono::steady_clock::now();
  const auto said = ask(a);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  row.acknowledged = said.status == 200;
  const std::scoped_lock held{lock_};
  ++figures_.attempts;
  if (said.status == 0) {
    ++figures_.unanswered;
  } else if (said.status != 200) {
    ++figures_.refused;
    last_refusal_ = std::to_string(said.status) + " " + said.body;
  } else {
    ++figures_.acknowledged;
    if (said.body.find("\"duplicate\"") != std::string::npos) ++figures_.duplicates;
    latencies_.push_back(took.count());
  }
  return row.acknowledged;
}

announcer::figures announcer::so_far() const {
  const std::scoped_lock held{lock_};
  return figures_;
}
std::vector<double> announcer::take_latencies() {
  std::vector<double> out;
  {
    const std::scoped_lock held{lock_};
    out.swap(latencies_);
  }
  std::sort(out.begin(), out.end());
  return out;
}
std::vector<announced> announcer::sent() const {
  const std::scoped_lock held{lock_};
  return sent_;
}
std::string announcer::last_refusal() const {
  const std::scoped_lock held{lock_};
  return last_refusal_;
}

}  // namespace pb::app::testing
