// sandbox: a click on a card of the in-memory Lark: which component it hits, and the `action` that
// the client sends for it (contract 4.3, 4.5).
#include <algorithm>
#include <boost/json/value_from.hpp>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

bool clickable(std::string_view tag) {
  constexpr std::string_view tags[] = {
      "button",   "select_static",   "select_person", "multi_select_static",
      "input",    "date_picker",     "picker_time",   "multi_select_person",
      "overflow", "picker_datetime", "checker"};
  return std::ranges::find(tags, tag) != std::end(tags);
}

std::string label_of(const json::object& o) {
  const json::value* t = o.if_contains("text");
  return t != nullptr && t->is_object() ? text_of(t->get_object(), "content") : "";
}

std::optional<component> search(const json::value& v, const json::object* form,
                                const std::string& path, std::string_view on) {
  if (v.is_array()) {
    std::size_t n = 0;
    for (const auto& e : v.get_array())
      if (auto found = search(e, form, path + "/" + std::to_string(n++), on)) return found;
    return std::nullopt;
  }
  if (!v.is_object()) return std::nullopt;
  const auto& o = v.get_object();
  const std::string tag = text_of(o, "tag");
  if (clickable(tag) && (path == on || text_of(o, "element_id") == on || text_of(o, "name") == on ||
                         label_of(o) == on))
    return component{&o, form};
  const json::object* around = tag == "form" ? &o : form;
  for (const auto& [key, inner] : o)
    if (inner.is_structured() && key != "options" && key != "behaviors" && key != "value")
      if (auto found = search(inner, around, path + "/" + std::string{key}, on)) return found;
  return std::nullopt;
}

/// The fields inside a form, however nested; the pointers are into the form itself.
void named_inputs(const json::object& o, std::vector<const json::object*>& out) {
  if (clickable(text_of(o, "tag")) && text_of(o, "tag") != "button") out.push_back(&o);
  for (const auto* key : {"elements", "columns"})
    if (const json::value* inner = o.if_contains(key); inner != nullptr && inner->is_array())
      for (const auto& e : inner->get_array())
        if (e.is_object()) named_inputs(e.get_object(), out);
}

/// The value that the callback carries; a sentence when the component only opens a URL.
result<json::value> value_of(const json::object& o, bool needed) {
  if (const json::value* plain = o.if_contains("value")) return *plain;  // schema 1.0
  for (const auto& b : list_of(o, "behaviors"))
    if (b.is_object() && text_of(b.get_object(), "type") == "callback") {
      const json::value* v = b.get_object().if_contains("value");
      return v != nullptr ? *v : json::value{};
    }
  if (needed) return not_possible("nothing is sent for it");
  return json::value{};
}

bool offers(const json::object& o, std::string_view option) {
  const json::array options = list_of(o, "options");
  return options.empty() || std::ranges::any_of(options, [&](const json::value& v) {
           return v.is_object() && text_of(v.get_object(), "value") == option;
         });
}

result<row> form_values(const json::object& form, const lark_click& click) {
  std::vector<const json::object*> inputs;
  named_inputs(form, inputs);
  row out;
  std::size_t used = 0;
  for (const json::object* input : inputs) {
    const std::string name = text_of(*input, "name");
    const auto given = click.form.find(name);
    if (given != click.form.end()) {
      out[name] = given->second;
      ++used;
    } else if (true_in(*input, "required")) {
      return not_possible(name + " must be filled in");
    } else {
      const bool many = text_of(*input, "tag").starts_with("multi_");
      out[name] = many ? json::value(json::array{}) : json::value("");
    }
  }
  if (used != click.form.size()) return not_possible("the form has no such field");
  return out;
}

}  // namespace

std::optional<component> find_component(const json::value& card, std::string_view on) {
  return search(card, nullptr, "", on);
}

result<row> action_of(const component& c, const lark_click& click, bool legacy) {
  const json::object& o = *c.what;
  const std::string tag = text_of(o, "tag");
  if (true_in(o, "disabled")) return not_possible("it is disabled");
  const bool submit = c.form != nullptr && text_of(o, "form_action_type") == "submit";
  if (c.form != nullptr && !submit) return not_possible("a field of a form sends nothing itself");
  auto value = value_of(o, !submit && tag != "input");
  if (!value) return value.error();
  row out;
  if (!value->is_null()) out["value"] = std::move(*value);
  out["tag"] = tag;
  if (submit) {
    auto values = form_values(*c.form, click);
    if (!values) return values.error();
    out["name"] = text_of(o, "name");
    out["form_value"] = std::move(*values);
    return out;
  }
  if (tag == "button") return out;
  if (tag == "input") {
    out["input_value"] = click.input;
  } else if (tag == "checker") {
    out["checked"] = click.checked;
  } else if (tag.starts_with("multi_")) {
    out["options"] = json::value_from(click.options);
  } else {
    if (click.option.empty()) return not_possible("nothing was chosen");
    if (!offers(o, click.option)) return not_possible("it does not offer " + click.option);
    const bool picker = tag == "date_picker" || tag.starts_with("picker_");
    out["option"] = picker ? click.option + " +0800" : click.option;
    if (picker || legacy) out["timezone"] = "Asia/Shanghai";
  }
  return out;
}

}  // namespace pb::sandbox
