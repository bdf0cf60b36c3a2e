#include "protocol/plane/me.hpp"

#include <boost/json.hpp>

#include "protocol/json_reader.hpp"
#include "protocol/plane/answers.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {
namespace {

constexpr std::string_view op_user = "plane.me";
constexpr std::size_t max_me_bytes = 1u << 20;

}  // namespace

http_request me_request(std::string_view base_url) {
  return {"GET",
          join_url(bare_base(base_url), {"api", "v1", "users", "me"}) + "/",
          {{"Accept", "application/json", false}},
          {}};
}

result<user_ref> parse_me(const http_response& answer) {
  if (answer.status != 200) return classify(answer, op_user);
  const auto body = parse_json(answer.body, max_me_bytes, errc::unexpected_answer, op_user);
  if (!body) return body.error();
  json_reader r{errc::unexpected_answer, op_user};
  const auto* o = body->if_object();
  if (o == nullptr) {
    r.fail("", "", "an object is due");
    return r.problem();
  }
  user_ref out;
  out.id = r.id(*o, "", "id", need::required);
  out.display_name = r.text(*o, "", "display_name");
  out.email = r.text(*o, "", "email");
  if (r.failed()) return r.problem();
  return out;
}

}  // namespace pb::protocol::plane
