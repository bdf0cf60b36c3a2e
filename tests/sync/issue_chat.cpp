// What conversations are told of a work item: changes, comments, announcements.
#define BOOST_TEST_MODULE issue_chat
#include "sync/issue_chat.hpp"

#include <boost/test/unit_test.hpp>

#include "chat_items.hpp"
#include "protocol/plane/webhook.hpp"

using namespace pb;
using namespace pb::sync;
using namespace chat_items;

namespace {

const std::vector<binding> two{follows("om_a"), follows("om_b")};

chat_plan changed(const item_knowledge& before, const item_knowledge& after,
                  const std::vector<binding>& bindings = two,
                  const std::vector<queued_write>& queued = {},
                  const plane::webhook_event* event = nullptr) {
  return plan_changes({before, after, event}, bindings, {}, queued, at(100), setting());
}
field_change only_change(const chat_plan& p, const std::string& thread = "om_a") {
  const auto t = told<item_changed>(p, thread);
  BOOST_REQUIRE(t.size() == 1u);
  BOOST_REQUIRE(t.front().changes.size() == 1u);
  return t.front().changes.front();
}
template <class Edit>
item_knowledge edited(Edit edit) {
  auto item = work_item(1);
  edit(item);
  return learn({}, item);
}

plane::comment comment(std::string html = "<p>Hello</p>") {
  plane::comment c;
  c.id = "c1";
  c.work_item = item_id;
  c.html = std::move(html);
  c.actor = "u1";
  c.access = "INTERNAL";
  return c;
}
plane::comment our_comment(std::string html = "<p>Hello</p>") {
  auto c = comment(std::move(html));
  c.external_source = "planebridge";
  c.external_id = "lark:om_1";
  return c;
}
comment_heard heard_comment(plane::action what, std::optional<plane::comment> c,
                            std::string field = "") {
  return {what, "c1", std::move(c), "u1", "ada", std::move(field)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_field_is_told_as_people_read_it) {
  using i = plane::work_item;
  struct row {
    const char* what;
    void (*edit)(i&);
    field_change shown;
  };
  const row rows[] = {
      {"name", [](i& x) { x.name = "Sail"; }, {"name", "Ship it", "Sail"}},
      {"state",
       [](i& x) {
         x.state = plane::state_ref{"s2", "Done", plane::state_group::completed};
       },
       {"state", "Todo", "Done"}},
      {"priority", [](i& x) { x.prio = plane::priority::urgent; }, {"priority", "high", "urgent"}},
      {"target",
       [](i& x) { x.target_date = "2026-12-24"; },
       {"target_date", "2026-11-21", "2026-12-24"}},
      {"no target", [](i& x) { x.target_date.clear(); }, {"target_date", "2026-11-21", ""}},
      {"start", [](i& x) { x.start_date = "2026-11-01"; }, {"start_date", "", "2026-11-01"}},
      {"assignees", [](i& x) { x.assignees.pop_back(); }, {"assignees", "ada, lin", "ada"}},
      {"nobody", [](i& x) { x.assignees.clear(); }, {"assignees", "ada, lin", ""}},
      {"labels",
       [](i& x) {
         x.labels.push_back({"l3", "bug"});
       },
       {"labels", "api, web", "api, bug, web"}},
      {"description",
       [](i& x) { x.description_html = "<p>Other</p><p>more</p>"; },
       {"description", "Text", "Other"}},
      {"deleted", [](i& x) { x.deleted_at = "2026-11-20T05:10:44Z"; }, {"deleted", "", ""}},
      {"archived", [](i& x) { x.archived_at = "2026-11-20"; }, {"archived", "", ""}},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.what) {
      const auto p = changed(known_item(1), edited(r.edit));
      const auto c = only_change(p);
      BOOST_TEST(c.field == r.shown.field);
      BOOST_TEST(c.before == r.shown.before);
      BOOST_TEST(c.after == r.shown.after);
      BOOST_TEST(told<item_changed>(p, "om_b").size() == 1u);
      BOOST_TEST(p.writes.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(who_did_it_and_what_is_seen_now_come_along) {
  const auto event = said(plane::action::updated, "name");
  const auto p = changed(known_item(1), known_item(2, "Sail"), two, {}, &event);
  const auto t = told<item_changed>(p, "om_a").at(0);
  BOOST_TEST(t.actor == "ada");
  BOOST_TEST(t.actor_id == "u1");
  BOOST_TEST(t.caused_by_message.empty());
  BOOST_TEST(t.now.name == "Sail");
  BOOST_TEST(t.now.identifier == "WEB");
  BOOST_TEST(t.now.url == "https://plane.example/fake/browse/WEB-42/");
  BOOST_TEST(t.now.assignees.size() == 2u);
  BOOST_TEST(t.now.assignees.front().id == "u1");
  BOOST_TEST(t.now.labels.front().id == "l1");  // by name: api, web
  BOOST_TEST(t.now.excerpt == "Text");
  BOOST_TEST(p.rule == "chat: told 2 conversations");
}

BOOST_AUTO_TEST_CASE(an_excerpt_is_short_and_cut_on_a_character) {
  auto k = known_item(1);
  k.text.clear();
  for (int n = 0; n < 300; ++n) k.text += "截";
  const auto v = view_of(k, setting());
  BOOST_TEST(v.excerpt.size() == 399u);
}

BOOST_AUTO_TEST_CASE(nothing_changed_tells_nobody) {
  BOOST_TEST(changed(known_item(1), known_item(2)).empty());
  BOOST_TEST(changed(known_item(1), known_item(2)).rule.empty());
  BOOST_TEST(changed({}, known_item(2)).empty());  // never known: a first read is no change
}

BOOST_AUTO_TEST_CASE(uuids_that_were_not_kept_yet_are_no_change) {
  auto before = known_item(1);
  before.assignee_ids.clear();
  before.label_ids.clear();
  BOOST_TEST(changed(before, known_item(2)).empty());
  BOOST_TEST(only_change(changed(before, edited([](auto& i) { i.labels.pop_back(); }))).field ==
             "labels");
}

BOOST_AUTO_TEST_CASE(a_namesake_who_takes_over_is_a_change) {
  const auto after = edited([](auto& i) { i.assignees[0].id = "u9"; });
  BOOST_TEST(only_change(changed(known_item(1), after)).field == "assignees");
}

BOOST_AUTO_TEST_CASE(who_comes_back_is_restored_and_tells_what_else_changed) {
  auto gone = known_item(1);
  gone.where = presence::gone;
  const auto t = told<item_changed>(changed(gone, known_item(2, "Sail")), "om_a").at(0);
  BOOST_TEST(t.changes.size() == 2u);
  BOOST_TEST(t.changes[0].field == "restored");
  BOOST_TEST(t.changes[1].field == "name");
}

BOOST_AUTO_TEST_CASE(a_conversation_that_wants_no_changes_keeps_its_card_right) {
  const std::vector<binding> b{follows("om_a", true, false),
                               {"om_off", "oc_team", false, true, true}};
  const auto p = changed(known_item(1), known_item(2, "Sail"), b);
  BOOST_TEST(told<item_changed>(p, "om_a").at(0).changes.empty());
  BOOST_TEST(told<item_changed>(p, "om_a").at(0).now.name == "Sail");
  BOOST_TEST(told<item_changed>(p, "om_off").empty());
}

BOOST_AUTO_TEST_CASE(parts_that_no_snapshot_shows_are_told_as_the_event_names_them) {
  struct row {
    const char *field, *before, *after, *shown;
  };
  for (const auto& r :
       {row{"link", "", "https://x.test", "link"}, row{"cycles", "Old", "", "cycle"},
        row{"modules", "", "New", "module"}, row{"attachment", "", "a.png", "attachment"},
        row{"reaction", "", "1", ""}, row{"link", "", "", ""}}) {
    BOOST_TEST_CONTEXT(r.field) {
      auto e = said(plane::action::updated, r.field);
      e.side_effect_only = true;
      e.part_before = r.before;
      e.part_after = r.after;
      const auto p = changed(known_item(1), known_item(1), two, {}, &e);
      if (std::string_view{r.shown}.empty()) {
        BOOST_TEST(p.empty());
        continue;
      }
      BOOST_TEST(only_change(p).field == r.shown);
      BOOST_TEST(only_change(p).before == r.before);
      BOOST_TEST(only_change(p).after == r.after);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_burst_of_one_person_is_one_hand_over) {
  chat_plan all;
  const auto event = said(plane::action::updated);
  auto before = known_item(0);
  for (int n = 1; n <= 20; ++n) {
    const auto after = known_item(n, "Name " + std::to_string(n));
    append(all, changed(before, after, two, {}, &event));
    before = after;
  }
  BOOST_TEST(all.hand_overs.size() == 2u);
  BOOST_TEST(only_change(all).before == "Ship it");
  BOOST_TEST(only_change(all).after == "Name 20");
  BOOST_TEST(told<item_changed>(all, "om_a").at(0).now.name == "Name 20");
}

BOOST_AUTO_TEST_CASE(what_goes_back_within_a_burst_leaves_a_card_to_refresh) {
  chat_plan all;
  append(all, changed(known_item(0), known_item(1, "Sail")));
  append(all, changed(known_item(1, "Sail"), known_item(2)));
  BOOST_TEST(told<item_changed>(all, "om_a").at(0).changes.empty());
  BOOST_TEST(told<item_changed>(all, "om_a").at(0).now.name == "Ship it");
}

BOOST_AUTO_TEST_CASE(two_people_are_told_apart_and_comments_keep_their_place) {
  const auto ada = said(plane::action::updated);
  auto lin = ada;
  lin.actor_id = "u2";
  lin.actor_name = "lin";
  chat_plan all;
  append(all, changed(known_item(0), known_item(1, "A"), two, {}, &ada));
  append(all, changed(known_item(1, "A"), known_item(2, "B"), two, {}, &lin));
  append(all, plan_of(plan_comment(heard_comment(plane::action::created, comment()), known_item(2),
                                   two, setting())));
  append(all, changed(known_item(2, "B"), known_item(3, "C"), two, {}, &lin));
  BOOST_TEST(told<item_changed>(all, "om_a").size() == 3u);
  BOOST_TEST(told<item_commented>(all, "om_a").size() == 1u);
}

// What is new ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_new_item_is_announced_once_and_only_when_it_is_new) {
  auto young = known_item(0);
  young.created_at = time_text(90);
  auto old = known_item(0);
  old.created_at = time_text(-86'400);
  auto asked_for = young;
  asked_for.found_quietly = true;
  auto draft = young;
  draft.draft = true;
  auto archived = young;
  archived.where = presence::archived;
  const auto created = said(plane::action::created);
  const auto updated = said(plane::action::updated);
  auto part = created;
  part.side_effect_only = true;
  struct row {
    const char* what;
    item_knowledge before, after;
    const plane::webhook_event* event;
    bool quiet, is_new;
  };
  const row rows[] = {
      {"created", {}, young, &created, false, true},
      {"created, told late", {}, old, &created, false, true},
      {"an update came first", {}, young, &updated, false, true},
      {"then its creation", young, young, &created, false, false},
      {"found for a request, then its creation", asked_for, young, &created, false, true},
      {"found for a request, then once more", asked_for, young, nullptr, true, false},
      {"an old one found for a request", asked_for, old, &updated, false, false},
      {"an old item's first edit", {}, old, &updated, false, false},
      {"a link of an old item", {}, old, &part, false, false},
      {"found by a poll", {}, young, nullptr, false, true},
      {"found by a first sync", {}, young, nullptr, true, false},
      {"a draft", {}, draft, &created, false, false},
      {"a draft no more", draft, young, &updated, false, true},
      {"archived", {}, archived, &created, false, false},
  };
  const std::vector<channel_mapping> channels{channel("oc_team"), channel("oc_team"),
                                              channel("oc_other")};
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.what) {
      const item_news news{r.before, r.after, r.event, r.quiet};
      BOOST_TEST(is_new_item(news, at(100), setting()) == r.is_new);
      const auto p = plan_changes(news, {}, channels, {}, at(100), setting());
      BOOST_TEST(told<chat_announcement>(p, entity_key::lark_chat("oc_team")).size() ==
                 (r.is_new ? 1u : 0u));
      BOOST_TEST(told<chat_announcement>(p, entity_key::lark_chat("oc_other")).size() ==
                 (r.is_new ? 1u : 0u));
    }
  }
}

BOOST_AUTO_TEST_CASE(channels_get_what_they_may_see_and_asked_for) {
  using c = channel_mapping;
  struct row {
    const char* what;
    void (*set)(c&);
    bool told;
  };
  const row rows[] = {
      {"all", [](c&) {}, true},
      {"not shown there", [](c& m) { m.shown = false; }, false},
      {"no announcements", [](c& m) { m.announce_items = false; }, false},
      {"another project", [](c& m) { m.project = other_project; }, false},
      {"its state",
       [](c& m) {
         m.states = {"Done", "Todo"};
       },
       true},
      {"another state", [](c& m) { m.states = {"Done"}; }, false},
      {"its priority", [](c& m) { m.priorities = {"high"}; }, true},
      {"another priority", [](c& m) { m.priorities = {"urgent"}; }, false},
      {"one of its labels", [](c& m) { m.labels = {"web"}; }, true},
      {"another label", [](c& m) { m.labels = {"ops"}; }, false},
      {"its type", [](c& m) { m.types = {"t1"}; }, true},
      {"another type", [](c& m) { m.types = {"t2"}; }, false},
      {"both must hold", [](c& m) { m.states = {"Todo"}, m.labels = {"ops"}; }, false},
  };
  auto event = said(plane::action::created);
  event.item = work_item(1);
  event.item->type = "t1";
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.what) {
      auto m = channel("oc_team");
      r.set(m);
      const auto p = plan_changes({{}, learn({}, *event.item), &event}, {}, std::vector{m}, {},
                                  at(1), setting());
      const auto a = told<chat_announcement>(p, entity_key::lark_chat("oc_team"));
      BOOST_TEST(a.size() == (r.told ? 1u : 0u));
      if (r.told) {
        BOOST_TEST(a[0].item->name == "Ship it");
        BOOST_TEST(a[0].author == "ada");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_chat_made_is_announced_everywhere_else) {
  auto event = said(plane::action::created);
  event.item = work_item(1);
  event.item->external_source = "planebridge";
  event.item->external_id = "lark:om_1@oc_team";
  const std::vector<channel_mapping> channels{channel("oc_team"), channel("oc_other")};
  const auto made = learn({}, *event.item);
  const auto p = plan_changes({{}, made, &event}, {}, channels, {}, at(1), setting());
  BOOST_TEST(told<chat_announcement>(p, entity_key::lark_chat("oc_team")).empty());
  BOOST_TEST(told<chat_announcement>(p, entity_key::lark_chat("oc_other")).size() == 1u);
  // Read for a request first, then heard of by what carries no item: known all the same.
  auto quiet = parse_item_knowledge(to_json(made)).value();
  quiet.found_quietly = true;
  auto remark = said(plane::action::created);
  remark.about = plane::subject::comment;
  const auto late = plan_changes({quiet, quiet, &remark}, {}, channels, {}, at(1), setting());
  BOOST_TEST(told<chat_announcement>(late, entity_key::lark_chat("oc_team")).empty());
  BOOST_REQUIRE(told<chat_announcement>(late, entity_key::lark_chat("oc_other")).size() == 1u);
  BOOST_TEST(told<chat_announcement>(late, entity_key::lark_chat("oc_other"))[0].author.empty());
  // A form without the marker takes nothing back.
  event.item->external_source.clear();
  event.item->external_id.clear();
  BOOST_TEST(learn(made, *event.item).made_in == "oc_team");
  // Somebody else's pair means nothing.
  event.item->external_source = "jira";
  event.item->external_id = "lark:om_1@oc_team";
  BOOST_TEST(plan_changes({{}, learn({}, *event.item), &event}, {}, channels, {}, at(1), setting())
                 .hand_overs.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_new_project_is_told_where_projects_are) {
  auto wants = channel("oc_a");
  wants.announce_projects = true;
  auto hidden = wants;
  hidden.chat = "oc_b";
  hidden.shown = false;
  const auto p =
      announce_project({"p1", "OPS", "Operations", "", "", "", true, false, ""}, {"u1", "ada"},
                       std::vector{wants, wants, hidden, channel("oc_c")}, setting());
  BOOST_TEST(p.hand_overs.size() == 1u);
  const auto a = told<chat_announcement>(p, entity_key::lark_chat("oc_a")).at(0);
  BOOST_TEST(!a.item.has_value());
  BOOST_TEST(a.project_name == "Operations");
  BOOST_TEST(a.author == "ada");
  BOOST_TEST(a.author_id == "u1");
  BOOST_TEST(a.url == "https://plane.example/fake/projects/p1/issues/");
}

// Comments ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(comments_reach_those_who_want_them_and_ours_nobody) {
  using a = plane::action;
  auto external = comment();
  external.access = "EXTERNAL";
  auto deleted = comment();
  deleted.deleted_at = "2026-11-20T05:10:44Z";
  auto foreign = our_comment();
  foreign.external_source = "jira";
  struct row {
    const char* what;
    comment_heard said;
    int told;  ///< -1: it is asked for
    item_commented::what how;
  };
  using w = item_commented::what;
  const row rows[] = {
      {"written", heard_comment(a::created, comment()), 1, w::written},
      {"written, for all", heard_comment(a::created, external), 1, w::written},
      {"edited", heard_comment(a::updated, comment(), "comment_html"), 1, w::edited},
      {"deleted", heard_comment(a::deleted, std::nullopt), 1, w::deleted},
      {"read, and deleted meanwhile", heard_comment(a::created, deleted), 1, w::deleted},
      {"without its text", heard_comment(a::created, std::nullopt), -1, w::written},
      {"ours", heard_comment(a::created, our_comment()), 0, w::written},
      {"ours, struck out by us",
       heard_comment(a::updated, our_comment("<p><s>Hello</s></p>"), "comment_html"), 0, w::edited},
      {"ours, another field", heard_comment(a::updated, our_comment(), "access"), 0, w::edited},
      {"ours, edited by a person",
       heard_comment(a::updated, our_comment("<p>Hello, all</p>"), "comment_html"), 1, w::edited},
      {"ours, deleted", heard_comment(a::deleted, std::nullopt), 1, w::deleted},
      {"another bridge's", heard_comment(a::created, foreign), 1, w::written},
  };
  const std::vector<binding> b{
      follows("om_a"), follows("om_b", false), {"om_off", "oc_team", false, true, true}};
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.what) {
      const auto v = plan_comment(r.said, known_item(1), b, setting());
      if (r.told < 0) {
        BOOST_REQUIRE(std::holds_alternative<needs_comment>(v));
        BOOST_TEST(std::get<needs_comment>(v).id == "c1");
        continue;
      }
      const auto p = plan_of(v);
      const auto t = told<item_commented>(p, "om_a");
      BOOST_TEST(t.size() == static_cast<std::size_t>(r.told));
      BOOST_TEST(p.hand_overs.size() == t.size());
      BOOST_TEST(!p.rule.empty());
      if (t.empty()) continue;
      BOOST_TEST((t[0].how == r.how));
      BOOST_TEST(t[0].comment == "c1");
      BOOST_TEST(t[0].now.name == "Ship it");
    }
  }
  const auto t = told<item_commented>(
      plan_of(plan_comment(heard_comment(a::created, comment()), known_item(1), b, setting())),
      "om_a");
  BOOST_TEST(t[0].internal);
  BOOST_TEST(t[0].author == "ada");
  BOOST_TEST(t[0].html == "<p>Hello</p>");
  BOOST_TEST(!told<item_commented>(plan_of(plan_comment(heard_comment(a::created, external),
                                                        known_item(1), b, setting())),
                                   "om_a")[0]
                  .internal);
}

BOOST_AUTO_TEST_CASE(a_comment_nobody_wants_is_not_even_asked_for) {
  const auto p =
      plan_of(plan_comment(heard_comment(plane::action::created, std::nullopt), known_item(1),
                           std::vector{follows("om_a", false)}, setting()));
  BOOST_TEST(p.empty());
  BOOST_TEST(p.rule.starts_with("ignored"));
}

BOOST_AUTO_TEST_CASE(the_author_of_a_comment_is_not_who_happened_to_send_it) {
  auto heard = heard_comment(plane::action::created, comment());
  heard.content->actor = "u7";
  const auto t =
      told<item_commented>(plan_of(plan_comment(heard, known_item(1), two, setting())), "om_a");
  BOOST_TEST(t[0].author_id == "u7");
  BOOST_TEST(t[0].author.empty());
}

BOOST_AUTO_TEST_CASE(comments_are_found_in_events_of_both_generations) {
  plane::webhook_event e;
  e.about = plane::subject::comment;
  e.what = plane::action::created;
  e.entity_id = "c1";
  BOOST_TEST(comment_in(e)->id == "c1");
  e.side_effect_only = true;
  BOOST_TEST(!comment_in(e));
  e.side_effect_only = false;
  e.entity_id.clear();
  BOOST_TEST(!comment_in(e));
  BOOST_TEST(!comment_in(said(plane::action::created)));
}

// Bindings ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_binding_comes_back_from_its_row) {
  for (const bool live : {true, false})
    for (const bool comments : {true, false})
      for (const bool changes : {true, false}) {
        const binding b{"om_a", "oc_team", live, comments, changes};
        BOOST_TEST((parse_binding("om_a", "oc_team", binding_state(b), binding_base(b)) == b));
      }
  for (const char* base : {"", "{", "[]", "{\"comments\":7}"}) {
    const auto b = parse_binding("om_a", "oc_team", "live", base);
    BOOST_TEST(b.comments);
    BOOST_TEST(b.changes);
  }
}
