#include "persistence/touched_set.hpp"

#include <algorithm>

#include "base/byte_order.hpp"
#include "base/checksum.hpp"
#include "base/log.hpp"

namespace pb::persistence {
namespace {

// checksum u32, mark u64, length of the key u8, of the parent u8, both texts
constexpr std::size_t text_at = 14;

std::uint32_t checksum_of(std::string_view rest, std::uint64_t index) {
  std::string place;
  put_le(place, index);
  return crc32c(rest, crc32c(place));
}

}  // namespace

std::optional<std::string> encode_slot(const touched_entity& e, std::uint64_t index) {
  const auto& key = e.key.text();
  if (key.size() + e.parent.size() > touched_slot_bytes - text_at) return std::nullopt;
  std::string rest;
  put_le(rest, e.mark);
  put_le(rest, static_cast<std::uint8_t>(key.size()));
  put_le(rest, static_cast<std::uint8_t>(e.parent.size()));
  rest += key;
  rest += e.parent;
  rest.resize(touched_slot_bytes - 4, '\0');
  std::string out;
  put_le(out, checksum_of(rest, index));
  return out + rest;
}

std::optional<touched_entity> decode_slot(std::string_view slot, std::uint64_t index) {
  if (slot.size() != touched_slot_bytes) return std::nullopt;
  const auto rest = slot.substr(4);
  if (get_le<std::uint32_t>(slot) != checksum_of(rest, index)) return std::nullopt;
  const auto key = get_le<std::uint8_t>(slot, 12), parent = get_le<std::uint8_t>(slot, 13);
  if (std::size_t{key} + parent > touched_slot_bytes - text_at) return std::nullopt;
  return touched_entity{entity_key{std::string{slot.substr(text_at, key)}},
                        std::string{slot.substr(text_at + key, parent)},
                        get_le<std::uint64_t>(slot, 4)};
}

result<std::unique_ptr<touched_set>> touched_set::open(const std::string& path, std::size_t slots,
                                                       timestamp now) {
  auto file = local_file::open(path);
  if (!file) return file.error();
  std::unique_ptr<touched_set> s{new touched_set};
  s->file_ = std::move(*file);
  auto size = s->file_.size();
  if (!size) return size.error();
  s->slots_ = std::max<std::size_t>(slots, *size / touched_slot_bytes);
  if (s->slots_ * touched_slot_bytes > *size) {
    if (auto r = s->file_.reserve(s->slots_ * touched_slot_bytes); !r) return r.error();
    if (auto r = s->file_.sync(); !r) return r.error();
  }
  if (auto r = s->read_all(); !r) return r.error();
  s->next_mark_ = std::max(s->next_mark_,
                           static_cast<std::uint64_t>(std::max<std::int64_t>(to_micros(now), 1)));
  return s;
}

result<void> touched_set::read_all() {
  constexpr std::uint64_t piece = 512;
  const std::string never_written(touched_slot_bytes, '\0');
  result<std::string> bytes = std::string{};
  for (std::uint64_t i = slots_; i-- > 0;) {  // so that the first slots are given first
    const auto at = i % piece;
    if (bytes->size() <= at * touched_slot_bytes) {
      bytes = file_.read_at((i - at) * touched_slot_bytes, (at + 1) * touched_slot_bytes);
      if (!bytes) return bytes.error();
    }
    const auto slot = std::string_view{*bytes}.substr(at * touched_slot_bytes, touched_slot_bytes);
    std::optional<touched_entity> e;
    if (slot != never_written) {
      e = decode_slot(slot, i);
      if (!e) ++damaged_;
    }
    if (at == 0) bytes->clear();
    if (e) next_mark_ = std::max(next_mark_, e->mark + 1);
    if (!e || e->key.empty()) {
      free_.push_back(i);
      continue;
    }
    // Two marks of one entity: one of them was under way. The newer one is still to be read, and
    // reading twice does no harm.
    auto& waiting = waiting_[e->key.text()];
    waiting = std::max(waiting, e->mark);
    marked_[e->mark] = {std::move(*e), i, false};
  }
  if (damaged_ != 0)
    log::error("slots of the touched set do not read",
               {log::kv("file", file_.path()), log::kv("slots", damaged_)});
  return {};
}

bool touched_set::mark(const entity_key& key, const std::string& parent) {
  if (key.empty()) return false;
  if (waiting_.contains(key.text())) return true;  // its read has not begun yet
  if (free_.empty()) return false;
  touched_entity e{key, parent, next_mark_};
  const auto slot = free_.back();
  const auto bytes = encode_slot(e, slot);
  if (!bytes || !file_.write_at(slot * touched_slot_bytes, *bytes)) return false;
  free_.pop_back();
  ++next_mark_;
  waiting_[key.text()] = e.mark;
  unsynced_.push_back(e.mark);
  marked_[e.mark] = {std::move(e), slot, false};
  return true;
}

result<void> touched_set::sync() {
  auto done = file_.sync();
  for (const auto mark : unsynced_) {
    if (done) break;
    const auto at = marked_.find(mark);
    if (at == marked_.end()) continue;
    free_.push_back(at->second.slot);
    waiting_.erase(at->second.what.key.text());
    marked_.erase(at);
  }
  unsynced_.clear();
  return done;
}

std::vector<touched_entity> touched_set::take(std::size_t most) {
  std::vector<touched_entity> out;
  for (auto& [mark, p] : marked_) {
    if (out.size() >= most) break;
    if (p.under_way) continue;
    p.under_way = true;
    if (const auto w = waiting_.find(p.what.key.text()); w != waiting_.end() && w->second == mark)
      waiting_.erase(w);
    out.push_back(p.what);
  }
  return out;
}

void touched_set::clear(const touched_entity& e) {
  const auto at = marked_.find(e.mark);
  if (at == marked_.end()) return;
  // The mark stays in the free slot: marks must grow over restarts. Unsynced: a mark that comes
  // back after a crash makes a delivery with the same identity, a duplicate.
  const auto bytes = encode_slot({{}, {}, e.mark}, at->second.slot);
  if (bytes) (void)file_.write_at(at->second.slot * touched_slot_bytes, *bytes);
  free_.push_back(at->second.slot);
  marked_.erase(at);
}

void touched_set::give_back() {
  for (auto& [mark, p] : marked_) {
    if (!p.under_way) continue;
    p.under_way = false;
    auto& waiting = waiting_[p.what.key.text()];
    waiting = std::max(waiting, mark);
  }
}

}  // namespace pb::persistence
