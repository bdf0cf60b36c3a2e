#define BOOST_TEST_MODULE sealing
#include "persistence/sealing.hpp"

#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "persistence/inline_store.hpp"

namespace pb::persistence {
namespace {

secret key_of(char c) { return secret{std::string(32, c)}; }
const timestamp now = from_micros(5);

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_sealed_opens_and_is_not_to_be_seen) {
  const sealer keys{key_of('a')};
  using namespace std::string_literals;
  for (const std::string& plain : {"token-value"s, ""s, "\0\xff"s, std::string(100'000, 'x')}) {
    const auto row = keys.seal("default", "plane.oauth.bot", secret{plain}, now);
    BOOST_REQUIRE(row.has_value());
    if (plain.size() > 4) BOOST_TEST(row->sealed.find(plain) == std::string::npos);
    BOOST_TEST(row->key_id == sha256_hex(std::string(32, 'a')).substr(0, 8));
    BOOST_TEST(row->sealed.size() == plain.size() + 28);
    BOOST_TEST((keys.open(*row)->reveal() == plain));
  }
}

BOOST_AUTO_TEST_CASE(the_same_value_never_looks_the_same_twice) {
  const sealer keys{key_of('a')};
  BOOST_TEST(keys.seal("t", "n", secret{"v"}, now)->sealed !=
             keys.seal("t", "n", secret{"v"}, now)->sealed);
}

BOOST_AUTO_TEST_CASE(a_changed_or_moved_row_does_not_open) {
  const sealer keys{key_of('a')};
  const auto row = *keys.seal("default", "one", secret{"value"}, now);
  auto renamed = row;
  renamed.name = "two";
  auto other_tenant = row;
  other_tenant.tenant = "another";
  auto shifted = row;
  shifted.tenant = "defaul";
  shifted.name = "tone";
  auto cut = row;
  cut.sealed.resize(10);
  for (const auto& bad : {renamed, other_tenant, shifted, cut})
    BOOST_TEST((keys.open(bad).error().code == errc::bad_input));
  for (std::size_t i = 0; i < row.sealed.size(); ++i) {
    auto flipped = row;
    flipped.sealed[i] = static_cast<char>(flipped.sealed[i] ^ 1);
    BOOST_TEST(!keys.open(flipped).has_value());
  }
}

BOOST_AUTO_TEST_CASE(without_a_key_the_missing_entry_is_named) {
  const sealer none;
  const auto sealed = none.seal("t", "n", secret{"v"}, now);
  BOOST_TEST((sealed.error().code == errc::key_missing));
  BOOST_TEST(sealed.error().detail.find("ENCRYPTION_KEY") != std::string::npos);
  BOOST_TEST(sealed.error().detail.find("security.encryption_key") != std::string::npos);
  BOOST_TEST((none.open({}).error().code == errc::key_missing));
  const auto row = *sealer{key_of('a')}.seal("t", "n", secret{"v"}, now);
  const auto foreign = sealer{key_of('b')}.open(row);
  BOOST_TEST((foreign.error().code == errc::key_missing));
  BOOST_TEST(foreign.error().detail.find(row.key_id) != std::string::npos);
  BOOST_TEST(foreign.error().remedy.find("ENCRYPTION_KEY_PREVIOUS") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(rotation_seals_everything_under_the_current_key) {
  auto store = inline_store::open_in_memory();
  BOOST_REQUIRE(store.has_value());
  const sealer old_keys{key_of('a')}, both{key_of('b'), {key_of('a')}}, new_keys{key_of('b')},
      lost{key_of('z')};
  write w;
  w.credentials = {*old_keys.seal("default", "one", secret{"1"}, now),
                   *new_keys.seal("default", "two", secret{"2"}, now),
                   *lost.seal("default", "three", secret{"3"}, now)};
  BOOST_REQUIRE(submit_and_wait(**store, std::move(w)).has_value());
  const auto report = rotate(**store, both, now);
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST(report->resealed == 1u);
  BOOST_TEST(report->current == 1u);
  BOOST_REQUIRE(report->unreadable.size() == 1u);
  BOOST_TEST(report->unreadable[0].find("default/three") == 0u);
  const auto rows = *read_and_wait(**store, [](reader& r) { return r.credentials(); });
  BOOST_TEST(rows.size() == 3u);
  for (const auto& row : rows)
    if (row.name != "three")
      BOOST_TEST((new_keys.open(row)->reveal() == (row.name == "one" ? "1" : "2")));
  BOOST_TEST(rotate(**store, both, now)->resealed == 0u);
  BOOST_TEST((rotate(**store, sealer{}, now).error().code == errc::key_missing));
}

}  // namespace pb::persistence
