#include "app/feed.hpp"

#include "protocol/caldav/feed.hpp"

namespace pb::app {
namespace {

constexpr std::size_t page = 1'000;
constexpr std::size_t feed_limit = 20'000;  ///< events; a feed beyond it is cut, oldest keys first

result<std::string> build(const actors::context& ctx, persistence::reader& r,
                          const std::string& filter) {
  std::string parent;
  std::string name = "Plane";
  if (!filter.empty()) {
    for (const auto& p : ctx.projects.all())
      if (p.id == filter || p.identifier == filter) {
        parent = p.id;
        name = p.name;
      }
    if (parent.empty())
      return failure{errc::not_found, "calendar_feed", "no such project", "", 0, "", {}};
  }
  std::vector<protocol::caldav::event_values> events;
  std::string after;
  while (true) {
    auto rows = r.entities_of(parent, after, page);
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
      if (row.key.kind() != "issue") continue;
      auto known = sync::parse_item_knowledge(row.known);
      const auto& rules = ctx.opt().calendar;
      if (!known || !sync::wants_event(*known, rules) || sync::undecided(*known, rules)) continue;
      events.push_back(sync::render_event(*known, ctx.projects.find(known->project),
                                          ctx.opt().rendering, ctx.opt().calendar));
    }
    if (rows->size() < page || events.size() >= feed_limit) break;
    after = rows->back().key.text();
  }
  return protocol::caldav::build_feed(name, events);
}

}  // namespace

http::calendar_body feed_from_store(actors::context_ptr ctx) {
  return [ctx](const std::string& filter, std::function<void(result<std::string>)> done) {
    ctx->store.read([ctx, filter, done = std::move(done)](result<persistence::reader*> r) {
      if (!r)
        done(r.error());
      else
        done(build(*ctx, **r, filter));
    });
  };
}

}  // namespace pb::app
