#define BOOST_TEST_MODULE http_admin_auth
#include "http/admin_auth.hpp"

#include <boost/test/unit_test.hpp>

#include "ask.hpp"

using namespace pb;
using namespace pb::http;

namespace {

request with(const std::string& authorization) {
  request r;
  r.id = "req-1";
  if (!authorization.empty()) r.headers.push_back({"Authorization", authorization, true});
  return r;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_configured_token_is_accepted) {
  const admin_auth auth{secret_list::list{secret{"older"}, secret{"newer"}}};
  for (const auto* token : {"Bearer older", "bearer newer", "BEARER  newer "})
    BOOST_TEST(!auth.refusal(with(token)).has_value());
}

BOOST_AUTO_TEST_CASE(a_wrong_or_missing_token_is_unauthorized_and_challenged) {
  const admin_auth auth{secret_list::list{secret{"sesame"}}};
  for (const auto* given : {"", "Bearer", "Bearer ", "Bearer sesam", "Bearer sesame1",
                            "Basic sesame", "sesame", "Bearer wrong"}) {
    const auto refused = auth.refusal(with(given));
    BOOST_TEST_CONTEXT(given) {
      BOOST_REQUIRE(refused.has_value());
      BOOST_TEST(refused->status == 401);
      BOOST_TEST(ask::code_of(*refused) == "UNAUTHORIZED");
      BOOST_TEST(ask::header(*refused, "WWW-Authenticate").starts_with("Bearer"));
      BOOST_TEST(refused->body.find("sesam") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_configured_token_the_answer_names_the_entry) {
  for (const auto& tokens : {secret_list::list{}, secret_list::list{secret{""}}}) {
    const admin_auth auth{tokens};
    for (const auto* given : {"", "Bearer ", "Bearer x"}) {
      const auto refused = auth.refusal(with(given));
      BOOST_REQUIRE(refused.has_value());
      BOOST_TEST(refused->status == 503);
      const auto error = ask::json_of(*refused).at("error");
      BOOST_TEST(ask::text(error, "code") == "KEY_MISSING");
      BOOST_TEST(ask::text(error.at("details"), "entry") == "security.admin_token");
      BOOST_TEST(ask::text(error.at("details"), "variable") == "ADMIN_TOKEN");
      BOOST_TEST(ask::text(error.at("details"), "ssot_ref") == "docs/secrets.md#admin-token");
      BOOST_TEST(ask::text(error, "request_id") == "req-1");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_reload_changes_what_is_accepted_by_copies_too) {
  const auto live = std::make_shared<secret_list>(secret_list::list{secret{"before"}});
  const admin_auth auth{live};
  const auto copy = auth;
  BOOST_TEST(copy.accepts(with("Bearer before")));
  live->set({secret{"after"}});
  BOOST_TEST(!copy.accepts(with("Bearer before")));
  BOOST_TEST(copy.accepts(with("Bearer after")));
}
