// actors/alarm_bell: where whoever notices trouble rings for the operators: the connectors, the
// pipelines, the watcher of Plane, Feishu's account. What is to be said (sync/alarm_ledger) goes to
// the chat that lark.alarm_chat names, by way of the journal. Trouble with calls to Feishu stays in
// the log: what says so could not be sent, and would come when it is over. Thread-safe; no CAF.
#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "sync/alarm_ledger.hpp"

namespace pb::actors {

class alarm_bell {
public:
  using teller = std::function<void(const std::string& chat, std::string text)>;
  /// Until then, and after an empty one, nothing is said. `tell` must not block.
  void connect(teller tell);
  /// Empty: nowhere. Another chat has heard nothing yet: what goes on is told there too.
  void tell_in(const std::string& chat);
  void raise(std::string_view what, std::string text, timestamp now);
  void clear(std::string_view what, std::string text, timestamp now);

private:
  template <class F>
  void ring(F judge);
  std::mutex lock_;
  sync::alarm_ledger ledger_;
  teller tell_;
  std::string chat_;
};

}  // namespace pb::actors
