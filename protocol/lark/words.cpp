#include "protocol/lark/words.hpp"

namespace pb::protocol::lark {
namespace {
struct both {
  std::string_view en, zh;
};
both of(word w) noexcept {
  switch (w) {
    case word::state:
      return {"State", "状态"};
    case word::priority:
      return {"Priority", "优先级"};
    case word::assignees:
      return {"Assignees", "负责人"};
    case word::start_date:
      return {"Start date", "开始日期"};
    case word::due_date:
      return {"Due date", "截止日期"};
    case word::labels:
      return {"Labels", "标签"};
    case word::name:
      return {"Name", "名称"};
    case word::description:
      return {"Description", "描述"};
    case word::link:
      return {"Link", "链接"};
    case word::attachment:
      return {"Attachment", "附件"};
    case word::cycle:
      return {"Cycle", "周期"};
    case word::module:
      return {"Module", "模块"};
    case word::estimate:
      return {"Estimate", "估算"};
    case word::parent:
      return {"Parent", "父工作项"};
    case word::nobody:
      return {"Nobody", "无人"};
    case word::none:
      return {"None", "无"};
    case word::change_state:
      return {"Change state", "更改状态"};
    case word::change_priority:
      return {"Change priority", "更改优先级"};
    case word::assign_to:
      return {"Assign to", "指派给"};
    case word::set_due_date:
      return {"Set due date", "设置截止日期"};
    case word::clear_due_date:
      return {"Clear due date", "清除截止日期"};
    case word::write_comment:
      return {"Write a comment; it goes to Plane", "写评论，提交后同步到 Plane"};
    case word::send_comment:
      return {"Comment", "评论"};
    case word::open_in_plane:
      return {"Open in Plane", "在 Plane 中打开"};
    case word::new_item:
      return {"New work item", "新建工作项"};
    case word::new_project:
      return {"New project", "新建项目"};
    case word::deleted:
      return {"Deleted", "已删除"};
    case word::archived:
      return {"Archived", "已归档"};
    case word::restored:
      return {"Restored", "已恢复"};
    case word::someone:
      return {"Someone", "有人"};
    case word::everybody:
      return {"everybody", "所有人"};
    case word::image:
      return {"image", "图片"};
    case word::file:
      return {"file", "文件"};
    case word::work_item:
      return {"work item", "工作项"};
    case word::internal:
      return {"internal", "内部"};
    case word::not_shown:
      return {"not shown", "未能显示"};
    case word::more_lines:
      return {"… more in Plane", "…… 其余内容请在 Plane 中查看"};
    case word::changed:
      return {"changed", "更新了"};
    case word::edited_comment:
      return {"edited a comment", "编辑了评论"};
    case word::deleted_comment:
      return {"deleted a comment", "删除了评论"};
    case word::created:
      return {"added", "添加"};
    case word::removed:
      return {"removed", "移除"};
    case word::saving:
      return {"Saving…", "正在保存…"};
    case word::not_understood:
      return {"This card is out of date. Write /link for a new one.",
              "此卡片已失效，请发送 /link 获取新卡片。"};
    case word::colon:
      return {": ", "："};
    case word::comma:
      return {", ", "、"};
  }
  return {};
}
both of(plane::priority p) noexcept {
  switch (p) {
    case plane::priority::none:
      return {"None", "无"};
    case plane::priority::low:
      return {"Low", "低"};
    case plane::priority::medium:
      return {"Medium", "中"};
    case plane::priority::high:
      return {"High", "高"};
    case plane::priority::urgent:
      return {"Urgent", "紧急"};
  }
  return {};
}
}  // namespace

language language_of(std::string_view tag) noexcept {
  return tag.size() >= 2 && (tag[0] == 'z' || tag[0] == 'Z') && (tag[1] == 'h' || tag[1] == 'H')
             ? language::zh
             : language::en;
}

std::string_view to_string(language l) noexcept { return l == language::zh ? "zh" : "en"; }

std::string_view say(word w, language l) noexcept {
  const auto words = of(w);
  return l == language::zh ? words.zh : words.en;
}

std::string_view priority_name(plane::priority p, language l) noexcept {
  const auto words = of(p);
  return l == language::zh ? words.zh : words.en;
}

}  // namespace pb::protocol::lark
