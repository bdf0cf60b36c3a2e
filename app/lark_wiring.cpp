#include "app/lark_wiring.hpp"

#include <utility>

#include "actors/context.hpp"
#include "app/wiring.hpp"
#include "base/log.hpp"

namespace pb::app {

protocol::lark::pace_limits lark_pace(const config::settings& s) {
  protocol::lark::pace_limits l;
  l.per_second = s.lark.requests_per_second;
  l.per_minute = s.lark.requests_per_minute;
  l.chat_per_second = s.lark.chat_requests_per_second;
  l.per_month = static_cast<std::int64_t>(s.lark.monthly_calls);
  return l;
}

std::shared_ptr<lark_account> join_lark(actors::runtime_parts& parts, const config::settings& s,
                                        persistence::store& store, const clock_source& clock) {
  if (!s.lark.enabled()) return nullptr;
  lark_credentials of;
  of.where.base_url = config::lark_base_url(s);
  of.app = {s.lark.app_id, s.lark.app_secret};
  lark_account::hooks to;
  to.save = [&store](const std::string& month) {
    persistence::write unit;
    unit.states.push_back({std::string{lark_account::month_key}, month});
    store.submit(std::move(unit), [](const auto&) {});
  };
  to.tell = [ctx = parts.ctx](const protocol::lark::pace_notice& n) {
    // Once all calls stop, this one would, too.
    if (!n.urgent) ctx->alarms.raise("quota", n.text, ctx->clock.now());
    if (n.urgent)
      log::error("nothing is sent to Feishu", {log::kv("reason", n.text)});
    else
      log::warn("Feishu's limits", {log::kv("reason", n.text)});
  };
  to.token_ends = [ctx = parts.ctx](const std::string& why, timestamp good_until) {
    ctx->alarms.raise("token/lark",
                      "Feishu gives no new token; the present one ends at " +
                          format_rfc3339(good_until) + ": " + why,
                      ctx->clock.now());
  };
  to.token_back = [ctx = parts.ctx] {
    ctx->alarms.clear("token/lark", "Feishu gives new tokens again", ctx->clock.now());
  };
  auto account = std::make_shared<lark_account>(of, lark_pace(s), clock, std::move(to));
  const auto month = persistence::read_and_wait(
      store, [](persistence::reader& r) { return r.state(std::string{lark_account::month_key}); });
  account->restore_month(month && *month ? **month : std::string{});
  parts.lark = lark_policy(call_limits(s), account);
  auto calls = std::make_shared<actors::chat_calls>();
  calls->api = of.where;
  calls->app_id = s.lark.app_id;
  parts.chat = std::move(calls);
  parts.bot_open_id = s.lark.bot_open_id;
  parts.admins = s.lark.admins;
  return account;
}

std::unique_ptr<http::lark_long_connection> lark_link(
    const config::settings& s, const actors::context_ptr& ctx,
    std::shared_ptr<http::lark_reception> reception) {
  if (!s.lark.enabled() || s.lark.transport != config::lark_transport::websocket) return nullptr;
  http::lark_long_connection_options o;
  o.where.base_url = config::lark_base_url(s);
  o.app = {s.lark.app_id, s.lark.app_secret};
  o.client = client_options(s);
  // Calls of ours may go on where events do not come: so this trouble with Feishu is told there.
  o.changed = [ctx, given_up = false, told = false](const http::lark_link_health& now) mutable {
    constexpr std::string_view what = "link/lark";
    if (now.given_up && !std::exchange(given_up, now.given_up)) {
      told = true;
      ctx->alarms.raise(
          what,
          "the long connection to Feishu was given up, so nothing is heard of chats: " +
              now.figures.last_problem + ". " + now.remedy + "; then reload (SIGHUP)",
          ctx->clock.now());
    }
    given_up = now.given_up;
    if (now.open && std::exchange(told, false))
      ctx->alarms.clear(what, "the long connection to Feishu is open again", ctx->clock.now());
  };
  return std::make_unique<http::lark_long_connection>(
      std::move(o), ctx->transport, std::move(reception), ctx->clock, ctx->random);
}

}  // namespace pb::app
