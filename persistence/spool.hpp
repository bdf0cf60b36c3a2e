// persistence/spool: deliveries on the local disk while the database is away: append-only segment
// files, bounded in size, synced once for each group. Not thread-safe: the thread of
// persistence/shelter is the only one that uses it, and it may block.
//
// What front() gave is removed by cut() after it was committed elsewhere. A crash between the two
// gives it again, and a whole segment is removed at a time, so some is given again after any crash:
// whoever drains it recognizes duplicates by their identities.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "persistence/local_file.hpp"
#include "persistence/spool_record.hpp"

namespace pb::persistence {

struct spool_options {
  std::string folder;
  std::uint64_t max_bytes = 256u * 1024 * 1024;  ///< of records; nothing more is taken beyond it
  /// A segment holds about so much, reserved when it is made: the first fits on a full disk.
  std::uint64_t segment_bytes = 8u * 1024 * 1024;
};

class spool {
public:
  /// Makes the folder and reads what an earlier process left; a torn end is dropped, and damage
  /// before the end costs only the records it hit (see damaged()).
  static result<std::unique_ptr<spool>> open(const spool_options& options, random_source& random);

  /// Writes and syncs a group. The answer says for each whether it is durable now: what does not
  /// fit is not. errc::storage: none of them is.
  result<std::vector<bool>> append(std::span<const delivery_append* const> group);

  /// The oldest records, at most so many and about so many bytes; at least one when there is any.
  result<std::vector<delivery_append>> front(std::size_t most, std::size_t most_bytes);
  /// Removes the first `n` of what the last front() gave.
  void cut(std::size_t n);

  [[nodiscard]] bool empty() const noexcept { return records_ == 0; }
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  /// Of the segments that hold records, as they count against max_bytes.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  /// Stretches that did not read: torn writes of a crash, or a damaged disk.
  [[nodiscard]] std::uint64_t damaged() const noexcept { return damaged_; }
  /// When the oldest record was received.
  [[nodiscard]] std::optional<timestamp> oldest() const noexcept { return oldest_; }

private:
  struct segment {
    local_file file;
    segment_header header;
    std::uint64_t end = segment_header_bytes;      ///< behind the last durable record
    std::uint64_t drained = segment_header_bytes;  ///< behind the last record that was cut
    std::uint64_t records = 0;                     ///< not yet cut
  };

  spool(const spool_options& options, random_source& random) : options_(options), random_(random) {}
  result<void> read_folder();
  result<void> read_segment(const std::string& path);
  result<void> add_segment();
  void drop_drained();
  result<void> look_for_oldest();

  spool_options options_;
  random_source& random_;
  std::deque<segment> segments_;      ///< oldest first; the last takes what comes
  std::vector<std::uint64_t> given_;  ///< ends of the records that front() gave
  std::uint64_t records_ = 0, damaged_ = 0;
  std::optional<timestamp> oldest_;
};

}  // namespace pb::persistence
