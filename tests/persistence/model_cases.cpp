// Random writes against a model that fits on a page: what the store says must be what the model
// says, however the units were cut into transactions.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

struct model {
  std::map<std::string, std::int64_t> identities;
  std::map<std::int64_t, std::pair<std::string, int>> deliveries;  // body, status
  std::map<std::string, std::string> states;
  std::map<std::int64_t, std::pair<std::string, int>> effects;  // entity, status

  void apply(const write& w, const written& answer) {
    RC_ASSERT(answer.appends.size() == w.appends.size());
    for (std::size_t i = 0; i < w.appends.size(); ++i) {
      const auto& a = w.appends[i];
      std::int64_t earlier = 0;
      for (const auto& id : a.identities)
        if (const auto at = identities.find(id); at != identities.end())
          earlier = earlier == 0 ? at->second : std::min(earlier, at->second);
      RC_ASSERT(answer.appends[i].duplicate == (earlier != 0));
      if (earlier != 0) {
        // Which of several earlier ones is named may depend on where a transaction ended.
        RC_ASSERT(deliveries.contains(answer.appends[i].seq));
        continue;
      }
      const auto seq = answer.appends[i].seq;
      const bool rising = deliveries.empty() || seq > deliveries.rbegin()->first;
      RC_ASSERT(rising);
      for (const auto& id : a.identities) identities.emplace(id, seq);
      deliveries[seq] = {*a.row.body, 0};
    }
    for (const auto& m : w.marks)
      if (const auto d = deliveries.find(m.seq); d != deliveries.end())
        d->second.second = static_cast<int>(m.status);
    for (const auto& s : w.states) {
      if (s.value)
        states[s.key] = *s.value;
      else
        states.erase(s.key);
    }
    for (const auto& e : w.effects) effects[e.id] = {e.entity.text(), static_cast<int>(e.status)};
  }
};

std::string small_word() {
  return std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 6)));
}

/// Marks name deliveries that were committed before: nobody can know the number of another one.
write some_unit(const std::vector<std::int64_t>& committed) {
  write w;
  const int appends = *rc::gen::inRange(0, 3);
  for (int i = 0; i < appends; ++i) {
    std::vector<std::string> ids;
    const int n = *rc::gen::inRange(0, 3);
    for (int k = 0; k < n; ++k) ids.push_back(small_word() + small_word());
    w.appends.push_back(
        arriving(*rc::gen::arbitrary<std::string>(), ids, "plane:issue:" + small_word()));
  }
  const int others = *rc::gen::inRange(0, 4);
  for (int i = 0; i < others; ++i) {
    const std::string key = small_word();
    w.states.push_back(
        {key, *rc::gen::arbitrary<bool>() ? std::optional{small_word()} : std::nullopt});
    if (!committed.empty())
      w.marks.push_back({committed[*rc::gen::inRange<std::size_t>(0, committed.size())],
                         static_cast<delivery_status>(*rc::gen::inRange(0, 5)), "", 0});
    effect e;
    e.id = *rc::gen::inRange<std::int64_t>(1, 10);
    e.entity = entity_key{"plane:issue:" + small_word()};
    e.status = static_cast<effect_status>(*rc::gen::inRange(0, 6));
    w.effects.push_back(e);
  }
  return w;
}

void agree(store& s, const model& m) {
  const auto deliveries = must_read(s, [](reader& r) { return r.deliveries({}, {0, 10'000}); });
  RC_ASSERT(deliveries.size() == m.deliveries.size());
  auto at = m.deliveries.begin();
  std::size_t pending = 0;
  for (const auto& d : deliveries) {
    RC_ASSERT(d.seq == at->first);
    RC_ASSERT(*d.body == at->second.first);
    RC_ASSERT(static_cast<int>(d.status) == at->second.second);
    pending += at->second.second == 0 ? 1u : 0u;
    ++at;
  }
  RC_ASSERT(must_read(s, [](reader& r) { return r.pending({0, 10'000}); }).size() == pending);
  const auto states = must_read(s, [](reader& r) { return r.states(""); });
  RC_ASSERT((std::map<std::string, std::string>{states.begin(), states.end()} == m.states));
  const auto effects = must_read(s, [](reader& r) { return r.effects({}, {0, 10'000}); });
  RC_ASSERT(effects.size() == m.effects.size());
  for (const auto& e : effects) {
    RC_ASSERT(e.entity.text() == m.effects.at(e.id).first);
    RC_ASSERT(static_cast<int>(e.status) == m.effects.at(e.id).second);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(property)

BOOST_AUTO_TEST_CASE(random_writes_in_random_transactions_leave_what_the_model_says) {
  scratch_database db;
  auto s = db.open_inline();
  const bool held = rc::check("the store agrees with the model", [&] {
    db.script(
        "DELETE FROM deliveries; DELETE FROM bodies; DELETE FROM open_deliveries; DELETE FROM "
        "identities; DELETE FROM states; DELETE FROM effects;");
    model m;
    const int rounds = *rc::gen::inRange(1, 6);
    for (int round = 0; round < rounds; ++round) {
      const int in_one = *rc::gen::inRange(1, 5);
      std::vector<write> units;
      std::vector<std::int64_t> committed;
      for (const auto& [seq, d] : m.deliveries) committed.push_back(seq);
      std::vector<std::optional<written>> answers(static_cast<std::size_t>(in_one));
      // All drawn before the first is handed over: a generator may throw while a failure is shrunk.
      for (int i = 0; i < in_one; ++i) units.push_back(some_unit(committed));
      s->defer(true);
      for (std::size_t i = 0; i < units.size(); ++i)
        s->submit(units[i], [&answers, i](result<written> w) {
          if (w) answers[i] = std::move(*w);
        });
      s->run_waiting();
      for (std::size_t i = 0; i < units.size(); ++i) {
        RC_ASSERT(answers[i].has_value());
        m.apply(units[i], *answers[i]);
      }
    }
    agree(*s, m);
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
