#include <algorithm>

#include "protocol/plane/exchanges.hpp"

namespace pb::protocol::plane {
namespace {
constexpr std::string_view op_create_item = "plane.create_work_item";
constexpr std::string_view op_find = "plane.find_by_external_id";
constexpr std::string_view op_existing = "plane.get_work_item";
constexpr std::string_view op_create_comment = "plane.create_comment";
constexpr std::string_view op_get_comment = "plane.get_comment";

std::vector<std::string> dropped(const item_fields& asked, const work_item& got) {
  std::vector<std::string> out;
  if (!asked.assignees) return out;
  for (const auto& id : *asked.assignees)
    if (std::none_of(got.assignees.begin(), got.assignees.end(),
                     [&](const user_ref& u) { return u.id == id; }))
      out.push_back(id);
  return out;
}
}  // namespace

create_item::create_item(api a, std::string project, item_fields fields, bool look_first)
    : api_(std::move(a)),
      project_(std::move(project)),
      fields_(std::move(fields)),
      look_first_(look_first) {}

bool create_item::has_pair() const noexcept {
  return fields_.external_id && fields_.external_source && !fields_.external_id->empty() &&
         !fields_.external_source->empty();
}

step create_item::start() {
  existed_ = false;
  dropped_.clear();
  if (look_first_ && has_pair()) {
    stage_ = stage::looking;
    return call{by_external_id(api_, project_, *fields_.external_source, *fields_.external_id),
                std::string{op_find}, true};
  }
  return post();
}

step create_item::post() {
  stage_ = stage::posting;
  look_first_ = true;  // begun anew, the first post may have been carried out
  auto request = create_work_item(api_, project_, fields_);
  if (!request) return request.error();
  return call{std::move(*request), std::string{op_create_item}, has_pair()};
}

step create_item::take(const http_response& answer, bool existed) {
  auto item = parse_work_item(answer.body, op_create_item);
  if (!item) return item.error();
  item_ = std::move(*item);
  existed_ = existed;
  if (!existed) dropped_ = dropped(fields_, item_);
  return finished{};
}

step create_item::on_response(const http_response& answer) {
  switch (stage_) {
    case stage::looking:
      if (answer.status == 200) return take(answer, true);
      if (answer.status == 404) return post();
      return classify(answer, op_find);
    case stage::posting: {
      if (answer.status == 201 || answer.status == 200) return take(answer, false);
      auto f = classify(answer, op_create_item);
      const auto conflict = conflict_of(answer, write_kind::creation);
      if (!conflict) return f;
      stage_ = stage::reading;
      return call{get_work_item(api_, project_, conflict->existing_id), std::string{op_existing},
                  true};
    }
    case stage::reading:
      if (answer.status == 200) return take(answer, true);
      auto f = classify(answer, op_existing);
      if (f.code == errc::not_found) {
        f.code = errc::conflict;
        f.where = op_create_item;
        f.detail =
            "the external id belongs to a work item that cannot be read: archived, or in "
            "the intake";
      }
      return f;
  }
  return failure{.code = errc::crashed, .where = std::string{op_create_item}, .detail = "no stage"};
}

create_item_comment::create_item_comment(api a, std::string project, std::string item,
                                         comment_fields fields)
    : api_(std::move(a)),
      project_(std::move(project)),
      item_(std::move(item)),
      fields_(std::move(fields)) {}

step create_item_comment::start() {
  reading_ = false;
  existed_ = false;
  const bool pair = !fields_.external_id.empty() && !fields_.external_source.empty();
  return call{create_comment(api_, project_, item_, fields_), std::string{op_create_comment}, pair};
}

step create_item_comment::on_response(const http_response& answer) {
  if (answer.status == (reading_ ? 200 : 201)) {
    auto c = parse_object<comment>(answer.body, reading_ ? op_get_comment : op_create_comment);
    if (!c) return c.error();
    value_ = std::move(*c);
    existed_ = reading_;
    return finished{};
  }
  auto f = classify(answer, reading_ ? op_get_comment : op_create_comment);
  const auto conflict = conflict_of(answer, write_kind::creation);
  if (reading_ || !conflict) return f;
  reading_ = true;
  return call{get_comment(api_, project_, item_, conflict->existing_id),
              std::string{op_get_comment}, true};
}

}  // namespace pb::protocol::plane
