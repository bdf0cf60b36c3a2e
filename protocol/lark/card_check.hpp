// protocol/lark/card_check: is this a card 2.0 that Feishu accepts (docs/contracts/lark.md, 4.1)?
// Unknown tags and properties are mistakes there, and one mistake loses the whole card. Strict on
// purpose: what the contract does not name is refused. Used by tests on everything that is made,
// and by the sandbox on everything that it is sent. Pure; any thread.
#pragma once
#include <cstddef>
#include <string_view>

#include "base/failure.hpp"

namespace pb::protocol::lark {

/// bad_input: detail begins with the path, "body.elements[2].options[0].value: …".
/// too_large: more than 30 KB, 200 elements, or containers nested more than 5 deep.
result<void> validate_card(std::string_view json);

/// Every object with a "tag" counts, those inside others too: Feishu's own way of counting is not
/// published, and this one never counts less. 0 when it is not JSON.
std::size_t count_elements(std::string_view json);

}  // namespace pb::protocol::lark
