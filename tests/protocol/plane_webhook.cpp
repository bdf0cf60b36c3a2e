#define BOOST_TEST_MODULE plane_webhook
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/webhook.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;

namespace {

const std::string id = "f3a9d7c5-2e60-4b18-94cf-7b5e0d8a1c36";
const std::string project_id = "2f6d1c84-9b3a-4e57-8c21-5a0e7d9b4f63";

webhook_event parsed(const std::string& body, std::string_view header = {}) {
  auto e = parse_webhook(body, header);
  BOOST_REQUIRE_MESSAGE(e.has_value(),
                        (e ? std::string{} : pb::describe(e.error())) + "\n" + body.substr(0, 300));
  return *e;
}
pb::failure refused(const std::string& body, std::string_view header = {}) {
  auto e = parse_webhook(body, header);
  BOOST_REQUIRE_MESSAGE(e.has_error(), "accepted: " + body.substr(0, 300));
  return e.error();
}

/// "017-step--issue-updated-target_date" → {"issue", "updated", "target_date"}
struct named_after {
  std::string event, action, field;
};
named_after from_name(const std::string& stem) {
  const auto tail = stem.substr(stem.rfind("--") + 2);
  const auto a = tail.find('-'), b = tail.find('-', a + 1);
  return {tail.substr(0, a), tail.substr(a + 1, b == std::string::npos ? b : b - a - 1),
          b == std::string::npos ? "" : tail.substr(b + 1)};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, from + " is not in the sample");
  return text.replace(at, from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_CASE(
    every_delivery_recorded_from_the_current_release_says_what_its_file_is_called) {
  const auto files = fixture::files("plane-live/webhooks");
  BOOST_TEST(files.size() >= 108u);
  for (const auto& path : files) {
    BOOST_TEST_CONTEXT(path.filename().string()) {
      const auto d = fixture::load_delivery(path);
      const auto want = from_name(d.name);
      if (d.cut) {
        const auto facts = scan_prefix(d.body);
        BOOST_TEST(facts.event == want.event);
        BOOST_TEST(facts.action == want.action);
        BOOST_TEST(!facts.id.empty());
        BOOST_TEST((refused(d.body).code == pb::errc::bad_input));
        continue;
      }
      const auto e = parsed(d.body, d.as_headers.header("X-Plane-Event"));
      BOOST_TEST(e.generation == 1);
      BOOST_TEST(e.event == want.event);
      BOOST_TEST(e.about == subject_from(want.event));
      BOOST_TEST(e.what == action_from(want.action));
      BOOST_TEST(e.field == want.field);
      BOOST_TEST(!e.side_effect_only);
      BOOST_TEST(!e.entity_id.empty());
      BOOST_TEST(!e.project_id.empty());
      BOOST_TEST(!e.actor_id.empty());
      BOOST_TEST(!e.webhook_id.empty());
      BOOST_TEST(!e.workspace_id.empty());
      BOOST_TEST(e.updated_at.empty() == (e.what == action::deleted));
      BOOST_TEST(e.item.has_value() == (e.about == subject::work_item));
      if (e.about == subject::work_item || e.about == subject::comment)
        BOOST_TEST(!e.work_item_id.empty());
      if (e.item) {
        BOOST_TEST(e.item->id == e.entity_id);
        BOOST_TEST(e.item->project == e.project_id);
        BOOST_TEST(e.item->sequence_id > 0);
        BOOST_TEST(e.item->state.has_value());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_delivery_recorded_from_v025_is_what_it_is_called_except_for_its_traps) {
  const auto files = fixture::files("plane-live/v0.25.3/webhooks");
  BOOST_TEST(files.size() == 38u);
  std::size_t traps = 0, deletions = 0;
  for (const auto& path : files) {
    BOOST_TEST_CONTEXT(path.filename().string()) {
      const auto d = fixture::load_delivery(path);
      const auto want = from_name(d.name);
      const auto e = parsed(d.body, d.as_headers.header("X-Plane-Event"));
      const bool trap = want.event == "issue" && want.action != "updated" && !want.field.empty() &&
                        want.field != "issue";
      BOOST_TEST(e.event == want.event);
      BOOST_TEST(e.field == want.field);
      BOOST_TEST(e.side_effect_only == trap);
      if (trap) {
        ++traps;
        BOOST_TEST(e.what != action::deleted);
        BOOST_TEST(e.what != action::created);
      } else {
        BOOST_TEST(e.what == action_from(want.action));
        BOOST_TEST(!e.entity_id.empty());
        deletions += e.what == action::deleted && e.about == subject::work_item ? 1 : 0;
      }
    }
  }
  BOOST_TEST(traps == 6u);
  BOOST_TEST(deletions == 2u);
}

BOOST_AUTO_TEST_CASE(deliveries_to_failing_and_to_several_receivers_are_read_like_any_other) {
  for (const auto* folder : {"plane-live/failures", "plane-live/several-webhooks"}) {
    for (const auto& path : fixture::files(folder)) {
      BOOST_TEST_CONTEXT(path.filename().string()) {
        const auto d = fixture::load_delivery(path);
        if (d.body.empty()) {  // a 302 is followed as a GET without a body
          BOOST_TEST(refused(d.body).code == pb::errc::bad_input);
          continue;
        }
        const auto e = parsed(d.body);
        BOOST_TEST(e.what == action::created);
        BOOST_TEST(e.item.has_value());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_removed_link_is_not_a_deleted_item_and_a_removed_module_has_no_id) {
  const auto folder = fixture::root() / "plane-live/v0.25.3/webhooks";
  const auto link =
      parsed(fixture::load_delivery(folder / "011-v025-link-delete--issue-deleted-link.json").body);
  BOOST_TEST(link.side_effect_only);
  BOOST_TEST(link.what == action::updated);
  BOOST_TEST(!link.work_item_id.empty());
  const auto module = parsed(
      fixture::load_delivery(folder / "013-v025-module-delete--issue-deleted-modules.json").body);
  BOOST_TEST(module.side_effect_only);
  BOOST_TEST(module.what == action::other);
  BOOST_TEST(module.entity_id.empty());
  const auto comment =
      parsed(fixture::load_delivery(
                 folder / "009-v025-comment-delete--issue_comment-deleted-description.json")
                 .body);
  BOOST_TEST(comment.what == action::deleted);
  BOOST_TEST(!comment.side_effect_only);
  BOOST_TEST(comment.work_item_id.empty());
}

BOOST_AUTO_TEST_CASE(a_written_v1_item_is_read_with_all_that_is_used) {
  const auto e = parsed(fixture::sample("webhook_v1_issue_created_with_workspace_slug.json"));
  BOOST_TEST(!e.workspace_slug.empty());
  BOOST_REQUIRE(e.item.has_value());
  const auto& item = *e.item;
  BOOST_TEST(item.id == id);
  BOOST_TEST(item.project == project_id);
  BOOST_TEST(item.sequence_id == 42);
  BOOST_TEST(item.name == "登录页在 Safari 上白屏");
  BOOST_TEST((item.prio == priority::high));
  BOOST_REQUIRE(item.state.has_value());
  BOOST_TEST(item.state->name == "Todo");
  BOOST_TEST((item.state->group == state_group::unstarted));
  BOOST_REQUIRE(item.assignees.size() == 1u);
  BOOST_TEST(item.assignees[0].display_name == "qa.two");
  BOOST_REQUIRE(item.labels.size() == 1u);
  BOOST_TEST(item.labels[0].name == "bug");
  BOOST_TEST(item.updated_at == e.updated_at);
  BOOST_TEST(e.actor_id == "5b8e2a17-6c4d-4f93-a0e1-7d2c9b3f8e54");
}

BOOST_AUTO_TEST_CASE(the_older_spelling_of_actions_means_the_same) {
  const auto e = parsed(fixture::sample("webhook_v1_issue_deleted_documented_form.json"));
  BOOST_TEST(e.what == action::deleted);
  BOOST_TEST(e.entity_id == id);
  BOOST_TEST(!e.side_effect_only);
  for (const auto& [old_word, word] : {std::pair{"create", action::created},
                                       {"update", action::updated},
                                       {"delete", action::deleted}}) {
    const auto body =
        replaced(fixture::sample("webhook_v1_issue_created.json"), "\"action\": \"created\"",
                 std::string{"\"action\": \""} + old_word + "\"");
    BOOST_TEST(parsed(body).what == word);
  }
}

BOOST_AUTO_TEST_CASE(every_written_v1_sample_is_recognized) {
  struct row {
    const char* file;
    subject about;
    action what;
    const char* field;
  };
  const row rows[] = {
      {"webhook_v1_cycle_created", subject::cycle, action::created, ""},
      {"webhook_v1_cycle_updated", subject::cycle, action::updated, "name"},
      {"webhook_v1_issue_comment_created", subject::comment, action::created, ""},
      {"webhook_v1_issue_comment_deleted", subject::comment, action::deleted, "description"},
      {"webhook_v1_issue_comment_updated", subject::comment, action::updated, "comment_html"},
      {"webhook_v1_issue_created", subject::work_item, action::created, ""},
      {"webhook_v1_issue_deleted", subject::work_item, action::deleted, "issue"},
      {"webhook_v1_issue_updated_assignees_from_api", subject::work_item, action::updated,
       "assignees"},
      {"webhook_v1_issue_updated_assignees_from_ui", subject::work_item, action::updated,
       "assignee_ids"},
      {"webhook_v1_issue_updated_description", subject::work_item, action::updated,
       "description_html"},
      {"webhook_v1_issue_updated_state_from_api", subject::work_item, action::updated, "state"},
      {"webhook_v1_issue_updated_state_from_ui", subject::work_item, action::updated, "state_id"},
      {"webhook_v1_issue_updated_target_date", subject::work_item, action::updated, "target_date"},
      {"webhook_v1_module_created", subject::module, action::created, ""},
      {"webhook_v1_module_updated", subject::module, action::updated, "status"},
      {"webhook_v1_project_created", subject::project, action::created, ""},
      {"webhook_v1_project_deleted", subject::project, action::deleted, ""},
      {"webhook_v1_project_updated", subject::project, action::updated, "name"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.file) {
      const auto e = parsed(fixture::sample(std::string{row.file} + ".json"));
      BOOST_TEST(e.about == row.about);
      BOOST_TEST(e.what == row.what);
      BOOST_TEST(e.field == row.field);
    }
  }
}

BOOST_AUTO_TEST_CASE(generation_two_is_read_by_its_dotted_names) {
  const auto created = parsed(fixture::sample("webhook_v2_workitem_created.json"));
  BOOST_TEST(created.generation == 2);
  BOOST_TEST(created.event == "workitem.created");
  BOOST_TEST(created.about == subject::work_item);
  BOOST_TEST(created.what == action::created);
  BOOST_TEST(created.work_item_id == id);
  BOOST_TEST(created.project_id == project_id);
  BOOST_TEST(created.stable_id == "9e4b7c02-1f6d-4a38-b5e9-d0c8a2f7361b");
  BOOST_TEST(created.actor_id == "5b8e2a17-6c4d-4f93-a0e1-7d2c9b3f8e54");
  BOOST_TEST(created.updated_at == "2026-11-20T02:15:07.902114+00:00");
  BOOST_TEST(!created.item.has_value());

  const auto deleted = parsed(fixture::sample("webhook_v2_workitem_deleted.json"));
  BOOST_TEST(deleted.what == action::deleted);
  BOOST_TEST(deleted.entity_id == id);
  BOOST_TEST(deleted.project_id == project_id);  // from previous_attributes: data is {}
  BOOST_TEST(deleted.updated_at.empty());

  const auto comment = parsed(fixture::sample("webhook_v2_workitem_comment_created.json"));
  BOOST_TEST(comment.about == subject::comment);
  BOOST_TEST(comment.entity_id == "8d5f0b3e-6a97-4c24-a1d8-e2c7b9f4065a");
  BOOST_TEST(comment.work_item_id == id);
  BOOST_TEST(comment.actor_id == "c94f7e30-1d5b-4a28-b6f3-8e0a2d7c5b19");
}

BOOST_AUTO_TEST_CASE(generation_two_quirks_are_read_as_what_they_mean) {
  const auto e = parsed(fixture::sample("webhook_v2_workitem_updated_docs_quirks.json"));
  BOOST_TEST(e.event == "workitem.updated");
  BOOST_TEST(e.about == subject::work_item);
  BOOST_TEST(e.what == action::updated);
  BOOST_TEST(e.actor_id.empty());  // "None"
  const auto body = replaced(fixture::sample("webhook_v2_workitem_updated.json"),
                             "\"workitem.updated\"", "\"nobody.knows\"");
  BOOST_TEST(parsed(body, "WebhookScope.ScopeChoices.WORK_ITEM_UPDATED").about ==
             subject::work_item);
  BOOST_TEST(parsed(body, "also.unknown").event == "nobody.knows");
  BOOST_TEST(parsed(body).about == subject::other);
}

BOOST_AUTO_TEST_CASE(event_names_of_generation_two_as_a_table) {
  struct row {
    const char* sent;
    const char* event;
    subject about;
    action what;
    bool side;
  };
  const row rows[] = {
      {"workitem.archived", "workitem.archived", subject::work_item, action::archived, false},
      {"workitem.link.created", "workitem.link.created", subject::work_item, action::updated, true},
      {"workitem.attachment.deleted", "workitem.attachment.deleted", subject::work_item,
       action::updated, true},
      {"workitem.relation.deleted", "workitem.relation.deleted", subject::work_item,
       action::updated, true},
      {"workitem.vote.created", "workitem.vote.created", subject::work_item, action::updated, true},
      {"workitem.page_link.deleted", "workitem.page_link.deleted", subject::work_item,
       action::updated, true},
      {"workitem.dependency.created", "workitem.dependency.created", subject::work_item,
       action::updated, true},
      {"workitem.comment.updated", "workitem.comment.updated", subject::comment, action::updated,
       false},
      {"project.archived", "project.archived", subject::project, action::archived, false},
      {"cycle.updated", "cycle.updated", subject::cycle, action::updated, false},
      {"module.deleted", "module.deleted", subject::module, action::deleted, false},
      {"milestone.created", "milestone.created", subject::other, action::created, false},
      {"page.comment.deleted", "page.comment.deleted", subject::other, action::deleted, false},
      {"WebhookScope.ScopeChoices.WORK_ITEM_COMMENT_CREATED", "workitem.comment.created",
       subject::comment, action::created, false},
      {"WebhookScope.ScopeChoices.WORKITEM_PAGE_LINK_CREATED", "workitem.page_link.created",
       subject::work_item, action::updated, true},
      {"WebhookScope.ScopeChoices.PROJECT_CREATED", "project.created", subject::project,
       action::created, false},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.sent) {
      const auto body = replaced(fixture::sample("webhook_v2_workitem_updated.json"),
                                 "\"workitem.updated\"", '"' + std::string{row.sent} + '"');
      const auto e = parsed(body);
      BOOST_TEST(e.event == row.event);
      BOOST_TEST(e.about == row.about);
      BOOST_TEST(e.what == row.what);
      BOOST_TEST(e.side_effect_only == row.side);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_body_without_an_event_is_named_by_the_header_and_concerns_nothing_known) {
  const auto body = fixture::sample("webhook_app_agent_run_created.json");
  const auto e = parsed(body, "agent_run_create");
  BOOST_TEST(e.event == "agent_run_create");
  BOOST_TEST(e.about == subject::other);
  BOOST_TEST(e.what == action::created);
  BOOST_TEST(e.work_item_id == id);
  BOOST_TEST(parsed(body).event == "agent_run");
  BOOST_TEST(refused("{}").detail == "type: missing");
  BOOST_TEST(parsed("{}", "from_the_future").about == subject::other);
}

BOOST_AUTO_TEST_CASE(kinds_of_the_future_are_recorded_and_not_refused) {
  const auto e =
      parsed(R"({"event":"intake_issue","action":"created","data":{"id":")" + id + R"("}})");
  BOOST_TEST(e.about == subject::other);
  BOOST_TEST(e.event == "intake_issue");
  BOOST_TEST(e.entity_id == id);
  BOOST_TEST(parsed(R"({"event":"user","action":"teleported"})").what == action::other);
}

BOOST_AUTO_TEST_CASE(an_incomplete_work_item_yields_the_event_without_the_item) {
  const auto e = parsed(R"({"event":"issue","action":"updated","data":{"id":")" + id +
                        R"(","name":"only a name"}})");
  BOOST_TEST(e.entity_id == id);
  BOOST_TEST(!e.item.has_value());
  const auto flat = replaced(fixture::sample("webhook_v1_issue_created.json"), "\"state\": {",
                             "\"state\": \"" + project_id + "\", \"x\": {");
  BOOST_TEST(!parsed(flat).item.has_value());
}

BOOST_AUTO_TEST_CASE(mistakes_are_named_with_their_place) {
  struct row {
    std::string body;
    const char* detail;
  };
  const auto good = fixture::sample("webhook_v1_issue_created.json");
  const row rows[] = {
      {"", "not JSON"},
      {"[]", "body: an object is due, got an array"},
      {"{\"event\":", "not JSON"},
      {"{} {}", "not JSON"},
      {"{\"event\":\"\xff\"}", "not JSON"},
      {R"({"event":7})", "event: a string is due, got a number"},
      {R"({"event":"issue"})", "action: missing"},
      {R"({"event":"issue","action":"created"})", "data: missing"},
      {R"({"event":"issue","action":"created","data":[]})", "data: an object is due, got an array"},
      {R"({"event":"issue","action":"created","data":{}})", "data.id: missing"},
      {R"({"event":"issue","action":"deleted","data":{"id":null}})",
       "data.id: null where a value is due"},
      {R"({"event":"issue","action":"updated","data":{"id":"../../x"}})",
       "data.id: not a uuid in lower case"},
      {R"({"version":"v3","event":"issue"})", "version: neither v1 nor v2"},
      {R"({"version":2})", "version: a string is due, got a number"},
      {R"({"version":"v2","event":"workitem.updated","data":{}})", "entity_id: missing"},
      {R"({"version":"v2","entity_id":")" + id + R"(","event":"workitem.updated"})",
       "data: missing"},
      {R"({"version":"v2"})", "event: missing, and no usable X-Plane-Event header"},
      {replaced(good, "\"sequence_id\": 42", "\"sequence_id\": \"42\""),
       "data.sequence_id: a whole number is due, got a string"},
      {replaced(good, "\"priority\": \"high\"", "\"priority\": \"highest\""),
       "data.priority: not a priority"},
      {replaced(good, "\"target_date\": ", "\"target_date\": \"2026-02-30\", \"was\": "),
       "data.target_date: not a date of the form YYYY-MM-DD"},
      {replaced(good, "\"group\": \"unstarted\"", "\"group\": \"soon\""),
       "data.state.group: not a state group"},
      {replaced(good, "\"labels\": [{\"id\"", "\"labels\": [7, {\"id\""),
       "data.labels[0].id: a string is due, got a number"},
      {replaced(good, "Safari", "Saf\\u0000ari"), "data.name: holds a NUL character"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.body.substr(0, 120)) {
      const auto f = refused(row.body);
      BOOST_TEST((f.code == pb::errc::bad_input));
      BOOST_TEST(f.where == "plane.webhook");
      BOOST_TEST(f.detail.substr(0, std::string_view{row.detail}.size()) == row.detail);
    }
  }
}

BOOST_AUTO_TEST_CASE(depth_and_size_are_bounded) {
  std::string deep = R"({"event":"issue","action":"created","data":)";
  for (int i = 0; i < 5000; ++i) deep += "[";
  BOOST_TEST((refused(deep).code == pb::errc::bad_input));
  BOOST_TEST((refused(std::string(max_webhook_bytes + 1, ' ')).code == pb::errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_cut_body_still_names_event_and_item) {
  for (const auto* folder : {"plane-live/webhooks", "plane-live/v0.25.3/webhooks"}) {
    for (const auto& path : fixture::files(folder)) {
      BOOST_TEST_CONTEXT(path.filename().string()) {
        const auto d = fixture::load_delivery(path);
        if (d.cut) continue;
        const auto whole = parsed(d.body);
        const auto facts = scan_prefix(d.body);
        BOOST_TEST(facts.event == whole.event);
        BOOST_TEST(facts.about == whole.about);
        BOOST_TEST(facts.id == whole.entity_id);
        BOOST_TEST(facts.webhook_id == whole.webhook_id);
        BOOST_TEST(facts.workspace_id == whole.workspace_id);
        if (whole.about != subject::project) BOOST_TEST(facts.project_id == whole.project_id);
        const auto early = scan_prefix(std::string_view{d.body}.substr(0, 300));
        BOOST_TEST(early.event == whole.event);
        BOOST_TEST(early.id == whole.entity_id);
      }
    }
  }
  const auto v2 = scan_prefix(fixture::sample("webhook_v2_workitem_updated_docs_quirks.json"));
  BOOST_TEST(v2.generation == 2);
  BOOST_TEST(v2.event == "workitem.updated");
  BOOST_TEST(v2.action == "updated");
  BOOST_TEST(v2.id == id);
  BOOST_TEST(v2.about == subject::work_item);
}

BOOST_AUTO_TEST_CASE(scanning_a_prefix_survives_every_cut_and_garbage) {
  const auto body = fixture::sample("webhook_v1_issue_updated_description.json");
  for (std::size_t n = 0; n <= body.size(); ++n) (void)scan_prefix(body.substr(0, n));
  for (const auto* text :
       {"", "\"", "{\"", "{\"event\":\"a\\", "}}}}", "]{", "\\\\\\", "{\"data\":{\"id\":\"x\"}}",
        "{\"data\":[{\"id\":\"f3a9d7c5-2e60-4b18-94cf-7b5e0d8a1c36\"}]}"})
    BOOST_TEST(scan_prefix(text).id.empty());
  BOOST_TEST(scan_prefix(std::string(100'000, '[')).id.empty());
  // only what stands directly in data counts, not what a description or a label holds
  BOOST_TEST(
      scan_prefix(R"({"data":{"labels":[{"id":")" + id + R"("}],"id":")" + project_id + R"("}})")
          .id == project_id);
}

BOOST_AUTO_TEST_CASE(damaged_bodies_are_refused_or_read_and_never_break_the_reader) {
  const std::string samples[] = {fixture::sample("webhook_v1_issue_updated_state_from_api.json"),
                                 fixture::sample("webhook_v1_issue_comment_created.json"),
                                 fixture::sample("webhook_v2_workitem_updated_docs_quirks.json"),
                                 fixture::sample("webhook_v2_workitem_comment_created.json"),
                                 fixture::sample("webhook_app_agent_run_created.json")};
  const bool held =
      rc::check("damage", [&](const std::vector<std::pair<std::uint16_t, char>>& damage,
                              std::uint8_t which, const std::string& header) {
        auto body = samples[which % std::size(samples)];
        for (const auto& [at, c] : damage) body[at % body.size()] = c;
        (void)scan_prefix(body);
        const auto e = parse_webhook(body, header);
        if (!e) {
          RC_ASSERT(e.error().code == pb::errc::bad_input);
          RC_ASSERT(!e.error().detail.empty());
        } else if (e->item) {
          RC_ASSERT(e->item->id == e->entity_id);
        }
      });
  BOOST_TEST(held);
}
