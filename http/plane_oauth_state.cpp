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

using problem = oauth_state_problem;

/// Whatever its age. The signature is judged before anything is read out of it.
boost::system::result<oauth_state, problem> read_signed(std::string_view text, const secret& key) {
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
  const auto text_at = [&](const char* name) -> std::optional<std::string> {
    const auto* found = o->if_contains(name);
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return std::string{found->get_string()};
  };
  const auto flow = text_at("f"), nonce = text_at("n"), callers = text_at("s");
  const auto* ends = o->if_contains("e");
  if (!flow || !nonce || !callers || ends == nullptr || !ends->is_int64()) return problem::forged;
  oauth_state out;
  out.flow = *flow == "user"     ? oauth_flow::user
             : *flow == "person" ? oauth_flow::person
                                 : oauth_flow::bot;
  out.nonce = *nonce;
  out.ends = from_micros(ends->get_int64());
  out.callers = *callers;
  out.ticket = text_at("t").value_or("");
  out.browser = text_at("b").value_or("");
  // Without these two it would count for anybody.
  if (out.flow == oauth_flow::person && (out.ticket.empty() || out.browser.empty()))
    return problem::forged;
  return out;
}

}  // namespace

std::string_view to_string(oauth_flow f) noexcept {
  switch (f) {
    case oauth_flow::user:
      return "user";
    case oauth_flow::person:
      return "person";
    case oauth_flow::bot:
      break;
  }
  return "bot";
}

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
  json::object o{
      {"f", to_string(s.flow)}, {"n", s.nonce}, {"e", to_micros(s.ends)}, {"s", s.callers}};
  if (s.flow == oauth_flow::person) {
    o["t"] = s.ticket;
    o["b"] = s.browser;
  }
  const auto text = to_base64url(json::serialize(o));
  return text + "." + to_base64url(bytes_of(hmac_sha256(key.reveal(), text)));
}

boost::system::result<oauth_state, oauth_state_problem> read_oauth_state(std::string_view text,
                                                                         const secret& key,
                                                                         timestamp now) {
  auto out = read_signed(text, key);
  if (out && out->ends <= now) return problem::expired;
  return out;
}

std::optional<oauth_flow> flow_of_oauth_state(std::string_view text, const secret& key) {
  const auto out = read_signed(text, key);
  if (!out) return std::nullopt;
  return out->flow;
}

}  // namespace pb::http
