// sandbox/json_text: JSON as Plane's two writers put it on the wire: compact UTF-8 in REST answers,
// ASCII with ", " and ": " in webhooks. Floats keep their ".0" as Python writes them.
#pragma once
#include <boost/json/value.hpp>
#include <string>

namespace pb::sandbox {

/// REST form: {"a":1,"b":"日本"}.
std::string rest_json(const boost::json::value& value);
/// Webhook form: {"a": 1, "b": "\u65e5\u672c"}; the bytes that are signed and sent.
std::string webhook_json(const boost::json::value& value);
/// Equal by meaning: 5 and 5.0 are the same number, arrays compare in order.
bool same_json(const boost::json::value& a, const boost::json::value& b) noexcept;

}  // namespace pb::sandbox
