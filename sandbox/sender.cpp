#include "sandbox/sender.hpp"

#include <algorithm>
#include <utility>

#include "sandbox/sent_lines.hpp"

namespace pb::sandbox {
namespace {

protocol::http_request request_of(const webhook_delivery& d) {
  protocol::http_request r;
  r.method = "POST";
  r.url = d.url;
  for (const auto& h : d.headers)  // the transport writes these three itself
    if (h.name != "Host" && h.name != "Connection" && h.name != "Content-Length")
      r.headers.push_back(h);
  r.body = d.body;
  return r;
}

// A name that does not resolve and a URL that may not be called are dropped without a retry.
bool tried_again(const failure& f) {
  return f.code == errc::upstream_down || f.code == errc::timed_out || f.code == errc::tls;
}

}  // namespace

struct webhook_sender::impl : std::enable_shared_from_this<webhook_sender::impl> {
  impl(plane& p, fault_set& f, http::transport& o, scheduler a, sender_options opts)
      : source(p), faults(f), out(o), after(std::move(a)), options(opts) {}

  void pump() {
    for (auto& d : source.take_due_webhooks()) dispatch(std::move(d));
    const auto next = source.next_webhook_due();
    if (!next) return;
    if (!lines.arm(*next)) return;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - source.clock().now());
    after(std::max(std::chrono::milliseconds{0}, wait), [self = shared_from_this()] {
      if (self->lines.disarm()) self->pump();
    });
  }

  void dispatch(webhook_delivery d) {
    unsigned copies = 1;
    std::chrono::milliseconds later{0};
    for (const auto& f : faults.strike_webhook(d.event, d.action)) {
      if (f.kind == fault_kind::webhook_lost) {
        note(std::make_shared<sent_webhook>(line_of(d)), "lost", 0, "by a fault");
        return;
      }
      if (f.kind == fault_kind::webhook_duplicated) ++copies;
      if (f.kind == fault_kind::webhook_reordered)
        later += f.delay.count() == 0 ? std::chrono::milliseconds{2'000} : f.delay;
    }
    start(d, later);
    while (--copies > 0) start(source.renewed(d), later);
  }

  void start(webhook_delivery d, std::chrono::milliseconds later) {
    auto line = std::make_shared<sent_webhook>(line_of(d));
    lines.begin();
    auto delivery = std::make_shared<webhook_delivery>(std::move(d));
    if (later.count() == 0)
      attempt(std::move(delivery), std::move(line));
    else
      after(later, [self = shared_from_this(), delivery, line] { self->attempt(delivery, line); });
  }

  void attempt(std::shared_ptr<webhook_delivery> d, std::shared_ptr<sent_webhook> line) {
    if (lines.stopped()) return;
    ++line->attempt;
    note(line, "sending", 0, "");
    http::call_limits limits;
    limits.connect = options.timeout;
    limits.headers = options.timeout;
    limits.total = options.timeout * 2;
    limits.response_bytes = 1u << 20;
    out.send(request_of(*d), limits,
             [self = shared_from_this(), d, line](result<protocol::http_response> r) {
               self->finished(d, line, r);
             });
  }

  void finished(const std::shared_ptr<webhook_delivery>& d,
                const std::shared_ptr<sent_webhook>& line,
                const result<protocol::http_response>& r) {
    if (lines.stopped()) return;
    if (r || r.error().code == errc::too_large) {
      source.log_webhook(*d, r ? r->status : 200);
      return close(line, "delivered", r ? r->status : 200, "");
    }
    if (!tried_again(r.error())) return close(line, "dropped", 0, describe(r.error()));
    if (line->attempt >= options.attempts) {
      source.deactivate_webhook(d->webhook_id);
      return close(line, "given_up", 0, describe(r.error()) + "; the webhook is switched off");
    }
    if (!source.webhook_exists(d->webhook_id))
      return close(line, "dropped", 0, "the webhook was deleted");
    const double most = static_cast<double>(options.longest_pause.count()) * options.time_scale;
    const std::chrono::milliseconds pause{static_cast<std::int64_t>(source.unit_draw() * most)};
    note(line, "waiting", 0, describe(r.error()));
    after(pause, [self = shared_from_this(), d, line] {
      *d = self->source.renewed(std::move(*d));
      self->attempt(d, line);
    });
  }

  sent_webhook line_of(const webhook_delivery& d) const {
    sent_webhook line;
    line.url = d.url;
    line.event = d.event;
    line.action = d.action;
    line.field = d.field;
    line.object_id = d.object_id;
    line.bytes = d.body.size();
    return line;
  }

  void close(const std::shared_ptr<sent_webhook>& line, std::string state, int status,
             std::string detail) {
    note(line, std::move(state), status, std::move(detail));
    lines.end();
  }

  void note(const std::shared_ptr<sent_webhook>& line, std::string state, int status,
            std::string detail) {
    lines.note(*line, source.clock().now(), std::move(state), status, std::move(detail));
  }

  plane& source;
  fault_set& faults;
  http::transport& out;
  scheduler after;
  sender_options options;
  sent_lines lines;
};

webhook_sender::webhook_sender(plane& p, fault_set& faults, http::transport& out, scheduler after,
                               sender_options options)
    : impl_(std::make_shared<impl>(p, faults, out, std::move(after), options)) {}

webhook_sender::~webhook_sender() { impl_->lines.stop(); }

void webhook_sender::pump() { impl_->pump(); }

std::vector<sent_webhook> webhook_sender::log() const { return impl_->lines.all(); }

std::size_t webhook_sender::unfinished() const { return impl_->lines.unfinished(); }

}  // namespace pb::sandbox
