// protocol/lark/normal_form: the form in which neutral texts are compared and sent on, and how
// what is no text is spelled in words. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "protocol/lark/rich_text.hpp"
#include "protocol/lark/words.hpp"

namespace pb::protocol::lark {

/// Neighbouring runs of one kind joined, blanks at both ends of a block and blocks without words
/// left out, lines without trailing blanks, controls gone, code without blank lines around it,
/// lists that begin at the outer level and go one level deeper at a time. Idempotent; changes
/// nothing that a reader sees; at most max_blocks blocks and max_runs runs, with a marker in
/// left_out when there were more.
rich_text normalized(rich_text text);

/// What a reader sees of a run: the label of a link with an address that leads somewhere, "label
/// (address)" of others, "@name", "[image]", "[file: name]", an emoji.
std::string spelled(const run& r, language l);
/// "• ", "3. ", "☐ ", "☑ ", indented; "> " of a quote; nothing for others.
std::string block_mark(const block& b);
/// "[not shown: sticker, vote]"; empty when there is nothing to say.
std::string left_out_line(const rich_text& text, language l);
/// All that a reader sees, a line for each block, " | " between cells; for comparisons, excerpts.
std::string visible_text(const rich_text& text, language l);

/// A file's or picture's name, "[image: name]".
std::string attachment_name(const run& r, language l);

}  // namespace pb::protocol::lark
