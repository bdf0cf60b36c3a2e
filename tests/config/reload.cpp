#define BOOST_TEST_MODULE config_reload
#include <boost/test/unit_test.hpp>

#include "config/entry.hpp"
#include "config/show.hpp"
#include "workspace.hpp"

using namespace pb::config;
using namespace pb::config::testing;

BOOST_AUTO_TEST_CASE(equal_settings_change_nothing) {
  const reload_outcome d = reload_diff(settings{}, settings{});
  BOOST_TEST(d.applied.empty());
  BOOST_TEST(d.needs_restart.empty());
}

BOOST_AUTO_TEST_CASE(what_can_change_is_told_from_what_needs_a_restart) {
  const settings running = load_environment({{"ADMIN_TOKEN", "0123456789abcdef"}}).values;
  const settings next =
      load_toml("[log]\nlevel = \"debug\"\n[server]\nport = 9\n[calendar]\nalarm_minutes = 900\n",
                {{"ADMIN_TOKEN", "0123456789abcdeg"}, {"ENCRYPTION_KEY", good_key}})
          .values;
  const reload_outcome d = reload_diff(running, next);
  BOOST_TEST((d.applied == std::vector<std::string>{"log.level", "security.admin_token",
                                                    "calendar.alarm_minutes"}));
  BOOST_TEST(
      (d.needs_restart == std::vector<std::string>{"server.port", "security.encryption_key"}));

  const settings merged = reload_merge(running, next);
  BOOST_TEST((merged.log.level == pb::log::level::debug));
  BOOST_TEST(merged.security.admin_token.at(0).reveal() == "0123456789abcdeg");
  BOOST_TEST(merged.calendar.alarm->count() == 900);
  BOOST_TEST(merged.server.port == running.server.port);
  BOOST_TEST(merged.security.encryption_key.empty());
  BOOST_TEST(reload_diff(merged, next).applied.empty());
}

BOOST_AUTO_TEST_CASE(where_alarms_go_and_who_sees_previews_change_without_a_restart) {
  const settings next = load_toml(
                            "[lark]\nalarm_chat = \"oc_0123456789abcdef0123456789abcdef\"\n"
                            "preview_audience = \"everyone\"\n",
                            {})
                            .values;
  const reload_outcome d = reload_diff(settings{}, next);
  BOOST_TEST((d.applied == std::vector<std::string>{"lark.alarm_chat", "lark.preview_audience"}));
  BOOST_TEST(d.needs_restart.empty());
  const settings merged = reload_merge(settings{}, next);
  BOOST_TEST(merged.lark.alarm_chat == "oc_0123456789abcdef0123456789abcdef");
  BOOST_TEST((merged.lark.previews == preview_audience::everyone));
}

BOOST_AUTO_TEST_CASE(secrets_that_only_look_alike_when_masked_are_told_apart) {
  settings a, b;
  a.plane.webhook_secret = {pb::secret{"first-long-secret-xy"}};
  b.plane.webhook_secret = {pb::secret{"other-long-secret-xy"}};
  BOOST_TEST((reload_diff(a, b).applied == std::vector<std::string>{"plane.webhook_secret"}));
  b.plane.webhook_secret = {a.plane.webhook_secret[0], a.plane.webhook_secret[0]};
  BOOST_TEST(reload_diff(a, b).applied.size() == 1u);
}

BOOST_AUTO_TEST_CASE(each_entry_alone_is_seen_when_it_changes) {
  const settings defaults;
  for (const entry& e : entries()) {
    BOOST_TEST_CONTEXT(e.name()) {
      // Something that differs from the default and fits the type; odd texts may be refused.
      std::string value = "zz";
      if (e.is_number()) value = std::to_string(e.least + 5);
      if (!e.choices.empty()) value = e.choices.back();
      if (e.type_text() == "true or false") value = e.key == "access_log" ? "false" : "true";
      if (!e.example.empty()) value = e.example;
      if (e.must_be == form::base64_key) value = good_key;
      if (e.must_be == form::cron) value = "1 1 1 1 1";
      if (e.must_be == form::http_url && e.example.empty()) value = "https://example.test";
      if (e.must_be == form::address) value = "127.0.0.1";
      if (e.key == "level") value = "debug";
      const load_outcome o = load_environment({{e.own_variable(), value}});
      const reload_outcome d = reload_diff(defaults, o.values);
      BOOST_TEST(d.applied.size() + d.needs_restart.size() == 1u, value << all_of(o.mistakes));
      BOOST_TEST((e.reloadable ? d.applied : d.needs_restart) ==
                 std::vector<std::string>{e.name()});
    }
  }
}
