// http/plane_oauth_page: what the OAuth endpoints say, to a person as a small page and to a
// program as JSON. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace pb::http {

struct oauth_refusal {
  int status = 400;
  std::string code;     ///< stable word for programs
  std::string message;  ///< one sentence, no secret
  std::string remedy;   ///< what to do now
  std::string callers;  ///< the caller's state, when the state was ours; may be empty
};

/// What was stored; every value is shown.
struct oauth_summary {
  std::string flow, credential, installation_id, workspace_id, workspace_slug, workspace_name;
  std::string user_id, scope, expires_at, callers;
};

bool wants_json(const request& r);
response refusal_response(const request& r, const oauth_refusal& why);
response summary_response(const request& r, const oauth_summary& what);
response oauth_key_missing(const request& r, std::string_view entry);
/// Five characters become entities; nothing of a remote or a caller is written without it.

}  // namespace pb::http
