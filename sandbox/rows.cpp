#include "sandbox/rows.hpp"

#include <algorithm>

namespace pb::sandbox {

json::array list_of(const row& r, std::string_view column) {
  const json::value* v = r.if_contains(column);
  return v != nullptr && v->is_array() ? v->get_array() : json::array{};
}

bool list_has(const row& r, std::string_view column, std::string_view text) {
  const json::value* v = r.if_contains(column);
  if (v == nullptr || !v->is_array()) return false;
  const auto& items = v->get_array();
  return std::any_of(items.begin(), items.end(),
                     [&](const json::value& i) { return i.is_string() && i.get_string() == text; });
}

void list_remove(row& r, std::string_view column, std::string_view text) {
  json::array kept;
  for (const auto& item : list_of(r, column))
    if (!item.is_string() || item.get_string() != text) kept.push_back(item);
  r[column] = std::move(kept);
}

table::table(const table& from) : group_(from.group_) { *this = from; }

table& table::operator=(const table& from) {
  if (this == &from) return *this;
  group_ = from.group_;
  rows_ = from.rows_;
  places_ = from.places_;
  by_id_.clear();
  groups_.clear();
  for (const auto& [id, place] : places_) by_id_[id] = &rows_[place - 1];
  for (const auto& [name, rows] : from.groups_)
    for (const row* r : rows) groups_[name].push_back(by_id_.at(text_of(*r, "id")));
  return *this;
}

row& table::add(row r) {
  row& kept = rows_.emplace_back(std::move(r));
  by_id_[text_of(kept, "id")] = &kept;
  places_[text_of(kept, "id")] = rows_.size();
  groups_[text_of(kept, group_)].push_back(&kept);
  return kept;
}

row* table::find_any(std::string_view id) {
  const auto it = by_id_.find(std::string{id});
  return it == by_id_.end() ? nullptr : it->second;
}

std::size_t table::place(std::string_view id) const {
  const auto it = places_.find(std::string{id});
  return it == places_.end() ? 0 : it->second;
}

row* table::find(std::string_view id) {
  row* r = find_any(id);
  return r != nullptr && is_null(*r, "deleted_at") ? r : nullptr;
}

void table::remove(row& r, std::string_view when) {
  r["deleted_at"] = when;
  std::erase(groups_[text_of(r, group_)], &r);
}

void table::regroup(row& r, std::string_view group) {
  std::erase(groups_[text_of(r, group_)], &r);
  r[group_] = group;
  groups_[std::string{group}].push_back(&r);
}

const std::vector<row*>& table::of(std::string_view group) const {
  static const std::vector<row*> none;
  const auto it = groups_.find(std::string{group});
  return it == groups_.end() ? none : it->second;
}

}  // namespace pb::sandbox
