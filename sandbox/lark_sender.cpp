#include "sandbox/lark_sender.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sandbox/sent_lines.hpp"

namespace pb::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::chrono::milliseconds, 4> pauses{15s, 5min, 1h, 6h};

// As the client shows them (contract 4.4).
constexpr int no_url = 200340, too_slow = 200341, unreachable = 200342, not_200 = 200671;

}  // namespace

struct lark_sender::impl : std::enable_shared_from_this<lark_sender::impl> {
  impl(lark& l, fault_set& f, http::transport& o, scheduler a, lark_sender_options opts, link other)
      : source(l),
        faults(f),
        out(o),
        after(std::move(a)),
        options(std::move(opts)),
        other_way(std::move(other)) {}

  void pump() {
    for (auto& p : source.take_due_pushes()) dispatch(std::move(p));
    const auto next = source.next_push_due();
    if (!next) return;
    if (!lines.arm(*next)) return;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - source.clock().now());
    after(std::max(0ms, wait), [self = shared_from_this()] {
      if (self->lines.disarm()) self->pump();
    });
  }

  void dispatch(lark_push p) {
    unsigned copies = 1;
    std::chrono::milliseconds later{0};
    for (const auto& f : faults.strike_webhook(p.type, p.about)) {
      if (f.kind == fault_kind::webhook_lost) {
        note(std::make_shared<sent_webhook>(line_of(p)), "lost", 0, "by a fault");
        source.unanswered(p, too_slow);
        return;
      }
      if (f.kind == fault_kind::webhook_duplicated) ++copies;
      if (f.kind == fault_kind::webhook_reordered)
        later += f.delay.count() == 0 ? 2'000ms : f.delay;
    }
    start(p, later);
    while (--copies > 0) start(source.repeated(p), later);
  }

  void start(lark_push p, std::chrono::milliseconds later) {
    auto line = std::make_shared<sent_webhook>(line_of(p));
    lines.begin();
    auto push = std::make_shared<lark_push>(std::move(p));
    if (later.count() == 0)
      attempt(std::move(push), std::move(line));
    else
      after(later, [self = shared_from_this(), push, line] { self->attempt(push, line); });
  }

  void attempt(std::shared_ptr<lark_push> p, std::shared_ptr<sent_webhook> line) {
    if (lines.stopped()) return;
    ++line->attempt;
    note(line, "sending", 0, "");
    auto done = [self = shared_from_this(), p, line](result<protocol::http_response> r) {
      self->finished(p, line, r);
    };
    // Old cards do not come over the long connection.
    if (other_way && !p->legacy) return other_way(*p, options.timeout, std::move(done));
    auto request = source.sealed(*p);
    request.url = line->url;
    if (request.url.empty()) {
      source.unanswered(*p, no_url);
      return close(line, "dropped", 0, "no request URL is set");
    }
    line->bytes = request.body.size();
    http::call_limits limits;
    limits.connect = std::min(options.timeout, std::chrono::milliseconds{2'000});
    limits.headers = options.timeout;
    limits.total = options.timeout;
    limits.response_bytes = 1u << 20;
    out.send(std::move(request), limits, std::move(done));
  }

  void finished(const std::shared_ptr<lark_push>& p, const std::shared_ptr<sent_webhook>& line,
                const result<protocol::http_response>& r) {
    if (lines.stopped()) return;
    const int status = r ? r->status : 0;
    const std::string why =
        r ? (status == 200 ? "" : "HTTP " + std::to_string(status)) : describe(r.error());
    if (status == 200) {
      if (p->kind == push_kind::callback) source.answered(*p, r->body);
      close(line, "delivered", status, "");
      return pump();  // the answer may have caused more
    }
    if (p->kind == push_kind::callback) {
      source.unanswered(*p, r                                       ? not_200
                            : r.error().code == errc::upstream_down ? unreachable
                                                                    : too_slow);
      return close(line, "given_up", status, why);
    }
    if (line->attempt > pauses.size())
      return close(line, "given_up", status, why + "; no more attempts");
    note(line, "waiting", status, why);
    const auto pause = pauses[line->attempt - 1];
    const std::chrono::milliseconds scaled{
        static_cast<std::int64_t>(static_cast<double>(pause.count()) * options.time_scale)};
    after(std::max(1ms, scaled), [self = shared_from_this(), p, line] { self->attempt(p, line); });
  }

  sent_webhook line_of(const lark_push& p) const {
    sent_webhook line;
    line.url = p.kind == push_kind::callback && !options.callback_url.empty() ? options.callback_url
                                                                              : options.event_url;
    line.event = p.type;
    line.object_id = p.about;
    line.bytes = p.body.size();
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

  lark& source;
  fault_set& faults;
  http::transport& out;
  scheduler after;
  lark_sender_options options;
  link other_way;
  sent_lines lines;
};

lark_sender::lark_sender(lark& l, fault_set& faults, http::transport& out, scheduler after,
                         lark_sender_options options, link other_way)
    : impl_(std::make_shared<impl>(l, faults, out, std::move(after), std::move(options),
                                   std::move(other_way))) {}

lark_sender::~lark_sender() { impl_->lines.stop(); }

void lark_sender::pump() { impl_->pump(); }

std::vector<sent_webhook> lark_sender::log() const { return impl_->lines.all(); }

std::size_t lark_sender::unfinished() const { return impl_->lines.unfinished(); }

}  // namespace pb::sandbox
