// Pictures and files of a conversation: which become attachments, what is said of those that do
// not, and what Plane tells of them afterwards.
#define BOOST_TEST_MODULE files
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "chat_items.hpp"
#include "thread_world.hpp"

using namespace pb;
using namespace pb::sync;
using namespace chat_items;

namespace {

const std::vector<binding> two{follows("om_a"), follows("om_b")};
const std::string asset = "e5c7a9d1-0b3f-4826-94ea-7d6f1c8b2053";

item_knowledge known() { return known_item(1); }

thread_commented with_files(std::vector<chat_file> files, std::string message = "om_1") {
  thread_commented c{"om_a", "oc_team", std::move(message), "<p>See</p>", author()};
  c.files = std::move(files);
  return c;
}
chat_plan asked(const between& what, const std::vector<queued_write>& queued = {}) {
  return plan_of(plan_thread_request(what, known(), two, queued, false, at(100), setting()));
}
file_copy copy_in(const wanted_plane_write& w) {
  const auto read = parse_plane_write(w.operation, w.payload);
  BOOST_REQUIRE(read.has_value());
  return std::get<file_copy>(*read);
}
const chat_file picture{"img_1", "image", true}, paper{"file_1", "plan.pdf", false};

plane::webhook_event attached(std::string name, std::string id = asset) {
  auto e = said(plane::action::updated, "attachment");
  e.side_effect_only = true;
  e.part_after = std::move(name);
  e.part_id = std::move(id);
  return e;
}
chat_plan hear(const plane::webhook_event& e, const item_knowledge& k,
               const std::vector<queued_write>& queued = {}) {
  return plan_changes({k, k, &e}, two, {}, queued, at(200), setting());
}
settled_write settled_by(const plane_outcome& how) {
  return settle_plane_write(file_copy{paper, {"om_a", "om_1", author()}}, how, known(), two,
                            setting());
}
plane_outcome failed(errc code, std::string where, std::string why) {
  plane_outcome o;
  o.failed = failure{code, std::move(where), std::move(why), "", 0, "", {}};
  return o;
}

/// A person's message of that type in the bound conversation that takes every reply.
thread_plan heard_message(const std::string& type, const boost::json::object& content) {
  thread_world::world w;
  w.bound();
  (void)w.say("/sync on");
  auto e = w.message("", "ou_li", false);
  auto& m = std::get<thread_world::lark::message>(e.what);
  m.type = type;
  m.content = boost::json::serialize(content);
  return w.hear(e);
}
std::vector<chat_file> files_handed(const thread_plan& p) {
  const auto all = thread_world::handed<thread_commented>(p);
  BOOST_REQUIRE(all.size() == 1u);
  return all.front().files;
}

}  // namespace

// The conversation's side ------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_kinds_of_messages_hand_over_as_a_table) {
  const struct {
    const char* type;
    const char* content;
    std::vector<chat_file> files;
  } rows[]{
      {"image", R"({"image_key":"img_1"})", {{"img_1", "image", true}}},
      {"file", R"({"file_key":"file_1","file_name":"plan.pdf"})", {{"file_1", "plan.pdf", false}}},
      {"file",
       R"({"file_key":"file_1","file_name":" ../a\\b/c\u0007.txt"})",
       {{"file_1", ".._a_b_c_.txt", false}}},
      {"file", R"({"file_key":"file_1"})", {{"file_1", "file", false}}},
      {"audio", R"({"file_key":"file_1","duration":2000})", {{"file_1", "audio.opus", false}}},
      {"media",
       R"({"file_key":"file_1","image_key":"img_1","file_name":"clip.mp4"})",
       {{"file_1", "clip.mp4", false}}},
      {"sticker", R"({"file_key":"file_1"})", {}},
      {"text", R"({"text":"words"})", {}},
      {"post",
       R"({"title":"","content":[[{"tag":"img","image_key":"img_1"},{"tag":"text","text":"a"}],)"
       R"([{"tag":"media","file_key":"file_1"},{"tag":"img","image_key":"img_2"},)"
       R"({"tag":"img","image_key":"img_1"}]]})",
       {{"img_1", "image", true}, {"file_1", "video", false}, {"img_2", "image-2", true}}},
  };
  for (const auto& row : rows) BOOST_TEST_CONTEXT(row.type << ' ' << row.content) {
      const auto p = heard_message(row.type, boost::json::parse(row.content).as_object());
      BOOST_TEST((files_handed(p) == row.files));
    }
}

BOOST_AUTO_TEST_CASE(a_long_name_keeps_its_ending) {
  std::string name;
  for (int n = 0; n < 120; ++n) name += "图";
  const auto p = heard_message("file", {{"file_key", "file_1"}, {"file_name", name + ".xlsx"}});
  const auto files = files_handed(p);
  BOOST_REQUIRE(files.size() == 1u);
  BOOST_TEST(files[0].name.size() <= 200u);
  BOOST_TEST(files[0].name.ends_with("图.xlsx"));
}

