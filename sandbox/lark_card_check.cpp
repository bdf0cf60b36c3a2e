// sandbox: what Lark refuses in a card (contract 4.1, 230099 in 3.3): in schema 2.0 every property
// must be known, elements and depth are bounded, forms need names, people and pictures must exist.
// Cards of schema 1.0 are only looked at for their outer form: there unknown things are ignored.
#include <algorithm>
#include <array>
#include <set>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

constexpr std::size_t most_elements = 200;
constexpr int deepest = 5;  ///< containers in containers

enum : int {
  bad_json = 200621,
  bad_tag = 200861,
  bad_person = 100290,
  bad_image = 200570,
  too_many = 11310,
  bad_name = 200530,
  bad_table = 200914,
};

struct tag_rule {
  std::string_view tag;
  std::string_view properties;  ///< beside tag, element_id and margin; with spaces
  bool interactive = false;
  bool container = false;
};

constexpr tag_rule rules[] = {
    {"markdown", "content text_align text_size icon"},
    {"div", "text fields icon"},
    {"hr", ""},
    {"img", "img_key alt title scale_type size corner_radius preview transparent"},
    {"column_set", "flex_mode horizontal_spacing horizontal_align background_style columns", false,
     true},
    {"column",
     "width weight elements vertical_align vertical_spacing horizontal_spacing direction padding "
     "background_style",
     false, true},
    {"collapsible_panel",
     "expanded header border padding background_color vertical_spacing direction elements", false,
     true},
    {"interactive_container",
     "width height background_style has_border border_color corner_radius padding direction "
     "behaviors confirm disabled elements",
     false, true},
    {"table", "columns rows page_size row_height row_max_height header_style freeze_first_column"},
    {"button",
     "text type size width disabled disabled_tips confirm name required form_action_type behaviors "
     "icon",
     true},
    {"select_static",
     "placeholder initial_option initial_index options type width name required disabled confirm "
     "behaviors",
     true},
    {"select_person",
     "placeholder initial_option options type width name required disabled confirm behaviors",
     true},
    {"multi_select_static",
     "placeholder selected_values options type width name required disabled confirm behaviors",
     true},
    {"multi_select_person",
     "placeholder selected_values options type width name required disabled confirm behaviors",
     true},
    {"input",
     "name placeholder default_value label label_position input_type rows auto_resize max_rows "
     "max_length required width disabled confirm behaviors",
     true},
    {"date_picker", "name placeholder initial_date required width disabled confirm behaviors",
     true},
    {"picker_time", "name placeholder initial_time required width disabled confirm behaviors",
     true},
    {"picker_datetime",
     "name placeholder initial_datetime required width disabled confirm behaviors", true},
    {"overflow", "options width disabled confirm behaviors", true},
    {"checker", "name checked text overall_checkable button_area disabled confirm behaviors", true},
    {"form", "name elements direction vertical_spacing horizontal_spacing padding", false, true},
};

