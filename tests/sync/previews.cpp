// What a viewer is shown of a link: nobody learns what they may not see, and whoever may see
// nothing causes no read of Plane.
#define BOOST_TEST_MODULE previews
#include "sync/alarm_ledger.hpp"
#include "sync/preview.hpp"

#include "thread_world.hpp"

using namespace thread_world;

namespace {

const std::string page = "https://plane.example.com/acme/browse/WEB-42/";

struct looked {
  preview is;
  std::vector<need> asked;
};
looked look(world& w, const std::string& who, const std::string& chat,
            const std::string& url = page) {
  facts f;
  looked out;
  for (int round = 0; round < 10; ++round) {
    auto v = judge_preview({who, chat, url}, f, w.rules);
    if (auto* p = std::get_if<preview>(&v)) {
      out.is = std::move(*p);
      return out;
    }
    for (const auto& n : std::get<std::vector<need>>(v)) {
      out.asked.push_back(n);
      w.answer(f, n);
    }
  }
  BOOST_FAIL("asks without end");
  return out;
}
bool tells(const preview& p) {
  return p.json.find("Login") != std::string::npos || p.json.find("Todo") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(who_may_see_the_item_where_it_may_be_shown_sees_it_and_nobody_else) {
  struct row {
    const char* who;
    const char* chat;
    bool members, everyone;
  };
  const row rows[]{{"ou_li", "oc_web", true, true},
                   {"ou_li", "", true, true},           // still in the input box
                   {"ou_li", "oc_talk", true, true},    // two people
                   {"ou_li", "oc_unread", true, true},  // the bot is not in it
                   {"ou_li", "oc_other", false, false},
                   {"ou_li", "oc_open", false, false},  // people of other tenants
                   {"ou_new", "oc_web", false, true},
                   {"ou_nobody", "oc_web", false, true},
                   {"ou_guest", "oc_web", false, true},
                   {"ou_admin", "oc_web", false, true},
                   {"ou_guest", "oc_other", false, false},
                   {"", "oc_web", false, false}};
  for (const auto& r : rows)
    for (const bool everyone : {false, true})
      BOOST_TEST_CONTEXT(r.who << " in " << r.chat << " everyone " << everyone) {
        world w;
        w.all.chats["oc_talk"] = chat_facts{"oc_talk", "", false, false, true};
        w.all.chats["oc_unread"] = std::nullopt;
        w.rules.previews_for_everyone = everyone;
        const auto l = look(w, r.who, r.chat);
        const bool shown = everyone ? r.everyone : r.members;
        BOOST_TEST(l.is.shown == shown);
        BOOST_TEST(tells(l.is) == shown);
        BOOST_TEST(l.is.json.find("WEB-42") != std::string::npos);
      }
}

BOOST_AUTO_TEST_CASE(who_is_not_mapped_causes_no_read_of_plane) {
  for (const auto* who : {"ou_new", "ou_nobody", "ou_admin"}) {
    world w;
    for (const auto& n : look(w, who, "oc_web").asked)
      BOOST_TEST((n.what != need::kind::item && n.what != need::kind::project));
  }
}

BOOST_AUTO_TEST_CASE(a_missing_item_looks_like_one_that_may_not_be_seen) {
  world w;
  const auto missing = "https://plane.example.com/acme/browse/WEB-4242/";
  BOOST_TEST(look(w, "ou_li", "oc_web", missing).is.json ==
             look(w, "ou_nobody", "oc_web", missing).is.json);
  const auto by_id = "https://plane.example.com/acme/projects/" + ops + "/issues/" + item_ops;
  const auto hidden = look(w, "ou_li", "oc_web", by_id).is;
  BOOST_TEST(!tells(hidden));
  BOOST_TEST(hidden.json.find("OPS") == std::string::npos);  // the link does not say it either
}

BOOST_AUTO_TEST_CASE(addresses_that_are_not_ours_have_no_preview_and_ask_for_nothing) {
  for (const std::string url :
       {"", "https://evil.example/acme/browse/WEB-42/", "javascript:alert(1)",
        "https://plane.example.com@evil.example/acme/browse/WEB-42/",
        "https://user:pw@plane.example.com/acme/browse/WEB-42/",
        "https://plane.example.com.evil.example/acme/browse/WEB-42/",
        "https://plane.example.com/other/browse/WEB-42/",
        "https://plane.example.com/acme/browse/WEB-42%00/", "file:///acme/browse/WEB-42/",
        "https://plane.example.com/acme/browse/../../WEB-42", "https://plane.example.com/acme/"})
    BOOST_TEST_CONTEXT(url) {
      world w;
      const auto l = look(w, "ou_li", "oc_web", url);
      BOOST_TEST(l.is.json == "{}");
      BOOST_TEST(l.asked.empty());
    }
  world w;
  BOOST_TEST(look(w, "ou_li", "oc_web", page + "?q=" + std::string(100'000, 'a')).is.json == "{}");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_found_out_is_as_if_it_were_forbidden) {
  for (const auto& lost : {need{need::kind::person, "ou_li"}, need{need::kind::chat, "oc_web"},
                           need{need::kind::channels, "oc_web"}, need{need::kind::item, "WEB-42"},
                           need{need::kind::project, web}})
    BOOST_TEST_CONTEXT(lost.key) {
      world w;
      w.refused = {lost};
      BOOST_TEST(!tells(look(w, "ou_li", "oc_web").is));
    }
}

// Alarms ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_alarm_is_told_once_an_hour_and_its_end_once) {
  alarm_ledger l;
  auto now = parse_rfc3339("2026-11-25T04:00:00Z").value();
  BOOST_TEST(!l.clear("breaker/plane", "over", now));
  BOOST_TEST(l.raise("breaker/plane", "open", now).value_or("") == "open");
  for (int n = 0; n < 59; ++n)
    BOOST_TEST(!l.raise("breaker/plane", "open", now += 1min).has_value());
  BOOST_TEST(l.raise("webhook", "silent", now).value_or("") == "silent");  // another
  BOOST_TEST(l.raise("breaker/plane", "open", now += 1min).value_or("").find("59 more") !=
             std::string::npos);
  BOOST_TEST(l.clear("breaker/plane", "over", now).value_or("") == "over");
  BOOST_TEST(!l.clear("breaker/plane", "over", now));
  // Flapping: silent until the hour is over, and its end is not told either.
  BOOST_TEST(!l.raise("breaker/plane", "open", now).has_value());
  BOOST_TEST(!l.clear("breaker/plane", "over", now).has_value());
}

BOOST_AUTO_TEST_CASE(many_kinds_of_alarms_are_bounded_and_a_clock_set_back_silences_nothing) {
  alarm_ledger l;
  auto now = parse_rfc3339("2026-11-25T04:00:00Z").value();
  std::size_t told = 0;
  for (int n = 0; n < 1'000; ++n)
    told += l.raise("kind" + std::to_string(n), "trouble", now).has_value() ? 1U : 0U;
  BOOST_TEST(told == alarm_ledger::most_an_hour);
  BOOST_TEST(l.raise("kind1", "trouble", now - 24h).has_value());
}
