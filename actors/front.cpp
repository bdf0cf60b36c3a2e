#include "actors/front.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"

namespace pb::actors {
namespace {

void announce(const context& c, const persistence::delivery& d, std::string_view how) {
  auto& ctx = const_cast<context&>(c);
  ctx.figures.delivery_journaled(how == "duplicate", d.source);
  if (!ctx.bus.listened()) return;
  boost::json::object o{{"seq", d.seq},
                        {"source", d.source},
                        {"form", d.form},
                        {"event", d.event},
                        {"entity", d.entity.text()},
                        {"status", how},
                        {"reason", d.reason},
                        {"bytes", d.body ? static_cast<std::int64_t>(d.body->size()) : 0}};
  ctx.bus.publish("delivery", boost::json::serialize(o));
}

/// The answer to its commit was lost: perhaps journaled all the same, and then what follows must
/// not overtake it. Without a number, the dispatcher looks.
void in_doubt(const context_ptr& ctx, const dispatcher_actor& dispatcher,
              const std::shared_ptr<persistence::delivery>& row) {
  if (row->entity.empty()) return;
  row->seq = 0;
  hand_over(ctx, dispatcher, row);
}

failure not_taken(errc code, std::string why) {
  return {code, "front", std::move(why), "", 0, "", {}};
}

/// The spool may answer a sender while the database is still busy with the delivery: the first of
/// two threads answers.
struct one_answer {
  std::function<void(result<http::acceptance>)> to;
  std::atomic<bool> given{false};
};

}  // namespace

void hand_over(const context_ptr& ctx, const dispatcher_actor& dispatcher,
               std::shared_ptr<const persistence::delivery> row) {
  if (ctx->journaled.put(std::move(row))) caf::anon_send(dispatcher, deliveries_journaled{});
}

front::front(context_ptr ctx, dispatcher_actor dispatcher)
    : ctx_(std::move(ctx)),
      dispatcher_(std::move(dispatcher)),
      probe_(ctx_->probes.add("front", "front", "planebridge")) {
  probe_->state("idle", ctx_->clock.now());
}

void front::accept(persistence::delivery_append verified,
                   std::function<void(result<http::acceptance>)> done) {
  if (closed_) return done(not_taken(errc::storage, "shutting down"));
  auto row = std::make_shared<persistence::delivery>(verified.row);
  persistence::write unit;
  verified.row.said.reset();  // the store has no use for it
  unit.appends.push_back(std::move(verified));
  unit.may_spool = true;
  probe_->queued(1);
  const auto sender = std::make_shared<one_answer>();
  sender->to = std::move(done);
  try {
    // Runs on the store's thread after the commit: answer first, then hand over.
    ctx_->store.submit(
        std::move(unit), [self = shared_from_this(), row, sender](result<persistence::written> w) {
          const auto answer = [&](result<http::acceptance> how) {
            if (sender->given.exchange(true)) return;
            self->probe_->queued(-1);
            sender->to(std::move(how));
          };
          if (!w) {
            if (row->source == "plane" && !sender->given)
              self->ctx_->gaps.webhook_turned_away(self->ctx_->clock.now());
            if (w.error().code == errc::timed_out) in_doubt(self->ctx_, self->dispatcher_, row);
            return answer(w.error());
          }
          self->probe_->handled();
          const auto& a = w->appends.front();
          const bool ignored = row->status == persistence::delivery_status::ignored;
          if (a.spooled)  // handed over once it is in the journal: journaled_later()
            return answer(http::acceptance{
                ignored ? http::accepted_as::ignored : http::accepted_as::accepted, 0, true});
          row->seq = a.seq;
          row->committed_at = self->ctx_->clock.now();
          if (self->ctx_->journaled.congested()) row->said.reset();
          answer(http::acceptance{a.duplicate ? http::accepted_as::duplicate
                                  : ignored   ? http::accepted_as::ignored
                                              : http::accepted_as::accepted,
                                  a.seq});
          if (!a.duplicate && row->status == persistence::delivery_status::pending)
            hand_over(self->ctx_, self->dispatcher_, row);
          announce(*self->ctx_, *row, a.duplicate ? "duplicate" : ignored ? "ignored" : "accepted");
        });
  } catch (const std::exception& e) {
    probe_->queued(-1);
    probe_->failed();
    log::error("a delivery could not be handed to the store", {log::kv("failure", e.what())});
    sender->to(not_taken(errc::crashed, e.what()));
  }
}

void journaled_later(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                     const std::shared_ptr<persistence::delivery>& row, bool duplicate) {
  row->committed_at = ctx->clock.now();
  if (!duplicate && row->status == persistence::delivery_status::pending)
    hand_over(ctx, dispatcher, row);
  announce(*ctx, *row,
           duplicate                                              ? "duplicate"
           : row->status == persistence::delivery_status::ignored ? "ignored"
                                                                  : "accepted");
}

void journal_own(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                 std::vector<persistence::delivery_append> deliveries,
                 std::function<void(result<std::size_t>)> done) {
  if (deliveries.empty()) {
    done(std::size_t{0});
    return;
  }
  auto rows = own_rows(deliveries);
  persistence::write unit;
  unit.appends = std::move(deliveries);
  ctx->store.submit(std::move(unit), [ctx, dispatcher, rows, done = std::move(done)](
                                         const result<persistence::written>& w) {
    const auto fresh = hand_over_own(ctx, dispatcher, *rows, w);
    if (!w)
      done(w.error());
    else
      done(fresh);
  });
}

std::shared_ptr<own_deliveries> own_rows(const std::vector<persistence::delivery_append>& appends) {
  auto rows = std::make_shared<own_deliveries>();
  for (const auto& d : appends) rows->push_back(std::make_shared<persistence::delivery>(d.row));
  return rows;
}

std::size_t hand_over_own(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                          own_deliveries& rows, const result<persistence::written>& answer) {
  if (!answer) {
    if (answer.error().code == errc::timed_out)
      for (const auto& row : rows) in_doubt(ctx, dispatcher, row);
    return 0;
  }
  std::size_t fresh = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& a = answer->appends[i];
    auto& row = rows[i];
    row->seq = a.seq;
    row->committed_at = ctx->clock.now();
    if (!a.duplicate) {
      ++fresh;
      hand_over(ctx, dispatcher, row);
    }
    announce(*ctx, *row, a.duplicate ? "duplicate" : "accepted");
  }
  return fresh;
}

persistence::delivery_append own_delivery(const context& ctx, std::string source, std::string form,
                                          std::string event, entity_key entity, std::string body,
                                          std::string identity) {
  persistence::delivery_append a;
  a.row.tenant = "default";
  a.row.source = std::move(source);
  a.row.form = std::move(form);
  a.row.event = std::move(event);
  a.row.entity = std::move(entity);
  a.row.body = std::make_shared<const std::string>(std::move(body));
  a.row.received_at = ctx.clock.now();
  a.identities.push_back(std::move(identity));
  return a;
}

}  // namespace pb::actors
