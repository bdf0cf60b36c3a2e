// What a step of an exchange must be, as the tests of the exchanges ask for it.
#pragma once
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/exchange.hpp"

namespace exchange_steps {
using pb::protocol::call;
using pb::protocol::finished;
using pb::protocol::http_response;
using pb::protocol::step;

inline http_response answer(int status, std::string body = {}) {
  return {status, {}, std::move(body)};
}
inline call calls(const step& s) {
  if (const auto* why = std::get_if<pb::failure>(&s)) BOOST_FAIL(pb::describe(*why));
  BOOST_REQUIRE(std::holds_alternative<call>(s));
  return std::get<call>(s);
}
inline void ends(const step& s) {
  if (const auto* why = std::get_if<pb::failure>(&s)) BOOST_FAIL(pb::describe(*why));
  BOOST_REQUIRE(std::holds_alternative<finished>(s));
}
inline pb::failure fails(const step& s) {
  BOOST_REQUIRE(std::holds_alternative<pb::failure>(s));
  return std::get<pb::failure>(s);
}
inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace exchange_steps
