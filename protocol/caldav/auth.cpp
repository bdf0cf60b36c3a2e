#include "protocol/caldav/auth.hpp"

#include <array>
#include <cstdio>

#include "base/ascii.hpp"
#include "base/digest.hpp"
#include "protocol/caldav/href.hpp"

namespace pb::protocol::caldav {
namespace {
constexpr std::size_t header_limit = 16 * 1024;
constexpr std::size_t challenge_limit = 16;
constexpr std::size_t param_limit = 32;

class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
  [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  void skip(std::string_view any) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(any), rest_.size()));
  }
  void skip_to(char c) { rest_.remove_prefix(std::min(rest_.find(c), rest_.size())); }
  bool take(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    std::size_t n = 0;
    while (n < rest_.size() && is_token_char(rest_[n])) ++n;
    const auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  std::string value() {
    if (!take('"')) return std::string{token()};
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    take('"');
    return out;
  }

private:
  std::string_view rest_;
};

struct algorithm_name {
  std::string_view word;
  digest_algorithm algorithm;
};
/// Strongest first.
constexpr std::array<algorithm_name, 4> algorithms{{{"sha-256", digest_algorithm::sha256},
                                                    {"sha-256-sess", digest_algorithm::sha256_sess},
                                                    {"md5", digest_algorithm::md5},
                                                    {"md5-sess", digest_algorithm::md5_sess}}};

/// Rank in `algorithms`; its size for what we cannot do. No word means MD5.
std::size_t rank_of(std::string_view word) {
  const auto lower = word.empty() ? std::string{"md5"} : lower_case(word);
  for (std::size_t i = 0; i < algorithms.size(); ++i)
    if (algorithms[i].word == lower) return i;
  return algorithms.size();
}

bool lists(std::string_view words, std::string_view wanted) {
  scanner in{words};
  while (!in.done()) {
    in.skip(" \t,");
    const auto word = in.token();
    if (word.empty()) return false;
    if (iequals(word, wanted)) return true;
  }
  return false;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) out += c;
  }
  return out + "\"";
}

std::string nc_text(std::uint32_t nc) {
  std::array<char, 16> out{};
  const int size = std::snprintf(out.data(), out.size(), "%08x", nc);
  return {out.data(), static_cast<std::size_t>(size)};
}

std::string sent_authorization(const http_request& sent) {
  for (const auto& h : sent.headers)
    if (iequals(h.name, "Authorization")) return h.value;
  return {};
}
}  // namespace

std::string auth_challenge::param(std::string_view name) const {
  for (const auto& [key, value] : params)
    if (key == name) return value;
  return {};
}

std::vector<auth_challenge> parse_challenges(std::string_view header) {
  std::vector<auth_challenge> out;
  if (header.size() > header_limit) return out;
  scanner in{header};
  while (!in.done() && out.size() <= challenge_limit) {
    in.skip(" \t,");
    const auto word = in.token();
    if (word.empty()) {
      in.skip_to(',');  // not ours to read: "token68" forms and worse
      continue;
    }
    in.skip(" \t");
    if (in.peek() != '=') {
      if (out.size() == challenge_limit) break;
      out.push_back({lower_case(word), {}});
      continue;
    }
    in.take('=');
    in.skip(" \t");
    auto value = in.value();
    if (out.empty() || out.back().params.size() >= param_limit) continue;
    out.back().params.emplace_back(lower_case(word), std::move(value));
  }
  return out;
}

std::vector<auth_challenge> challenges_of(const http_response& answer) {
  std::vector<auth_challenge> out;
  for (const auto& h : answer.headers) {
    if (!iequals(h.name, "WWW-Authenticate") || out.size() >= challenge_limit) continue;
    for (auto& c : parse_challenges(h.value)) out.push_back(std::move(c));
  }
  return out;
}

std::string digest_response(const digest_input& in, const secret& password) {
  const bool sha =
      in.algorithm == digest_algorithm::sha256 || in.algorithm == digest_algorithm::sha256_sess;
  const bool session =
      in.algorithm == digest_algorithm::md5_sess || in.algorithm == digest_algorithm::sha256_sess;
  const auto hash = [sha](const std::string& text) {
    return sha ? sha256_hex(text) : md5_hex(text);
  };
  auto ha1 = hash(in.username + ":" + in.realm + ":" + password.reveal());
  if (session) ha1 = hash(ha1 + ":" + in.nonce + ":" + in.cnonce);
  const auto ha2 = hash(in.method + ":" + in.uri);
  if (!in.qop_auth) return hash(ha1 + ":" + in.nonce + ":" + ha2);
  return hash(ha1 + ":" + in.nonce + ":" + nc_text(in.nc) + ":" + in.cnonce + ":auth:" + ha2);
}

