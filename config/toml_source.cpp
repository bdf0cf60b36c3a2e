#include <toml++/toml.h>

#include <algorithm>
#include <set>

#include "base/ascii.hpp"
#include "config/sources.hpp"

namespace pb::config {
namespace {

constexpr std::size_t most_syntax_mistakes = 20;

std::vector<std::string> as_strings(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

/// What stands between quotes in the parser's words may be a part of a secret.
std::string without_quoted(std::string_view words) {
  if (words.find("redefine") != std::string_view::npos) return printable(words, 200);
  std::string out;
  for (bool inside = false; !words.empty(); inside = !inside) {
    const std::size_t quote = std::min(words.find('\''), words.size());
    out += inside && quote > 3 ? std::string_view{"…"} : words.substr(0, quote);
    if (quote < words.size()) out += '\'';
    words.remove_prefix(std::min(quote + 1, words.size()));
  }
  return printable(out, 200);
}

class reader {
public:
  reader(std::string_view text, const std::string& path) : path_(path) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines_.emplace_back(text.substr(at, end - at));
      at = end + 1;
    }
  }

  source_text take() {
    parse_with_recovery();
    std::stable_sort(out_.mistakes.begin(), out_.mistakes.end(),
                     [](const mistake& a, const mistake& b) {
                       return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                     });
    return std::move(out_);
  }

private:
  /// The parser stops at its first mistake: blank what it objected to and try again.
  void parse_with_recovery() {
    std::set<std::size_t> blanked;
    while (out_.mistakes.size() < most_syntax_mistakes) {
      std::string text;
      for (const std::string& line : lines_) text += line + "\n";
      try {
        const toml::table root = toml::parse(std::string_view{text}, std::string_view{path_});
        walk_root(root);
        return;
      } catch (const toml::parse_error& e) {
        const std::size_t line = e.source().begin.line;
        if (line == 0 || line > lines_.size() || !blanked.insert(line).second) {
          if (out_.mistakes.empty()) complain_syntax(e);
          return;
        }
        complain_syntax(e);
        blank(line - 1);
      }
    }
  }

  void complain_syntax(const toml::parse_error& e) {
    mistake m;
    m.file = path_;
    m.line = e.source().begin.line;
    m.column = e.source().begin.column;
    m.message = "not valid TOML: " + without_quoted(e.description());
    if (m.line >= 1 && m.line <= lines_.size()) {
      const std::string_view line = trimmed(lines_[m.line - 1]);
      const std::size_t equals = line.find('=');
      if (equals != std::string_view::npos && equals > 0 && !line.starts_with('[')) {
        m.key = printable(trimmed(line.substr(0, equals)), 60);
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (value.empty())
          m.suggestion = "write a value after \"=\", or put \"#\" before the line";
        else if (value[0] != '"' && value[0] != '\'' && value[0] != '[' && value[0] != '{')
          m.suggestion = "texts stand in double quotes";
      } else if (line.starts_with('[')) {
        m.suggestion = "each section stands once, as [name]";
      }
    }
    out_.mistakes.push_back(std::move(m));
  }

  /// Without its header a section's keys would count to the one before: they go with it.
  void blank(std::size_t index) {
    const bool header = trimmed(lines_[index]).starts_with('[');
    lines_[index].clear();
    if (!header) return;
    for (std::size_t i = index + 1; i < lines_.size() && !trimmed(lines_[i]).starts_with('['); ++i)
      lines_[i].clear();
  }

  void complain(const toml::source_region& at, std::string key, std::string message,
                std::string suggestion) {
    out_.mistakes.push_back({path_, at.begin.line, at.begin.column, printable(key),
                             std::move(message), std::move(suggestion)});
  }

  void walk_root(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string name{key.str()};
      if (!section_sentence(name).empty()) {
        if (const toml::table* table = node.as_table())
          walk_section(name, *table, {});
        else
          complain(key.source(), name, "\"" + name + "\" is a section, not a key",
                   "write [" + name + "] and its keys below");
        continue;
      }
      unknown_at_top(key, node);
    }
  }

  void unknown_at_top(const toml::key& key, const toml::node& node) {
    const std::string name{key.str()};
    if (node.is_table()) {
      const auto near = nearest(name, as_strings(sections()));
      complain(key.source(), name, "unknown section [" + printable(name) + "]",
               near ? "did you mean [" + *near + "]?" : "sections: " + section_list());
      return;
    }
    std::vector<std::string> keys;
    for (const entry& e : entries()) keys.emplace_back(e.key);
    const auto near = nearest(name, keys);
    std::string suggestion = "keys stand in a section: " + section_list();
    if (near)
      for (const entry& e : entries())
        if (e.key == *near) {
          suggestion = "did you mean \"" + *near + "\" in [" + std::string{e.section} + "]?";
          break;
        }
    complain(key.source(), name, "unknown key \"" + printable(name) + "\" outside of any section",
             suggestion);
  }

  static std::string section_list() {
    std::string list;
    for (const std::string_view s : sections()) list += (list.empty() ? "" : ", ") + std::string{s};
    return list;
  }

  void walk_section(const std::string& section, const toml::table& table,
                    const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + std::string{key.str()};
      const std::string dotted = section + "." + name;
      if (prefix.empty() && find_entry(dotted) != nullptr) {
        out_.values.push_back(
            {dotted, raw(node), node.source().begin.line, node.source().begin.column});
        continue;
      }
      unknown_key(section, dotted, name, key);
    }
  }

  void unknown_key(const std::string& section, const std::string& dotted, const std::string& name,
                   const toml::key& key) {
    std::vector<std::string> here, elsewhere;
    for (const entry& e : entries()) (e.section == section ? here : elsewhere).emplace_back(e.key);
    std::string suggestion;
    if (const auto near = nearest(name, here)) {
      suggestion = "did you mean \"" + *near + "\"?";
    } else if (const auto far = std::find(elsewhere.begin(), elsewhere.end(), name);
               far != elsewhere.end()) {
      for (const entry& e : entries())
        if (e.key == *far) suggestion = "it belongs to [" + std::string{e.section} + "]";
    } else {
      suggestion = "keys of [" + section + "]:";
      for (const std::string& known : here) suggestion += " " + known;
    }
    complain(key.source(), dotted, "unknown key \"" + printable(name) + "\" in [" + section + "]",
             suggestion);
  }

  static raw_value raw(const toml::node& node) {
    raw_value v;
    if (const auto* text = node.as_string()) {
      v.held = text->get();
    } else if (const auto* n = node.as_integer()) {
      v.held = n->get();
    } else if (const auto* f = node.as_floating_point()) {
      v.held = f->get();
    } else if (const auto* b = node.as_boolean()) {
      v.held = b->get();
    } else if (const auto* list = node.as_array()) {
      v.held = raw_list(*list);
    } else {
      v.held = raw_value::foreign{node.is_table() ? "a table" : "a date or time"};
    }
    return v;
  }

  static decltype(raw_value::held) raw_list(const toml::array& list) {
    std::vector<std::string> texts;
    for (const toml::node& each : list) {
      const auto* text = each.as_string();
      if (text == nullptr)
        return raw_value::foreign{"a list with something in it that is not a text"};
      texts.push_back(text->get());
    }
    return texts;
  }

  const std::string& path_;
  std::vector<std::string> lines_;
  source_text out_;
};

}  // namespace

source_text read_toml(std::string_view text, const std::string& path) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return reader{text, path}.take();
}

}  // namespace pb::config
