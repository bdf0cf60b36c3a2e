// sync/thread_digest: a burst of changes as one message. Values per field, oldest "before" and
// newest "after"; the message is made of them each time, so that it does not matter how the burst
// was cut. Used by the thread_*.cpp of sync/ only.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "protocol/lark/words.hpp"
#include "sync/between.hpp"
#include "sync/lark_effects.hpp"

namespace pb::sync {

struct digest_entry {
  std::string field, before, after;
  std::string by, by_id;  ///< who changed it last
};
struct digest {
  std::string number, name, url;  ///< of the item, as of the newest change
  std::string language;
  std::vector<digest_entry> entries;  ///< in a fixed order of fields
  struct person {
    std::string open_id, name, plane_user;
  };
  /// Whose work it is and who want to be mentioned; who made all of the changes is not.
  std::vector<person> call;
  [[nodiscard]] bool empty() const noexcept { return entries.empty(); }
};

void add(digest& to, const field_change& change, std::string_view by, std::string_view by_id);
digest merged(const digest& waiting, const digest& later);
/// @param carrier  where it goes: root, in_thread
lark_effect effect_of(const digest& d, lark_effect carrier);
/// What is not such an effect is an empty digest.
digest digest_of(const lark_effect& e);

}  // namespace pb::sync
