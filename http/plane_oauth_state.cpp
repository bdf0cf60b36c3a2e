#include "http/plane_oauth_state.hpp"

#include <boost/json.hpp>

#include "base/digest.hpp"

namespace pb::http {
namespace json = boost::json;
namespace {

constexpr std::size_t max_state_bytes = 4096;
constexpr std::size_t nonce_bytes = 16;

std::string_view bytes_of(const sha256_digest& d) {
  return {reinterpret_cast<const char*>(d.data()), d.size()};
}

}  // namespace

std::string_view to_string(oauth_flow f) noexcept { return f == oauth_flow::user ? "user" : "bot"; }

secret oauth_state_key(const secret& encryption_key) {
  const auto key = hmac_sha256(encryption_key.reveal(), "planebridge: state of Plane's OAuth, 1");
  return secret{std::string{bytes_of(key)}};
}

std::string make_oauth_nonce(random_source& random) {
  std::array<unsigned char, nonce_bytes> bytes{};
  random.fill(bytes);
  return to_hex(bytes);
}

std::string write_oauth_state(const oauth_state& s, const secret& key) {
  const auto text = to_base64url(json::serialize(json::object{
      {"f", to_string(s.flow)}, {"n", s.nonce}, {"e", to_micros(s.ends)}, {"s", s.callers}}));
  return text + "." + to_base64url(bytes_of(hmac_sha256(key.reveal(), text)));
}

boost::system::result<oauth_state, oauth_state_problem> read_oauth_state(std::string_view text,
                                                                         const secret& key,
                                                                         timestamp now) {
  using problem = oauth_state_problem;
  if (text.empty()) return problem::missing;
  const auto dot = text.find('.');
  if (text.size() > max_state_bytes || dot == std::string_view::npos) return problem::forged;
  const auto signature = from_base64url(text.substr(dot + 1));
  const auto due = hmac_sha256(key.reveal(), text.substr(0, dot));
  if (!signature || !constant_time_equal(*signature, bytes_of(due))) return problem::forged;

  // From here on it is our own writing; what does not read is still no reason to throw.
  const auto body = from_base64url(text.substr(0, dot));
  boost::system::error_code ec;
  const auto v = body ? json::parse(*body, ec) : json::value{};
  const auto* o = v.if_object();
  if (ec || o == nullptr) return problem::forged;
  const auto* flow = o->if_contains("f");
  const auto* nonce = o->if_contains("n");
  const auto* ends = o->if_contains("e");
  const auto* callers = o->if_contains("s");
  if (flow == nullptr || !flow->is_string() || nonce == nullptr || !nonce->is_string() ||
      ends == nullptr || !ends->is_int64() || callers == nullptr || !callers->is_string())
    return problem::forged;
  oauth_state out;
  out.flow = flow->get_string() == "user" ? oauth_flow::user : oauth_flow::bot;
  out.nonce = std::string{nonce->get_string()};
  out.ends = from_micros(ends->get_int64());
  out.callers = std::string{callers->get_string()};
  if (out.ends <= now) return problem::expired;
  return out;
}

}  // namespace pb::http
