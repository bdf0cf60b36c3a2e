#include "protocol/lark/card_check.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <string>

#include "protocol/json_reader.hpp"
#include "protocol/lark/card.hpp"
#include "protocol/lark/card_shapes.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {
using namespace shapes;

constexpr int max_containers = 5;
constexpr std::string_view op_card = "lark.card";

bool any_of(std::string_view text, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), text) != all.end();
}
std::string at(const std::string& path, std::string_view key) {
  return path.empty() ? std::string{key} : path + '.' + std::string{key};
}
std::string at(const std::string& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

/// Reads a card and stops at the first mistake.
class checker {
public:
  result<void> card(const json::value& v) {
    const auto* top = object(v, "");
    if (top != nullptr && only(*top, "", {"schema", "config", "card_link", "header", "body"})) {
      if (text_of(*top, "schema") != "2.0") fail("schema", "must be \"2.0\"");
      if (const auto* c = top->if_contains("config")) config(*c);
      if (const auto* l = top->if_contains("card_link"))
        addresses(*l, "card_link", "url", {"url", "pc_url", "ios_url", "android_url"});
      if (const auto* h = top->if_contains("header")) header(*h);
      if (const auto* b = top->if_contains("body"))
        body(*b);
      else
        fail("body", "is missing");
    }
    if (problem_) return *problem_;
    return {};
  }

private:
  struct place {
    bool root = false, in_form = false;
    int containers = 0;
  };

  void fail(const std::string& path, std::string_view what, errc code = errc::bad_input) {
    if (problem_) return;
    problem_ = failure{.code = code,
                       .where = std::string{op_card},
                       .detail = (path.empty() ? "card" : path) + ": " + std::string{what}};
  }

  const json::object* object(const json::value& v, const std::string& path) {
    if (const auto* o = v.if_object()) return o;
    fail(path, "an object is due");
    return nullptr;
  }
  const json::array* array(const json::value& v, const std::string& path) {
    if (const auto* a = v.if_array()) return a;
    fail(path, "a list is due");
    return nullptr;
  }
  bool only(const json::object& o, const std::string& path,
            std::initializer_list<std::string_view> names) {
    for (const auto& each : o)
      if (!any_of(each.key(), names)) fail(at(path, each.key()), "unknown property");
    return !problem_;
  }
  static std::string text_of(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
  }
  void one_of(const json::object& o, const std::string& path, std::string_view key,
              std::initializer_list<std::string_view> all) {
    const auto* v = o.if_contains(key);
    if (v == nullptr) return;
    if (!v->is_string() || !any_of(std::string_view{v->get_string()}, all))
      fail(at(path, key), "not one of the values that Feishu names");
  }
  void number_in(const json::object& o, const std::string& path, std::string_view key,
                 std::int64_t low, std::int64_t high) {
    const auto* v = o.if_contains(key);
    if (v == nullptr) return;
    const auto* n = v->if_int64();
    if (n == nullptr || *n < low || *n > high)
      fail(at(path, key), "must be from " + std::to_string(low) + " to " + std::to_string(high));
  }

  void config(const json::value& v) {
    const auto* o = object(v, "config");
    if (o == nullptr || !only(*o, "config",
                              {"update_multi", "enable_forward", "enable_forward_interaction",
                               "width_mode", "summary", "streaming_mode", "locales", "style"}))
      return;
    if (const auto* u = o->if_contains("update_multi"); u != nullptr && *u != true)
      fail("config.update_multi", "only true is allowed");
    one_of(*o, "config", "width_mode", {"default", "compact", "fill"});
    if (const auto* s = o->if_contains("summary")) {
      const auto* summary = object(*s, "config.summary");
      if (summary != nullptr && only(*summary, "config.summary", {"content"}) &&
          (!summary->contains("content") || !summary->at("content").is_string()))
        fail("config.summary.content", "a text is due");
    }
  }

  void addresses(const json::value& v, const std::string& path, std::string_view required,
                 std::initializer_list<std::string_view> names) {
    const auto* o = object(v, path);
    if (o == nullptr || !only(*o, path, names)) return;
    if (!is_web_address(text_of(*o, required)))
      fail(at(path, required), "an address with http or https is due");
    for (const auto& each : *o)
      if (!each.value().is_string()) fail(at(path, each.key()), "a text is due");
  }

  void header(const json::value& v) {
    const auto* o = object(v, "header");
    if (o == nullptr ||
        !only(*o, "header", {"title", "subtitle", "template", "text_tag_list", "icon", "padding"}))
      return;
    if (const auto* t = o->if_contains("title"))
      words(*t, "header.title", true);
    else
      fail("header.title", "is missing");
    if (const auto* t = o->if_contains("subtitle")) words(*t, "header.subtitle", true);
    one_of(*o, "header", "template",
           {"blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet",
            "purple", "indigo", "grey", "default"});
    if (const auto* i = o->if_contains("icon")) icon(*i, "header.icon");
    const auto* tags = o->if_contains("text_tag_list");
    if (tags == nullptr) return;
    const auto* list = array(*tags, "header.text_tag_list");
    if (list == nullptr) return;
    if (list->size() > 3) fail("header.text_tag_list", "at most 3");
    for (std::size_t i = 0; i < list->size() && !problem_; ++i) {
      const auto path = at(std::string{"header.text_tag_list"}, i);
      const auto* tag = object((*list)[i], path);
      if (tag == nullptr || !only(*tag, path, {"tag", "text", "color", "element_id"})) return;
      if (text_of(*tag, "tag") != "text_tag") fail(at(path, "tag"), "must be \"text_tag\"");
      if (!tag->contains("text")) return fail(at(path, "text"), "is missing");
      words(tag->at("text"), at(path, "text"), false);
      one_of(*tag, path, "color",
             {"neutral", "blue", "turquoise", "lime", "orange", "violet", "indigo", "wathet",
              "green", "yellow", "red", "purple", "carmine"});
    }
  }

  void body(const json::value& v) {
    const auto* o = object(v, "body");
    if (o == nullptr ||
        !only(*o, "body",
              {"direction", "padding", "vertical_spacing", "horizontal_spacing", "elements"}))
      return;
    if (const auto* e = o->if_contains("elements"))
      elements(*e, "body.elements", {.root = true});
    else
      fail("body.elements", "is missing");
  }

  void elements(const json::value& v, const std::string& path, const place& p) {
    const auto* list = array(v, path);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size() && !problem_; ++i) element((*list)[i], at(path, i), p);
  }

  void element(const json::value& v, const std::string& path, place p) {
    const auto* o = object(v, path);
    if (o == nullptr) return;
    const auto tag = text_of(*o, "tag");
    const auto* found = std::find_if(elements_of_2_0.begin(), elements_of_2_0.end(),
                                     [&](const shape& s) { return s.tag == tag; });
    if (found == elements_of_2_0.end() || tag == "column")
      return fail(at(path, "tag"), "\"" + tag + "\" is no element of a 2.0 card");
    if (!p.root && any_of(tag, {"form", "table"}))
      return fail(path, "a " + tag + " stands at the root of the body only");
    if (any_of(tag, {"multi_select_static", "multi_select_person"}) && !p.in_form)
      return fail(path, "a menu for several values stands in a form only");
    shaped(*o, *found, path, p);
    if (problem_) return;
    if (tag == "form") form_has_submit(*o, path);
    if (p.in_form && found->answers) name_in_form(*o, path);
    if (tag == "input") input_rules(*o, path, p);
    if (tag == "button") button_rules(*o, path, p);
    if (tag == "column_set")
      one_of(*o, path, "flex_mode", {"none", "stretch", "flow", "bisect", "trisect"});
    if (tag == "div" && !o->contains("text") && !o->contains("fields"))
      fail(path, "a div needs a text or fields");
    if (any_of(tag, {"select_static", "select_person"}))
      one_of(*o, path, "type", {"default", "text"});
    if (tag == "date_picker" && o->contains("initial_date") &&
        !is_civil_date(text_of(*o, "initial_date")))
      fail(at(path, "initial_date"), "not YYYY-MM-DD");
  }

  void shaped(const json::object& o, const shape& s, const std::string& path, place p) {
    for (const auto& each : o) {
      const auto named = [&](const property& q) { return q.name == std::string_view{each.key()}; };
      const auto* q = std::find_if(common.begin(), common.end(), named);
      if (q == common.end()) {
        const auto own = std::find_if(s.own.begin(), s.own.end(), named);
        if (own == s.own.end()) return fail(at(path, each.key()), "unknown property");
        q = &*own;
      }
      p.root = false;
      value(each.value(), q->what, at(path, each.key()), s, p);
      if (problem_) return;
    }
    for (const auto& q : s.own)
      if (q.required && !o.contains(q.name)) return fail(at(path, q.name), "is missing");
    if (const auto* id = o.if_contains("element_id"))
      element_id(std::string{id->get_string()}, path);
    initial_option(o, path);
  }

  void value(const json::value& v, holds what, const std::string& path, const shape& s, place p) {
    if (s.container) ++p.containers;
    if (s.tag == "form") p.in_form = true;
    switch (what) {
      case holds::text:
      case holds::full_text:
        if (!v.is_string()) return fail(path, "a text is due");
        if (what == holds::full_text && v.get_string().empty()) fail(path, "must not be empty");
        return;
      case holds::number:
        if (!v.is_int64()) fail(path, "a whole number is due");
        return;
      case holds::flag:
        if (!v.is_bool()) fail(path, "true or false is due");
        return;
      case holds::plain:
        return words(v, path, false);
      case holds::words:
        return words(v, path, true);
      case holds::elements:
        if (p.containers > max_containers)
          return fail(path, "containers are nested more than 5 deep", errc::too_large);
        return elements(v, path, p);
      case holds::columns:
        return columns(v, path, p);
      case holds::fields:
        return fields(v, path);
      case holds::options:
        return options(v, path, false);
      case holds::person_options:
        return options(v, path, true);
      case holds::behaviors:
        return behaviors(v, path);
      case holds::icon:
        return icon(v, path);
      case holds::confirm:
        return confirm(v, path);
      case holds::texts:
      case holds::rows:
        static_cast<void>(array(v, path));
        return;
    }
  }

  void words(const json::value& v, const std::string& path, bool markdown_too) {
    const auto* o = object(v, path);
    if (o == nullptr ||
        !only(*o, path, {"tag", "content", "text_size", "text_color", "text_align", "lines"}))
      return;
    const auto tag = text_of(*o, "tag");
    if (tag != "plain_text" && !(markdown_too && tag == "lark_md"))
      return fail(at(path, "tag"), "\"" + tag + "\" is no text here");
    if (!o->contains("content") || !o->at("content").is_string())
      fail(at(path, "content"), "a text is due");
  }

  void columns(const json::value& v, const std::string& path, const place& p) {
    const auto* list = array(v, path);
    if (list == nullptr) return;
    const auto* s = std::find_if(elements_of_2_0.begin(), elements_of_2_0.end(),
                                 [](const shape& each) { return each.tag == "column"; });
    for (std::size_t i = 0; i < list->size() && !problem_; ++i) {
      const auto here = at(path, i);
      const auto* o = object((*list)[i], here);
      if (o == nullptr) return;
      if (text_of(*o, "tag") != "column") return fail(at(here, "tag"), "must be \"column\"");
      // A column and its set are one container.
      auto inside = p;
      --inside.containers;
      shaped(*o, *s, here, inside);
      number_in(*o, here, "weight", 1, 5);
    }
  }

  void fields(const json::value& v, const std::string& path) {
    const auto* list = array(v, path);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size() && !problem_; ++i) {
      const auto here = at(path, i);
      const auto* o = object((*list)[i], here);
      if (o == nullptr || !only(*o, here, {"is_short", "text"})) return;
      if (!o->contains("text")) return fail(at(here, "text"), "is missing");
      words(o->at("text"), at(here, "text"), true);
    }
  }

  void options(const json::value& v, const std::string& path, bool people) {
    const auto* list = array(v, path);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size() && !problem_; ++i) {
      const auto here = at(path, i);
      const auto* o = object((*list)[i], here);
      if (o == nullptr) return;
      if (!(people ? only(*o, here, {"value"}) : only(*o, here, {"text", "value", "icon"}))) return;
      const auto value = text_of(*o, "value");
      if (value.empty()) return fail(at(here, "value"), "must not be empty");
      if (people) continue;
      if (!o->contains("text")) return fail(at(here, "text"), "is missing");
      words(o->at("text"), at(here, "text"), false);
    }
  }

  void initial_option(const json::object& o, const std::string& path) {
    const auto* v = o.if_contains("initial_option");
    if (v == nullptr || problem_) return;
    const auto* list = o.if_contains("options");
    const auto* all = list == nullptr ? nullptr : list->if_array();
    const bool among =
        all != nullptr && std::any_of(all->begin(), all->end(), [&](const json::value& each) {
          return each.is_object() && text_of(each.get_object(), "value") == v->get_string();
        });
    if (!among) fail(at(path, "initial_option"), "not one of the options");
  }

  void behaviors(const json::value& v, const std::string& path) {
    const auto* list = array(v, path);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size() && !problem_; ++i) {
      const auto here = at(path, i);
      const auto* o = object((*list)[i], here);
      if (o == nullptr) return;
      const auto type = text_of(*o, "type");
      if (type == "callback") {
        if (!only(*o, here, {"type", "value"})) return;
        // Texts are allowed by Feishu, but its typed SDKs break on them.
        if (!o->contains("value") || !o->at("value").is_object())
          fail(at(here, "value"), "an object is due");
      } else if (type == "open_url") {
        if (!only(*o, here, {"type", "default_url", "pc_url", "ios_url", "android_url"})) return;
        if (!is_web_address(text_of(*o, "default_url")))
          fail(at(here, "default_url"), "an address with http or https is due");
      } else {
        fail(at(here, "type"), "must be \"callback\" or \"open_url\"");
      }
    }
  }

  void icon(const json::value& v, const std::string& path) {
    const auto* o = object(v, path);
    if (o == nullptr || !only(*o, path, {"tag", "token", "color", "img_key"})) return;
    one_of(*o, path, "tag", {"standard_icon", "custom_icon"});
  }

  void confirm(const json::value& v, const std::string& path) {
    const auto* o = object(v, path);
    if (o == nullptr || !only(*o, path, {"title", "text"})) return;
    for (const auto& each : *o) words(each.value(), at(path, each.key()), false);
  }

  void element_id(const std::string& id, const std::string& path) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const bool good = !id.empty() && id.size() <= 20 && letter(id[0]) &&
                      std::all_of(id.begin(), id.end(), [&](char c) {
                        return letter(c) || (c >= '0' && c <= '9') || c == '_';
                      });
    if (!good) return fail(at(path, "element_id"), "a letter, then letters, digits, _; at most 20");
    if (!ids_.insert(id).second) fail(at(path, "element_id"), "used twice");
  }

  void name_in_form(const json::object& o, const std::string& path) {
    const auto name = text_of(o, "name");
    if (name.empty()) return fail(at(path, "name"), "must not be empty in a form (200530)");
    if (!names_.insert(name).second) fail(at(path, "name"), "used twice");
  }

  bool submits(const json::value& v) {
    if (const auto* o = v.if_object()) {
      if (text_of(*o, "tag") == "button" && text_of(*o, "form_action_type") == "submit")
        return true;
      return std::any_of(o->begin(), o->end(), [&](const auto& e) { return submits(e.value()); });
    }
    const auto* a = v.if_array();
    return a != nullptr &&
           std::any_of(a->begin(), a->end(), [&](const auto& e) { return submits(e); });
  }
  void form_has_submit(const json::object& o, const std::string& path) {
    if (!submits(o.at("elements"))) fail(path, "a form needs a button that submits it");
    if (!names_.insert(text_of(o, "name")).second) fail(at(path, "name"), "used twice");
  }

  void input_rules(const json::object& o, const std::string& path, const place& p) {
    one_of(o, path, "input_type", {"text", "multiline_text", "password"});
    number_in(o, path, "max_length", 1, 1000);
    if (o.contains("required") && !p.in_form) fail(at(path, "required"), "in a form only");
  }

  void button_rules(const json::object& o, const std::string& path, const place& p) {
    one_of(o, path, "type",
           {"default", "primary", "danger", "text", "primary_text", "danger_text", "primary_filled",
            "danger_filled", "laser"});
    one_of(o, path, "form_action_type", {"submit", "reset"});
    if (o.contains("form_action_type") && !p.in_form)
      fail(at(path, "form_action_type"), "in a form only");
  }

  std::optional<failure> problem_;
  std::set<std::string> ids_, names_;
};

std::size_t tags_below(const json::value& v) {
  std::size_t n = 0;
  if (const auto* o = v.if_object()) {
    if (o->contains("tag")) ++n;
    for (const auto& each : *o) n += tags_below(each.value());
  } else if (const auto* a = v.if_array()) {
    for (const auto& each : *a) n += tags_below(each);
  }
  return n;
}

result<json::value> parsed(std::string_view text) {
  return parse_json(text, card_limit_bytes, errc::bad_input, op_card);
}
}  // namespace

result<void> validate_card(std::string_view text) {
  const auto refused = [](std::string detail) {
    return failure{
        .code = errc::too_large, .where = std::string{op_card}, .detail = std::move(detail)};
  };
  if (text.size() > card_limit_bytes)
    return refused("card: " + std::to_string(text.size()) + " bytes, at most 30 KB are allowed");
  const auto v = parsed(text);
  if (!v) return v.error();
  if (const auto n = tags_below(*v); n > card_limit_elements)
    return refused("card: " + std::to_string(n) + " elements, at most 200 are allowed");
  return checker{}.card(*v);
}

std::size_t count_elements(std::string_view text) {
  const auto v = parsed(text);
  return v ? tags_below(*v) : 0;
}

}  // namespace pb::protocol::lark
