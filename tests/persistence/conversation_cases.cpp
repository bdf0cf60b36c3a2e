// Receipts and mappings on either engine.
#include <boost/test/unit_test.hpp>
#include <future>

#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

receipt_row receipt(const std::string& object, const std::string& remote_id) {
  return {"lark", object, entity_key::lark_thread("om_root"), remote_id, at(7)};
}

user_mapping_row person(const std::string& open_id, const std::string& plane_user,
                        mapped_by how = mapped_by::manual) {
  user_mapping_row m;
  m.open_id = open_id;
  m.union_id = "on_" + open_id;
  m.name = "名字";
  m.email = open_id + "@example.org";
  m.plane_user = plane_user;
  m.how = how;
  m.changed_at = at(9);
  return m;
}

channel_mapping_row channel(const std::string& chat, const std::string& project,
                            const std::string& options = "{}") {
  channel_mapping_row m;
  m.chat = chat;
  m.project = project;
  m.options = options;
  m.changed_at = at(11);
  return m;
}

std::vector<std::string> ids_of(const std::vector<user_mapping_row>& rows) {
  std::vector<std::string> out;
  for (const auto& r : rows) out.push_back(r.open_id);
  return out;
}
std::vector<std::string> ids_of(const std::vector<channel_mapping_row>& rows) {
  std::vector<std::string> out;
  for (const auto& r : rows) out.push_back(r.chat + "/" + r.project);
  return out;
}
using texts = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(conversations)

BOOST_AUTO_TEST_CASE(a_receipt_is_found_by_integration_and_object_and_replaced_in_place) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.receipts = {receipt("om_1", ""), receipt("om_2", "c-2"), receipt("om_1", "c-1")};
  must_write(*s, std::move(w));
  const auto one = must_read(*s, [](reader& r) { return r.receipt("lark", "om_1"); });
  BOOST_REQUIRE(one.has_value());
  BOOST_TEST(one->integration == "lark");
  BOOST_TEST(one->object == "om_1");
  BOOST_TEST(one->entity.text() == "lark:thread:om_root");
  BOOST_TEST(one->remote_id == "c-1");
  BOOST_TEST(to_micros(one->at) == to_micros(at(7)));
  BOOST_TEST(!must_read(*s, [](reader& r) { return r.receipt("plane", "om_1"); }).has_value());
  write again;
  again.receipts = {receipt("om_2", "c-3")};
  must_write(*s, std::move(again));
  BOOST_TEST(must_read(*s, [](reader& r) { return r.receipt("lark", "om_2"); })->remote_id ==
             "c-3");
  BOOST_TEST(db.number("SELECT COUNT(*) FROM receipts") == 2);
}

BOOST_AUTO_TEST_CASE(a_person_is_found_from_either_side_and_comes_back_whole) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.user_mappings = {person("ou_a", "plane-a", mapped_by::automatic), person("ou_b", "")};
  w.user_mappings[1].left = true;
  must_write(*s, std::move(w));
  const auto a = must_read(*s, [](reader& r) { return r.user_mapping("ou_a"); });
  BOOST_REQUIRE(a.has_value());
  BOOST_TEST(a->open_id == "ou_a");
  BOOST_TEST(a->tenant == "default");
  BOOST_TEST(a->union_id == "on_ou_a");
  BOOST_TEST(a->name == "名字");
  BOOST_TEST(a->email == "ou_a@example.org");
  BOOST_TEST(a->plane_user == "plane-a");
  BOOST_TEST((a->how == mapped_by::automatic));
  BOOST_TEST(!a->left);
  BOOST_TEST(to_micros(a->changed_at) == to_micros(at(9)));
  const auto b = must_read(*s, [](reader& r) { return r.user_mapping("ou_b"); });
  BOOST_TEST_REQUIRE(b.has_value());
  BOOST_TEST(b->left);
  BOOST_TEST((b->how == mapped_by::manual));
  const auto found =
      must_read(*s, [](reader& r) { return r.user_mapping_by_plane_user("plane-a"); });
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->open_id == "ou_a");
  BOOST_TEST(!must_read(*s, [](reader& r) { return r.user_mapping("ou_none"); }).has_value());
}

BOOST_AUTO_TEST_CASE(nobody_is_found_by_an_empty_plane_user_and_nobody_who_left) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.user_mappings = {person("ou_nobody", ""), person("ou_left", "plane-x")};
  w.user_mappings[1].left = true;
  must_write(*s, std::move(w));
  for (const std::string who : {"", "plane-x", "plane-y"})
    BOOST_TEST(!must_read(*s, [&](reader& r) { return r.user_mapping_by_plane_user(who); }));
}

BOOST_AUTO_TEST_CASE(of_two_accounts_of_one_member_the_one_entered_by_hand_counts) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.user_mappings = {person("ou_a", "plane-x", mapped_by::automatic), person("ou_b", "plane-x"),
                     person("ou_c", "plane-x")};
  must_write(*s, std::move(w));
  BOOST_TEST(must_read(*s, [](reader& r) {
               return r.user_mapping_by_plane_user("plane-x");
             })->open_id == "ou_b");
}

