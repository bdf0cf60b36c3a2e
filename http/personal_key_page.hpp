// http/personal_key_page: what /connect/{token} says, in Chinese or English. Pure.
#pragma once
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace pb::http {

enum class connect_notice {
  form,           ///< nothing yet: the form
  not_a_key,      ///< with the form again
  unknown_key,    ///< likewise
  plane_is_away,  ///< likewise
  connected,
  no_ticket,  ///< used, too old, or never made
  busy,       ///< the same link is being used at this moment
  elsewhere,  ///< the form came from another site
  other_account,
  account_taken,
  key_missing,
  store_is_away,
  // On the way back from Plane: what helps is the bot's link once more.
  too_late,       ///< the state was used, or is too old
  other_browser,  ///< it was begun in another one
  denied,
  code_refused,  ///< by Plane: the code, or the app itself
  plane_fails,
  other_login,  ///< signed in to Plane as somebody else than they are mapped to
  not_mapped,
};

struct connect_facts {
  std::string feishu_name, plane_name;
  bool oauth = false;  ///< the page offers Plane's own way beside the form
};

/// "zh" or "en": the first of the two that Accept-Language prefers; English when it names neither.
std::string_view page_language(std::string_view accept_language) noexcept;
/// The page, with the status that fits and headers that keep it to itself.
response connect_page(const request& r, connect_notice n, const connect_facts& facts = {});

}  // namespace pb::http
