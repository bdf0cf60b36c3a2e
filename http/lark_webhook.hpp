// http/lark_webhook: POST /webhooks/lark/events, /interactivity and /commands. Bounds the body,
// checks signature and token before anything else is believed, and answers after the commit, within
// the 3 s that Feishu waits (1 s for a challenge, which needs no store)
// (docs/contracts/lark.md, 1). All three take the same, so that an app may have one address or
// three. Feishu repeats events that got an error (15 s, 5 min, 1 h, 6 h): what nothing durable took
// is answered 503. Callbacks are never repeated: they get 200 and a toast that says so. Wired by
// app/.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "http/lark_reception.hpp"
#include "http/secret_list.hpp"
#include "http/server.hpp"

namespace pb::http {

struct lark_webhook_options {
  std::shared_ptr<secret_list> encrypt_keys;         ///< several while they rotate
  std::shared_ptr<secret_list> verification_tokens;  ///< likewise
  bool legacy_cards = false;                         ///< card.action.trigger_v1, signed with SHA-1
  /// Events come over the long connection. With a key or a token pushes are taken here as well: of
  /// the time before, and callbacks, which are a setting of their own in Feishu's console.
  bool long_connection = false;
};

void add_lark_webhook(server& to, lark_webhook_options options,
                      std::shared_ptr<lark_reception> reception);
/// The same as routes that are not added anywhere yet.
std::vector<route> lark_webhook_routes(lark_webhook_options options,
                                       std::shared_ptr<lark_reception> reception);

}  // namespace pb::http
