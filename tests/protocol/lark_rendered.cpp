// What people see, byte for byte: the files in tests/fixtures/lark/rendered, which the pictures in
// docs/ are made of. PB_UPDATE_GENERATED=1 writes them anew.
#define BOOST_TEST_MODULE lark_rendered
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "protocol/lark/card.hpp"
#include "protocol/lark/card_check.hpp"
#include "protocol/lark/chat_text.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/preview.hpp"
#include "tests/protocol/lark_card_samples.hpp"

using namespace pb::protocol;
using namespace pb::protocol::lark;
using lark_samples::item_card;

namespace {
void same(const std::string& name, const std::string& content) {
  const auto path = std::string{PB_FIXTURES} + "/lark/rendered/" + name;
  if (std::getenv("PB_UPDATE_GENERATED") != nullptr) {
    std::ofstream out{path, std::ios::binary};
    out << content << '\n';
    BOOST_TEST_REQUIRE(out.good());
    return;
  }
  std::ifstream in{path, std::ios::binary};
  BOOST_TEST((std::string{std::istreambuf_iterator<char>{in}, {}}) == content + '\n', name);
}

card_input in_english() {
  auto in = item_card();
  in.lang = language::en;
  in.name = "Login page is blank in Safari 17";
  in.state = {"s-2", "Todo"};
  in.states = {{"s-1", "Backlog"}, {"s-2", "Todo"}, {"s-3", "In Progress"}, {"s-4", "Done"}};
  in.assignees = {{"u-2", "Test user B"}};
  in.members = {{"u-1", "Test user A"}, {"u-2", "Test user B"}};
  in.labels = {"bug", "frontend"};
  in.excerpt = "The login page stays blank in Safari 17.1.";
  return in;
}
}  // namespace

BOOST_AUTO_TEST_CASE(cards) {
  auto announced = item_card();
  announced.announced = true;
  announced.announced_by = "测试用户甲";
  announced.thread.clear();
  auto gone = in_english();
  gone.gone = true;
  const std::vector<std::pair<std::string, std::string>> all{
      {"card.item.zh.json", card_work_item(item_card())},
      {"card.item.en.json", card_work_item(in_english())},
      {"card.announced.zh.json", card_work_item(announced)},
      {"card.deleted.en.json", card_work_item(gone)},
      {"card.project.en.json", card_project({.name = "Web",
                                             .identifier = "WEB",
                                             .url = "https://plane.example.com/acme/projects/1/",
                                             .author = "Test user A",
                                             .lang = language::en})}};
  for (const auto& [name, content] : all) {
    BOOST_TEST(validate_card(content).has_value(), name);
    same(name, content);
  }
  same("card.item.zh.txt", card_fallback(item_card()));
  same("preview.zh.json", preview_answer(item_card(), true));
}

BOOST_AUTO_TEST_CASE(messages) {
  const shown_item item{"WEB-142", "Login page is blank in Safari 17",
                        "https://plane.example.com/acme/browse/WEB-142/"};
  comment_text comment;
  comment.author = "Test user B";
  comment.item = item;
  comment.lang = language::en;
  comment.body = from_html(
      "<p>Fixed in <code>1.42.0</code>, see <a href=\"https://a.example/notes\">the notes</a>:</p>"
      "<ul><li><p>cache</p></li><li><p><strong>fonts</strong></p></li></ul>"
      "<pre><code class=\"language-cpp\">int main() {}</code></pre>"
      "<table><tbody><tr><th>browser</th><th>result</th></tr><tr><td>Safari</td><td>ok</td></tr>"
      "</tbody></table>");
  const auto all = comment_messages(comment);
  BOOST_REQUIRE(all.size() == 1U);
  same("comment.en.json", all.front().content);
  same("comment.en.txt", all.front().fallback);
  changes_text changes;
  changes.actor = "Test user A";
  changes.item = item;
  changes.lang = language::en;
  changes.changes = {{"state", "Todo", "In Progress"},
                     {"assignees", "", "Test user B"},
                     {"target_date", "", "2026-04-10"}};
  changes.call = {{"ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a", "Test user B"}};
  same("changes.en.json", changes_message(changes).content);
  same("changes.en.txt", changes_message(changes).fallback);
  changes.lang = language::zh;
  same("changes.zh.json", changes_message(changes).content);
}
