#include "sandbox/faults.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

namespace pb::sandbox {
namespace {
namespace json = boost::json;

constexpr std::array<std::pair<fault_kind, std::string_view>, 11> names{
    {{fault_kind::latency, "latency"},
     {fault_kind::status, "status"},
     {fault_kind::reset, "reset"},
     {fault_kind::half_response, "half_response"},
     {fault_kind::lost_answer, "lost_answer"},
     {fault_kind::late_work, "late_work"},
     {fault_kind::race, "race"},
     {fault_kind::token_expired, "token_expired"},
     {fault_kind::webhook_lost, "webhook_lost"},
     {fault_kind::webhook_duplicated, "webhook_duplicated"},
     {fault_kind::webhook_reordered, "webhook_reordered"}}};

bool for_webhooks(fault_kind kind) {
  return kind == fault_kind::webhook_lost || kind == fault_kind::webhook_duplicated ||
         kind == fault_kind::webhook_reordered;
}

/// "*" matches any run of characters; linear in the product of the lengths.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

failure wrong(std::string detail) {
  return failure{
      errc::bad_input, "sandbox.faults", std::move(detail), "see docs/sandbox.md", 0, {}, {}};
}

}  // namespace

std::string_view to_string(fault_kind kind) noexcept {
  for (const auto& [k, name] : names)
    if (k == kind) return name;
  return "latency";
}

std::optional<fault_kind> fault_kind_of(std::string_view name) noexcept {
  for (const auto& [k, n] : names)
    if (n == name) return k;
  return std::nullopt;
}

std::uint64_t fault_set::add(fault f) {
  const std::scoped_lock held{lock_};
  f.id = ++last_id_;
  f.hits = 0;
  faults_.push_back(std::move(f));
  return last_id_;
}

bool fault_set::remove(std::uint64_t id) {
  const std::scoped_lock held{lock_};
  return std::erase_if(faults_, [&](const fault& f) { return f.id == id; }) != 0;
}

void fault_set::clear() {
  const std::scoped_lock held{lock_};
  faults_.clear();
}

std::vector<fault> fault_set::list() const {
  const std::scoped_lock held{lock_};
  return faults_;
}

std::vector<fault> fault_set::strike(std::string_view method, std::string_view path, bool webhook) {
  const std::scoped_lock held{lock_};
  std::vector<fault> struck;
  for (auto& f : faults_) {
    if (for_webhooks(f.kind) != webhook || (!f.method.empty() && f.method != method) ||
        !matches(f.path, path) || (f.count && *f.count == 0))
      continue;
    if (f.skip > 0) {
      --f.skip;
      continue;
    }
    if (f.probability < 1.0 && random_.unit_draw() >= f.probability) continue;
    if (f.count) --*f.count;
    ++f.hits;
    struck.push_back(f);
  }
  return struck;
}

std::vector<fault> fault_set::strike_request(std::string_view method, std::string_view path) {
  return strike(method, path, false);
}

std::vector<fault> fault_set::strike_webhook(std::string_view event, std::string_view action) {
  return strike(event, std::string{event} + "/" + std::string{action}, true);
}

result<fault> fault_from_json(const json::value& v) {
  if (!v.is_object()) return wrong("a JSON object is needed");
  const auto& o = v.get_object();
  fault f;
  // What to_json() adds may come back.
  for (const auto& [key, value] : o) {
    const std::string_view k = key;
    const bool is_text = k == "kind" || k == "method" || k == "path";
    const bool is_number = k == "count" || k == "skip" || k == "probability" || k == "delay_ms" ||
                           k == "status" || k == "retry_after_s" || k == "id" || k == "hits";
    if (!is_text && !is_number) return wrong(std::string{k.substr(0, 50)} + ": no such key");
    if (value.is_null()) continue;
    if (is_text && !value.is_string()) return wrong(std::string{k} + ": text is needed");
    if (is_number && !value.is_number()) return wrong(std::string{k} + ": a number is needed");
  }
  const auto text = [&](std::string_view key) -> std::string {
    const json::value* m = o.if_contains(key);
    return m != nullptr && m->is_string() ? std::string{m->get_string()} : std::string{};
  };
  const auto number = [&](std::string_view key, double missing) {
    const json::value* m = o.if_contains(key);
    boost::system::error_code ec;
    return m != nullptr && m->is_number() ? m->to_number<double>(ec) : missing;
  };
  const auto kind = fault_kind_of(text("kind"));
  if (!kind) return wrong("kind: none of the known ones");
  f.kind = *kind;
  f.method = text("method");
  if (const std::string path = text("path"); !path.empty()) f.path = path;
  if (f.path.size() > 500 || f.method.size() > 50) return wrong("path or method: too long");
  const double count = number("count", -1);
  if (count >= 0) f.count = static_cast<unsigned>(std::min(count, 1e9));
  f.skip = static_cast<unsigned>(std::clamp(number("skip", 0), 0.0, 1e9));
  f.probability = std::clamp(number("probability", 1.0), 0.0, 1.0);
  f.delay = std::chrono::milliseconds{
      static_cast<std::int64_t>(std::clamp(number("delay_ms", 0), 0.0, 1e9))};
  f.status = static_cast<int>(std::clamp(number("status", 503), 0.0, 1e6));
  if (f.status < 200 || f.status > 599) return wrong("status: 200 to 599");
  f.retry_after = std::chrono::seconds{
      static_cast<std::int64_t>(std::clamp(number("retry_after_s", 0), 0.0, 1e6))};
  return f;
}

json::value to_json(const fault& f) {
  json::object out{
      {"id", f.id}, {"kind", to_string(f.kind)}, {"method", f.method}, {"path", f.path}};
  out["count"] = f.count ? json::value(*f.count) : json::value{};
  out["skip"] = f.skip;
  out["probability"] = f.probability;
  out["delay_ms"] = f.delay.count();
  out["status"] = f.status;
  out["retry_after_s"] = f.retry_after.count();
  out["hits"] = f.hits;
  return out;
}

}  // namespace pb::sandbox
