#include "http/personal_key_page.hpp"

#include <algorithm>
#include <cctype>

#include "http/plane_oauth_page.hpp"
#include "protocol/html/escape.hpp"

namespace pb::http {
using protocol::html::escaped;
namespace {

struct words {
  int status;
  bool form;  ///< the person may try (again)
  std::string_view en_title, zh_title, en, zh;
};

words words_of(connect_notice n) {
  constexpr std::string_view en_not = "Not connected", zh_not = "尚未连接";
  switch (n) {
    case connect_notice::form:
      return {
          200,
          true,
          "Connect your Plane account",
          "连接你的 Plane 账号",
          "Enter a personal access token of yours. Then what you write in bound threads appears "
          "in Plane under your own name. In Plane: profile settings, personal access tokens, "
          "add one.",
          "请填写你自己的个人访问令牌。此后你在已绑定话题中写的内容将以你本人的名义出现在 Plane "
          "中。获取方式：Plane → 个人设置 → 个人访问令牌 → 添加。"};
    case connect_notice::not_a_key:
      return {400,
              true,
              en_not,
              zh_not,
              "This does not look like a Plane API key: copy it whole, without blanks.",
              "这不像 Plane 的 API 密钥：请完整复制，不要带空格。"};
    case connect_notice::unknown_key:
      return {400,
              true,
              en_not,
              zh_not,
              "Plane does not know this key. Was it deleted, or is it of another Plane?",
              "Plane 不认识这个密钥。它是否已被删除，或属于另一套 Plane？"};
    case connect_notice::plane_is_away:
      return {503,
              true,
              en_not,
              zh_not,
              "Plane did not answer. Nothing was stored; try again.",
              "Plane 没有响应。未保存任何内容，请重试。"};
    case connect_notice::connected:
      return {
          200,
          false,
          "Connected",
          "已连接",
          "Stored, sealed. What you write in bound threads now appears in Plane under your name. "
          "You may close this window.",
          "已加密保存。你在已绑定话题中写的内容将以你的名义出现在 Plane 中。可以关闭此窗口。"};
    case connect_notice::no_ticket:
      return {404,
              false,
              en_not,
              zh_not,
              "This link was used already, is older than 15 minutes, or never was one. Ask the bot "
              "for a new one.",
              "此链接已使用、已超过 15 分钟或无效。请向机器人索取新的链接。"};
    case connect_notice::busy:
      return {409,
              false,
              en_not,
              zh_not,
              "This link is being used at this moment.",
              "此链接正在使用中。"};
    case connect_notice::elsewhere:
      return {403,
              false,
              en_not,
              zh_not,
              "Another site led here. Open the bot's link and begin there.",
              "请求来自其他网站。请打开机器人给出的链接，从那里开始。"};
    case connect_notice::other_account:
      return {
          403,
          false,
          en_not,
          zh_not,
          "This key belongs to another Plane account than the one you are mapped to. Use your "
          "own, or ask an administrator to change the mapping.",
          "此密钥属于另一个 Plane 账号，与你的映射不一致。请使用自己的密钥，或请管理员修改映射。"};
    case connect_notice::account_taken:
      return {403,
              false,
              en_not,
              zh_not,
              "This Plane account is mapped to another Feishu user. An administrator can change "
              "that.",
              "此 Plane 账号已映射到另一位飞书用户。管理员可以修改。"};
    case connect_notice::key_missing:
      return {503,
              false,
              en_not,
              zh_not,
              "planebridge cannot keep secrets yet: its administrator has to set ENCRYPTION_KEY.",
              "planebridge 尚不能保存密钥：管理员需要设置 ENCRYPTION_KEY。"};
    case connect_notice::too_late:
      return {400,
              false,
              en_not,
              zh_not,
              "This answer of Plane's was used already, or more than ten minutes went by. Open the "
              "bot's link once more; when it no longer opens, send the bot /connect.",
              "Plane 的这次授权已使用过，或已超过 10 分钟。请重新打开机器人给出的链接；"
              "若链接已失效，请向机器人发送 /连接。"};
    case connect_notice::other_browser:
      return {403,
              false,
              en_not,
              zh_not,
              "This was begun in another browser. Open the bot's link in this one and begin there.",
              "这次授权是在另一个浏览器中开始的。请在当前浏览器中打开机器人给出的链接，重新开始。"};
    case connect_notice::denied:
      return {400,
              false,
              en_not,
              zh_not,
              "You did not agree in Plane; nothing was stored. The bot's link can still be opened "
              "until it runs out.",
              "你没有在 Plane 中同意授权，未保存任何内容。链接在到期前仍可再次打开。"};
    case connect_notice::code_refused:
      return {
          400,
          false,
          en_not,
          zh_not,
          "Plane did not accept its own answer: it counts once and not for long. Open the bot's "
          "link once more. When that does not help, an administrator has to check "
          "PLANE_CLIENT_ID, PLANE_CLIENT_SECRET and PLANE_REDIRECT_URI.",
          "Plane 未接受这次授权（授权码只能使用一次且很快失效）。请重新打开机器人给出的链接。"
          "若仍不成功，请管理员检查 PLANE_CLIENT_ID、PLANE_CLIENT_SECRET 和 "
          "PLANE_REDIRECT_URI。"};
    case connect_notice::plane_fails:
      return {
          503,
          false,
          en_not,
          zh_not,
          "Plane did not answer as it should. Nothing was stored; open the bot's link once more.",
          "Plane 没有正常响应。未保存任何内容，请重新打开机器人给出的链接。"};
    case connect_notice::other_login:
      return {403,
              false,
              en_not,
              zh_not,
              "In Plane you are signed in as another account than the one you are mapped to. Sign "
              "out there, sign in with your own account and open the bot's link once more, or ask "
              "an administrator to change the mapping.",
              "你在 Plane 中登录的账号与你的映射不一致。请先在 Plane 中退出，用自己的账号登录后"
              "重新打开机器人给出的链接，或请管理员修改映射。"};
    case connect_notice::not_mapped:
      return {403,
              false,
              en_not,
              zh_not,
              "You are not mapped to a member of Plane any more. Ask an administrator to add the "
              "mapping, then send the bot /connect.",
              "你已不再对应任何 Plane 成员。请管理员添加用户映射，然后向机器人发送 /连接。"};
    case connect_notice::store_is_away:
      break;
  }
  return {503,
          false,
          en_not,
          zh_not,
          "Nothing can be stored at this moment; try again soon.",
          "暂时无法保存，请稍后再试。"};
}

std::string_view label(bool zh, std::string_view en_text, std::string_view zh_text) {
  return zh ? zh_text : en_text;
}

}  // namespace

std::string_view page_language(std::string_view header) noexcept {
  std::string_view best = "en";
  int best_q = -1;
  header = header.substr(0, 1024);
  while (!header.empty()) {
    const auto end = std::min(header.find(','), header.size());
    auto one = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    // "q=0.8" as 8; absent is 10. Finer steps decide nothing here.
    int q = 10;
    if (const auto at = one.find("q="); at != one.npos) {
      q = one.substr(at + 2).starts_with('1') ? 10 : 0;
      const auto dot = one.find('.', at);
      if (q == 0 && dot != one.npos && dot + 1 < one.size() &&
          std::isdigit(static_cast<unsigned char>(one[dot + 1])) != 0)
        q = one[dot + 1] - '0';
    }
    const auto is = [&](const char* two) {
      return one.size() >= 2 && std::tolower(static_cast<unsigned char>(one[0])) == two[0] &&
             std::tolower(static_cast<unsigned char>(one[1])) == two[1] &&
             (one.size() == 2 || one[2] == '-' || one[2] == ';' || one[2] == ' ');
    };
    if (q > best_q && q > 0 && (is("zh") || is("en"))) {
      best = is("zh") ? "zh" : "en";
      best_q = q;
    }
  }
  return best;
}

response connect_page(const request& r, connect_notice n, const connect_facts& facts) {
  auto w = words_of(n);
  if (n == connect_notice::form && facts.oauth) {
    w.en =
        "Let planebridge act for you in Plane. Then what you write in bound threads appears there "
        "under your own name. Plane asks you whether you agree.";
    w.zh =
        "请允许 planebridge 代表你操作。此后你在已绑定话题中写的内容将以你本人的名义出现在 "
        "Plane 中。Plane 会询问你是否同意。";
  }
  const bool zh = page_language(r.header("Accept-Language")) == "zh";
  const auto title = escaped(zh ? w.zh_title : w.en_title);
  std::string body = "<!doctype html>\n<html lang=\"";
  body += zh ? "zh-CN" : "en";
  body +=
      "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
      "<meta name=\"robots\" content=\"noindex\"><title>" +
      title +
      "</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;"
      "padding:0 1rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}"
      "button,.go{font:inherit;margin-top:.8rem;padding:.4rem 1rem}"
      ".go{display:inline-block;background:#3f76ff;color:#fff;text-decoration:none;"
      "border-radius:4px}</style></head><body><h1>" +
      title + "</h1><p>" + escaped(zh ? w.zh : w.en) + "</p>";
  if (!facts.feishu_name.empty())
    body += "<p>" + std::string{label(zh, "For the Feishu user: ", "飞书用户：")} + "<b>" +
            escaped(facts.feishu_name) + "</b></p>";
  if (!facts.plane_name.empty())
    body += "<p>" + std::string{label(zh, "Plane account: ", "Plane 账号：")} + "<b>" +
            escaped(facts.plane_name) + "</b></p>";
  // A link and no form: what leads to other hosts is nothing that form-action lets a form do.
  if (w.form && facts.oauth)
    body +=
        "<p><a class=\"go\" href=\"?with=plane\">" +
        std::string{label(zh, "Connect with Plane", "使用 Plane 连接")} + "</a></p><p>" +
        std::string{label(zh,
                          "Or enter a personal access token of yours (in Plane: profile "
                          "settings, personal access tokens):",
                          "也可以填写你自己的个人访问令牌（Plane → 个人设置 → 个人访问令牌）：")} +
        "</p>";
  // Without an action the form goes to the page's own address, which then stands nowhere in it.
  if (w.form)
    body += "<form method=\"post\"><label>" + std::string{label(zh, "API key", "API 密钥")} +
            "<input name=\"key\" type=\"password\" autocomplete=\"off\" spellcheck=\"false\" "
            "required maxlength=\"512\"></label><button>" +
            std::string{label(zh, "Connect", "连接")} + "</button></form>";
  body += "</body></html>\n";
  response out;
  out.status = w.status;
  out.content_type = "text/html; charset=utf-8";
  out.body = std::move(body);
  // The address is the secret: neither caches nor other sites may see it.
  out.headers = {{"Cache-Control", "no-store"},
                 // not no-referrer: browsers would then send "Origin: null" with the form
                 {"Referrer-Policy", "same-origin"},
                 {"X-Content-Type-Options", "nosniff"},
                 {"Content-Security-Policy",
                  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                  "frame-ancestors 'none'; base-uri 'none'"}};
  if (w.status == 503) out.headers.push_back({"Retry-After", "30"});
  return out;
}

}  // namespace pb::http
