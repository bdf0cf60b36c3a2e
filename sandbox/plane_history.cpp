// sandbox: what happens to Plane from outside its API: a restore from a backup, an item that moves
// to another project.
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {

struct plane::snapshot {
  table projects, states, labels, items, comments, links, activities, modules, cycles, relations,
      attachments;
  std::map<std::string, std::vector<std::string>> module_items, cycle_items;
  std::map<std::string, std::uint64_t> last_sequence;
  std::unordered_map<std::string, std::string> stripped;
  std::unordered_map<std::string, row> ever_listed;
};

std::shared_ptr<const plane::snapshot> plane::take_snapshot() const {
  const std::scoped_lock held{impl_->lock};
  const impl& i = *impl_;
  return std::make_shared<const snapshot>(
      snapshot{i.projects, i.states, i.labels, i.items, i.comments, i.links, i.activities,
               i.modules, i.cycles, i.relations, i.attachments, i.module_items, i.cycle_items,
               i.last_sequence, i.stripped, i.ever_listed});
}

void plane::restore(const snapshot& then) {
  const std::scoped_lock held{impl_->lock};
  impl& i = *impl_;
  i.projects = then.projects;
  i.states = then.states;
  i.labels = then.labels;
  i.items = then.items;
  i.comments = then.comments;
  i.links = then.links;
  i.activities = then.activities;
  i.modules = then.modules;
  i.cycles = then.cycles;
  i.relations = then.relations;
  i.attachments = then.attachments;
  i.module_items = then.module_items;
  i.cycle_items = then.cycle_items;
  i.last_sequence = then.last_sequence;
  i.stripped = then.stripped;
  i.ever_listed = then.ever_listed;
}

bool plane::move_item(std::string_view item_id, std::string_view project_id,
                      std::string_view by_user) {
  const std::scoped_lock held{impl_->lock};
  impl& i = *impl_;
  row* item = i.items.find(item_id);
  row* target = i.projects.find(project_id);
  row* user = i.users.find(by_user);
  if (item == nullptr || target == nullptr || user == nullptr ||
      text_of(*item, "project") == project_id)
    return false;
  call c;
  c.user = user;
  c.project = target;
  c.workspace = i.workspaces.find(text_of(*target, "workspace"));
  const auto former = item->at("project");
  i.forget_item(text_of(*item, "id"));  // modules and cycles belong to the former project
  i.items.regroup(*item, project_id);
  (*item)["sequence_id"] = ++i.last_sequence[std::string{project_id}];
  (*item)["labels"] = json::array{};
  (*item)["parent"] = nullptr;
  const auto& states = i.states.of(project_id);
  for (const row* s : states)
    if (true_in(*s, "default") || s == states.front()) (*item)["state"] = s->at("id");
  i.touch(*item, c);
  i.announce(c, "issue", "updated", item_id, {"project_id", former, project_id});
  return true;
}

}  // namespace pb::sandbox
