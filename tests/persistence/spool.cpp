// The spool's files: what a crash or a bad disk leaves of them, and that nothing which was synced
// is given up for what was not.
#define BOOST_TEST_MODULE spool
#include "persistence/spool.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/checksum.hpp"

namespace pb::persistence {
namespace fs = std::filesystem;
namespace {

struct scratch {
  fs::path path;
  scratch() {
    std::string form = (fs::temp_directory_path() / "planebridge-spool.XXXXXX").string();
    if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no scratch folder");
    path = form;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { fs::remove_all(path); }
};

delivery_append delivery_of(int n, std::size_t body = 40) {
  delivery_append a;
  auto& r = a.row;
  r.tenant = "default";
  r.source = "plane";
  r.form = "plane.webhook";
  r.event = "issue.updated";
  r.entity = entity_key::plane_issue("item-" + std::to_string(n % 7));
  r.body = std::make_shared<const std::string>(std::to_string(n) + ":" + std::string(body, 'x'));
  r.received_at = from_micros(1'000'000 + n);
  r.remote_id = "delivery " + std::to_string(n);
  a.identities = {std::string{"b:\0\xff", 4} + std::to_string(n), "e:" + std::to_string(n)};
  return a;
}
int number_of(const delivery_append& d) { return std::stoi(*d.row.body); }

std::string file_text(const fs::path& p) {
  std::ifstream in{p, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void write_file(const fs::path& p, const std::string& text) {
  std::ofstream{p, std::ios::binary | std::ios::trunc} << text;
}
std::vector<fs::path> segments_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& e : fs::directory_iterator{folder})
    if (e.path().extension() == ".spool") out.push_back(e.path());
  std::sort(out.begin(), out.end());
  return out;
}

struct stage {
  scratch at;
  seeded_random random{11};
  spool_options options{(at.path / "spool").string(), 1u << 20, 16u << 10};
  std::unique_ptr<spool> s;
  stage() { open(); }
  void open() {
    s.reset();
    auto opened = spool::open(options, random);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    s = std::move(*opened);
  }
  std::vector<bool> append(int from, int to, std::size_t body = 40) {
    std::vector<delivery_append> all;
    for (int n = from; n < to; ++n) all.push_back(delivery_of(n, body));
    std::vector<const delivery_append*> group;
    for (const auto& d : all) group.push_back(&d);
    auto done = s->append(group);
    if (!done) throw std::runtime_error(describe(done.error()));
    return *done;
  }
  /// Everything, oldest first, cut as it is read.
  std::vector<int> drain(std::size_t most = 7, std::size_t bytes = 4096) {
    std::vector<int> out;
    while (!s->empty()) {
      auto slice = s->front(most, bytes);
      if (!slice) throw std::runtime_error(describe(slice.error()));
      for (const auto& d : *slice) out.push_back(number_of(d));
      s->cut(slice->size());
    }
    return out;
  }
};

std::vector<int> counted(int from, int to) {
  std::vector<int> out;
  for (int n = from; n < to; ++n) out.push_back(n);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_checksum_is_the_one_that_others_compute) {
  // RFC 3720, B.4
  BOOST_TEST(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  BOOST_TEST(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  BOOST_TEST(crc32c("123456789") == 0xe3069283u);
  BOOST_TEST(crc32c("6789", crc32c("12345")) == 0xe3069283u);
}

BOOST_AUTO_TEST_CASE(a_delivery_comes_back_as_it_was) {
  auto d = delivery_of(3, 5000);
  d.row.status = delivery_status::ignored;
  d.row.reason = "cycles are not used";
  const auto bytes = encode_delivery(d);
  const auto back = decode_delivery(bytes);
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(*back->row.body == *d.row.body);
  BOOST_TEST((back->row.entity == d.row.entity));
  BOOST_TEST((back->row.status == d.row.status));
  BOOST_TEST((back->row.received_at == d.row.received_at));
  BOOST_TEST(back->row.tenant + back->row.source + back->row.form + back->row.event ==
             d.row.tenant + d.row.source + d.row.form + d.row.event);
  BOOST_TEST(back->row.reason == d.row.reason);
  BOOST_TEST(back->row.remote_id == d.row.remote_id);
  BOOST_TEST((back->identities == d.identities));
  for (std::size_t n = 0; n < bytes.size(); ++n)
    BOOST_REQUIRE(!decode_delivery(std::string_view{bytes}.substr(0, n)).has_value());
  BOOST_TEST(!decode_delivery(bytes + "x").has_value());
}

BOOST_AUTO_TEST_CASE(what_was_appended_comes_out_in_order_over_many_segments_and_reopenings) {
  stage t;
  for (int n = 0; n < 600; n += 20) {
    t.append(n, n + 20, 100);
    if (n % 100 == 0) t.open();
  }
  BOOST_TEST(segments_in(t.options.folder).size() > 5u);
  BOOST_TEST(t.s->records() == 600u);
  BOOST_TEST((t.s->oldest() == from_micros(1'000'000)));
  BOOST_TEST((t.drain() == counted(0, 600)));
  BOOST_TEST(segments_in(t.options.folder).size() == 1u);
  BOOST_TEST(t.s->bytes() == 0u);
  BOOST_TEST(!t.s->oldest().has_value());
  t.open();
  BOOST_TEST(t.s->empty());
  t.append(600, 610);
  t.open();
  BOOST_TEST((t.drain() == counted(600, 610)));
}

BOOST_AUTO_TEST_CASE(what_was_given_and_not_cut_is_given_again_after_a_crash) {
  stage t;
  t.append(0, 50);
  BOOST_REQUIRE(t.s->front(20, 1u << 20)->size() == 20u);
  t.open();  // committed elsewhere, and then the process died
  BOOST_TEST((t.drain() == counted(0, 50)));
}

BOOST_AUTO_TEST_CASE(after_a_crash_between_two_cuts_nothing_is_missing_and_order_is_kept) {
  stage t;
  t.append(0, 600, 100);
  auto first = t.s->front(333, 1u << 20);
  t.s->cut(first->size());
  const auto left = t.s->records();
  t.open();
  BOOST_TEST(t.s->records() >= left);  // whole segments go: some are given again
  const auto all = t.drain();
  BOOST_TEST((all == counted(all.front(), 600)));
  BOOST_TEST(all.front() <= static_cast<int>(first->size()));
}

BOOST_AUTO_TEST_CASE(a_tail_torn_at_any_byte_costs_only_what_was_not_whole) {
  stage t;
  t.append(0, 3);
  const auto file = segments_in(t.options.folder).front();
  const auto whole = file_text(file);
  std::size_t at = segment_header_bytes;
  const auto nonce = decode_header(whole)->nonce;
  std::vector<std::size_t> ends{at};
  while (const auto r = record_at(whole, at, nonce)) ends.push_back(at = r->next);
  BOOST_REQUIRE(ends.size() == 4u);
  for (std::size_t length = segment_header_bytes; length <= at; ++length) {
    // cut off, and once more as blocks that were allocated and never written
    for (const bool zeros : {false, true}) {
      t.s.reset();
      auto torn = whole.substr(0, length);
      if (zeros) torn.resize(whole.size(), '\0');
      write_file(file, torn);
      t.open();
      const auto expected = static_cast<std::size_t>(
          std::count_if(ends.begin() + 1, ends.end(), [&](std::size_t e) { return e <= length; }));
      BOOST_REQUIRE_EQUAL(t.s->records(), expected);
      // It goes on where the last whole one ended.
      t.append(90, 92);
      t.open();
      auto all = counted(0, static_cast<int>(expected));
      all.insert(all.end(), {90, 91});
      BOOST_REQUIRE((t.drain() == all));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_costs_one_record_wherever_it_is) {
  stage t;
  t.append(0, 6);
  const auto file = segments_in(t.options.folder).front();
  const auto whole = file_text(file);
  std::size_t end = segment_header_bytes;
  while (const auto r = record_at(whole, end, decode_header(whole)->nonce)) end = r->next;
  for (std::size_t bit = segment_header_bytes * 8; bit < end * 8; bit += 5) {
    t.s.reset();
    auto bad = whole;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    write_file(file, bad);
    t.open();
    BOOST_REQUIRE_EQUAL(t.s->records(), 5u);
    const auto left = t.drain(2, 300);
    BOOST_REQUIRE_EQUAL(left.size(), 5u);
    BOOST_REQUIRE(std::is_sorted(left.begin(), left.end()));
  }
}

BOOST_AUTO_TEST_CASE(a_file_whose_head_does_not_read_is_put_aside_and_nothing_else_suffers) {
  stage t;
  t.append(0, 300, 100);
  const auto files = segments_in(t.options.folder);
  BOOST_REQUIRE(files.size() > 2u);
  t.s.reset();
  auto bad = file_text(files[1]);
  bad[9] = static_cast<char>(bad[9] ^ 1);
  write_file(files[1], bad);
  t.open();
  BOOST_TEST(t.s->damaged() == 1u);
  BOOST_TEST(fs::exists(files[1].string() + ".damaged"));
  const auto all = t.drain();
  BOOST_TEST(all.front() == 0);
  BOOST_TEST(all.back() == 299);
  BOOST_TEST(std::is_sorted(all.begin(), all.end()));
}

BOOST_AUTO_TEST_CASE(what_an_earlier_use_of_a_file_or_a_body_left_behind_is_never_a_record) {
  stage t;
  t.append(0, 40);
  t.drain();
  t.append(40, 42);  // over the first of the old ones; the others still lie behind
  t.open();
  BOOST_TEST((t.drain() == counted(40, 42)));
  // A body that holds a record, and whose own record is damaged.
  const auto file = segments_in(t.options.folder).front();
  std::string inner;
  append_record(inner, 500, decode_header(file_text(file))->nonce + 1, "forged");
  auto d = delivery_of(50);
  d.row.body = std::make_shared<const std::string>("50:" + inner);
  const delivery_append* one = &d;
  BOOST_REQUIRE(t.s->append({&one, 1}).has_value());
  t.s.reset();
  auto bad = file_text(file);
  bad[segment_header_bytes + 20] = static_cast<char>(bad[segment_header_bytes + 20] ^ 4);
  write_file(file, bad);
  t.open();
  BOOST_TEST(t.s->empty());
}

BOOST_AUTO_TEST_CASE(beyond_its_bound_it_takes_nothing_and_after_a_cut_it_takes_again) {
  stage t;
  t.options.max_bytes = 40'000;
  t.options.segment_bytes = 5'000;
  t.open();
  const auto taken = t.append(0, 200, 400);
  const auto n = static_cast<int>(std::count(taken.begin(), taken.end(), true));
  BOOST_TEST(n > 50);
  BOOST_TEST(n < 80);
  BOOST_TEST(t.s->bytes() <= 40'000u);
  // A small one still fits where a large one did not.
  const auto small = t.append(200, 201, 1);
  BOOST_TEST(t.s->records() == static_cast<std::uint64_t>(n) + (small[0] ? 1u : 0u));
  auto slice = t.s->front(30, 1u << 20);
  t.s->cut(slice->size());
  BOOST_TEST(t.append(300, 301, 400)[0]);
  t.open();
  BOOST_TEST(t.drain().back() == 300);
}

BOOST_AUTO_TEST_CASE(a_record_larger_than_a_segment_has_one_of_its_own) {
  stage t;
  t.append(0, 2);
  BOOST_TEST(t.append(2, 3, 200'000)[0]);
  t.append(3, 5);
  t.open();
  BOOST_TEST((t.drain() == counted(0, 5)));
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_takes_nothing_of_its_group_and_harms_nothing_before_it) {
  stage t;
  t.append(0, 5);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 10'000;  // within the first segment: a second one cannot even be made
  std::vector<delivery_append> all;
  for (int n = 5; n < 100; ++n) all.push_back(delivery_of(n, 400));
  std::vector<const delivery_append*> group;
  for (const auto& d : all) group.push_back(&d);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto done = t.s->append(group);
  ::setrlimit(RLIMIT_FSIZE, &before);
  BOOST_TEST(!done.has_value());
  BOOST_TEST(t.s->records() == 5u);
  t.append(200, 202);
  const auto out = t.drain();
  BOOST_TEST((out == std::vector<int>{0, 1, 2, 3, 4, 200, 201}));
}

}  // namespace pb::persistence
