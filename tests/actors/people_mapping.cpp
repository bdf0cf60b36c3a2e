// Everybody mapped by e-mail at once: in batches as Feishu takes them, whole or not at all, and
// with the list of who is left.
#define BOOST_TEST_MODULE actors_people_mapping
#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "actors/people_mapping.hpp"
#include "facts_bench.hpp"

using namespace facts_bench;
namespace json = boost::json;

BOOST_FIXTURE_TEST_CASE(people_are_mapped_all_at_once_and_who_is_left_is_said, bench) {
  persistence::user_mapping_row known;
  known.open_id = "ou_other";
  known.plane_user = ben;
  known.changed_at = clock.now();
  write(known);
  answers["batch_get_id"] =
      ok(R"({"code":0,"data":{"user_list":[{"email":"ann@example.com","user_id":"ou_ann"}]}})");
  for (const bool dry : {true, false}) {
    std::optional<result<people_report>> end;
    map_people(sources(), dry, [&](result<people_report> r) { end = std::move(r); });
    run();
    BOOST_REQUIRE(end.has_value() && end->has_value());
    const auto& r = **end;
    BOOST_TEST(r.members == 3u);
    BOOST_TEST(r.known == 1u);
    BOOST_TEST(r.mapped == 1u);
    BOOST_REQUIRE(r.left.size() == 1u);
    BOOST_TEST(r.left.front().name == "Gus");
    BOOST_TEST(to_json(r).find("\"mapped\":1") != std::string::npos);
    BOOST_TEST(row("ou_ann").has_value() == !dry);
  }
  BOOST_TEST(row("ou_ann")->plane_user == ann);
  // Once more: all are known, nobody is asked for but who has an address.
  std::optional<result<people_report>> again;
  map_people(sources(), false, [&](result<people_report> r) { again = std::move(r); });
  run();
  BOOST_TEST((*again)->known == 2u);
  BOOST_TEST((*again)->mapped == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_mapping_of_people_that_fails_writes_nothing, bench) {
  answers["batch_get_id"] = {400, {}, R"({"code":99991672,"msg":"scope"})"};
  std::optional<result<people_report>> end;
  map_people(sources(), false, [&](result<people_report> r) { end = std::move(r); });
  run();
  BOOST_REQUIRE(end.has_value());
  BOOST_TEST(end->has_error());
  BOOST_TEST(!row("ou_ann").has_value());
}

namespace {

/// A company: member n of Plane has the address p<n>@example.com, if any; so has person ou_<n>.
struct company : bench {
  static constexpr int everybody = 320;
  std::vector<std::size_t> batches;  ///< addresses of each question, in order
  std::size_t fails_at = 0;          ///< this question is refused; 0: none
  std::set<int> strangers;           ///< nobody in Feishu has their address
  std::set<int> resigned;

  company() {
    std::string all;
    for (int n = 0; n < everybody; ++n)
      all += (n > 0 ? "," : "") + member(uuid(n), "Member " + std::to_string(n), address(n), 15);
    answers["/members/"] = ok("[" + all + "]");
    for (int n = 0; n < everybody; ++n)
      if (n % 10 == 7) strangers.insert(n);
    resigned = {11, 12};
    live = [this](const protocol::http_request& r) -> std::optional<http_response> {
      if (r.url.find("batch_get_id") == std::string::npos) return std::nullopt;
      const auto wanted = json::parse(r.body).at("emails").as_array();
      batches.push_back(wanted.size());
      if (batches.size() == fails_at)
        return http_response{400, {}, R"({"code":99991672,"msg":"scope"})"};
      json::array found;
      for (const auto& one : wanted) {
        const std::string email{one.as_string()};
        const auto n = std::stoi(email.substr(1));
        json::object person{{"email", email}};
        if (!strangers.contains(n)) person["user_id"] = "ou_" + std::to_string(n);
        if (resigned.contains(n)) person["status"] = json::object{{"is_resigned", true}};
        found.push_back(std::move(person));
      }
      std::reverse(found.begin(), found.end());  // in an order of Feishu's own
      return ok(json::serialize(
          json::object{{"code", 0}, {"data", json::object{{"user_list", std::move(found)}}}}));
    };
  }
  static std::string uuid(int n) {
    auto digits = std::to_string(n);
    return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
  }
  /// One in ten shows none; 100 and 101 share one, in another case.
  static std::string address(int n) {
    if (n % 10 == 3) return {};
    if (n == 101) return "P100@Example.com";
    return "p" + std::to_string(n) + "@example.com";
  }
  people_report map(bool dry = false) {
    std::optional<result<people_report>> end;
    map_people(sources(), dry, [&](result<people_report> r) { end = std::move(r); });
    run();
    BOOST_REQUIRE(end.has_value());
    failed = end->has_error();
    return failed ? people_report{} : **end;
  }
  bool failed = false;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(three_hundred_people_are_mapped_in_batches_of_fifty, company) {
  const auto r = map();
  // 32 have no address, 2 share one: 286 are asked for.
  BOOST_TEST(batches == (std::vector<std::size_t>{50, 50, 50, 50, 50, 36}),
             boost::test_tools::per_element());
  BOOST_TEST(r.members == 320u);
  BOOST_TEST(r.known == 0u);
  BOOST_TEST(r.mapped == 252u);
  BOOST_TEST(r.left.size() == 68u);
  std::map<std::string, std::size_t> why;
  std::set<std::string> names;
  for (const auto& m : r.left) {
    ++why[m.why];
    BOOST_TEST(names.insert(m.name).second, m.name << " is listed twice");
  }
  BOOST_TEST(why["Plane shows no e-mail address"] == 32u);
  BOOST_TEST(why["another member has the same e-mail address"] == 2u);
  BOOST_TEST(why["nobody in Feishu has this e-mail address, or the app may not see them"] == 32u);
  BOOST_TEST(why["has left in Feishu"] == 2u);
  // Everybody to themselves, the last batch too.
  for (const int n : {0, 49, 50, 150, 251, 318, 319}) {
    const auto kept = row("ou_" + std::to_string(n));
    BOOST_REQUIRE_MESSAGE(kept.has_value(), n);
    BOOST_TEST(kept->plane_user == uuid(n));
    BOOST_TEST(kept->name == "Member " + std::to_string(n));
  }
  for (const int n : {3, 7, 11, 12, 100, 101}) BOOST_TEST(!row("ou_" + std::to_string(n)));
}

BOOST_FIXTURE_TEST_CASE(who_was_left_is_mapped_by_a_later_run_and_nobody_else_is_asked_for,
                        company) {
  BOOST_TEST(map().mapped == 252u);
  batches.clear();
  strangers.clear();
  clock.advance(10min);
  const auto r = map();
  BOOST_TEST(batches == std::vector<std::size_t>{34u}, boost::test_tools::per_element());
  BOOST_TEST(r.known == 252u);
  BOOST_TEST(r.mapped == 32u);
  BOOST_TEST(r.left.size() == 36u);
  BOOST_TEST(row("ou_7")->plane_user == uuid(7));
}

BOOST_FIXTURE_TEST_CASE(a_batch_that_is_refused_maps_nobody_of_those_before_it, company) {
  fails_at = 4;
  (void)map();
  BOOST_TEST(failed);
  BOOST_TEST(batches.size() == 4u);
  for (const int n : {0, 1, 50, 319}) BOOST_TEST(!row("ou_" + std::to_string(n)));
  fails_at = 0;
  BOOST_TEST(map(true).mapped == 252u);
  BOOST_TEST(!row("ou_0"));
  BOOST_TEST(map().mapped == 252u);
  BOOST_TEST(row("ou_0").has_value());
}
