// The reading exchanges; the writing ones are in exchanges_write.cpp.
#include "protocol/plane/exchanges.hpp"

namespace pb::protocol::plane {
namespace {
constexpr std::string_view op_item = "plane.get_work_item";
constexpr std::string_view op_project = "plane.get_project";
constexpr std::string_view op_comment = "plane.get_comment";
constexpr std::string_view op_me = "plane.me";
constexpr std::string_view op_poll = "plane.poll_work_items";
constexpr std::string_view op_scan = "plane.scan_work_items";
constexpr std::string_view op_probe = "plane.probe_items_path";
constexpr std::uint32_t small_page = 100, large_page = 1000;

step reading_call(http_request r, std::string_view operation) {
  return call{std::move(r), std::string{operation}, true};
}
failure off_contract(std::string_view operation, std::string_view detail) {
  return {.code = errc::unexpected_answer,
          .where = std::string{operation},
          .detail = std::string{detail}};
}
}  // namespace

read_work_item::read_work_item(api a, std::string project, std::string id)
    : api_(std::move(a)), project_(std::move(project)), id_(std::move(id)) {}

step read_work_item::start() {
  asking_project_ = false;
  return reading_call(get_work_item(api_, project_, id_), op_item);
}

step read_work_item::on_response(const http_response& answer) {
  return asking_project_ ? on_project(answer) : on_item(answer);
}

step read_work_item::on_item(const http_response& answer) {
  if (answer.status == 200) {
    auto item = parse_work_item(answer.body, op_item);
    if (!item) return item.error();
    if (item->id != id_) return off_contract(op_item, "another work item than asked for");
    reading_ = std::move(*item);
    return finished{};
  }
  auto f = classify(answer, op_item);
  // On item routes a project that is foreign or does not exist answers 403, not 404.
  if (f.code == errc::forbidden) {
    reading_ = project_unreachable{answer.status, false};
    return finished{};
  }
  if (f.code != errc::not_found) return f;
  asking_project_ = true;
  return reading_call(get_project(api_, project_), op_project);
}

step read_work_item::on_project(const http_response& answer) {
  if (answer.status == 200) {
    const auto p = parse_object<plane::project>(answer.body, op_project);
    if (!p) return p.error();
    const bool open = p->archived_at.empty() && p->is_member;
    if (open)
      reading_ = item_gone{};
    else
      reading_ = project_unreachable{answer.status, !p->archived_at.empty()};
    return finished{};
  }
  auto f = classify(answer, op_project);
  if (f.code != errc::not_found && f.code != errc::forbidden) return f;
  reading_ = project_unreachable{answer.status, false};
  return finished{};
}

read_project::read_project(api a, std::string project)
    : api_(std::move(a)), project_(std::move(project)) {}

step read_project::start() { return reading_call(get_project(api_, project_), op_project); }

step read_project::on_response(const http_response& answer) {
  if (answer.status != 200) return classify(answer, op_project);
  auto p = parse_object<plane::project>(answer.body, op_project);
  if (!p) return p.error();
  if (p->id != project_) return off_contract(op_project, "another project than asked for");
  value_ = std::move(*p);
  return finished{};
}

step read_me::start() { return reading_call(get_me(api_), op_me); }

step read_me::on_response(const http_response& answer) {
  if (answer.status != 200) return classify(answer, op_me);
  auto m = parse_object<member>(answer.body, op_me);
  if (!m) return m.error();
  value_ = std::move(m->user);
  return finished{};
}

read_comment::read_comment(api a, std::string project, std::string item, std::string comment)
    : api_(std::move(a)),
      project_(std::move(project)),
      item_(std::move(item)),
      comment_(std::move(comment)) {}

step read_comment::start() {
  value_.reset();
  return reading_call(get_comment(api_, project_, item_, comment_), op_comment);
}

step read_comment::on_response(const http_response& answer) {
  if (answer.status == 200) {
    auto c = parse_object<comment>(answer.body, op_comment);
    if (!c) return c.error();
    if (c->id != comment_) return off_contract(op_comment, "another comment than asked for");
    value_ = std::move(*c);
    return finished{};
  }
  auto f = classify(answer, op_comment);
  if (f.code == errc::not_found) return finished{};
  return f;
}

using ids = std::vector<std::string>;

list_projects_all::list_projects_all(api a)
    : list_all(
          std::move(a), "plane.list_projects", {},
          [](const api& at, const ids&, const list_query& q) { return list_projects(at, q); }) {}
list_states_all::list_states_all(api a, std::string project)
    : list_all(std::move(a), "plane.list_states", {std::move(project)},
               [](const api& at, const ids& i, const list_query& q) {
                 return list_states(at, i[0], q);
               }) {}
list_labels_all::list_labels_all(api a, std::string project)
    : list_all(std::move(a), "plane.list_labels", {std::move(project)},
               [](const api& at, const ids& i, const list_query& q) {
                 return list_labels(at, i[0], q);
               }) {}
list_members_all::list_members_all(api a, std::string project)
    : list_all(std::move(a), "plane.list_members", {std::move(project)},
               [](const api& at, const ids& i, const list_query&) {
                 return i[0].empty() ? list_workspace_members(at) : list_project_members(at, i[0]);
               }) {}
list_comments_all::list_comments_all(api a, std::string project, std::string item)
    : list_all(std::move(a), "plane.list_comments", {std::move(project), std::move(item)},
               [](const api& at, const ids& i, const list_query& q) {
                 return list_comments(at, i[0], i[1], q);
               }) {}

poll_work_items::poll_work_items(api a, std::string project, timestamp watermark,
                                 std::size_t max_pages)
    : api_(std::move(a)),
      project_(std::move(project)),
      watermark_(watermark),
      newest_(watermark),
      max_pages_(max_pages) {}

step poll_work_items::start() {
  walker_ = page_walker{std::string{op_poll}, max_pages_};
  seen_.clear();
  changed_.clear();
  newest_ = watermark_;
  return ask({});
}

step poll_work_items::ask(std::string cursor) {
  list_query q;
  q.per_page = small_page;
  q.cursor = std::move(cursor);
  q.order_by = "-updated_at";
  q.fields = brief_fields;
  return reading_call(list_work_items(api_, project_, q), op_poll);
}

step poll_work_items::on_response(const http_response& answer) {
  if (answer.status != 200) return classify(answer, op_poll);
  auto p = parse_page<work_item_brief>(answer.body, op_poll);
  if (!p) return p.error();
  for (auto& one : p->results) {
    const auto at = parse_rfc3339(one.updated_at);
    if (!at) return off_contract(op_poll, "updated_at of an item is not a time");
    if (*at < watermark_) return finished{};
    newest_ = std::max(newest_, *at);
    // Offset paging: an edit while we page shows the last rows of a page once more.
    if (seen_.insert(one.id).second) changed_.push_back(std::move(one));
  }
  auto next = walker_.after(*p);
  if (!next) return next.error();
  if (next->empty()) return finished{};
  return ask(std::move(*next));
}

scan_work_items::scan_work_items(api a, std::string project)
    : api_(std::move(a)), project_(std::move(project)) {}

step scan_work_items::start() {
  walker_ = page_walker{std::string{op_scan}};
  cursor_.clear();
  found_.clear();
  total_ = 0;
  complete_ = false;
  return ask();
}

step scan_work_items::resume() { return complete_ ? step{finished{}} : ask(); }

step scan_work_items::ask() {
  list_query q;
  q.per_page = page_size_;
  q.cursor = cursor_;
  q.order_by = "created_at";  // rows that change do not move in this order
  q.fields = brief_fields;
  return reading_call(list_work_items(api_, project_, q), op_scan);
}

step scan_work_items::failed(failure f) {
  if (!first_error_) first_error_ = f;
  return f;
}

step scan_work_items::on_response(const http_response& answer) {
  // 1000 is the open edition's maximum, 100 the cloud's; the size must not change within a scan.
  if (answer.status == 400 && cursor_.empty() && page_size_ == large_page) {
    page_size_ = small_page;
    return ask();
  }
  if (answer.status != 200) return failed(classify(answer, op_scan));
  auto p = parse_page<work_item_brief>(answer.body, op_scan);
  if (!p) return failed(p.error());
  auto next = walker_.after(*p);
  if (!next) return failed(next.error());
  total_ = p->total;
  for (auto& one : p->results) found_.push_back(std::move(one));
  if (next->empty()) {
    complete_ = true;
    return finished{};
  }
  cursor_ = std::move(*next);
  return ask();
}

probe_items_path::probe_items_path(api a, std::string project)
    : api_(std::move(a)), project_(std::move(project)) {}

step probe_items_path::start() {
  api_.items_path = "work-items";
  return ask();
}

step probe_items_path::ask() {
  list_query q;
  q.per_page = 1;
  q.fields = "id";
  return reading_call(list_work_items(api_, project_, q), op_probe);
}

step probe_items_path::on_response(const http_response& answer) {
  if (answer.status == 200) return finished{};
  // A list answers 404 only when its route is unknown: a foreign project is 403.
  if (answer.status == 404 && api_.items_path == "work-items") {
    api_.items_path = "issues";
    return ask();
  }
  return classify(answer, op_probe);
}

}  // namespace pb::protocol::plane
