#include "actors/front.hpp"

#include <boost/json.hpp>

#include "actors/edge.hpp"

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

class front_state {
public:
  static inline const char* name = "front";
  explicit front_state(front_actor::pointer self) : self_(self) {}

  front_actor::behavior_type start(context_ptr ctx, dispatcher_actor dispatcher,
                                   std::shared_ptr<probe> seen) {
    ctx_ = std::move(ctx);
    dispatcher_ = std::move(dispatcher);
    probe_ = std::move(seen);
    probe_->state("idle", ctx_->clock.now());
    return {[this](const accept_delivery& m) { on_accept(m); }};
  }

private:
  void on_accept(const accept_delivery& m) {
    probe_->queued(-1);
    probe_->handled();
    auto row = std::make_shared<persistence::delivery>(m.what->row);
    persistence::write unit;
    unit.appends.push_back(*m.what);
    // Runs on the store's thread after the commit: answer first, then hand over.
    ctx_->store.submit(std::move(unit), [ctx = ctx_, dispatcher = dispatcher_, row,
                                         reply = m.reply](result<persistence::written> w) {
      if (!w) {
        (*reply)(w.error());
        return;
      }
      const auto& a = w->appends.front();
      row->seq = a.seq;
      row->committed_at = ctx->clock.now();
      if (a.duplicate) {
        (*reply)(http::acceptance{http::accepted_as::duplicate, a.seq});
        announce(*ctx, *row, "duplicate");
        return;
      }
      const bool ignored = row->status == persistence::delivery_status::ignored;
      (*reply)(http::acceptance{ignored ? http::accepted_as::ignored : http::accepted_as::accepted,
                                a.seq});
      if (row->status == persistence::delivery_status::pending)
        caf::anon_send(dispatcher, delivery_journaled{row});
      announce(*ctx, *row, ignored ? "ignored" : "accepted");
    });
  }

  front_actor::pointer self_;
  context_ptr ctx_;
  dispatcher_actor dispatcher_;
  std::shared_ptr<probe> probe_;
};

front_actor::behavior_type front(front_actor::stateful_pointer<front_state> self, context_ptr ctx,
                                 dispatcher_actor dispatcher, std::shared_ptr<probe> seen) {
  install_exception_edge(self, "front");
  return self->state.start(std::move(ctx), std::move(dispatcher), std::move(seen));
}

}  // namespace

front_actor spawn_front(caf::actor_system& system, context_ptr ctx, dispatcher_actor dispatcher,
                        std::shared_ptr<probe> seen) {
  return system.spawn(front, std::move(ctx), std::move(dispatcher), std::move(seen));
}

void journal_own(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                 std::vector<persistence::delivery_append> deliveries,
                 std::function<void(result<std::size_t>)> done) {
  if (deliveries.empty()) {
    done(std::size_t{0});
    return;
  }
  auto rows = std::make_shared<std::vector<std::shared_ptr<persistence::delivery>>>();
  for (const auto& d : deliveries) rows->push_back(std::make_shared<persistence::delivery>(d.row));
  persistence::write unit;
  unit.appends = std::move(deliveries);
  ctx->store.submit(std::move(unit), [ctx, dispatcher, rows,
                                      done = std::move(done)](result<persistence::written> w) {
    if (!w) {
      done(w.error());
      return;
    }
    std::size_t fresh = 0;
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const auto& a = w->appends[i];
      auto& row = (*rows)[i];
      row->seq = a.seq;
      row->committed_at = ctx->clock.now();
      if (!a.duplicate) {
        ++fresh;
        caf::anon_send(dispatcher, delivery_journaled{row});
      }
      announce(*ctx, *row, a.duplicate ? "duplicate" : "accepted");
    }
    done(fresh);
  });
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
