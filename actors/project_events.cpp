#include "actors/project_events.hpp"

#include "actors/front.hpp"
#include "actors/project_news.hpp"

namespace pb::actors {
namespace {

using delivery_ptr = std::shared_ptr<const persistence::delivery>;
constexpr std::size_t project_slice = 500;

void sweep_project(const context_ptr& ctx, const dispatcher_actor& self, const delivery_ptr& d,
                   const std::string& after) {
  ctx->store.read([ctx, self, d, after](result<persistence::reader*> r) {
    if (!r) return;  // stays pending; the sweep hands it out again
    auto rows = (*r)->entities_of(std::string{d->entity.id()}, after, project_slice);
    if (!rows) return;
    std::vector<persistence::delivery_append> gone;
    for (const auto& row : *rows)
      if (!row.tombstone)
        gone.push_back(
            own_delivery(*ctx, "plane", "plane.project_gone", "issue.project_gone", row.key, "{}",
                         "pg:" + std::to_string(d->seq) + ":" + std::string{row.key.id()}));
    const bool more = rows->size() == project_slice;
    const std::string last = rows->empty() ? "" : rows->back().key.text();
    journal_own(ctx, self, std::move(gone),
                [ctx, self, d, more, last](const result<std::size_t>& n) {
                  if (!n) return;
                  if (more) {
                    sweep_project(ctx, self, d, last);
                    return;
                  }
                  persistence::write unit;
                  unit.marks.push_back({d->seq, persistence::delivery_status::done,
                                        "applied: the project is gone, and its items with it", 0});
                  ctx->store.submit(std::move(unit), [](const auto&) {});
                });
  });
}

}  // namespace

void settle_project(const context_ptr& ctx, const dispatcher_actor& self, const delivery_ptr& d) {
  if (d->event == "project.created" && ctx->opt().lark_on) return tell_of_project(ctx, self, d);
  if (d->event != "project.deleted") {
    persistence::write unit;
    unit.marks.push_back({d->seq, persistence::delivery_status::done,
                          "applied: the project is read again with the next poll", 0});
    ctx->store.submit(std::move(unit), [](const auto&) {});
    return;
  }
  sweep_project(ctx, self, d, "");
}

}  // namespace pb::actors
