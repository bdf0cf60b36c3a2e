// config/entry: the one table of everything that can be set. Parsing, checking, `config show`,
// `config init`, .env.example, planebridge.example.toml and the reload are all made from it; a new
// setting is one member in settings.hpp and one row here. Pure, any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.hpp"

namespace pb::config {

/// Where an entry's value lives in a settings object.
using slot =
    std::variant<std::string*, bool*, std::uint16_t*, unsigned*, std::size_t*,
                 std::chrono::milliseconds*, std::chrono::seconds*, std::chrono::minutes*,
                 std::chrono::hours*, std::chrono::days*, std::optional<std::chrono::minutes>*,
                 std::vector<std::string>*, secret*, std::vector<secret>*, run_mode*, dav_auth*,
                 calendar_layout*, calendar_span*, deleted_event_policy*, lark_transport*,
                 preview_audience*, chat_language*, log::level*, log::format*>;

/// What a text must be beyond its type; rules.hpp checks it.
enum class form : std::uint8_t {
  any,
  http_url,
  proxy_url,
  database_url,
  base64_key,
  time_zone,
  cron,
  network,  ///< an address or a CIDR
  address,
  slug,
};

struct entry {
  std::string_view section, key;
  slot (*bind)(settings&) = nullptr;
  std::string_view sentence;                     ///< one sentence, for a person
  std::vector<std::string_view> variables = {};  ///< canonical first, then aliases
  bool reloadable = false;                       ///< SIGHUP applies it; else a restart
  std::int64_t least = 0, most = 0;              ///< numbers and durations, both included
  std::vector<std::string_view> choices = {};    ///< of an enumeration, in its order
  form must_be = form::any;
  std::string_view example = {};  ///< for the example files, where the default says too little

  [[nodiscard]] std::string name() const { return std::string{section} + "." + std::string{key}; }
  [[nodiscard]] slot of(settings& s) const { return bind(s); }
  [[nodiscard]] bool is_secret() const;
  /// A secret of which a part may be seen: the host of a URL, never its password.
  [[nodiscard]] bool is_secret_url() const {
    return must_be == form::database_url || must_be == form::proxy_url;
  }
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] bool is_list() const;
  /// "text", "number", "true or false", "one of a, b", "list of texts", "secret" …
  [[nodiscard]] std::string type_text() const;
  /// PLANEBRIDGE_<SECTION>_<KEY>
  [[nodiscard]] std::string own_variable() const;
  /// Every variable that sets it, the one that wins first.
  [[nodiscard]] std::vector<std::string> all_variables() const;
  /// The name a person would use: the canonical variable, else the own one.
  [[nodiscard]] std::string variable() const;
};

/// In the order of the documents; sections together.
std::span<const entry> entries();
const entry* find_entry(std::string_view dotted_name);
/// "[plane]: …" for the example files; empty for an unknown section.
std::string_view section_sentence(std::string_view section);
std::vector<std::string_view> sections();

/// Names that belong to integrations this version does not have: accepted, and reported as unused.
std::span<const std::string_view> unused_variables();

namespace detail {
std::vector<entry> server_rows();       // table_service.cpp
std::vector<entry> integration_rows();  // table_integrations.cpp
std::vector<entry> lark_rows();         // table_lark.cpp
std::vector<entry> tuning_rows();       // table_tuning.cpp
template <auto Section, auto Member>
slot at(settings& s) {
  return &((s.*Section).*Member);
}
}  // namespace detail

}  // namespace pb::config
