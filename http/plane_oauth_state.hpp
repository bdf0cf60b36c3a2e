// http/plane_oauth_state: the `state` that goes to Plane and comes back: signed, so that nobody
// else can make one; with an end, and a nonce that counts once; carrying the caller's own state, or
// the one-time link of the person who connects and the browser they began in. Pure but for the
// randomness it is given. Used by plane_oauth and personal_oauth only.
#pragma once
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

namespace pb::http {

enum class oauth_flow : std::uint8_t {
  bot,
  user,
  person,  ///< of the one-time page (http/personal_key)
};
std::string_view to_string(oauth_flow f) noexcept;

struct oauth_state {
  oauth_flow flow = oauth_flow::bot;
  std::string nonce;
  timestamp ends{};
  std::string callers;    ///< the caller's own state; may be empty
  std::string ticket{};   ///< person: SHA-256 of the one-time link's token, in hex
  std::string browser{};  ///< person: SHA-256 of the cookie, in hex; nobody else's answer counts
};

inline constexpr std::chrono::minutes oauth_state_life{10};
inline constexpr std::size_t max_callers_state_bytes = 1024;
/// Of the code that a browser brings back.
inline constexpr std::size_t max_code_bytes = 2048;

/// A key of its own, so that a signature made here means nothing elsewhere.
secret oauth_state_key(const secret& encryption_key);

std::string make_oauth_nonce(random_source& random);
/// Safe in a query without further encoding.
std::string write_oauth_state(const oauth_state& s, const secret& key);

enum class oauth_state_problem : std::uint8_t { missing, forged, expired };
/// The signature is judged before anything is read out of it.
boost::system::result<oauth_state, oauth_state_problem> read_oauth_state(std::string_view text,
                                                                         const secret& key,
                                                                         timestamp now);
/// Whose flow a state of ours belongs to, whether or not it has expired.
std::optional<oauth_flow> flow_of_oauth_state(std::string_view text, const secret& key);

}  // namespace pb::http
