// New projects and new items are announced once, where they belong, whoever made them and whenever
// the process dies. On virtual time.
#define BOOST_TEST_MODULE actors_announcements
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "bound_chat.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using at = crash_point::at;

BOOST_AUTO_TEST_CASE(a_new_project_is_announced_once_however_often_it_is_noticed) {
  bound s;
  s.start();
  s.map_channel(chat_world::chat_id, R"({"announce_projects":true})");
  s.pass(10s);
  for (const auto* identity : {"by-webhook", "by-poll"}) {
    persistence::delivery_append d;
    d.row.tenant = "default";
    d.row.source = "plane";
    d.row.form = "plane.webhook";
    d.row.event = "project.created";
    d.row.entity = entity_key::plane_project("99999999-9999-4999-8999-999999999999");
    d.row.body = std::make_shared<const std::string>("{}");
    d.row.received_at = s.now();
    d.identities = {identity};
    s.inbox().accept(std::move(d), [](const auto& r) { BOOST_TEST(r.has_value()); });
    s.pass(20s);
  }
  s.rest();
  BOOST_TEST(s.chat.messages.size() == 1u);
  BOOST_TEST(s.chat.saying("Website") == 1u);
}

BOOST_AUTO_TEST_CASE(a_new_project_names_who_made_it_by_webhook_and_by_poll) {
  for (const bool lost : {false, true}) BOOST_TEST_CONTEXT("webhook lost " << lost) {
      bound s;
      s.start();
      s.map_channel(chat_world::chat_id, R"({"announce_projects":true})");
      s.pass(2min);
      s.lose_webhooks = lost;
      s.page("POST", "projects/", R"({"name":"Shop","identifier":"SHOP"})");
      s.pass(5min);
      s.rest();
      BOOST_REQUIRE(s.chat.messages.size() == 1u);
      BOOST_TEST(s.chat.saying("Li Lei") == 1u);  // the owner of the workspace, mapped
    }
}

namespace {

struct new_item : bound {
  void play() {
    root = say("/new Safari shows nothing\nonly version 17", {}, true);
    pass(30s);
    say("/comment since Monday", root, true);
    pass(5min);
    rest();
  }
  void check() {
    const auto made = items_named("Safari shows nothing");
    BOOST_TEST(made.size() == 1u);
    if (made.size() != 1) return;
    // Followed by its own conversation, and by the announcement in the other chat.
    const auto links = links_of(made.front());
    BOOST_TEST(std::count_if(links.begin(), links.end(), [&](const auto& l) {
                 return l.object == root && l.state == "live";
               }) == 1);
    BOOST_TEST(comments_with(made.front(), "since Monday") == 1u);
    // Told in its conversation, and announced in the other chat only.
    std::size_t here = 0, there = 0;
    for (const auto& m : chat.messages) {
      if (m.content.find("Safari shows nothing") == std::string::npos) continue;
      here += m.root == root && m.type != "interactive" ? 1u : 0u;
      BOOST_TEST(m.chat != std::string{chat_id});
      there += m.chat == "oc_other" ? 1u : 0u;
    }
    BOOST_TEST(here == 1u);
    BOOST_TEST(there == 1u);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(new_makes_one_item_tells_of_it_and_binds_whenever_the_process_dies) {
  unsigned commits = 0, requests = 0;
  const auto run = [&](std::optional<crash_point> dies) {
    new_item s;
    s.map_channel();
    s.map_channel("oc_other");
    if (dies) s.crash_at(*dies);
    s.start();
    s.play();
    s.check();
    commits = s.commits();
    requests = s.requests();
  };
  run(std::nullopt);
  const auto last_commit = commits, last_request = requests;
  for (const auto where :
       {at::before_commit, at::after_commit, at::before_request, at::after_request}) {
    const bool commit = where == at::before_commit || where == at::after_commit;
    for (unsigned n = 1; n <= (commit ? last_commit : last_request); ++n)
      BOOST_TEST_CONTEXT("dies " << static_cast<int>(where) << " at " << n)
    run(crash_point{where, n});
  }
}

BOOST_AUTO_TEST_CASE(a_new_item_is_not_announced_where_it_was_made_whatever_is_heard_of_it_first) {
  // Its creation is told late or never: what it is bound to reads it, and the next thing heard of
  // it is a comment.
  bound s;
  s.map_channel();
  s.map_channel("oc_other");
  s.start();
  s.pass(10s);
  s.lose_webhooks = true;
  const auto root = s.say("/new Safari shows nothing", {}, true);
  s.pass(20s);
  const auto made = s.items_named("Safari shows nothing");
  BOOST_REQUIRE_EQUAL(made.size(), 1u);
  s.lose_webhooks = false;
  s.comment_in_plane(made.front(), "<p>seen</p>");
  s.pass(5min);
  s.rest();
  std::size_t elsewhere = 0;
  for (const auto& m : s.chat.messages) {
    if (m.content.find("Safari shows nothing") == std::string::npos) continue;
    BOOST_TEST(m.chat != std::string{chat_world::chat_id});
    elsewhere += m.chat == "oc_other" ? 1u : 0u;
  }
  BOOST_TEST(elsewhere == 1u);
}

BOOST_AUTO_TEST_CASE(a_new_item_is_announced_once_and_replies_become_comments) {
  in_any_order([](bound& s) {
    s.map_channel();
    s.start();
    s.pass(1s);
    const auto item = s.create("Login page is blank");
    s.edit(item, R"({"priority":"high"})");
    s.pass(1min);
    const auto* card = s.chat.card_in({});
    BOOST_REQUIRE(card != nullptr);
    const auto root = card->id;
    BOOST_TEST(card->chat == std::string{chat_world::chat_id});
    BOOST_TEST(s.links_of(item).size() == 1u);
    s.say("/comment from the announcement", root, true);
    s.pass(1min);
    s.comment_in_plane(item, "<p>from Plane</p>");
    s.pass(1min);
    s.rest();
    std::size_t announced = 0;
    for (const auto& m : s.chat.messages) announced += m.root.empty() ? 1u : 0u;
    BOOST_TEST(announced == 1u);
    BOOST_TEST(s.comments_with(item, "from the announcement") == 1u);
    BOOST_TEST(s.chat.saying("from the announcement") == 0u);
    BOOST_TEST(s.chat.saying("from Plane") == 1u);
  });
}
