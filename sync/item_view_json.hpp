// sync/item_view_json: item views inside of other JSON forms. Used inside sync/ only.
#pragma once
#include <boost/json.hpp>

#include "sync/item_view.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {

boost::json::object object_of(const item_view& v);
item_view view_of(const json_fields& f);

}  // namespace pb::sync