BOOST_AUTO_TEST_CASE(people_are_listed_in_pages_by_id) {
  scratch_database db;
  auto s = db.open();
  write w;
  for (const std::string id : {"ou_3", "ou_1", "ou_中", "ou_2"})
    w.user_mappings.push_back(person(id, "p"));
  must_write(*s, std::move(w));
  const auto page = [&](const std::string& after, std::size_t limit) {
    return ids_of(must_read(*s, [&](reader& r) { return r.user_mappings(after, limit); }));
  };
  BOOST_TEST((page("", 2) == texts{"ou_1", "ou_2"}));
  BOOST_TEST((page("ou_2", 2) == texts{"ou_3", "ou_中"}));
  BOOST_TEST((page("ou_中", 2).empty()));
}

BOOST_AUTO_TEST_CASE(the_last_word_on_a_mapping_counts_whether_it_sets_or_deletes) {
  scratch_database db;
  auto s = db.open();
  const auto gone = [](auto row) {
    row.removed = true;
    return row;
  };
  write w;
  w.user_mappings = {person("ou_1", "a"), gone(person("ou_1", "a")), gone(person("ou_2", "")),
                     person("ou_2", "b"), gone(person("ou_missing", ""))};
  w.channel_mappings = {channel("oc_1", "p"), gone(channel("oc_1", "p")),
                        gone(channel("oc_2", "p")), channel("oc_2", "p", R"({"shown":false})")};
  must_write(*s, std::move(w));
  BOOST_TEST(
      (ids_of(must_read(*s, [](reader& r) { return r.user_mappings("", 9); })) == texts{"ou_2"}));
  const auto left = must_read(*s, [](reader& r) { return r.all_channel_mappings("", "", 9); });
  BOOST_TEST((ids_of(left) == texts{"oc_2/p"}));
  BOOST_TEST(left.at(0).options == R"({"shown":false})");
  write removal;
  removal.user_mappings = {gone(person("ou_2", ""))};
  removal.channel_mappings = {gone(channel("oc_2", "p"))};
  must_write(*s, std::move(removal));
  BOOST_TEST(db.number("SELECT COUNT(*) FROM mappings_users") == 0);
  BOOST_TEST(db.number("SELECT COUNT(*) FROM mappings_channels") == 0);
}

BOOST_AUTO_TEST_CASE(channels_are_found_by_chat_by_project_and_all_in_pages) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.channel_mappings = {channel("oc_b", "p1"), channel("oc_a", "p2"), channel("oc_a", "p1", "{ }"),
                        channel("oc_c", "p2")};
  must_write(*s, std::move(w));
  BOOST_TEST((ids_of(must_read(*s, [](reader& r) { return r.channel_mappings("oc_a"); })) ==
              texts{"oc_a/p1", "oc_a/p2"}));
  BOOST_TEST((ids_of(must_read(*s, [](reader& r) {
                return r.channel_mappings_of_project("p2");
              })) == texts{"oc_a/p2", "oc_c/p2"}));
  BOOST_TEST(must_read(*s, [](reader& r) { return r.channel_mappings("oc_x"); }).empty());
  const auto page = [&](const std::string& chat, const std::string& project) {
    return must_read(*s, [&](reader& r) { return r.all_channel_mappings(chat, project, 2); });
  };
  const auto first = page("", "");
  BOOST_TEST((ids_of(first) == texts{"oc_a/p1", "oc_a/p2"}));
  BOOST_TEST(first[0].options == "{ }");
  BOOST_TEST(first[0].tenant == "default");
  BOOST_TEST(to_micros(first[0].changed_at) == to_micros(at(11)));
  BOOST_TEST((ids_of(page("oc_a", "p2")) == texts{"oc_b/p1", "oc_c/p2"}));
  BOOST_TEST(page("oc_c", "p2").empty());
}

BOOST_AUTO_TEST_CASE(a_credential_without_content_is_deleted) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.credentials = {{"default", "lark.person.ou_1", "0a1b2c3d", "sealed", at(3)},
                   {"default", "lark.person.ou_2", "0a1b2c3d", "sealed", at(3)}};
  must_write(*s, std::move(w));
  write removal;
  removal.credentials = {{"default", "lark.person.ou_1", "", "", at(4)}};
  must_write(*s, std::move(removal));
  const auto kept = must_read(*s, [](reader& r) { return r.credentials(); });
  BOOST_REQUIRE(kept.size() == 1u);
  BOOST_TEST(kept[0].name == "lark.person.ou_2");
}

BOOST_AUTO_TEST_CASE(retention_leaves_receipts_and_mappings_alone) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.receipts = {receipt("om_1", "c-1")};
  w.user_mappings = {person("ou_1", "a")};
  w.channel_mappings = {channel("oc_1", "p")};
  must_write(*s, std::move(w));
  std::promise<result<std::int64_t>> p;
  s->retain({at(1000) + std::chrono::days{4000}, 1, 1},
            [&](result<std::int64_t> n) { p.set_value(std::move(n)); });
  BOOST_TEST(p.get_future().get().value() == 0);
  BOOST_TEST(must_read(*s, [](reader& r) { return r.receipt("lark", "om_1"); }).has_value());
  BOOST_TEST(must_read(*s, [](reader& r) { return r.user_mapping("ou_1"); }).has_value());
  BOOST_TEST(must_read(*s, [](reader& r) { return r.channel_mappings("oc_1"); }).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
