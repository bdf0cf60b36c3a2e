// persistence/touched_set: which entities changed while nothing more of them could be kept: a file
// of fixed size whose slots are reserved when it is made, so that it takes an id on a full disk. A
// mark says "read this entity"; it is cleared once a read that begins after the mark is sure. Not
// thread-safe: used by the thread of persistence/shelter, and it may block.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/entity.hpp"
#include "persistence/local_file.hpp"

namespace pb::persistence {

/// What has to be read.
struct touched_entity {
  entity_key key;
  std::string parent;      ///< the project's uuid for a work item
  std::uint64_t mark = 0;  ///< never given twice, also not by a later process
};

inline constexpr std::size_t touched_slot_bytes = 128;
/// A slot's bytes; nothing when key and parent are too long for one. An empty key: a free slot that
/// still tells which marks were given. Pure, as is its reading.
std::optional<std::string> encode_slot(const touched_entity& e, std::uint64_t index);
/// Nothing when the bytes are no slot: never written, or torn.
std::optional<touched_entity> decode_slot(std::string_view slot, std::uint64_t index);

class touched_set {
public:
  /// @param slots  at least so many entities fit
  /// @param now    marks of a new file begin here, so that they differ from those of a lost one
  static result<std::unique_ptr<touched_set>> open(const std::string& path, std::size_t slots,
                                                   timestamp now);

  /// False when nothing durable can take it. It counts only after sync(), which forgets what was
  /// marked since the last one when it fails.
  bool mark(const entity_key& key, const std::string& parent);
  result<void> sync();

  /// The oldest marks; they are under way until clear() or give_back(), and an entity that is
  /// touched meanwhile gets a mark of its own.
  std::vector<touched_entity> take(std::size_t most);
  /// A read that begins after this mark is sure.
  void clear(const touched_entity& e);
  void give_back();

  [[nodiscard]] std::size_t size() const noexcept { return marked_.size(); }
  [[nodiscard]] std::size_t slots() const noexcept { return slots_; }
  /// Slots that did not read when the file was opened.
  [[nodiscard]] std::size_t damaged() const noexcept { return damaged_; }

private:
  struct place {
    touched_entity what;
    std::uint64_t slot = 0;
    bool under_way = false;
  };
  result<void> read_all();

  local_file file_;
  std::size_t slots_ = 0, damaged_ = 0;
  std::uint64_t next_mark_ = 1;
  std::map<std::uint64_t, place> marked_;                   ///< by mark
  std::unordered_map<std::string, std::uint64_t> waiting_;  ///< entity → mark not under way
  std::vector<std::uint64_t> free_;
  std::vector<std::uint64_t> unsynced_;  ///< marks
};

}  // namespace pb::persistence
