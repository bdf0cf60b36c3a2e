// tests/actors/own_keys: a conversation of somebody who writes to Plane with a key or a token of
// their own, and what becomes of it there.
#pragma once
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/personal_key_vault.hpp"
#include "chat_world.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/personal_key.hpp"

namespace pb::test {
using namespace std::chrono_literals;
namespace json = boost::json;

inline constexpr const char* own_key = "plane_api_of_li_lei_and_nobody_else";

struct own_keys : chat_world {
  persistence::sealer sealer{secret{std::string(32, 'k')}};
  std::shared_ptr<app::personal_key_vault> vault;
  std::string member, item, root;

  protocol::plane::oauth_app registered;  ///< Plane's app; empty: none

  explicit own_keys(sandbox::plane_options o = {}) : chat_world(1, std::move(o)) {
    settings.log.level = log::level::debug;
    sandbox::new_user u;
    u.email = "li.lei@example.org";
    u.display_name = "lilei";
    member = plane().add_user(u);
    plane().add_workspace_member(seeds().workspace_slug, member, 15);
    plane().add_project_member(project, member, 15);
    plane_user = member;
    has_own_key = true;
    assemble = [this, rest = assemble](actors::runtime_parts& p) {
      rest(p);
      auto chat_calls = std::make_shared<actors::chat_calls>(*p.chat);
      chat_calls->with_link = [](const sync::lark_effect& e) -> result<sync::lark_effect> {
        auto out = e;
        out.msg_type = "text";
        out.content = json::serialize(json::object{{"text", "connect: " + e.content}});
        return out;
      };
      p.chat = chat_calls;
      vault = std::make_shared<app::personal_key_vault>(
          p.ctx->store, sealer, p.ctx->clock, settings.plane.requests_per_minute, renewals(*p.ctx));
      app::join_personal_keys(p, vault);
    };
  }
  std::optional<app::token_endpoint> renewals(actors::context& ctx) const {
    if (registered.client_id.empty()) return std::nullopt;
    return app::token_endpoint{registered, &ctx.transport};
  }
  void know_at_plane(const char* key) { plane().add_token(member, secret{key}); }
  void keep(const char* key) { keep(http::personal_key{secret{key}, member}); }
  void keep(const http::personal_key& key) {
    auto row = sealer.seal("default", http::personal_key_credential(person),
                           secret{http::to_text(key)}, now());
    persistence::write unit;
    unit.credentials.push_back(std::move(*row));
    store().submit(std::move(unit), [](const auto&) {});
    run_for(1ms);
  }
  void bind() {
    start();
    item = create("Login page is blank");
    run_for(5s);
    root = say("the login page is blank");
    run_for(2s);
    say("/bind " + link_of(item), root, true);
    run_for(20s);
  }
  struct comment {
    std::string html, actor, source, id;
  };
  std::vector<comment> comments() {
    const auto all =
        json::parse(page("GET", "projects/" + project + "/issues/" + item + "/comments/").body);
    const auto& list = all.is_array() ? all.as_array() : all.at("results").as_array();
    std::vector<comment> out;
    const auto text = [](const json::value& c, const char* key) {
      const auto* v = c.as_object().if_contains(key);
      return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
    };
    for (const auto& c : list)
      out.push_back({text(c, "comment_html"), text(c, "actor"), text(c, "external_source"),
                     text(c, "external_id")});
    return out;
  }
  std::size_t told() { return chat.saying("connect: refused"); }
  void at_rest_and_clean() {
    BOOST_TEST(settle(10min));
    const auto c = counts();
    BOOST_TEST(c.dead_effects == 0);
    BOOST_TEST(c.dead_deliveries == 0);
    for (const auto& line : log()) BOOST_TEST(line.find(own_key) == std::string::npos);
    BOOST_TEST(actors().find(own_key) == std::string::npos);
    for (const auto& e : effects()) {
      BOOST_TEST(e.payload.find(own_key) == std::string::npos);
      BOOST_TEST(e.last_error.find(own_key) == std::string::npos);
    }
  }
};

}  // namespace pb::test
