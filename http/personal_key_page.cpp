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
          "Your key is stored, sealed. What you write in bound threads now appears in Plane "
          "under your name. You may close this window.",
          "密钥已加密保存。你在已绑定话题中写的内容将以你的名义出现在 Plane 中。可以关闭此窗口。"};
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
              "The form was sent by another site. Open the bot's link and enter the key there.",
              "表单来自其他网站。请打开机器人给出的链接，在那里填写密钥。"};
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
  const auto w = words_of(n);
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
      "button{font:inherit;margin-top:.8rem;padding:.4rem 1rem}</style></head><body><h1>" +
      title + "</h1><p>" + escaped(zh ? w.zh : w.en) + "</p>";
  if (!facts.feishu_name.empty())
    body += "<p>" + std::string{label(zh, "For the Feishu user: ", "飞书用户：")} + "<b>" +
            escaped(facts.feishu_name) + "</b></p>";
  if (!facts.plane_name.empty())
    body += "<p>" + std::string{label(zh, "Plane account: ", "Plane 账号：")} + "<b>" +
            escaped(facts.plane_name) + "</b></p>";
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
