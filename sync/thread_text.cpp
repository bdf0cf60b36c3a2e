#include "sync/thread_text.hpp"

#include <array>

namespace pb::sync {
namespace {

struct both {
  std::string_view zh, en;
};

/// In the order of `phrase`.
constexpr std::array<both, phrase_count> phrases{{
    {"已绑定 {0}。这里的话题与该工作项保持同步，发送 /帮助 查看命令。",
     "Bound to {0}. This conversation and the work item now follow each other; /help lists the "
     "commands."},
    {"已改为绑定 {0}，原来绑定的是 {1}。", "Bound to {0} now; it was bound to {1} before."},
    {"这里已经绑定了 {0}。", "This conversation is already bound to {0}."},
    {"已解除与 {0} 的绑定。", "No longer bound to {0}."},
    {"这里还没有绑定工作项。发送 /绑定 加 Plane 工作项链接即可绑定。",
     "This conversation is not bound to a work item. Send /bind with the link of one."},
    {"“{0}” 不是这个 Plane 的工作项链接，也不是 WEB-42 这样的编号。",
     "\"{0}\" is neither a link to a work item of this Plane nor a number such as WEB-42."},
    {"这个链接属于工作区 “{0}”，不是本机器人连接的工作区。",
     "This link belongs to workspace \"{0}\", which is not the one I am connected to."},
    {"这是{0}的链接，请使用工作项的链接。",
     "This is a link to a {0}. Use the link of a work item."},
    {"找不到工作项 {0}：可能已删除、已归档，或编号有误。",
     "There is no work item {0}: it may be deleted or archived, or the number is wrong."},
    {"工作项 {0} 已归档，请先在 Plane 中恢复。",
     "Work item {0} is archived. Restore it in Plane first."},
    {"我没有权限查看 {0}。请在 Plane 中把集成账号加入该项目。",
     "I may not see {0}. Add the integration's account to its project in Plane."},
    {"现在无法读取 {0}，请稍后再试。", "{0} cannot be read at the moment. Try again later."},
    {"工作项 {0} 已在 Plane 中删除。", "Work item {0} was deleted in Plane."},
    {"你的飞书账号还没有对应到 Plane 成员。请私聊我发送 /连接，或请管理员添加用户映射。",
     "Your account here is not mapped to a member of Plane. Send me /connect in private, or ask an "
     "administrator to add the mapping."},
    {"你不是项目 {0} 的成员（访客除外）。请项目管理员在 Plane 中添加你。",
     "You are not a member of project {0} (guests do not count). Ask one of its admins to add you "
     "in Plane."},
    {"本群不允许显示项目 {0} 的内容。请管理员先把项目映射到本群。",
     "Project {0} may not be shown in this chat. An administrator has to map it to this chat "
     "first."},
    {"本群有外部成员，不允许显示项目 {0} 的内容。请管理员在映射中允许外部群。",
     "This chat has external members, so project {0} may not be shown here. An administrator can "
     "allow it in the mapping."},
    {"暂时无法核实权限，请稍后再试。",
     "Your permission cannot be checked at the moment. Try again later."},
    {"没有状态 “{0}”。可选：{1}。", "There is no state \"{0}\". There are: {1}."},
    {"没有状态 “{0}”。你是指 “{1}” 吗？", "There is no state \"{0}\". Did you mean \"{1}\"?"},
    {"没有标签 “{0}”。请先在 Plane 项目中创建。",
     "There is no label \"{0}\". Create it in the project in Plane first."},
    {"没有标签 “{0}”。你是指 “{1}” 吗？", "There is no label \"{0}\". Did you mean \"{1}\"?"},
    {"项目中没有成员 “{0}”。请用 @ 指定。",
     "The project has no member \"{0}\". Mention the person with @."},
    {"项目中没有成员 “{0}”。你是指 “{1}” 吗？",
     "The project has no member \"{0}\". Did you mean \"{1}\"?"},
    {"{0} 的飞书账号还没有对应到 Plane 成员，无法指派。",
     "{0} is not mapped to a member of Plane and cannot be assigned."},
    {"{0} 不是项目 {1} 的成员，无法指派。",
     "{0} is not a member of project {1} and cannot be assigned."},
    {"{0} 已经是这样，无需更改。", "{0} is like that already; nothing to change."},
    {"截止日期不能早于开始日期 {0}。", "The due date cannot be before the start date, {0}."},
    {"这张卡片已经过期，这是新的。", "That card was too old to change; here is a new one."},
    {"请指明项目，例如：/新建 标题 in {0}", "Say which project: /new title in {0}"},
    {"没有项目 “{0}”。", "There is no project \"{0}\"."},
    {"没有项目 “{0}”。你是指 {1} 吗？", "There is no project \"{0}\". Did you mean {1}?"},
    {"已创建 {0}：{1}", "Created {0}: {1}"},
    {"同步已开启：这里的每条回复都会成为评论，这里也会收到评论和变更。",
     "Sync is on: every reply here becomes a comment, and comments and changes are told here."},
    {"同步已关闭：命令仍可使用。", "Sync is off. Commands still work."},
    {"只同步评论：这里的每条回复都会成为评论，变更不再发到这里。",
     "Only comments are synced: every reply here becomes one, and changes are not told here."},
    {"只有 /评论 的内容会成为评论；这里会收到评论和变更。",
     "Only what you send with /comment becomes a comment; comments and changes are told here."},
    {"这里会收到：{0}。成为评论的是：{1}。可选：/同步 开、关、评论、命令。",
     "This conversation gets: {0}. What becomes a comment: {1}. Choose with /sync on, off, "
     "comments or commands."},
    {"这里的同步已关闭，发送 /同步 开 后再评论。",
     "Sync is off here. Send /sync on before commenting."},
    {"好的，变更时不再 @ 你。", "Done: changes will not mention you any more."},
    {"好的，变更时会 @ 你。", "Done: changes will mention you."},
    {"免打扰时段 {0}–{1}：期间的变更之后一并发送。",
     "Quiet from {0} to {1}: changes in that time are told together afterwards."},
    {"已取消免打扰时段。", "Quiet hours are off."},
    {"链接已私聊发给你。", "I have sent you the link in private."},
    {"你的飞书账号还没有对应到 Plane 成员，请先请管理员添加用户映射，再连接个人账号。",
     "Your account here is not mapped to a member of Plane. Ask an administrator to add the "
     "mapping, then connect your own account."},
    {"打开这个一次性链接，连接你的 Plane 账号，之后的评论将以你的名义发表：{0}",
     "Open this one-time link and connect your Plane account; from then on you write as "
     "yourself: {0}"},
    {"Plane 不再接受你的个人密钥或授权（可能已过期或被撤销），你的评论和修改现在由机器人代为写入。"
     "请打开这个一次性链接重新连接；链接过期后发送 /连接 获取新链接：{0}",
     "Plane no longer takes your personal API key, or what you agreed to there (it may have "
     "expired "
     "or been taken back); what you write is written by the bot now, with your name. Open this "
     "one-time link and connect again; when it has expired, send me /connect: {0}"},
    {"没有命令 “{0}”。发送 /帮助 查看命令。", "There is no command \"{0}\". /help lists them."},
    {"没有命令 “{0}”。你是指 {1} 吗？", "There is no command \"{0}\". Did you mean {1}?"},
    {"请附上链接：/绑定 https://…/browse/WEB-42/", "Add the link: /bind https://…/browse/WEB-42/"},
    {"请写上内容：/评论 内容", "Add what to say: /comment text"},
    {"请写上标题：/新建 标题", "Add a title: /new title"},
    {"请指明给谁：/指派 @某人、我 或 无", "Say whom: /assign @person, me or nobody"},
    {"请写上状态：/状态 名称", "Add the state: /state name"},
    {"优先级可选：紧急、高、中、低、无。", "Priorities are urgent, high, medium, low and none."},
    {"没有优先级 “{0}”。你是指 “{1}” 吗？可选：紧急、高、中、低、无。",
     "There is no priority \"{0}\". Did you mean \"{1}\"? There are urgent, high, medium, low and "
     "none."},
    {"请写上日期：/截止 2026-12-01、明天、下周五、3天后 或 无",
     "Add a day: /due 2026-12-01, tomorrow, fri, 3 days or none"},
    {"看不懂日期 “{0}”。例如：2026-12-01、明天、下周五、3天后、无。",
     "\"{0}\" is no day that I can read. Examples: 2026-12-01, tomorrow, next fri, 3 days, none."},
    {"看不懂日期 “{0}”。你是指 “{1}” 吗？",
     "\"{0}\" is no day that I can read. Did you mean \"{1}\"?"},
    {"请写上标签：/标签 +名称 -名称", "Add the labels: /label +name -name"},
    {"/同步 可选：开、关、评论、命令。", "/sync takes on, off, comments or commands."},
    {"/同步 没有 “{0}”。你是指 “{1}” 吗？", "/sync does not take \"{0}\". Did you mean \"{1}\"?"},
    {"请写上时段：/免打扰 20:00-08:00，或 /免打扰 关",
     "Add the hours: /quiet 20:00-08:00, or /quiet off"},
    {"/静音 可选：开、关。", "/mute takes on or off."},
    {"{0} 后面不需要内容。", "{0} takes nothing after it."},
    {"/绑定 链接 — 把这里与工作项绑定\n/解绑\n/评论 内容\n/新建 标题（换行后为描述；可加 in "
     "项目标识）\n/指派 @某人、我、无\n/状态 名称\n/优先级 紧急、高、中、低、无\n/截止 "
     "2026-12-01、明天、下周五、无\n/标签 +名称 -名称\n/链接 — 显示卡片\n/同步 "
     "开、关、评论、命令\n/静音 — 变更时不 @ 我（/静音 关）\n/免打扰 20:00-08:00\n/连接 — "
     "以自己的名义评论",
     "/bind link: bind this conversation to a work item\n/unbind\n/comment text\n/new title "
     "(following lines describe it; add: in PROJECT)\n/assign @person, me or nobody\n/state "
     "name\n/priority urgent, high, medium, low or none\n/due 2026-12-01, tomorrow, fri or "
     "none\n/label +name -name\n/link: show the card\n/sync on, off, comments or "
     "commands\n/mute: changes do not mention me (/mute off)\n/quiet 20:00-08:00\n/connect: write "
     "as yourself"},
    {"你好，发送 /帮助 查看命令。", "Hello. /help lists the commands."},
    {"这不是命令，也没有成为评论。用 /评论 发表评论，/帮助 查看命令。",
     "That is no command and did not become a comment. Use /comment for that; /help lists the "
     "commands."},
    {"没有成功：{0}", "Not done: {0}"},
    {"没有成功。", "Not done."},
    {"⚠ {0}", "⚠ {0}"},
}};

}  // namespace

std::string say(phrase p, bool chinese, std::initializer_list<std::string_view> parts) {
  const auto& row = phrases.at(static_cast<std::size_t>(p));
  const auto text = chinese ? row.zh : row.en;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}' && text[i + 1] >= '0' &&
        text[i + 1] <= '9') {
      const auto n = static_cast<std::size_t>(text[i + 1] - '0');
      if (n < parts.size()) out += *(parts.begin() + n);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string explain(const mistake& m) {
  const auto near = [&m](phrase with, phrase without) {
    return m.nearest.empty() ? say(without, m.chinese, {m.got})
                             : say(with, m.chinese, {m.got, m.nearest});
  };
  using k = mistake::kind;
  switch (m.what) {
    case k::unknown_word:
      return near(phrase::unknown_command_near, phrase::unknown_command);
    case k::needs_address:
      return say(phrase::needs_address, m.chinese);
    case k::needs_text:
      return say(m.of == verb::create ? phrase::needs_title : phrase::needs_comment, m.chinese);
    case k::needs_whom:
      return say(phrase::needs_whom, m.chinese);
    case k::needs_state:
      return say(phrase::needs_state, m.chinese);
    case k::bad_priority:
      return near(phrase::bad_priority_near, phrase::bad_priority);
    case k::bad_date:
      return m.got.empty() ? say(phrase::needs_date, m.chinese)
                           : near(phrase::bad_date_near, phrase::bad_date);
    case k::needs_label:
      return say(phrase::needs_label, m.chinese);
    case k::bad_mode:
      return near(phrase::bad_mode_near, phrase::bad_mode);
    case k::bad_hours:
      return say(phrase::bad_hours, m.chinese);
    case k::bad_mute:
      return say(phrase::bad_mute, m.chinese);
    case k::no_text:
      return say(phrase::no_text, m.chinese, {"/" + std::string{word_of(m.of, m.chinese)}});
  }
  return say(phrase::help_short, m.chinese);
}

}  // namespace pb::sync
