// protocol/lark/card_shapes: the elements of a card 2.0 and their properties, as
// docs/contracts/lark.md, 4.1, lists them. Data for card_check.cpp only.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace pb::protocol::lark::shapes {

/// What a property holds. What is behind a name of a shape is checked where it is read.
enum class holds : std::uint8_t {
  text,       ///< any string
  full_text,  ///< a string that is not empty
  number,
  flag,
  plain,  ///< a plain_text object
  words,  ///< plain_text or lark_md
  elements,
  columns,
  fields,
  options,         ///< of a select_static
  person_options,  ///< of a select_person
  texts,           ///< array of strings
  behaviors,
  icon,
  confirm,
  rows,  ///< of a table: its own rules are not ours
};
struct property {
  std::string_view name;
  holds what;
  bool required = false;
};

inline constexpr std::array common{property{"tag", holds::full_text, true},
                                   property{"element_id", holds::full_text},
                                   property{"margin", holds::text}};
inline constexpr std::array markdown{
    property{"content", holds::text, true}, property{"text_align", holds::text},
    property{"text_size", holds::text}, property{"icon", holds::icon}};
inline constexpr std::array div_{property{"text", holds::words}, property{"fields", holds::fields},
                                 property{"icon", holds::icon}};
inline constexpr std::array<property, 0> hr{};
inline constexpr std::array img{property{"img_key", holds::full_text, true},
                                property{"alt", holds::plain, true}};
inline constexpr std::array column_set{
    property{"flex_mode", holds::text}, property{"horizontal_spacing", holds::text},
    property{"background_style", holds::text}, property{"columns", holds::columns, true}};
inline constexpr std::array column{
    property{"width", holds::text},          property{"weight", holds::number},
    property{"vertical_align", holds::text}, property{"vertical_spacing", holds::text},
    property{"padding", holds::text},        property{"elements", holds::elements, true}};
inline constexpr std::array button{
    property{"text", holds::plain},     property{"type", holds::text},
    property{"size", holds::text},      property{"width", holds::text},
    property{"disabled", holds::flag},  property{"confirm", holds::confirm},
    property{"name", holds::full_text}, property{"form_action_type", holds::text},
    property{"icon", holds::icon},      property{"behaviors", holds::behaviors}};
inline constexpr std::array select_static{property{"placeholder", holds::plain},
                                          property{"initial_option", holds::full_text},
                                          property{"options", holds::options, true},
                                          property{"type", holds::text},
                                          property{"width", holds::text},
                                          property{"name", holds::full_text},
                                          property{"required", holds::flag},
                                          property{"disabled", holds::flag},
                                          property{"confirm", holds::confirm},
                                          property{"behaviors", holds::behaviors}};
inline constexpr std::array select_person{property{"placeholder", holds::plain},
                                          property{"initial_option", holds::full_text},
                                          property{"options", holds::person_options},
                                          property{"type", holds::text},
                                          property{"width", holds::text},
                                          property{"name", holds::full_text},
                                          property{"required", holds::flag},
                                          property{"disabled", holds::flag},
                                          property{"confirm", holds::confirm},
                                          property{"behaviors", holds::behaviors}};
inline constexpr std::array multi_static{property{"placeholder", holds::plain},
                                         property{"selected_values", holds::texts},
                                         property{"options", holds::options, true},
                                         property{"type", holds::text},
                                         property{"width", holds::text},
                                         property{"name", holds::full_text, true},
                                         property{"required", holds::flag},
                                         property{"disabled", holds::flag}};
inline constexpr std::array multi_person{property{"placeholder", holds::plain},
                                         property{"selected_values", holds::texts},
                                         property{"options", holds::person_options},
                                         property{"type", holds::text},
                                         property{"width", holds::text},
                                         property{"name", holds::full_text, true},
                                         property{"required", holds::flag},
                                         property{"disabled", holds::flag}};
// Section 4.3 shows what a date picker answers; its properties are those of a menu, with
// initial_date in place of options.
inline constexpr std::array date_picker{
    property{"placeholder", holds::plain}, property{"initial_date", holds::full_text},
    property{"width", holds::text},        property{"name", holds::full_text},
    property{"required", holds::flag},     property{"disabled", holds::flag},
    property{"confirm", holds::confirm},   property{"behaviors", holds::behaviors}};
inline constexpr std::array input{
    property{"name", holds::full_text},      property{"placeholder", holds::plain},
    property{"default_value", holds::text},  property{"label", holds::plain},
    property{"label_position", holds::text}, property{"input_type", holds::text},
    property{"rows", holds::number},         property{"auto_resize", holds::flag},
    property{"max_rows", holds::number},     property{"max_length", holds::number},
    property{"required", holds::flag},       property{"disabled", holds::flag},
    property{"width", holds::text},          property{"behaviors", holds::behaviors}};
inline constexpr std::array form{property{"name", holds::full_text, true},
                                 property{"elements", holds::elements, true}};
inline constexpr std::array interactive_container{
    property{"elements", holds::elements, true}, property{"behaviors", holds::behaviors},
    property{"width", holds::text}, property{"disabled", holds::flag}};
inline constexpr std::array table{
    property{"columns", holds::rows, true}, property{"rows", holds::rows, true},
    property{"page_size", holds::number}, property{"row_height", holds::text}};

struct shape {
  std::string_view tag;
  std::span<const property> own;
  bool container = false;
  bool answers = false;  ///< needs a name in a form
};
inline constexpr std::array elements_of_2_0{
    shape{"markdown", markdown},
    shape{"div", div_},
    shape{"hr", hr},
    shape{"img", img},
    shape{"column_set", column_set, true},
    shape{"column", column, true},
    shape{"button", button, false, true},
    shape{"select_static", select_static, false, true},
    shape{"select_person", select_person, false, true},
    shape{"multi_select_static", multi_static, false, true},
    shape{"multi_select_person", multi_person, false, true},
    shape{"date_picker", date_picker, false, true},
    shape{"input", input, false, true},
    shape{"form", form, true},
    shape{"interactive_container", interactive_container, true},
    shape{"table", table}};

}  // namespace pb::protocol::lark::shapes
