// actors/asking: calls and look-ups with a function that hears the end, for those who are no actor
// (facts, the mapping of people). No CAF message comes of it: the function runs on the thread where
// the end is known, and must not block.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/remotes.hpp"

namespace pb::actors {

/// Runs an exchange; `done` comes once in any case, as errc::crashed when the connector dies with
/// it and as key_missing when there is no such connector.
inline void ask_remote(const connector_port& port, exchange_ptr what, urgency how,
                       std::string on_behalf, timestamp now, std::function<void(performed)> done) {
  performed lost;
  lost.what = what;
  lost.started_at = now;
  lost.failed =
      failure{errc::crashed, "connector", "the connector crashed with this call in flight"};
  if (!port) {
    lost.failed = failure{errc::key_missing, "connector", "this integration is not configured"};
    return done(std::move(lost));
  }
  auto reply = std::make_shared<reply_once<performed>>(std::move(done), std::move(lost));
  caf::anon_send(port, perform{std::move(what), how, std::move(on_behalf), std::move(reply)});
}

/// The result of an exchange that ended well. Another type here is a bug, not an answer.
template <class T>
const T& as(const performed& p) {
  return dynamic_cast<const T&>(*p.what);
}

}  // namespace pb::actors
