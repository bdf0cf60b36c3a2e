#include "tests/app/calendar_cases.hpp"

namespace json = boost::json;
using namespace std::chrono_literals;

namespace pb::app::testing {

int run_on_server(int argc, char** argv) {
  if (!server_under_test.installed()) return 77;
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}

BOOST_AUTO_TEST_CASE(an_event_appears_moves_is_cancelled_and_goes_with_its_work_item) {
  whole_path w;
  const auto item = w.plane.create("撰写发布说明 📝", "2028-02-29",
                                   {{"priority", "high"}, {"description_html", "<p>闰日</p>"}});
  auto e = w.wait_for(item, "DTSTART", "20280229");
  BOOST_TEST(e.value("DTEND") == "20280301");
  BOOST_TEST(e.value("SUMMARY") == "[1] 撰写发布说明 📝");
  BOOST_TEST(e.value("UID") == "plane-issue-" + item + "@calplanebot");
  BOOST_TEST(e.value("STATUS") == "CONFIRMED");

  w.plane.change(item, json::object{{"target_date", "2027-12-31"}});
  e = w.wait_for(item, "DTSTART", "20271231");
  BOOST_TEST(e.value("DTEND") == "20280101");
  BOOST_TEST(e.value("SEQUENCE") == "1");

  w.plane.change(item, json::object{{"state", w.plane.state_id("completed")}});
  w.wait_for(item, "STATUS", "CANCELLED");

  w.plane.change(item, json::object{{"target_date", nullptr}});
  w.wait_gone(item);
  w.plane.change(item, json::object{{"target_date", "2027-05-01"}});
  w.wait_for(item, "DTSTART", "20270501");
}

BOOST_AUTO_TEST_CASE(a_deletion_that_plane_does_not_announce_is_found_by_a_full_sync) {
  whole_path w;
  const auto stays = w.plane.create("stays", "2027-06-14");
  const auto goes = w.plane.create("goes", "2027-06-15");
  w.wait_for(stays, "DTSTART", "20270614");
  w.wait_for(goes, "DTSTART", "20270615");
  w.wait_announced(goes, "issue.created");  // one that came later would find the item gone
  w.plane.remove(goes);
  const auto trial = w.sync({"--dry-run"});
  BOOST_TEST(trial.out.find("would be mended") != std::string::npos);
  BOOST_TEST(!w.calendars.gone(w.url_of(goes)), trial.out << w.daemon.log());
  w.sync();
  w.wait_gone(goes);
  BOOST_TEST(!w.calendars.gone(w.url_of(stays)));
}

BOOST_AUTO_TEST_CASE(what_a_person_added_to_an_event_survives_our_update) {
  whole_path w;
  const auto item = w.plane.create("Review", "2027-03-28");
  auto e = w.wait_for(item, "DTSTART", "20270328");
  const std::string added =
      "ATTENDEE;CN=\"Wang, Fang\":mailto:fang@example.org\n"
      "X-NOTE;X-BY=me:bring the printouts\n"
      "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:by a person\nTRIGGER:-PT15M\nEND:VALARM\n";
  auto text = e.text;
  text.insert(text.find("END:VEVENT"), added);
  std::string wire;
  for (const char c : text) wire += c == '\n' ? std::string{"\r\n"} : std::string{c};
  const int status = w.calendars.put(w.url_of(item), wire, e.etag);
  BOOST_TEST_REQUIRE((status == 201 || status == 204), "PUT answered " << status);

  w.plane.change(item, json::object{{"name", "Review, again"}, {"target_date", "2027-03-29"}});
  e = w.wait_for(item, [](const auto& now) {
    return now.value("DTSTART") == "20270329" &&
           now.value("SUMMARY").find("Review\\, again") != std::string::npos;
  });
  BOOST_TEST(e.has_line("ATTENDEE;"));
  BOOST_TEST(e.text.find("mailto:fang@example.org") != std::string::npos);
  BOOST_TEST(e.has_line("X-NOTE;X-BY=me:bring the printouts"));
  BOOST_TEST(e.has_line("TRIGGER:-PT15M"));
  BOOST_TEST(e.has_line("DESCRIPTION:by a person"));
}

BOOST_AUTO_TEST_CASE(events_of_others_are_left_alone_and_our_orphans_are_removed) {
  whole_path w;
  const auto item = w.plane.create("ours", "2027-04-01");
  auto ours = w.wait_for(item, "DTSTART", "20270401");
  const auto foreign = w.calendars.calendar(w.plane.project()) + "birthday.ics";
  const std::string text =
      "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//person//EN\r\nBEGIN:VEVENT\r\n"
      "UID:birthday-1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20270402\r\n"
      "SUMMARY:Birthday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
  BOOST_TEST_REQUIRE(w.calendars.put(foreign, text) == 201);
  const auto before = w.calendars.event(foreign);
  // One of ours whose work item Plane does not know any more.
  const std::string lost = "0b5e7c1a-52d4-4b1e-9c1f-6a7d8e9f0a1b";
  auto orphan = ours.text;
  for (std::size_t i = 0; (i = orphan.find(item, i)) != std::string::npos; i += lost.size())
    orphan.replace(i, item.size(), lost);
  std::string wire;
  for (const char c : orphan) wire += c == '\n' ? std::string{"\r\n"} : std::string{c};
  BOOST_TEST_REQUIRE(w.calendars.put(w.url_of(lost), wire) == 201);

  w.sync();
  w.wait_gone(lost);
  w.wait_idle();
  const auto after = w.calendars.event(foreign);
  BOOST_TEST_REQUIRE(after.has_value());
  BOOST_TEST(after->etag == before->etag);
  BOOST_TEST(after->text == before->text);
  BOOST_TEST(w.calendars.names(w.plane.project()).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_second_full_sync_writes_nothing) {
  whole_path w;
  std::vector<std::string> items;
  for (int day = 10; day < 16; ++day)
    items.push_back(w.plane.create("item " + std::to_string(day), "2027-09-" + std::to_string(day),
                                   {{"description_html", "<p>1,2;3\\4 &amp; 中文</p>"}}));
  for (const auto& item : items) w.wait_for(item, [](const auto&) { return true; });
  w.sync();
  w.wait_idle();
  std::vector<std::string> etags;
  for (const auto& item : items) etags.push_back(w.calendars.event(w.url_of(item))->etag);
  const auto effects = w.daemon.json("/api/v1/effects?limit=200");
  const auto again = w.sync();
  w.wait_idle();
  BOOST_TEST(again.out.find("6 already right") != std::string::npos, again.out);
  BOOST_TEST(again.out.find(" 0 handed to their actors") != std::string::npos, again.out);
  for (std::size_t i = 0; i < items.size(); ++i)
    BOOST_TEST(w.calendars.event(w.url_of(items[i]))->etag == etags[i]);
  BOOST_TEST(at(w.daemon.json("/api/v1/effects?limit=200"), "/data") == at(effects, "/data"));
}

BOOST_AUTO_TEST_CASE(changes_whose_webhooks_were_lost_arrive_with_a_full_sync) {
  whole_path w;
  const auto item = w.plane.create("known", "2027-07-01");
  w.wait_for(item, "DTSTART", "20270701");
  w.plane.server().faults().add({.kind = sandbox::fault_kind::webhook_lost});
  w.plane.change(item, json::object{{"target_date", "2027-07-08"}});
  const auto silent = w.plane.create("没有人通知 🤫", "2027-07-07");
  w.sync();
  w.wait_for(item, "DTSTART", "20270708");
  w.wait_for(silent, "DTSTART", "20270707");
}

}  // namespace pb::app::testing
