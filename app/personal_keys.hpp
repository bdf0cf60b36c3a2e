// app/personal_keys: asks Plane whose a person's own API key is, for the page where it is entered.
#pragma once
#include "config/settings.hpp"
#include "http/personal_key.hpp"
#include "http/transport.hpp"

namespace pb::app {

/// The transport outlives the checks. Without Plane's address each check fails with it named.
http::key_check key_check_at(const config::settings& s, http::transport& calls);

}  // namespace pb::app
