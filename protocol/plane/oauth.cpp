#include "protocol/plane/oauth.hpp"

#include <boost/json.hpp>
#include <utility>

#include "base/digest.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/plane/answers.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {
namespace json = boost::json;
namespace {

constexpr std::size_t max_oauth_bytes = 1u << 20, max_token = 8192;
constexpr std::int64_t max_lifetime = 10LL * 366 * 86'400;

class form {
public:
  form& add(std::string_view key, std::string_view value) {
    if (value.empty()) return *this;
    if (!text_.empty()) text_ += '&';
    text_ += percent_encode(key);
    text_ += '=';
    text_ += percent_encode(value);
    return *this;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
  std::string text_;
};

std::string auth_url(const oauth_app& app, std::string_view last) {
  return join_url(bare_base(app.base_url), {"auth", "o", last}) + '/';
}

http_request form_post(std::string url, const form& f) {
  return {"POST",
          std::move(url),
          {{"Content-Type", "application/x-www-form-urlencoded", false},
           {"Accept", "application/json", false}},
          f.text()};
}

/// Tokens are opaque, but they become a header's value.
bool is_token(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_token) return false;
  for (const char c : text)
    if (c <= ' ' || c > '~') return false;
  return true;
}

bool is_refused_grant(std::string_view body) {
  return body.find("\"invalid_grant\"") != std::string_view::npos ||
         body.find("\"invalid_client\"") != std::string_view::npos ||
         body.find("\"unauthorized_client\"") != std::string_view::npos;
}

}  // namespace

const std::vector<std::string>& default_scopes() {
  static const std::vector<std::string> scopes{"projects:read",
                                               "projects.members:read",
                                               "projects.states:read",
                                               "projects.labels:read",
                                               "projects.work_items:read",
                                               "projects.work_items:write",
                                               "projects.work_items.comments:read",
                                               "projects.work_items.comments:write",
                                               "projects.work_items.links:write",
                                               "projects.work_items.attachments:read",
                                               "projects.work_items.attachments:write",
                                               "projects.work_items.activities:read",
                                               "workspaces.members:read",
                                               "profile:read"};
  return scopes;
}

std::string authorize_url(const oauth_app& app, const std::vector<std::string>& scopes,
                          std::string_view state) {
  std::string joined;
  for (const auto& s : scopes) {
    if (!joined.empty()) joined += ' ';
    joined += s;
  }
  form query;
  query.add("client_id", app.client_id)
      .add("response_type", "code")
      .add("redirect_uri", app.redirect_uri)
      .add("scope", joined)
      .add("state", state);
  return auth_url(app, "authorize-app") + '?' + query.text();
}

http_request bot_token_request(const oauth_app& app, std::string_view installation_id) {
  form f;
  f.add("grant_type", "client_credentials").add("app_installation_id", installation_id);
  auto out = form_post(auth_url(app, "token"), f);
  out.headers.push_back({"Authorization",
                         "Basic " + to_base64(app.client_id + ':' + app.client_secret.reveal()),
                         true});
  return out;
}

http_request user_token_request(const oauth_app& app, const secret& code) {
  form f;
  f.add("grant_type", "authorization_code")
      .add("code", code.reveal())
      .add("redirect_uri", app.redirect_uri)
      .add("client_id", app.client_id)
      .add("client_secret", app.client_secret.reveal());
  return form_post(auth_url(app, "token"), f);
}

http_request refresh_token_request(const oauth_app& app, const secret& refresh) {
  form f;
  f.add("grant_type", "refresh_token")
      .add("refresh_token", refresh.reveal())
      .add("client_id", app.client_id)
      .add("client_secret", app.client_secret.reveal());
  return form_post(auth_url(app, "token"), f);
}

http_request revoke_token_request(const oauth_app& app, const secret& token) {
  const json::object body{{"token", token.reveal()},
                          {"client_id", app.client_id},
                          {"client_secret", app.client_secret.reveal()}};
  return {"POST",
          auth_url(app, "revoke-token"),
          {{"Content-Type", "application/json", false}, {"Accept", "application/json", false}},
          json::serialize(body)};
}

result<oauth_tokens> parse_token_answer(const http_response& answer) {
  static constexpr std::string_view where = "plane.oauth_token";
  if (answer.status != 200) {
    auto f = classify(answer, where);
    if (f.code == errc::bad_input && is_refused_grant(answer.body)) f.code = errc::unauthorized;
    f.remedy = f.code == errc::unauthorized
                   ? "check client id, secret and redirect address; a code counts once"
                   : "";
    return f;
  }
  const auto v = parse_json(answer.body, max_oauth_bytes, errc::unexpected_answer, where);
  if (!v) return v.error();
  json_reader r{errc::unexpected_answer, where};
  const auto* o = v->if_object();
  if (o == nullptr) {
    r.fail("", "answer", "an object is due");
    return r.problem();
  }
  oauth_tokens out;
  auto access = r.text(*o, "", "access_token", need::required);
  auto refresh = r.text(*o, "", "refresh_token");
  const auto type = r.text(*o, "", "token_type");
  const auto seconds = r.number(*o, "", "expires_in");
  out.scope = r.text(*o, "", "scope");
  if (!is_token(access)) r.fail("", "access_token", "not a token");
  if (!refresh.empty() && !is_token(refresh)) r.fail("", "refresh_token", "not a token");
  if (!type.empty() && !iequals(type, "Bearer")) r.fail("", "token_type", "not Bearer");
  if (seconds < 0 || seconds > max_lifetime) r.fail("", "expires_in", "out of range");
  out.access = secret{std::move(access)};
  if (!refresh.empty()) out.refresh = secret{std::move(refresh)};
  if (seconds > 0) out.expires_in = std::chrono::seconds{seconds};
  if (r.failed()) return r.problem();
  return out;
}

http_request installations_request(const oauth_app& app, std::string_view installation_id) {
  auto url = auth_url(app, "app-installation");
  if (!installation_id.empty()) url += "?id=" + percent_encode(installation_id);
  return {"GET", std::move(url), {{"Accept", "application/json", false}}, {}};
}

result<std::vector<installation>> parse_installations(const http_response& answer) {
  static constexpr std::string_view where = "plane.oauth_installation";
  if (answer.status != 200) return classify(answer, where);
  const auto v = parse_json(answer.body, max_oauth_bytes, errc::unexpected_answer, where);
  if (!v) return v.error();
  json_reader r{errc::unexpected_answer, where};
  const auto* list = v->if_array();
  if (list == nullptr || list->size() > max_list_length) {
    r.fail("", "answer", "an array is due");
    return r.problem();
  }
  std::vector<installation> out;
  std::size_t index = 0;
  for (const auto& element : *list) {
    const auto path = element_path("", index++);
    const auto* o = element.if_object();
    if (o == nullptr) {
      r.fail(path, "", "an object is due");
      break;
    }
    installation one;
    one.id = r.id(*o, path, "id", need::required);
    one.workspace_id = r.id(*o, path, "workspace");
    one.app_bot = r.id(*o, path, "app_bot");
    one.webhook = r.id(*o, path, "webhook");
    one.status = r.text(*o, path, "status");
    if (const auto* w = r.child(*o, path, "workspace_detail")) {
      const auto here = joined_path(path, "workspace_detail");
      one.workspace_slug = r.text(*w, here, "slug");
      one.workspace_name = r.text(*w, here, "name");
      if (one.workspace_id.empty()) one.workspace_id = r.id(*w, here, "id");
    }
    if (r.failed()) break;
    out.push_back(std::move(one));
  }
  if (r.failed()) return r.problem();
  return out;
}

}  // namespace pb::protocol::plane
