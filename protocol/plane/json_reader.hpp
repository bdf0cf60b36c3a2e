// protocol/plane/json_reader: moved to protocol/json_reader; here are its names for who says
// plane::.
#pragma once
#include "protocol/json_reader.hpp"

namespace pb::protocol::plane {
using protocol::element_path;
using protocol::is_civil_date;
using protocol::joined_path;
using protocol::json_reader;
using protocol::kind_name;
using protocol::need;
using protocol::parse_json;
}  // namespace pb::protocol::plane
