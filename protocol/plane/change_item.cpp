#include "protocol/plane/change_item.hpp"

#include <algorithm>

#include "protocol/plane/answers.hpp"
#include "protocol/plane/parse.hpp"

namespace pb::protocol::plane {
namespace {

constexpr std::string_view op_read = "plane.get_work_item";
constexpr std::string_view op_write = "plane.update_work_item";

template <class T>
std::vector<std::string> ids_of(const std::vector<T>& refs) {
  std::vector<std::string> out;
  for (const auto& r : refs) out.push_back(r.id);
  return out;
}
bool has(const std::vector<std::string>& list, const std::string& id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}
bool sets_anything(const item_fields& f) {
  return f.name || f.description_html || f.state || f.prio || f.assignees || f.labels || f.parent ||
         f.start_date || f.target_date || f.external_id || !f.extra.empty();
}

template <class T>
bool name_all(std::vector<T>& refs, const std::vector<T>& known) {
  bool all = true;
  for (auto& r : refs) {
    const auto it =
        std::find_if(known.begin(), known.end(), [&](const T& k) { return k.id == r.id; });
    if (it != known.end())
      r = *it;
    else
      all = false;
  }
  return all;
}

}  // namespace

bool take_names(work_item& item, const item_names& names) {
  std::vector<state_ref> state;
  if (item.state) state.push_back(*item.state);
  bool all = name_all(state, names.states);
  if (item.state) item.state = state.front();
  all = name_all(item.labels, names.labels) && all;
  return name_all(item.assignees, names.people) && all;
}

change_item::change_item(api a, std::string project, std::string id, item_change change,
                         item_names names)
    : api_(std::move(a)),
      project_(std::move(project)),
      id_(std::move(id)),
      change_(std::move(change)),
      names_(std::move(names)) {}

step change_item::start() {
  dropped_.clear();
  assigned_before_.clear();
  const bool sets = !change_.labels_added.empty() || !change_.labels_removed.empty() ||
                    (change_.set.assignees && !change_.set.assignees->empty());
  if (!sets) return write(change_.set);
  stage_ = stage::reading;
  return call{get_work_item(api_, project_, id_, ""), std::string{op_read}, true};
}

step change_item::write(item_fields fields) {
  auto request = update_work_item(api_, project_, id_, fields);
  if (!request) return request.error();
  stage_ = stage::writing;
  return call{std::move(*request), std::string{op_write}, true};
}

step change_item::on_before(const http_response& answer) {
  if (answer.status != 200) return classify(answer, op_read);
  auto before = parse_work_item(answer.body, op_read);
  if (!before) return before.error();
  assigned_before_ = ids_of(before->assignees);
  const auto labels_before = ids_of(before->labels);
  auto labels = change_.set.labels.value_or(labels_before);
  std::erase_if(labels, [this](const auto& l) {
    return has(change_.labels_removed, l) && !has(change_.labels_added, l);
  });
  for (const auto& l : change_.labels_added)
    if (!has(labels, l)) labels.push_back(l);
  item_fields fields = change_.set;
  fields.labels.reset();
  if (labels != labels_before) fields.labels = std::move(labels);
  if (sets_anything(fields)) return write(std::move(fields));
  item_ = std::move(*before);
  return conclude();
}

step change_item::on_written(const http_response& answer) {
  if (answer.status != 200) {
    auto f = classify(answer, op_write);
    if (f.code == errc::conflict)
      f.remedy = "another work item of the project has this external id; Plane does not say which";
    return f;
  }
  auto item = parse_work_item(answer.body, op_write);
  if (!item) return item.error();
  item_ = std::move(*item);
  const auto assigned = ids_of(item_.assignees);
  if (stage_ == stage::writing && change_.set.assignees)
    for (const auto& id : *change_.set.assignees)
      if (!has(assigned, id)) dropped_.push_back(id);
  // Who was asked for in vain must not cost those who were there their work.
  if (stage_ == stage::writing && !dropped_.empty() && assigned != assigned_before_) {
    item_fields back;
    back.assignees = assigned_before_;
    auto request = update_work_item(api_, project_, id_, back);
    if (!request) return request.error();
    stage_ = stage::restoring;
    return call{std::move(*request), std::string{op_write}, true};
  }
  return conclude();
}

step change_item::conclude() {
  if (take_names(item_, names_)) return finished{};
  stage_ = stage::naming;
  return call{get_work_item(api_, project_, id_), std::string{op_read}, true};
}

step change_item::on_response(const http_response& answer) {
  switch (stage_) {
    case stage::reading:
      return on_before(answer);
    case stage::writing:
    case stage::restoring:
      return on_written(answer);
    case stage::naming: {
      if (answer.status != 200) return classify(answer, op_read);
      auto item = parse_work_item(answer.body, op_read);
      if (!item) return item.error();
      item_ = std::move(*item);
      return finished{};
    }
  }
  return failure{.code = errc::crashed, .where = std::string{op_write}, .detail = "no stage"};
}

}  // namespace pb::protocol::plane