bool has_word(std::string_view words, std::string_view word) {
  std::size_t at = 0;
  while (at < words.size()) {
    const auto end = std::min(words.find(' ', at), words.size());
    if (words.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

class checker {
public:
  explicit checker(const card_world& world) : world_(world) {}

  std::optional<card_refusal> check(const json::object& card) {
    only(card, "schema config card_link header body", "ROOT");
    if (const auto* config = object_in(card, "config")) {
      only(*config,
           "update_multi enable_forward enable_forward_interaction width_mode summary "
           "streaming_mode locales style use_custom_translation",
           "ROOT -> config");
      if (const json::value* multi = config->if_contains("update_multi");
          multi != nullptr && *multi != json::value(true))
        refuse(bad_json, "ROOT -> config", "update_multi must be true", "");
    }
    if (const auto* config = object_in(card, "config"))
      if (const auto* summary = object_in(*config, "summary"))
        only(*summary, "content", "ROOT -> config -> summary");
    if (const auto* link = object_in(card, "card_link"))
      only(*link, "url pc_url ios_url android_url", "ROOT -> card_link");
    if (const auto* header = object_in(card, "header")) check_header(*header);
    const auto* body = object_in(card, "body");
    if (body == nullptr) {
      refuse(bad_json, "ROOT", "a card needs a body", "");
    } else {
      only(*body,
           "direction padding vertical_spacing horizontal_spacing horizontal_align vertical_align "
           "elements",
           "ROOT -> body");
      elements(*body, "elements", "ROOT -> body", 0, false);
    }
    if (count_ > most_elements)
      refuse(too_many, "ROOT -> body", "number of elements exceeds the limit", "");
    return std::move(refusal_);
  }

private:
  void refuse(int code, std::string_view path, std::string_view why, std::string_view value) {
    if (refusal_) return;
    refusal_ = card_refusal{
        code, "ErrCode: " + std::to_string(code) + "; ErrPath: " + std::string{path} +
                  "; ErrMsg: " + std::string{why} + "; ErrorValue: " + std::string{value}};
  }
  static const json::object* object_in(const json::object& o, std::string_view key) {
    const json::value* v = o.if_contains(key);
    return v != nullptr && v->is_object() ? &v->get_object() : nullptr;
  }
  void only(const json::object& o, std::string_view allowed, std::string_view path) {
    for (const auto& [key, value] : o)
      if (!has_word(allowed, key)) refuse(bad_json, path, "unknown property", key);
  }
  void text(const json::object& o, std::string_view key, std::string_view path) {
    const json::value* v = o.if_contains(key);
    if (v == nullptr) return;
    if (!v->is_object()) return refuse(bad_json, path, "text must be an object", key);
    only(v->get_object(), "tag content text_size text_color text_align lines icon", path);
    const std::string tag = text_of(v->get_object(), "tag");
    if (tag != "plain_text" && tag != "lark_md") refuse(bad_tag, path, "unsupported text tag", tag);
    if (tag == "lark_md") mentions(text_of(v->get_object(), "content"), path);
  }
  void mentions(std::string_view content, std::string_view path) {
    for (std::size_t at = content.find("<at id="); at != std::string_view::npos;
         at = content.find("<at id=", at + 1)) {
      auto id = content.substr(at + 7);
      id = id.substr(0, id.find_first_of(" >/"));
      if (!world_.person(id)) refuse(bad_person, path, "invalid user id", id);
    }
  }
  void check_header(const json::object& header) {
    const std::string path = "ROOT -> header";
    only(header, "title subtitle template text_tag_list icon padding", path);
    text(header, "title", path);
    text(header, "subtitle", path);
    constexpr std::string_view colours =
        "blue wathet turquoise green yellow orange red carmine violet purple indigo grey default";
    if (const std::string c = text_of(header, "template"); !c.empty() && !has_word(colours, c))
      refuse(bad_json, path, "unknown template", c);
    const json::array tags = list_of(header, "text_tag_list");
    if (tags.size() > 3) refuse(bad_json, path, "more than three tags", "");
    for (const auto& t : tags) {
      if (!t.is_object()) return refuse(bad_json, path, "a tag must be an object", "");
      only(t.get_object(), "tag text color element_id", path);
      text(t.get_object(), "text", path);
    }
    if (const auto* icon = object_in(header, "icon"))
      only(*icon, "tag token color img_key size", path);
  }
  void elements(const json::object& o, std::string_view key, const std::string& path, int depth,
                bool in_form) {
    const json::value* list = o.if_contains(key);
    if (list == nullptr) return;
    if (!list->is_array()) return refuse(bad_json, path, "must be a list", key);
    if (depth > deepest) return refuse(bad_json, path, "nested too deeply", "");
    std::size_t n = 0;
    for (const auto& e : list->get_array()) {
      const std::string where =
          path + " -> " + std::string{key} + " -> [" + std::to_string(n++) + "]";
      if (!e.is_object()) return refuse(bad_json, where, "an element must be an object", "");
      element(e.get_object(), where, depth, in_form);
    }
  }
  void element(const json::object& e, std::string path, int depth, bool in_form) {
    ++count_;
    const std::string tag = text_of(e, "tag");
    path += "(tag: " + tag + ")";
    const auto rule = std::ranges::find(rules, tag, &tag_rule::tag);
    if (rule == std::end(rules))
      return refuse(bad_tag, path, "cards of schema V2 no longer support this capability",
                    "unsupported tag " + tag);
    for (const auto& [key, value] : e)
      if (key != "tag" && key != "element_id" && key != "margin" &&
          !has_word(rule->properties, key))
        refuse(bad_json, path, "unknown property", key);
    if (const json::value* id = e.if_contains("element_id")) check_id(*id, path);
    if (tag == "markdown") mentions(text_of(e, "content"), path);
    for (const auto* key : {"text", "placeholder", "label", "alt", "title"})
      if (e.contains(key)) text(e, key, path);
    for (const auto& field : list_of(e, "fields"))
      if (field.is_object()) {
        only(field.get_object(), "is_short text", path);
        text(field.get_object(), "text", path);
      }
    if (tag == "img" && !world_.image(text_of(e, "img_key")))
      refuse(bad_image, path, "image key not found", text_of(e, "img_key"));
    if (const auto* confirm = object_in(e, "confirm")) {
      only(*confirm, "title text", path);
      text(*confirm, "title", path);
      text(*confirm, "text", path);
    }
    if (rule->interactive) interactive(e, tag, path, in_form);
    if (tag == "table") table(e, path, depth);
    if (tag == "form") form(e, path, depth, in_form);
    if (rule->container)
      elements(e, tag == "column_set" ? "columns" : "elements", path,
               tag == "column" ? depth : depth + 1, in_form || tag == "form");
  }
  void check_id(const json::value& v, std::string_view path) {
    const std::string id = v.is_string() ? std::string{v.get_string()} : "";
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const bool fine = !id.empty() && id.size() <= 20 && letter(id.front()) &&
                      std::ranges::all_of(id, [&](char c) {
                        return letter(c) || (c >= '0' && c <= '9') || c == '_';
                      });
    if (!fine) return refuse(bad_json, path, "invalid element_id", id);
    if (!ids_.insert(id).second) refuse(bad_json, path, "element_id is used twice", id);
  }
  void interactive(const json::object& e, std::string_view tag, std::string_view path,
                   bool in_form) {
    for (const auto& b : list_of(e, "behaviors")) {
      if (!b.is_object()) return refuse(bad_json, path, "a behavior must be an object", "");
      const auto& behavior = b.get_object();
      const std::string type = text_of(behavior, "type");
      if (type == "callback")
        only(behavior, "type value", path);
      else if (type == "open_url")
        only(behavior, "type default_url pc_url ios_url android_url", path);
      else
        refuse(bad_json, path, "unknown behavior", type);
    }
    const std::string name = text_of(e, "name");
    if (in_form && name.empty()) refuse(bad_name, path, "name is empty", "");
    if (!name.empty() && !names_.insert(name).second)
      refuse(bad_name, path, "name is used twice", name);
    if (tag.starts_with("multi_") && !in_form)
      refuse(bad_json, path, "only allowed in a form", tag);
    const bool people = tag.ends_with("select_person");
    std::set<std::string> values;
    for (const auto& o : list_of(e, "options")) {
      if (!o.is_object()) return refuse(bad_json, path, "an option must be an object", "");
      only(o.get_object(), people ? "value icon" : "text value icon url multi_url", path);
      if (!people) text(o.get_object(), "text", path);
      const std::string value = text_of(o.get_object(), "value");
      if (value.empty()) refuse(bad_json, path, "an option needs a value", "");
      values.insert(value);
      if (people && !world_.person(value)) refuse(bad_person, path, "invalid user id", value);
    }
    if (tag == "select_static" && values.empty())
      refuse(bad_json, path, "options must not be empty", "");
    if (const std::string first = text_of(e, "initial_option");
        !first.empty() && !values.contains(first) && !(people && values.empty()))
      refuse(bad_json, path, "initial_option is none of the options", first);
  }
  void table(const json::object& e, std::string_view path, int depth) {
    if (depth > 0) refuse(bad_table, path, "a table stands at the root only", "");
    if (list_of(e, "columns").empty() || list_of(e, "columns").size() > 50)
      refuse(bad_table + 1, path, "invalid columns", "");
  }
  void form(const json::object& e, std::string_view path, int depth, bool in_form) {
    if (depth > 0 || in_form) refuse(bad_json, path, "a form stands at the root only", "");
    const std::string name = text_of(e, "name");
    if (name.empty()) refuse(bad_name, path, "name is empty", "");
    if (!submits(e)) refuse(bad_json, path, "a form needs a submit button", name);
  }
  static bool submits(const json::object& o) {
    if (text_of(o, "tag") == "button" && text_of(o, "form_action_type") == "submit") return true;
    for (const auto* key : {"elements", "columns"})
      for (const auto& e : list_of(o, key))
        if (e.is_object() && submits(e.get_object())) return true;
    return false;
  }

  const card_world& world_;
  std::optional<card_refusal> refusal_;
  std::set<std::string> ids_, names_;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<card_refusal> check_card(const json::value& card, const card_world& world) {
  if (!card.is_object())
    return card_refusal{bad_json, "ErrCode: 200621; ErrMsg: parse card json err"};
  const auto& o = card.get_object();
  if (text_of(o, "type") == "template" || text_of(o, "type") == "card")
    return card_refusal{bad_json, "ErrCode: 200621; ErrMsg: templates are not known here"};
  if (text_of(o, "schema") == "2.0") return checker{world}.check(o);
  if (o.contains("schema") || (!o.contains("elements") && !o.contains("i18n_elements")))
    return card_refusal{bad_json, "ErrCode: 200621; ErrMsg: parse card json err"};
  return std::nullopt;
}

}  // namespace pb::sandbox