BOOST_AUTO_TEST_CASE(more_files_than_are_taken_are_not_all_handed_over) {
  boost::json::array line;
  for (int n = 0; n < 60; ++n)
    line.push_back(boost::json::object{{"tag", "img"}, {"image_key", "img_" + std::to_string(n)}});
  boost::json::array lines;
  lines.push_back(line);
  const auto p = heard_message("post", {{"title", ""}, {"content", lines}});
  BOOST_TEST(files_handed(p).size() == file_copy::most_of_a_message + 1);
}

// The item's side --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_file_is_a_write_of_its_own_behind_the_comment) {
  const auto p = asked(with_files({picture, paper}));
  BOOST_REQUIRE(p.writes.size() == 3u);
  BOOST_TEST(p.writes[0].operation == "plane.create_comment");
  for (std::size_t n = 1; n < 3; ++n) {
    BOOST_TEST((p.writes[n].how == wanted_plane_write::kind::append));
    BOOST_TEST(p.writes[n].operation == "plane.attach_file");
    BOOST_TEST(p.writes[n].object == p.writes[n].idempotency_key);
  }
  BOOST_TEST(p.writes[1].object == "lark:om_1/img_1");
  BOOST_TEST(p.writes[2].object == "lark:om_1/file_1");
  const auto c = copy_in(p.writes[2]);
  BOOST_TEST((c.what == paper));
  BOOST_TEST(c.by.thread == "om_a");
  BOOST_TEST(c.by.message == "om_1");
  BOOST_TEST(c.by.author.name == "Mei");
  BOOST_TEST(p.hand_overs.empty());
}

BOOST_AUTO_TEST_CASE(a_marker_fits_plane_whatever_the_key_is) {
  const auto longest = marker_of_file("om_1", std::string(400, 'k'));
  BOOST_TEST(longest.size() <= 255u);
  BOOST_TEST(longest != marker_of_file("om_1", std::string(401, 'k')));
  BOOST_TEST(longest == marker_of_file("om_1", std::string(400, 'k')));
}

BOOST_AUTO_TEST_CASE(what_is_beyond_the_limit_of_one_message_is_told) {
  std::vector<chat_file> many;
  for (std::size_t n = 0; n <= file_copy::most_of_a_message; ++n)
    many.push_back({"img_" + std::to_string(n), "image", true});
  const auto p = asked(with_files(many));
  BOOST_TEST(p.writes.size() == 1 + file_copy::most_of_a_message);
  const auto told_a = told<item_answered>(p, "om_a");
  BOOST_REQUIRE(told_a.size() == 1u);
  BOOST_TEST(!told_a[0].ok);
  BOOST_TEST(told_a[0].text == "only the first 20 files of a message become attachments");
}

BOOST_AUTO_TEST_CASE(what_somebody_writes_as_themselves_they_attach_as_themselves) {
  const file_copy c{paper, {"om_a", "om_1", author("Mei", true)}};
  BOOST_TEST(own_key_of(c) == "ou_Mei");
  BOOST_TEST(credential_of(c) == "lark.person.ou_Mei");
  BOOST_TEST(credential_of(as_integration(c)).empty());
  BOOST_TEST(thread_of(c) == "om_a");
}

BOOST_AUTO_TEST_CASE(a_recalled_message_takes_back_what_was_not_begun_and_nothing_else) {
  lane l;
  l.take(asked(with_files({picture, paper})));
  l.take(asked(with_files({picture}, "om_2")));
  auto queued = l.queued();
  const thread_recalled recalled{"om_a", "om_1", ""};
  // Nothing was sent: the comment goes, and both files.
  BOOST_TEST((asked(recalled, queued).cancel == std::vector<std::int64_t>{2, 3, 1}));
  // The comment was written, the picture is on its way: it stays, and so does what is attached.
  queued.erase(queued.begin());
  queued.front().attempted = true;
  const auto p = asked(recalled, queued);
  BOOST_TEST((p.cancel == std::vector<std::int64_t>{3}));
  BOOST_REQUIRE(p.writes.size() == 1u);
  BOOST_TEST(p.writes[0].operation == "plane.strike_comment");
}

BOOST_AUTO_TEST_CASE(an_attached_file_is_remembered_and_answers_nobody) {
  plane_outcome o;
  o.attachment = asset;
  const auto s = settled_by(o);
  BOOST_TEST(s.plan.hand_overs.empty());
  BOOST_REQUIRE(s.now.files.size() == 1u);
  BOOST_TEST(s.now.files[0].asset == asset);
  BOOST_TEST(s.now.files[0].thread == "om_a");
  const auto back = parse_item_knowledge(to_json(s.now));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((back->files == s.now.files));
  BOOST_TEST((learn(s.now, work_item(5)).files == s.now.files));
  auto k = s.now;
  for (int n = 0; n < 100; ++n) remember(k, {"asset-" + std::to_string(n), "om_a", "om_1"});
  BOOST_TEST(k.files.size() == item_knowledge::max_files);
  BOOST_TEST(k.files.back().asset == "asset-99");
}

