#include "benchmarks/webhooks.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace pb::bench {
namespace {
constexpr std::size_t how_many = 512;
constexpr double least = 2100, usual = 4000, most = 8000;  // bytes of a body, triangular

/// Where the value after `key` begins, behind `from`.
std::size_t value_at(const std::string& body, std::string_view key, std::size_t from) {
  const auto at = body.find(key, from);
  if (at == std::string::npos)
    throw std::runtime_error("the recorded webhook lacks " + std::string{key});
  return at + key.size();
}

double triangular(random_source& random) {
  const double u = random.unit_draw(), turn = (usual - least) / (most - least);
  return u < turn ? least + std::sqrt(u * (most - least) * (usual - least))
                  : most - std::sqrt((1 - u) * (most - least) * (most - usual));
}

/// Text that compresses about as well as what people write.
std::string paragraph(random_source& random) {
  static constexpr std::string_view words[] = {
      "sync",    "bridge",   "issue",    "comment", "label",   "state",     "cycle",    "module",
      "backlog", "release",  "review",   "merge",   "branch",  "deploy",    "staging",  "latency",
      "webhook", "retry",    "queue",    "worker",  "journal", "calendar",  "mapping",  "conflict",
      "field",   "author",   "mention",  "upload",  "preview", "editor",    "toolbar",  "filter",
      "export",  "project",  "the",      "a",       "of",      "to",        "in",       "and",
      "with",    "when",     "that",     "this",    "not",     "should",    "before",   "after",
      "because", "customer", "expected", "actual",  "steps",   "component", "schedule", "deadline"};
  std::string out = "<p class=\\\"editor-paragraph-block\\\">";
  for (auto n = 6 + random.next() % 24; n > 0; --n)
    (out += words[random.next() % std::size(words)]) += ' ';
  return out += "</p>";
}
}  // namespace

webhooks::webhooks(std::string recorded, std::string secret, std::string host, std::size_t items,
                   bool keep_alive)
    : secret_(std::move(secret)),
      head_("POST /webhooks/plane HTTP/1.1\r\nHost: " + host +
            "\r\nUser-Agent: Autopilot\r\nAccept: */*\r\nContent-Type: application/json"
            "\r\nX-Plane-Event: issue\r\nX-Plane-Delivery: "),
      end_of_head_(keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n"),
      random_(std::random_device{}()) {
  seeded_random sizes{1};  // the same bodies in every run
  for (std::size_t i = 0; i < how_many; ++i) {
    sample s{recorded, 0, 0, 0};
    const auto wanted = static_cast<std::size_t>(triangular(sizes));
    const auto html = value_at(s.body, "\"description_html\": \"", 0);
    std::string text;
    while (s.body.size() + text.size() < wanted) text += paragraph(sizes);
    s.body.insert(html, text);
    const auto data = value_at(s.body, "\"data\": {", 0);
    s.item_at = value_at(s.body, "\"id\": \"", data);
    s.updated_at = value_at(s.body, "\"updated_at\": \"", data);
    s.target_date = value_at(s.body, "\"target_date\": \"", data);
    samples_.push_back(std::move(s));
  }
  for (std::size_t i = 0; i < items; ++i) items_.push_back(make_uuid(random_));
}

const std::string& webhooks::next(std::string& out) {
  // Most changes of a work item leave its description alone, and with it the body's size.
  const auto which = random_.next();
  auto& s =
      samples_[items_.empty() ? which % samples_.size() : which % items_.size() % samples_.size()];
  // All three have the same length each time: written over what was there.
  const auto over = [&s](std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), s.body.begin() + static_cast<std::ptrdiff_t>(at));
  };
  item_ = items_.empty() ? make_uuid(random_) : items_[which % items_.size()];
  over(s.item_at, item_);
  auto now = clock_.now();
  if (to_micros(now) % 1'000'000 == 0) now += std::chrono::microseconds{1};  // else it is shorter
  over(s.updated_at, format_rfc3339(now));
  over(s.target_date,
       format_rfc3339(now + std::chrono::days{1 + random_.next() % 3000}).substr(0, 10));
  out.assign(head_);
  out.append(make_uuid(random_)).append("\r\nX-Plane-Signature: ");
  out.append(to_hex(hmac_sha256(secret_, s.body))).append("\r\nContent-Length: ");
  out.append(std::to_string(s.body.size())).append(end_of_head_).append(s.body);
  return item_;
}

double webhooks::mean_body_bytes() const {
  return std::accumulate(
             samples_.begin(), samples_.end(), 0.0,
             [](double n, const sample& s) { return n + static_cast<double>(s.body.size()); }) /
         static_cast<double>(samples_.size());
}

}  // namespace pb::bench
