#include "http/lark_reception.hpp"

#include <utility>

#include "base/digest.hpp"
#include "base/log.hpp"

namespace pb::http {
namespace {

namespace lark = protocol::lark;
using persistence::delivery_append;
using persistence::delivery_status;

}  // namespace

struct lark_reception::arriving {
  delivery_append append;
  webhook_outcome outcome = webhook_outcome::accepted;
  std::string answer, request;
  bool callback = false;
};

lark_reception::lark_reception(lark_reception_options options, inbox& deliveries,
                               const clock_source& clock, webhook_counter count)
    : options_(std::move(options)), inbox_(deliveries), clock_(clock), count_(std::move(count)) {}

void lark_reception::take(lark::opened push, timestamp received_at, const std::string& request,
                          std::function<void(lark_answer)> done) {
  auto in = lark::take_in(push.what, std::move(push.body));
  if (in.what == lark::intake::use::challenge) {
    count(webhook_outcome::challenge);
    log::info("lark asked whether this address is ours", {log::kv("request", request)});
    return done({true, std::move(in.answer), true});
  }
  if (in.what == lark::intake::use::preview) {
    count(webhook_outcome::preview);
    const auto* asked = std::get_if<lark::preview_request>(&push.what.what);
    if (!options_.previews || asked == nullptr) return done({true, std::move(in.answer), true});
    return options_.previews->preview(
        *asked, [done = std::move(done), answered = options_.answered](std::string json) {
          done({true, std::move(json), true});
          if (answered) answered("preview");
        });
  }
  arriving a;
  auto& row = a.append.row;
  row.tenant = options_.tenant;
  row.source = "lark";
  row.form = lark::event_form;
  row.event = std::move(in.event);
  row.entity = std::move(in.entity);
  row.received_at = received_at == timestamp{} ? clock_.now() : received_at;
  row.remote_id = push.what.id;
  row.body = std::make_shared<const std::string>(std::move(in.body));
  a.append.identities = std::move(in.identities);
  if (in.what == lark::intake::use::ignore) {
    row.status = delivery_status::ignored;
    row.reason = std::move(in.reason);
    a.outcome = webhook_outcome::ignored;
  }
  a.answer = std::move(in.answer);
  a.callback = in.callback;
  a.request = request;
  if (a.callback && options_.answered)
    done = [done = std::move(done), answered = options_.answered](lark_answer said) {
      done(std::move(said));
      answered("click");
    };
  journal(std::move(a), std::move(done));
}

void lark_reception::take_unreadable(const std::string& raw, const failure& why,
                                     timestamp received_at, const std::string& request,
                                     std::function<void(lark_answer)> done) {
  arriving a;
  auto& row = a.append.row;
  row.tenant = options_.tenant;
  row.source = "lark";
  row.form = lark::event_form;
  row.event = "unreadable";
  row.received_at = received_at == timestamp{} ? clock_.now() : received_at;
  row.status = delivery_status::dead;
  row.reason = describe(why);
  row.body = std::make_shared<const std::string>(raw);
  const auto hash = sha256(raw);
  a.append.identities.push_back(
      "b:" + std::string{reinterpret_cast<const char*>(hash.data()), hash.size()});
  a.outcome = webhook_outcome::dead;
  a.answer = "{}";
  a.request = request;
  journal(std::move(a), std::move(done));
}

void lark_reception::journal(arriving what, std::function<void(lark_answer)> done) {
  // A click is never sent again: who clicked is told that it came to nothing.
  const auto refuse = [callback = what.callback](const std::function<void(lark_answer)>& to) {
    to({false, callback ? lark::refused_toast() : std::string{"{}"}, callback});
  };
  // Given back when the last step of the delivery lets go of it, however it ends.
  auto place = take_place();
  if (!place) {
    count(webhook_outcome::busy);
    return refuse(done);
  }
  auto facts = std::make_shared<const arriving>(arriving{{what.append.row, {}},
                                                         what.outcome,
                                                         std::move(what.answer),
                                                         std::move(what.request),
                                                         what.callback});
  inbox_.accept(std::move(what.append), [self = shared_from_this(), place = std::move(place), facts,
                                         refuse,
                                         done = std::move(done)](const result<acceptance>& taken) {
    const auto& row = facts->append.row;
    if (!taken) {
      self->count(webhook_outcome::storage);
      log::error("lark delivery could not be stored",
                 {log::kv("event", row.event), log::kv("entity", row.entity),
                  log::kv("delivery", row.remote_id), log::kv("error", taken.error()),
                  log::kv("request", facts->request)});
      return refuse(done);
    }
    const auto how =
        taken->as == accepted_as::duplicate ? webhook_outcome::duplicate : facts->outcome;
    self->count(how);
    log::info("lark delivery", {log::kv("status", to_string(how)), log::kv("event", row.event),
                                log::kv("entity", row.entity), log::kv("delivery", row.remote_id),
                                log::kv("reason", row.reason), log::kv("request", facts->request)});
    done({true, facts->answer, facts->callback});
  });
}

std::shared_ptr<void> lark_reception::take_place() {
  if (waiting_.fetch_add(1) >= options_.most_waiting) {
    --waiting_;
    return nullptr;
  }
  return {this, [self = shared_from_this()](void*) { --self->waiting_; }};
}

}  // namespace pb::http
