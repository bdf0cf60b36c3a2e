#include "app/personal_keys.hpp"

#include "base/log.hpp"
#include "protocol/lark/card.hpp"
#include "protocol/plane/me.hpp"
#include "protocol/plane/requests.hpp"
#include "sync/thread_text.hpp"

namespace pb::app {
namespace {

/// Somebody waits in front of a page.
constexpr std::chrono::milliseconds patience{10'000};

failure missing(std::string what, std::string remedy) {
  return {errc::key_missing, "lark.connect_link", std::move(what), std::move(remedy), 0, "", {}};
}

std::string_view host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

}  // namespace

protocol::plane::oauth_app oauth_app_of(const config::settings& s) {
  return {s.plane.base_url, s.plane.client_id, s.plane.client_secret,
          config::plane_redirect_uri(s)};
}

std::shared_ptr<http::personal_oauth> personal_oauth_of(const config::settings& s,
                                                        http::transport& calls,
                                                        const clock_source& clock,
                                                        random_source& random) {
  const auto key = config::encryption_key_bytes(s);
  http::personal_oauth_options o;
  o.app = oauth_app_of(s);
  if (!s.plane.oauth_enabled() || !key || o.app.redirect_uri.empty()) return nullptr;
  if (host_of(o.app.redirect_uri) != host_of(s.server.public_url)) {
    log::warn(
        "people cannot connect by oauth: plane.redirect_uri has another host than "
        "server.public_url",
        {});
    return nullptr;
  }
  o.encryption_key = *key;
  o.limits.headers = o.limits.total = patience;
  o.limits.response_bytes = 1u << 20;
  return std::make_shared<http::personal_oauth>(std::move(o), calls, clock, random);
}

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

std::function<result<sync::lark_effect>(const sync::lark_effect&)> connect_links(
    const config::settings& s, persistence::store& store, const clock_source& clock,
    random_source& random) {
  auto base = s.server.public_url;
  while (base.ends_with('/')) base.pop_back();
  const bool seals = config::encryption_key_bytes(s).has_value();
  return [base, seals, &store, &clock,
          &random](const sync::lark_effect& asked) -> result<sync::lark_effect> {
    if (base.empty())
      return missing("server.public_url is not set: the page for keys has no address",
                     "set server.public_url");
    if (!seals)
      return missing("security.encryption_key is not set: no key can be kept",
                     "set ENCRYPTION_KEY");
    if (asked.open_id.empty())
      return failure{errc::bad_input, "lark.connect_link", "names no person", "", 0, "", {}};
    auto ticket = http::make_connect_ticket(base, asked.open_id, {}, clock.now(), random);
    persistence::write unit;
    unit.states.push_back(std::move(ticket.entry));
    store.submit(std::move(unit), [](const result<persistence::written>& w) {
      // The link then leads to a page that says so, and the bot gives another.
      if (!w) log::warn("a link could not be kept", {log::kv("failure", w.error())});
    });
    const auto phrase =
        asked.content == sync::refused_key_link ? sync::phrase::reconnect : sync::phrase::connect;
    sync::lark_effect out = asked;
    out.msg_type = "text";
    out.content = protocol::lark::text_content(
        sync::say(phrase, asked.language == "zh", {ticket.url.reveal()}));
    return out;
  };
}

}  // namespace pb::app
