// What people write to the bot: read without harm, the same each time, bounded, and a command that
// is written out again reads as itself.
#include "property.hpp"
#include "sync/thread_commands.hpp"
#include "sync/thread_words.hpp"

using namespace pb::sync;
using namespace std::chrono_literals;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8'192) return 0;
  const auto input = fuzz::text_of(data, size);
  const std::chrono::year_month_day today{2026y, std::chrono::November, 25d};
  for (const bool addressed : {false, true}) {
    const spoken said{std::string{input}, {}, addressed};
    const auto read = read_command(said, today);
    fuzz::must(read == read_command(said, today), "a text reads the same each time");
    if (const auto* m = std::get_if<mistake>(&read))
      fuzz::must(m->got.size() <= 200, "an answer quotes little");
    if (const auto* c = std::get_if<command>(&read)) {
      fuzz::must(c->added.size() + c->removed.size() <= 20, "few labels at once");
      fuzz::must(c->what != verb::due || c->text.empty() || c->text.size() == 10, "a day is a day");
      fuzz::must(!c->from || (*c->from >= 0 && *c->from < 24 * 60), "an hour is of a day");
    }
  }
  const auto rest = after_word(input);
  fuzz::must(rest.size() <= input.size(), "nothing is added to a comment");
  fuzz::must(fold(fold(input)) == fold(input), "folding twice changes nothing");
  return 0;
}
