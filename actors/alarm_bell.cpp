#include "actors/alarm_bell.hpp"

#include <utility>

namespace pb::actors {

void alarm_bell::connect(teller tell) {
  const std::lock_guard hold{lock_};
  tell_ = std::move(tell);
}

void alarm_bell::tell_in(const std::string& chat) {
  const std::lock_guard hold{lock_};
  if (chat == chat_) return;
  chat_ = chat;
  ledger_ = {};
}

void alarm_bell::raise(std::string_view what, std::string text, timestamp now) {
  ring([&] { return ledger_.raise(what, std::move(text), now); });
}
void alarm_bell::clear(std::string_view what, std::string text, timestamp now) {
  ring([&] { return ledger_.clear(what, std::move(text), now); });
}

template <class F>
void alarm_bell::ring(F judge) {
  teller tell;
  std::string chat;
  std::optional<std::string> said;
  {
    const std::lock_guard hold{lock_};
    if (!tell_ || chat_.empty()) return;
    said = judge();
    tell = tell_;
    chat = chat_;
  }
  if (said) tell(chat, std::move(*said));
}

}  // namespace pb::actors