std::string request_target(std::string_view url) { return split_url(url).target; }

std::string authenticator::digest_header(const http_request& request, std::string_view cnonce) {
  digest_input in;
  in.algorithm = digest_.algorithm;
  in.username = options_.username;
  in.realm = digest_.realm;
  in.nonce = digest_.nonce;
  in.method = request.method;
  in.uri = request_target(request.url);
  in.cnonce = cnonce;
  in.nc = ++digest_.used;
  in.qop_auth = digest_.qop_auth;
  const bool session =
      in.algorithm == digest_algorithm::md5_sess || in.algorithm == digest_algorithm::sha256_sess;
  auto out = "Digest username=" + quoted(in.username) + ", realm=" + quoted(in.realm) +
             ", nonce=" + quoted(in.nonce) + ", uri=" + quoted(in.uri);
  if (in.qop_auth || session) out += ", cnonce=" + quoted(in.cnonce);
  if (in.qop_auth) out += ", nc=" + nc_text(in.nc) + ", qop=auth";
  out += ", response=\"" + digest_response(in, options_.password) + "\"";
  if (!digest_.algorithm_word.empty()) out += ", algorithm=" + digest_.algorithm_word;
  if (digest_.has_opaque) out += ", opaque=" + quoted(digest_.opaque);
  return out;
}

void authenticator::authorize(http_request& request, std::string_view cnonce) {
  std::erase_if(request.headers, [](const auto& h) { return iequals(h.name, "Authorization"); });
  if (options_.username.empty()) return;
  // Over plain http the server is asked first, so that Digest is used where it is offered.
  if (scheme_ == scheme::none && basic_usable() &&
      (options_.https || options_.preference == auth_preference::basic))
    scheme_ = scheme::basic;
  if (scheme_ == scheme::basic)
    request.headers.push_back(
        {"Authorization",
         "Basic " + to_base64(options_.username + ":" + options_.password.reveal()), true});
  else if (scheme_ == scheme::digest)
    request.headers.push_back({"Authorization", digest_header(request, cnonce), true});
}

bool authenticator::adopt(const std::vector<auth_challenge>& offered, bool without_basic) {
  const auth_challenge* digest = nullptr;
  bool basic = false;
  for (const auto& c : offered) {
    if (c.scheme == "basic") basic = basic_usable() && !without_basic;
    if (c.scheme != "digest" || options_.preference == auth_preference::basic) continue;
    const auto qop = c.param("qop");
    const auto rank = rank_of(c.param("algorithm"));
    if (rank == algorithms.size() || c.param("nonce").empty() ||
        (!qop.empty() && !lists(qop, "auth")))
      continue;
    if (digest == nullptr || rank < rank_of(digest->param("algorithm"))) digest = &c;
  }
  if (basic && (options_.https || digest == nullptr)) {
    scheme_ = scheme::basic;
    return true;
  }
  if (digest == nullptr) return false;
  digest_ = {};
  digest_.realm = digest->param("realm");
  digest_.nonce = digest->param("nonce");
  digest_.opaque = digest->param("opaque");
  digest_.has_opaque = !digest_.opaque.empty();
  digest_.algorithm_word = digest->param("algorithm");
  digest_.algorithm = algorithms[rank_of(digest_.algorithm_word)].algorithm;
  digest_.qop_auth = !digest->param("qop").empty();
  scheme_ = scheme::digest;
  return true;
}

bool authenticator::challenge(const http_request& sent, const http_response& answer) {
  if (answer.status != 401 || options_.username.empty()) return false;
  const auto offered = challenges_of(answer);
  const auto authorization = sent_authorization(sent);
  if (authorization.empty()) {
    if (scheme_ != scheme::none) return true;  // another request was challenged meanwhile
    return adopt(offered, false);
  }
  if (authorization.starts_with("Basic ")) {
    if (scheme_ == scheme::digest) return true;  // another request has moved on to Digest
    return adopt(offered, true);  // refused as Basic: only Digest is worth another try
  }
  const auto answered = parse_challenges(authorization);
  if (answered.empty()) return false;
  if (scheme_ == scheme::digest && answered.front().param("nonce") != digest_.nonce)
    return true;  // another request has brought a newer nonce
  bool stale = false;
  for (const auto& c : offered) stale = stale || iequals(c.param("stale"), "true");
  // A nonce that worked before and is refused now without "stale" comes from a server that has
  // forgotten it (restart). The first use of a nonce has no such excuse: wrong password.
  const bool reused = answered.front().param("nc") != "00000001" && digest_.qop_auth;
  if (!stale && !reused) return false;
  return adopt(offered, false);
}

}  // namespace pb::protocol::caldav
