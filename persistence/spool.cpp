#include "persistence/spool.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/log.hpp"

namespace pb::persistence {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view extension = ".spool";

std::string file_name(std::uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "%012llu", static_cast<unsigned long long>(number));
  return name + std::string{extension};
}

}  // namespace

result<std::unique_ptr<spool>> spool::open(const spool_options& options, random_source& random) {
  std::error_code ec;
  fs::create_directories(options.folder, ec);
  if (ec)
    return failure{errc::storage, "spool.open",
                   "cannot make " + options.folder + ": " + ec.message(),
                   "check store.data_dir and that this user may write there"};
  fs::permissions(options.folder, fs::perms::owner_all, ec);
  std::unique_ptr<spool> s{new spool{options, random}};
  if (auto r = s->read_folder(); !r) return r.error();
  if (s->segments_.empty())
    if (auto r = s->add_segment(); !r) return r.error();
  if (auto r = s->look_for_oldest(); !r) return r.error();
  s->drop_drained();
  return s;
}

result<void> spool::read_folder() {
  std::vector<std::string> paths;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator{options_.folder, ec})
    if (entry.path().extension() == extension) paths.push_back(entry.path().string());
  if (ec) return failure{errc::storage, "spool.open", options_.folder + ": " + ec.message()};
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths)
    if (auto r = read_segment(path); !r) return r;
  return {};
}

result<void> spool::read_segment(const std::string& path) {
  auto file = local_file::open(path);
  if (!file) return file.error();
  auto size = file->size();
  if (!size) return size.error();
  auto bytes = file->read_at(0, 4096);
  if (!bytes) return bytes.error();
  // A group is synced before the next one is written, so a file whose first record is not there has
  // none that was acknowledged: most often it is the reserved space, which need not be read.
  const bool unused = bytes->find_first_not_of('\0', segment_header_bytes) == bytes->npos;
  if (!unused) bytes = file->read_at(0, *size);
  if (!bytes) return bytes.error();
  const auto header = decode_header(*bytes);
  if (!header) {
    std::error_code ec;
    if (bytes->find_first_not_of('\0') == bytes->npos) {
      fs::remove(path, ec);  // made, and the machine went down before anything was in it
      return {};
    }
    ++damaged_;
    fs::rename(path, path + ".damaged", ec);
    log::error("a file of the spool does not read and is put aside",
               {log::kv("file", path + ".damaged")});
    return {};
  }
  segment s;
  s.header = *header;
  std::size_t at = segment_header_bytes;
  while (true) {
    if (const auto r = record_at(*bytes, at, header->nonce)) {
      at = r->next;
      s.end = at;
      ++s.records;
      continue;
    }
    const auto further = find_record(*bytes, at + 1, header->nonce);
    if (!further) break;  // the end, torn or not
    ++damaged_;
    log::error("a stretch of the spool does not read and is left out",
               {log::kv("file", path), log::kv("offset", at), log::kv("bytes", *further - at)});
    at = *further;
  }
  s.file = std::move(*file);
  records_ += s.records;
  segments_.push_back(std::move(s));
  return {};
}

result<void> spool::add_segment() {
  segment s;
  s.header.number = segments_.empty() ? 1 : segments_.back().header.number + 1;
  s.header.nonce = random_.next();
  const auto path = options_.folder + "/" + file_name(s.header.number);
  auto file = local_file::open(path);
  if (!file) return file.error();
  s.file = std::move(*file);
  // Written before it counts: a reader of the folder takes an empty or torn one for none.
  auto made = s.file.reserve(segment_header_bytes + options_.segment_bytes);
  if (made) made = s.file.write_at(0, encode_header(s.header));
  if (made) made = s.file.sync();
  if (made) made = sync_folder(options_.folder);
  if (!made) {
    std::error_code ec;
    fs::remove(path, ec);
    return made;
  }
  segments_.push_back(std::move(s));
  return {};
}

std::uint64_t spool::bytes() const noexcept {
  std::uint64_t n = 0;
  for (const auto& s : segments_)
    if (s.records != 0) n += s.end - segment_header_bytes;
  return n;
}

