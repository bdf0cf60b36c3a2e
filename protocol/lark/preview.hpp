// protocol/lark/preview: answers to url.preview.get and toasts for clicks (docs/contracts/lark.md,
// 4.4 and 4.6): the bodies that go back within three seconds. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/lark/card.hpp"
#include "protocol/lark/words.hpp"

namespace pb::protocol::lark {

/// A link to an item: an inline title in both languages and, with `with_card`, a card 1.0 without
/// anything to click but the link: a preview is rendered for one viewer, who may see the item.
std::string preview_answer(const card_input& in, bool with_card);
/// The item is being fetched, or the viewer may not see it: the number as it stands in the link,
/// nothing else.
std::string preview_pending(std::string_view number, std::string_view url);
/// No preview at all: {}.
std::string no_preview();

enum class toast : std::uint8_t { info, success, error, warning };
/// {"toast": …} with both languages.
std::string toast_answer(toast kind, word what);
/// The same with other words; each at most 200 bytes on one line.
std::string toast_answer(toast kind, std::string_view en, std::string_view zh);

}  // namespace pb::protocol::lark
