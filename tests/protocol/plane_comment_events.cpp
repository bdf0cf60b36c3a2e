// What webhooks say of comments, and of parts of a work item, in both generations.
#define BOOST_TEST_MODULE plane_comment_events
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/webhook.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;

namespace {

webhook_event parsed(const std::string& body) {
  auto e = parse_webhook(body, {});
  BOOST_REQUIRE_MESSAGE(e.has_value(), (e ? std::string{} : pb::describe(e.error())));
  return *e;
}
webhook_event recorded(const std::string& folder, const std::string& ending) {
  for (const auto& path : fixture::files(folder))
    if (path.stem().string().ends_with(ending)) return parsed(fixture::load_delivery(path).body);
  throw std::runtime_error("no delivery " + ending);
}
webhook_event part_of_v2(const std::string& event, const std::string& data,
                         const std::string& before) {
  return parsed(R"({"version":"v2","event":")" + event +
                R"(","entity_id":"f3a9d7c5-2e60-4b18-94cf-7b5e0d8a1c36","data":)" + data +
                R"(,"previous_attributes":)" + before + "}");
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_recorded_comment_is_read_whole) {
  std::size_t seen = 0;
  for (const auto* folder : {"plane-live/webhooks", "plane-live/v0.25.3/webhooks"})
    for (const auto& path : fixture::files(folder)) {
      const auto d = fixture::load_delivery(path);
      if (d.cut) continue;
      const auto e = parsed(d.body);
      BOOST_TEST_CONTEXT(d.name) {
        const bool due = e.about == subject::comment && e.what != action::deleted;
        BOOST_TEST(e.comment.has_value() == due);
        if (!e.comment) continue;
        ++seen;
        BOOST_TEST(e.comment->id == e.entity_id);
        BOOST_TEST(e.comment->work_item == e.work_item_id);
        BOOST_TEST(!e.comment->actor.empty());
        BOOST_TEST(!e.actor_name.empty());
        BOOST_TEST((e.comment->access == "INTERNAL" || e.comment->access == "EXTERNAL"));
      }
    }
  BOOST_TEST(seen >= 12u);
}

BOOST_AUTO_TEST_CASE(plane_calls_a_comment_internal_unless_asked) {
  BOOST_TEST(recorded("plane-live/webhooks", "-comment-create--issue_comment-created")
                 .comment->internal());
  const auto external =
      recorded("plane-live/webhooks", "-comment-update-access--issue_comment-updated-access");
  BOOST_TEST(!external.comment->internal());
  BOOST_TEST(external.field == "access");
  BOOST_TEST(comment{}.internal());  // nothing is said: not for everybody
}

BOOST_AUTO_TEST_CASE(the_external_pair_of_a_comment_comes_along) {
  const auto e = recorded("plane-live/webhooks", "-comment-create-external--issue_comment-created");
  BOOST_TEST(!e.comment->external_source.empty());
  BOOST_TEST(!e.comment->external_id.empty());
}

BOOST_AUTO_TEST_CASE(generation_two_has_no_text_of_a_comment) {
  const auto e = parsed(fixture::sample("webhook_v2_workitem_comment_created.json"));
  BOOST_TEST((e.about == subject::comment));
  BOOST_TEST(!e.comment.has_value());
  BOOST_TEST(!e.entity_id.empty());
  BOOST_TEST(!e.work_item_id.empty());
}

BOOST_AUTO_TEST_CASE(a_part_is_named_as_it_was_and_as_it_is) {
  const auto* folder = "plane-live/v0.25.3/webhooks";
  struct row {
    const char *ending, *field, *before, *after;
  };
  for (const auto& r : {row{"-issue-created-link", "link", "", "https://example.test/old"},
                        row{"-issue-deleted-link", "link", "https://example.test/old", ""},
                        row{"-issue-created-cycles", "cycles", "", "Old cycle"},
                        row{"-issue-deleted-cycles", "cycles", "Old cycle", ""},
                        row{"-issue-deleted-modules", "modules", "Old module", ""}}) {
    BOOST_TEST_CONTEXT(r.ending) {
      const auto e = recorded(folder, r.ending);
      BOOST_TEST(e.side_effect_only);
      BOOST_TEST(e.field == r.field);
      BOOST_TEST(e.part_before == r.before);
      BOOST_TEST(e.part_after == r.after);
    }
  }
  // What is no part has no such names: the old and new values of fields are not for people.
  const auto state = recorded(folder, "-issue-updated-state_id");
  BOOST_TEST(state.part_before.empty());
  BOOST_TEST(state.part_after.empty());
}

BOOST_AUTO_TEST_CASE(parts_of_generation_two_have_their_names) {
  const auto made =
      part_of_v2("workitem.link.created", R"({"url":"https://a.test","title":"A page"})", "{}");
  BOOST_TEST(made.field == "link");
  BOOST_TEST(made.part_after == "A page");
  const auto gone = part_of_v2("workitem.attachment.deleted", "{}", R"({"name":"a.png"})");
  BOOST_TEST(gone.field == "attachment");
  BOOST_TEST(gone.part_before == "a.png");
  BOOST_TEST(part_of_v2("workitem.link.created", R"({"url":["x"]})", "{}").part_after.empty());
}

BOOST_AUTO_TEST_CASE(names_of_parts_are_short_whole_characters) {
  std::string long_name;
  for (int n = 0; n < 1000; ++n) long_name += "截";
  const auto e = part_of_v2("workitem.link.created", R"({"title":")" + long_name + "\"}", "{}");
  BOOST_TEST(e.part_after.size() == 498u);
}
