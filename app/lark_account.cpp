#include "app/lark_account.hpp"

#include "actors/context.hpp"
#include "base/log.hpp"
#include "protocol/lark/exchanges.hpp"

namespace pb::app {
namespace lark = protocol::lark;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

/// With less left Feishu gives a new one; the old stays good meanwhile.
constexpr auto renew_token_before = 30min;
constexpr auto pause_between_tries = 15s;
/// A token that is refused so soon after it was given will be refused again.
constexpr auto too_fresh = 10s;
constexpr milliseconds refused_pause = 60s;

std::string bearer(const secret& token) { return "Bearer " + token.reveal(); }

}  // namespace

void lark_account::restore_month(const std::string& saved) {
  std::optional<std::string> month;
  {
    const std::lock_guard hold{lock_};
    pace_.restore(saved);
    restored_ = true;
    if (pace_.unsaved()) month = pace_.take_saved();
  }
  tell({}, std::move(month));
}

void lark_account::use(lark::pace_limits limits) {
  const std::lock_guard hold{lock_};
  pace_.use(limits);
}

lark::pace::view lark_account::look() {
  const std::lock_guard hold{lock_};
  return pace_.look(clock_.steady_now(), clock_.now());
}

lark_account::waits lark_account::waited() const {
  const std::lock_guard hold{lock_};
  return waited_;
}

std::optional<failure> lark_account::authorize(protocol::http_request& request) {
  const std::lock_guard hold{lock_};
  if (token_.empty() || good_until_ <= clock_.now()) {
    auto f = no_token_.value_or(failure{errc::upstream_down, "lark", "no tenant token yet"});
    if (!f.retry_after) f.retry_after = pause_between_tries;
    return f;
  }
  lark::authorize(request, token_);
  return std::nullopt;
}

bool lark_account::challenged(const protocol::http_request& sent,
                              const protocol::http_response& answer) {
  if (!lark::refuses_token(answer, "lark.call")) return false;
  const std::lock_guard hold{lock_};
  std::string_view used;
  for (const auto& h : sent.headers)
    if (protocol::iequals(h.name, "Authorization")) used = h.value;
  if (token_.empty() || used != bearer(token_)) return true;  // another call has dropped it already
  if (clock_.now() < fresh_at_ + too_fresh) return false;
  token_ = {};
  ask_again_at_ = {};
  return true;
}

std::shared_ptr<protocol::exchange> lark_account::renewal(timestamp now) {
  const std::lock_guard hold{lock_};
  if (!token_.empty() && now < good_until_ - renew_token_before) return nullptr;
  if (now < ask_again_at_) return nullptr;
  ask_again_at_ = now + pause_between_tries;
  return std::make_shared<lark::renew_token>(of_.where, of_.app);
}

void lark_account::renewed(const actors::performed& done) {
  if (done.failed) {
    std::optional<timestamp> left;
    {
      const std::lock_guard hold{lock_};
      no_token_ = done.failed;
      if (!token_.empty() && clock_.now() < good_until_) left = good_until_;
    }
    if (left) to_.token_ends(describe(*done.failed), *left);
    return;
  }
  bool back = false;
  {
    const std::lock_guard hold{lock_};
    const auto& got = dynamic_cast<const lark::renew_token&>(*done.what).value();
    token_ = got.token;
    fresh_at_ = clock_.now();
    // Counted from when it was asked for.
    good_until_ = done.started_at + got.valid_for;
    // One that lives for less than half an hour is not asked for again at every call.
    ask_again_at_ = fresh_at_ + (got.valid_for > renew_token_before ? 0s : 60s);
    back = no_token_.has_value();
    no_token_.reset();
  }
  if (back) to_.token_back();
}

std::optional<actors::admission_wait> lark_account::admit(steady_time now,
                                                          const protocol::call& c) {
  using who = actors::admission_wait::who;
  lark::pace_verdict v;
  std::vector<lark::pace_notice> notices;
  std::optional<std::string> month;
  {
    const std::lock_guard hold{lock_};
    v = pace_.admit(now, clock_.now(), c);
    waited_.account += v.waits == lark::pace_verdict::who::account ? 1 : 0;
    waited_.chat += v.waits == lark::pace_verdict::who::chat ? 1 : 0;
    waited_.month += v.waits == lark::pace_verdict::who::call ? 1 : 0;
    notices = pace_.take_notices();
    if (restored_ && pace_.unsaved()) month = pace_.take_saved();
  }
  tell(std::move(notices), std::move(month));
  switch (v.waits) {
    case lark::pace_verdict::who::nobody:
      return std::nullopt;
    case lark::pace_verdict::who::account:
      return actors::admission_wait{v.wait, who::account};
    case lark::pace_verdict::who::chat:
      return actors::admission_wait{v.wait, who::key};
    case lark::pace_verdict::who::call:
      return actors::admission_wait{v.wait, who::call};
  }
  return std::nullopt;
}

void lark_account::note(steady_time now, const protocol::call& c,
                        const result<protocol::http_response>& r) {
  std::vector<lark::pace_notice> notices;
  {
    const std::lock_guard hold{lock_};
    pace_.note(now, clock_.now(), c, r ? &*r : nullptr);
    notices = pace_.take_notices();
  }
  tell(std::move(notices), std::nullopt);
}

std::optional<milliseconds> lark_account::pause_after(const failure& f) {
  const std::lock_guard hold{lock_};
  if (const auto left = pace_.stopped_for(clock_.steady_now()); left > 0ms) return left;
  // A good token was refused twice.
  if (lark::remedy_of(f) == lark::remedy::refresh_token) return refused_pause;
  return std::nullopt;
}

void lark_account::tell(std::vector<lark::pace_notice> notices, std::optional<std::string> month) {
  for (const auto& n : notices) {
    if (n.urgent)
      log::error("calls to Feishu stop", {log::kv("why", n.text)});
    else
      log::warn("calls to Feishu run low", {log::kv("why", n.text)});
    to_.tell(n);
  }
  if (month) to_.save(*month);
}

std::function<actors::connector_policy()> lark_policy(http::call_limits limits,
                                                      std::shared_ptr<lark_account> account) {
  return [limits, account] {
    actors::connector_policy p;
    p.name = "lark";
    p.parallel = [](const actors::options& o) { return o.lark_parallel; };
    p.limits = limits;
    p.authorize = [account](protocol::http_request& r) { return account->authorize(r); };
    p.challenged = [account](const protocol::http_request& sent,
                             const protocol::http_response& answer) {
      return account->challenged(sent, answer);
    };
    p.renewal = [account](timestamp now) { return account->renewal(now); };
    p.renewed = [account](const actors::performed& done) { account->renewed(done); };
    p.admit = [account](steady_time now, actors::urgency, const protocol::call& c) {
      return account->admit(now, c);
    };
    p.note = [account](steady_time now, const protocol::call& c,
                       const result<protocol::http_response>& r) { account->note(now, c, r); };
    p.is_down = [](const result<protocol::http_response>& r) {
      return !r || lark::is_down(*r, "lark.call");
    };
    p.again = [](const protocol::call& c, const result<protocol::http_response>& r, unsigned tries,
                 double draw) { return lark::next_try(r ? &*r : nullptr, c, tries, draw); };
    p.pause_after = [account](const failure& f) { return account->pause_after(f); };
    return p;
  };
}

}  // namespace pb::app
