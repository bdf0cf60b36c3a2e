#include "app/personal_keys.hpp"

#include "protocol/plane/me.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::app {
namespace {

/// Somebody waits in front of a page.
constexpr std::chrono::milliseconds patience{10'000};

}  // namespace

http::key_check key_check_at(const config::settings& s, http::transport& calls) {
  return [base = s.plane.base_url, &calls](const secret& key,
                                           std::function<void(result<http::plane_account>)> done) {
    if (base.empty())
      return done(failure{errc::key_missing,
                          "plane.me",
                          "plane.base_url is not set",
                          "set PLANE_BASE_URL",
                          0,
                          "",
                          {}});
    auto ask = protocol::plane::me_request(base);
    protocol::plane::authorize(ask, {protocol::plane::credential::kind::api_key, key});
    http::call_limits limits;
    limits.headers = limits.total = patience;
    limits.response_bytes = 1u << 20;
    calls.send(std::move(ask), limits,
               [done = std::move(done)](const result<protocol::http_response>& answer) {
                 if (!answer) return done(answer.error());
                 auto me = protocol::plane::parse_me(*answer);
                 if (!me) return done(me.error());
                 done(http::plane_account{me->id, me->display_name, me->email});
               });
  };
}

}  // namespace pb::app
