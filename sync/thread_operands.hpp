// sync/thread_operands: what follows a command's word: an address, a title, people, a date, labels,
// hours. Called by read_command (sync/thread_commands), which finds the word. Pure; any thread.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "sync/thread_commands.hpp"

namespace pb::sync {

/// @param c     its word, its language, and `on`, as the word said
/// @param rest  what stands behind the word
/// @return the whole command, or the mistake in it
reading read_operands(command c, std::string_view rest, const spoken& said,
                      std::chrono::year_month_day today);

/// At most 80 bytes of what was given, on a character border.
std::string quoted(std::string_view text);

}  // namespace pb::sync