BOOST_AUTO_TEST_CASE(who_sent_a_file_in_vain_is_told_why) {
  const auto s = settled_by(failed(errc::too_large, "lark.download", "it is larger than 5 MB"));
  const auto a = told<item_answered>(s.plan, "om_a");
  BOOST_REQUIRE(a.size() == 1u);
  BOOST_TEST(!a[0].ok);
  BOOST_TEST(a[0].message == "om_1");
  BOOST_TEST(a[0].text == "the file plan.pdf was not attached in Plane: it is larger than 5 MB");
  BOOST_TEST(told<item_answered>(s.plan, "om_b").empty());
  BOOST_TEST(s.now.files.empty());
  // Unless they took it back themselves.
  BOOST_TEST(
      settled_by(failed(errc::not_found, "lark.download", "recalled")).plan.hand_overs.empty());
  BOOST_TEST(settled_by(failed(errc::not_found, "plane.create_attachment", "no such item"))
                 .plan.hand_overs.size() == 1u);
}

// What Plane tells afterwards
// ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_attachment_of_ours_is_told_to_other_conversations_only) {
  auto k = known();
  remember(k, {asset, "om_a", "om_1"});
  const auto p = hear(attached("ws/0123456789abcdef0123456789abcdef-plan.pdf"), k);
  BOOST_TEST(told<item_changed>(p, "om_a").empty());
  const auto b = told<item_changed>(p, "om_b");
  BOOST_REQUIRE(b.size() == 1u);
  BOOST_REQUIRE(b[0].changes.size() == 1u);
  BOOST_TEST(b[0].changes[0].field == "attachment");
  BOOST_TEST(b[0].changes[0].after == "plan.pdf");
  BOOST_TEST(b[0].caused_by_thread == "om_a");
  BOOST_TEST(b[0].caused_by_message == "om_1");
}

BOOST_AUTO_TEST_CASE(also_when_it_is_told_before_our_own_answer_came) {
  lane l;
  l.take(asked(with_files({picture})));
  l.pop();
  auto queued = l.queued();
  // Not sent yet: then it is somebody else's.
  BOOST_TEST(told<item_changed>(hear(attached("image.png"), known(), queued), "om_a").size() == 1u);
  queued.front().attempted = true;
  const auto p = hear(attached("image.png"), known(), queued);
  BOOST_TEST(told<item_changed>(p, "om_a").empty());
  BOOST_TEST(told<item_changed>(p, "om_b").size() == 1u);
  BOOST_TEST(told<item_changed>(hear(attached("budget.xlsx"), known(), queued), "om_a").size() ==
             1u);
}

BOOST_AUTO_TEST_CASE(what_others_attach_and_what_is_deleted_is_told_to_all) {
  auto k = known();
  remember(k, {asset, "om_a", "om_1"});
  for (const auto* id : {"fd5164c9-24bc-40e7-99ba-c4b38939ded2", ""}) {
    const auto p = hear(attached("plan.pdf", id), k);
    BOOST_TEST(told<item_changed>(p, "om_a").size() == 1u);
    BOOST_TEST(told<item_changed>(p, "om_b").size() == 1u);
  }
  auto gone = attached("");
  gone.part_before = "ws/0123456789abcdef0123456789abcdef-plan.pdf";
  const auto p = hear(gone, k);
  BOOST_REQUIRE(told<item_changed>(p, "om_a").size() == 1u);
  BOOST_TEST(told<item_changed>(p, "om_a")[0].changes[0].before == "plan.pdf");
}

BOOST_AUTO_TEST_CASE(one_conversation_alone_hears_nothing_of_its_own_file) {
  auto k = known();
  remember(k, {asset, "om_a", "om_1"});
  const auto e = attached("plan.pdf");
  const std::vector<binding> one{follows("om_a")};
  const auto p = plan_changes({k, k, &e}, one, {}, {}, at(200), setting());
  BOOST_TEST(p.hand_overs.empty());
  BOOST_TEST(p.rule == "absorbed: echo-by-receipt, an attachment of ours");
}

BOOST_AUTO_TEST_CASE(a_payload_that_does_not_read_is_a_failure) {
  for (const char* text : {"", "[]", R"({"key":7})", R"({"image":"yes"})"})
    BOOST_TEST((parse_plane_write("plane.attach_file", text).error().code == errc::storage));
}
