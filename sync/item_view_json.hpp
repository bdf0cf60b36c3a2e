// sync/item_view_json: item views, and names of what uuids mean, inside of other JSON forms. Used
// inside sync/ only.
#pragma once
#include <boost/json.hpp>

#include "protocol/plane/change_item.hpp"
#include "sync/item_view.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {

boost::json::object object_of(const item_view& v);
item_view view_of(const json_fields& f);

/// Without people's e-mail addresses: nobody is shown those.
boost::json::object object_of(const protocol::plane::item_names& n);
protocol::plane::item_names names_of(const json_fields& f);

}  // namespace pb::sync
