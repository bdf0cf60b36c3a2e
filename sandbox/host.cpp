#include "sandbox/host.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace pb::sandbox {
namespace {

protocol::http_response instead(const fault& f) {
  protocol::http_response a;
  a.status = f.status;
  a.headers.push_back({"Content-Type", "application/json"});
  if (f.status == 429) {
    a.body = R"({"error_code":5900,"error_message":"RATE_LIMIT_EXCEEDED"})";
    a.headers.push_back(
        {"Retry-After", std::to_string(std::max<std::int64_t>(1, f.retry_after.count()))});
  } else {
    a.body = R"({"error":"Something went wrong please try again later"})";
    if (f.retry_after.count() > 0)
      a.headers.push_back({"Retry-After", std::to_string(f.retry_after.count())});
  }
  return a;
}

// The gateway's words: 429 with the headers that tell how long, internal error for the rest.
protocol::http_response instead_of_lark(const fault& f) {
  protocol::http_response a;
  a.status = f.status;
  a.headers = {{"Content-Type", "application/json; charset=utf-8"},
               {"X-Tt-Logid", "20261121060000SANDBOXFAULT00000000"}};
  if (f.status == 429) {
    a.body = R"({"code":99991400,"msg":"request trigger frequency limit"})";
    a.headers.push_back({"x-ogw-ratelimit-limit", "100"});
    a.headers.push_back({"x-ogw-ratelimit-reset",
                         std::to_string(std::max<std::int64_t>(1, f.retry_after.count()))});
  } else {
    a.body = R"({"code":2200,"msg":"Internal Error"})";
  }
  return a;
}

}  // namespace

host::host(plane& p, fault_set& faults, scheduler after, std::function<void()> worked)
    : serve_([&p](const inbound& request, fault_kind twist) {
        const bool race = twist == fault_kind::race;
        if (race) p.set_external_id_race(true);
        auto answer = p.handle(request);
        if (race) p.set_external_id_race(false);
        return answer;
      }),
      refuse_(instead),
      faults_(faults),
      after_(std::move(after)),
      worked_(std::move(worked)) {}

host::host(lark& l, fault_set& faults, scheduler after, std::function<void()> worked)
    : serve_([&l](const inbound& request, fault_kind twist) {
        if (twist == fault_kind::token_expired) l.expire_tokens();
        return l.handle(request);
      }),
      refuse_(instead_of_lark),
      faults_(faults),
      after_(std::move(after)),
      worked_(std::move(worked)) {}

protocol::http_response host::work(const inbound& request, fault_kind twist) {
  auto answer = serve_(request, twist);
  if (worked_) worked_();
  return answer;
}

void host::submit(inbound request, std::function<void(outcome)> done) {
  outcome out;
  std::chrono::milliseconds delay{0};
  std::optional<std::chrono::milliseconds> late;
  bool works = true;
  auto twist = fault_kind::latency;  // none that changes the work
  for (const auto& f : faults_.strike_request(request.method, request.path)) {
    switch (f.kind) {
      case fault_kind::latency:
        delay += f.delay;
        break;
      case fault_kind::status:
        works = false;
        out.answer = refuse_(f);
        break;
      case fault_kind::reset:
        works = false;
        out.how = ending::reset;
        break;
      case fault_kind::half_response:
        out.how = ending::half;
        break;
      case fault_kind::lost_answer:
        out.how = ending::silence;
        break;
      case fault_kind::late_work:
        out.how = ending::silence;
        late = f.delay;
        break;
      case fault_kind::race:
      case fault_kind::token_expired:
        twist = f.kind;
        break;
      case fault_kind::webhook_lost:
      case fault_kind::webhook_duplicated:
      case fault_kind::webhook_reordered:
        break;
    }
  }
  if (late) {
    after_(*late, [this, twist, r = std::make_shared<inbound>(std::move(request))] {
      (void)work(*r, twist);  // nobody is there to hear the answer
    });
  } else if (works) {
    out.answer = work(request, twist);
  }
  if (delay.count() == 0 || out.how == ending::silence) {
    done(std::move(out));
    return;
  }
  after_(delay, [done = std::move(done), out = std::move(out)]() mutable { done(std::move(out)); });
}

}  // namespace pb::sandbox
