// sandbox/multipart: the parts of a multipart/form-data body, for uploads. Internal to sandbox/.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/inbound.hpp"

namespace pb::sandbox {

struct form_part {
  std::string name, file_name, bytes;
};
std::string header_value(const inbound& in, std::string_view name);
/// Empty when the body is no such form.
std::vector<form_part> parts_of(const inbound& in);

}  // namespace pb::sandbox
