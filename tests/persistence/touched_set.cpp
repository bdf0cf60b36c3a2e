// The touched set: marks survive, torn slots cost nothing that counted, and a mark goes only after
// a read that began behind it.
#define BOOST_TEST_MODULE touched_set
#include "persistence/touched_set.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pb::persistence {
namespace fs = std::filesystem;
namespace {

const std::string project = "b4b4b4b4-0000-4000-8000-000000000001";
entity_key item(int n) {
  char uuid[40];
  std::snprintf(uuid, sizeof uuid, "5e000000-0000-4000-8000-%012d", n);
  return entity_key::plane_issue(uuid);
}

struct stage {
  fs::path folder;
  std::size_t slots = 8;
  timestamp now = from_micros(5'000);
  std::unique_ptr<touched_set> s;
  stage() {
    std::string form = (fs::temp_directory_path() / "planebridge-touched.XXXXXX").string();
    if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no scratch folder");
    folder = form;
    open();
  }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage() { fs::remove_all(folder); }
  std::string path() const { return (folder / "touched").string(); }
  void open() {
    s.reset();
    auto opened = touched_set::open(path(), slots, now);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    s = std::move(*opened);
  }
  std::string bytes() const {
    std::ifstream in{path(), std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  void write(const std::string& b) { std::ofstream{path(), std::ios::binary} << b; }
  std::vector<std::string> keys() {
    std::vector<std::string> out;
    for (const auto& e : s->take(100)) out.push_back(e.key.text());
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(marks_survive_and_come_oldest_first) {
  stage t;
  for (const int n : {3, 1, 2}) BOOST_TEST(t.s->mark(item(n), project));
  BOOST_TEST(t.s->sync().has_value());
  t.open();
  BOOST_TEST(t.s->size() == 3u);
  const auto all = t.s->take(100);
  BOOST_REQUIRE(all.size() == 3u);
  BOOST_TEST(all[0].key.text() == item(3).text());
  BOOST_TEST(all[2].key.text() == item(2).text());
  BOOST_TEST(all[0].parent == project);
  BOOST_TEST(all[0].mark < all[1].mark);
}

BOOST_AUTO_TEST_CASE(the_file_has_its_full_size_from_the_beginning) {
  stage t;
  t.slots = 1000;
  t.open();
  BOOST_TEST(fs::file_size(t.path()) == 1000u * touched_slot_bytes);
  t.slots = 10;  // fewer are wanted: what is there stays
  t.open();
  BOOST_TEST(t.s->slots() == 1000u);
}

BOOST_AUTO_TEST_CASE(an_entity_touched_often_takes_one_slot) {
  stage t;
  for (int i = 0; i < 100; ++i) BOOST_TEST(t.s->mark(item(1), project));
  BOOST_TEST(t.s->size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_set_says_no_and_takes_again_what_it_was_freed_for) {
  stage t;
  for (int n = 0; n < 8; ++n) BOOST_TEST(t.s->mark(item(n), project));
  BOOST_TEST(!t.s->mark(item(8), project));
  BOOST_TEST(t.s->mark(item(3), project));  // has its slot
  t.s->clear(t.s->take(1).front());
  BOOST_TEST(t.s->mark(item(8), project));
  BOOST_TEST(!t.s->mark(item(9), project));
}

BOOST_AUTO_TEST_CASE(what_is_touched_while_its_read_is_under_way_keeps_a_mark_of_its_own) {
  stage t;
  BOOST_TEST(t.s->mark(item(1), project));
  const auto first = t.s->take(10).front();
  BOOST_TEST(t.s->mark(item(1), project));
  BOOST_TEST(t.s->size() == 2u);
  t.s->clear(first);
  t.open();
  const auto left = t.s->take(10);
  BOOST_REQUIRE(left.size() == 1u);
  BOOST_TEST(left[0].mark > first.mark);
}

BOOST_AUTO_TEST_CASE(a_mark_is_never_given_twice_whatever_was_cleared_or_lost) {
  stage t;
  std::uint64_t last = 0;
  for (int round = 0; round < 20; ++round) {
    BOOST_TEST(t.s->mark(item(round % 2), project));
    BOOST_TEST(t.s->sync().has_value());
    t.open();
    const auto e = t.s->take(1).front();
    BOOST_TEST(e.mark > last);
    last = e.mark;
    t.s->clear(e);
    t.open();
    BOOST_TEST(t.s->size() == 0u);
  }
  t.s.reset();
  fs::remove(t.path());
  t.now = from_micros(1'000'000);
  t.open();
  BOOST_TEST(t.s->mark(item(0), project));
  BOOST_TEST(t.s->take(1).front().mark > last);
}

BOOST_AUTO_TEST_CASE(given_back_is_taken_again) {
  stage t;
  for (int n = 0; n < 4; ++n) t.s->mark(item(n), project);
  BOOST_TEST(t.s->take(3).size() == 3u);
  t.s->mark(item(0), project);  // a second mark of one that is under way
  t.s->give_back();
  BOOST_TEST(t.s->take(10).size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_slot_torn_at_any_byte_harms_no_other) {
  stage t;
  for (int n = 0; n < 3; ++n) t.s->mark(item(n), project);
  BOOST_TEST(t.s->sync().has_value());
  const auto before = t.bytes();
  BOOST_TEST(t.s->mark(item(3), project));
  const auto after = t.bytes();
  std::size_t from = 0, to = after.size();
  while (before[from] == after[from]) ++from;
  while (before[to - 1] == after[to - 1]) --to;
  for (std::size_t cut = from; cut < to; ++cut) {
    t.s.reset();
    t.write(after.substr(0, cut) + before.substr(cut));
    t.open();
    BOOST_REQUIRE_EQUAL(t.keys().size(), 3u);
    // and the torn slot is of use again
    BOOST_REQUIRE(t.s->mark(item(7), project));
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_costs_one_mark_and_is_told) {
  stage t;
  for (int n = 0; n < 3; ++n) t.s->mark(item(n), project);
  BOOST_TEST(t.s->sync().has_value());
  const auto good = t.bytes();
  for (std::size_t bit = 0; bit < touched_slot_bytes * 8; bit += 3) {
    t.s.reset();
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    t.write(bad);
    t.open();
    BOOST_REQUIRE_EQUAL(t.s->size(), 2u);
    BOOST_REQUIRE_EQUAL(t.s->damaged(), 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_does_not_fit_is_refused) {
  stage t;
  BOOST_TEST(!t.s->mark(entity_key{"plane:issue:" + std::string(200, 'x')}, project));
  BOOST_TEST(!t.s->mark(entity_key{}, project));
  BOOST_TEST(t.s->size() == 0u);
}

}  // namespace pb::persistence