result<std::vector<bool>> spool::append(std::span<const delivery_append* const> group) {
  std::vector<bool> durable(group.size(), false);
  // What is written counts only once everything of the group is synced.
  struct grown {
    std::uint64_t end, records;
  };
  std::vector<grown> before;
  for (const auto& s : segments_) before.push_back({s.end, s.records});
  const auto undo = [&](const failure& why) {
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      segments_[i].end = i < before.size() ? before[i].end : segment_header_bytes;
      segments_[i].records = i < before.size() ? before[i].records : 0;
    }
    return why;
  };

  std::uint64_t room = options_.max_bytes - std::min(options_.max_bytes, bytes());
  std::string tail;
  std::uint64_t added = 0;
  const auto flush = [&]() -> result<void> {
    if (tail.empty()) return {};
    segment& s = segments_.back();
    if (auto r = s.file.write_at(s.end, tail); !r) return r;
    if (auto r = s.file.sync(); !r) return r;
    s.end += tail.size();
    tail.clear();
    return {};
  };
  std::optional<timestamp> first;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto payload = encode_delivery(*group[i]);
    const auto size = record_head_bytes + payload.size();
    if (size > room) continue;
    const auto used = segments_.back().end + tail.size() - segment_header_bytes;
    if (used != 0 && used + size > options_.segment_bytes) {
      if (auto r = flush(); !r) return undo(r.error());
      if (auto r = add_segment(); !r) return undo(r.error());
    }
    segment& s = segments_.back();
    append_record(tail, s.end + tail.size(), s.header.nonce, payload);
    ++s.records;
    room -= size;
    durable[i] = true;
    ++added;
    if (!first) first = group[i]->row.received_at;
  }
  if (auto r = flush(); !r) return undo(r.error());
  if (records_ == 0 && first) oldest_ = first;
  records_ += added;
  return durable;
}

result<std::vector<delivery_append>> spool::front(std::size_t most, std::size_t most_bytes) {
  given_.clear();
  std::vector<delivery_append> out;
  // One segment at a time: what it gives is cut as one.
  const auto from = std::find_if(segments_.begin(), segments_.end(),
                                 [](const segment& s) { return s.records != 0; });
  if (from == segments_.end()) return out;
  const std::uint64_t base = from->drained, left = from->end - base, nonce = from->header.nonce;
  auto bytes = from->file.read_at(base, std::min<std::uint64_t>(left, most_bytes));
  if (!bytes) return bytes.error();
  std::size_t at = 0;
  while (out.size() < most && at < left) {
    const auto r = record_at(*bytes, at, nonce, base);
    if (!r) {
      if (bytes->size() < left) {
        if (!out.empty()) break;  // the rest was not read; the next call begins there
        bytes = from->file.read_at(base, left);
        if (!bytes) return bytes.error();
        if (bytes->size() == left) continue;
        break;
      }
      const auto further = find_record(*bytes, at + 1, nonce, base);
      if (!further) break;
      at = *further;
      continue;
    }
    at = r->next;
    auto d = decode_delivery(r->payload);
    if (!d) {
      // Of another version, or a checksum that met by chance: nobody will ever read it.
      log::error("a record of the spool does not read and is left out",
                 {log::kv("file", from->file.path()), log::kv("failure", d.error())});
      ++damaged_;
      --from->records;
      --records_;
      continue;
    }
    out.push_back(std::move(*d));
    given_.push_back(base + at);
  }
  if (!out.empty()) {
    oldest_ = out.front().row.received_at;
    return out;
  }
  // What was there when it was opened does not read any more.
  damaged_ += from->records;
  records_ -= from->records;
  from->records = 0;
  drop_drained();
  return front(most, most_bytes);
}

void spool::cut(std::size_t n) {
  n = std::min(n, given_.size());
  if (n == 0) return;
  const auto from = std::find_if(segments_.begin(), segments_.end(),
                                 [](const segment& s) { return s.records != 0; });
  if (from == segments_.end()) return;
  from->drained = given_[n - 1];
  from->records -= std::min<std::uint64_t>(from->records, n);
  records_ -= std::min<std::uint64_t>(records_, n);
  given_.erase(given_.begin(), given_.begin() + static_cast<std::ptrdiff_t>(n));
  drop_drained();
}

void spool::drop_drained() {
  while (segments_.size() > 1 && segments_.front().records == 0) {
    std::error_code ec;
    fs::remove(segments_.front().file.path(), ec);
    segments_.pop_front();
  }
  if (records_ == 0) oldest_.reset();
  segment& s = segments_.back();
  if (s.records != 0 || s.end == segment_header_bytes) return;
  // The last one begins anew in place: with another nonce nothing in it is a record any more, and
  // its reserved space stays ours. Unsynced: what comes back after a crash is a duplicate.
  segment_header fresh = s.header;
  fresh.nonce = random_.next();
  if (auto r = s.file.write_at(0, encode_header(fresh)); !r) return;
  s.header = fresh;
  s.end = s.drained = segment_header_bytes;
  const auto nominal = segment_header_bytes + options_.segment_bytes;
  if (const auto size = s.file.size(); size && *size > nominal) (void)s.file.resize(nominal);
}

result<void> spool::look_for_oldest() {
  if (records_ == 0) return {};
  auto first = front(1, 1);
  if (!first) return first.error();
  given_.clear();
  return {};
}

}  // namespace pb::persistence
