// http/lark_reception: takes what Feishu tells us, once it is known to be Feishu's, has it
// journaled and says what is answered (docs/contracts/lark.md, 1.5, 4.3, 4.6). One for the webhook
// and the long connection alike. Previews of links are answered from the store and not journaled.
// Wired by app/.
#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "http/inbox.hpp"
#include "http/webhook_outcome.hpp"
#include "protocol/lark/intake.hpp"

namespace pb::http {

/// Answers url.preview.get. Any thread.
class preview_source {
public:
  virtual ~preview_source() = default;
  /// `done` is called once, on any thread, within 300 ms whatever is away: Feishu waits 3 s and
  /// shows an error then. `json` is the whole answer; "{}": no preview.
  virtual void preview(const protocol::lark::preview_request& asked,
                       std::function<void(std::string json)> done) = 0;
};

struct lark_reception_options {
  std::string tenant = "default";
  /// On their way into the journal at once. What is taken shall be answered within 3 s, of more
  /// than this even a busy store could not promise it.
  std::size_t most_waiting = 1024;
  /// Whoever answers previews; empty: no previews. Outlived by nothing that asks it.
  std::shared_ptr<preview_source> previews;
  /// For metrics: a callback is answered, "click" or "preview". Any thread, must not block.
  std::function<void(std::string_view kind)> answered;
};

struct lark_answer {
  /// Durable, or nothing that has to be. False: to be sent again, where the sender does that.
  bool taken = true;
  /// What the sender is to be told, JSON. Of a click that could not be taken: a toast that says so,
  /// since clicks are never sent again.
  std::string json = "{}";
  bool callback = false;
};

/// Any thread. The inbox and the clock outlive it.
class lark_reception : public std::enable_shared_from_this<lark_reception> {
public:
  lark_reception(lark_reception_options options, inbox& deliveries, const clock_source& clock,
                 webhook_counter count = {});

  /// @param request  what the log calls it by: a request id, a frame's message id
  /// @param done     called once, after the commit, on any thread
  void take(protocol::lark::opened push, timestamp received_at, const std::string& request,
            std::function<void(lark_answer)> done);
  /// Rightly signed and not readable: a dead letter, and answered as if all were well.
  void take_unreadable(const std::string& raw, const failure& why, timestamp received_at,
                       const std::string& request, std::function<void(lark_answer)> done);

  void count(webhook_outcome o) const {
    if (count_) count_(o);
  }

private:
  struct arriving;
  void journal(arriving what, std::function<void(lark_answer)> done);
  std::shared_ptr<void> take_place();

  lark_reception_options options_;
  inbox& inbox_;
  const clock_source& clock_;
  webhook_counter count_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace pb::http
