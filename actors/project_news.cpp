#include "actors/project_news.hpp"

#include "actors/delivery_forms.hpp"
#include "actors/front.hpp"
#include "sync/channel_options.hpp"
#include "sync/issue_chat.hpp"

namespace pb::actors {
namespace {

constexpr std::size_t channel_slice = 1'000, most_channels = 20'000;

}  // namespace

void tell_of_project(const context_ptr& ctx, const dispatcher_actor& self,
                     const std::shared_ptr<const persistence::delivery>& d) {
  ctx->store.read([ctx, self, d](result<persistence::reader*> r) {
    if (!r) return;  // stays pending; the sweep hands it out again
    std::vector<sync::channel_mapping> channels;
    std::string chat, of;
    for (std::size_t seen = 0; seen < most_channels; seen += channel_slice) {
      const auto rows = (*r)->all_channel_mappings(chat, of, channel_slice);
      if (!rows) return;
      for (const auto& row : *rows)
        if (auto m = sync::read_channel_mapping(row.chat, row.project, row.options);
            m && m->announce_projects)
          channels.push_back(std::move(*m));
      if (rows->size() < channel_slice) break;
      chat = rows->back().chat;
      of = rows->back().project;
    }
    const std::string id{d->entity.id()};
    protocol::plane::project project;
    if (const auto known = ctx->projects.find(id)) project = *known;
    project.id = id;
    sync::chat_setting setting;
    setting.app_url = ctx->opt().rendering.app_url;
    setting.workspace_slug = ctx->opt().rendering.workspace_slug;
    const auto by = author_in(*d);
    const auto plan = sync::announce_project(project, {by.id, by.name}, channels, setting);
    persistence::write unit;
    for (const auto& h : plan.hand_overs) {
      const std::string form{sync::form_of(h.what)};
      unit.appends.push_back(own_delivery(*ctx, "internal", form, form, h.to, sync::to_json(h.what),
                                          "project:" + id + ":" + std::string{h.to.id()}));
    }
    unit.marks.push_back(
        {d->seq, persistence::delivery_status::done,
         plan.rule.empty() ? "applied: no chat hears of new projects" : "applied: " + plan.rule,
         0});
    auto rows = own_rows(unit.appends);
    ctx->store.submit(std::move(unit), [ctx, self, rows](const result<persistence::written>& w) {
      hand_over_own(ctx, self, *rows, w);
    });
  });
}

}  // namespace pb::actors
