#include "config/settings.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace pb::config {
namespace {

std::string without_trailing_slashes(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

std::string under(const std::string& folder, const std::string& path) {
  if (path.starts_with('/') || folder.empty() || folder == ".") return path;
  return folder.ends_with('/') ? folder + path : folder + "/" + path;
}

failure bad_database(std::string detail, std::string remedy) {
  failure f;
  f.code = errc::bad_input;
  f.where = "config.database";
  f.detail = std::move(detail);
  f.remedy = std::move(remedy);
  return f;
}

/// "postgres://role:password/db" lost its "@host": libpq would take the password for a port.
bool has_word_for_port(std::string_view url) {
  std::string_view rest = url.substr(url.find("://") + 3);
  if (rest.find('@') != std::string_view::npos || rest.starts_with('[')) return false;
  rest = rest.substr(0, rest.find_first_of("/?,"));
  const std::size_t colon = rest.find(':');
  return colon != std::string_view::npos &&
         rest.find_first_not_of("0123456789", colon + 1) != std::string_view::npos;
}

constexpr std::string_view forms =
    "write sqlite:path/to/file.db, postgres://user@host/name or postgresql://user@host/name";

}  // namespace

result<database_target> database_of(const settings& s) {
  const std::string& url = s.store.database_url.reveal();
  database_target target;
  if (url.empty()) {
    target.path = under(s.store.data_dir, "planebridge.db");
    return target;
  }
  constexpr std::string_view sqlite = "sqlite:";
  if (url.starts_with(sqlite)) {
    const std::string path = url.substr(sqlite.size());
    if (path.empty()) return bad_database("the SQLite form names no file", std::string{forms});
    if (path.starts_with("//"))
      return bad_database("the SQLite form takes a path, not a URL with slashes",
                          "write sqlite:/absolute/path.db or sqlite:relative/path.db");
    if (path.starts_with(':'))
      return bad_database("an in-memory database keeps nothing",
                          "name a file: sqlite:planebridge.db");
    target.path = under(s.store.data_dir, path);
    return target;
  }
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
    if (url.ends_with("://"))
      return bad_database("the PostgreSQL form names no server", std::string{forms});
    if (has_word_for_port(url))
      return bad_database(
          "the port is not a number",
          "after user and password comes \"@\" and the host: postgres://role:password@host/name");
    target.kind = database_target::engine::postgresql;
    target.url = s.store.database_url;
    return target;
  }
  return bad_database("not a form of a database that planebridge knows", std::string{forms});
}

std::string spool_folder_of(const settings& s) {
  const auto target = database_of(s);
  const bool file = target && target->kind == database_target::engine::sqlite;
  return file ? target->path + ".spool" : under(s.store.data_dir, "spool");
}

std::string plane_app_url(const settings& s) {
  if (!s.plane.app_url.empty()) return without_trailing_slashes(s.plane.app_url);
  std::string base = without_trailing_slashes(s.plane.base_url);
  // The cloud serves its API and its pages on different hosts.
  if (base == "https://api.plane.so") return "https://app.plane.so";
  return base;
}

std::string plane_redirect_uri(const settings& s) {
  if (!s.plane.redirect_uri.empty()) return s.plane.redirect_uri;
  if (s.server.public_url.empty()) return {};
  return without_trailing_slashes(s.server.public_url) + "/plane/oauth/callback";
}

std::string lark_base_url(const settings& s) { return without_trailing_slashes(s.lark.base_url); }

std::optional<secret> encryption_key_bytes(const settings& s) {
  if (s.security.encryption_key.empty()) return std::nullopt;
  auto bytes = from_base64(s.security.encryption_key.reveal());
  if (!bytes || bytes->size() != 32) return std::nullopt;
  return secret{std::move(*bytes)};
}

std::vector<secret> previous_encryption_keys(const settings& s) {
  std::vector<secret> keys;
  for (const secret& text : s.security.encryption_key_previous)
    if (auto bytes = from_base64(text.reveal()); bytes && bytes->size() == 32)
      keys.emplace_back(std::move(*bytes));
  return keys;
}

unsigned effective_scheduler_threads(const settings& s, unsigned processors) noexcept {
  if (s.concurrency.scheduler_threads != 0) return s.concurrency.scheduler_threads;
  return std::clamp(processors, 2u, 64u);
}

}  // namespace pb::config
