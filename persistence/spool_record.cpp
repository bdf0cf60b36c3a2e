#include "persistence/spool_record.hpp"

#include "base/byte_order.hpp"
#include "base/checksum.hpp"

namespace pb::persistence {
namespace {

constexpr std::string_view magic = "pbspool1";
constexpr std::uint32_t marker = 0x4c4f5053;  // "SPOL"
constexpr std::string_view marker_bytes = "SPOL";
constexpr std::uint8_t version = 1;

std::uint32_t checksum_of(std::uint64_t offset, std::uint64_t nonce, std::string_view payload) {
  std::string place;
  put_le(place, nonce);
  put_le(place, offset);
  put_le(place, static_cast<std::uint32_t>(payload.size()));
  return crc32c(payload, crc32c(place));
}

void put_text(std::string& out, std::string_view text) {
  put_le(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

/// Reads forward; once something is missing, everything after it is, too.
class taker {
public:
  explicit taker(std::string_view bytes) : left_(bytes) {}
  template <class T>
  T number() {
    if (left_.size() < sizeof(T)) {
      whole_ = false;
      left_ = {};
      return 0;
    }
    const T n = get_le<T>(left_);
    left_.remove_prefix(sizeof(T));
    return n;
  }
  std::string text() {
    const auto n = number<std::uint32_t>();
    if (n > left_.size()) {
      whole_ = false;
      left_ = {};
      return {};
    }
    std::string out{left_.substr(0, n)};
    left_.remove_prefix(n);
    return out;
  }
  [[nodiscard]] bool whole() const noexcept { return whole_; }
  [[nodiscard]] bool at_end() const noexcept { return whole_ && left_.empty(); }

private:
  std::string_view left_;
  bool whole_ = true;
};

}  // namespace

std::string encode_header(const segment_header& h) {
  std::string out{magic};
  put_le(out, h.number);
  put_le(out, h.nonce);
  put_le(out, crc32c(out));
  out.resize(segment_header_bytes, '\0');
  return out;
}

std::optional<segment_header> decode_header(std::string_view segment) {
  if (segment.size() < segment_header_bytes || !segment.starts_with(magic)) return std::nullopt;
  if (get_le<std::uint32_t>(segment, 24) != crc32c(segment.substr(0, 24))) return std::nullopt;
  return segment_header{get_le<std::uint64_t>(segment, 8), get_le<std::uint64_t>(segment, 16)};
}

std::string encode_delivery(const delivery_append& d) {
  const auto& r = d.row;
  std::string out;
  out.reserve(256 + (r.body ? r.body->size() : 0));
  put_le(out, version);
  put_le(out, static_cast<std::uint8_t>(r.status));
  put_le(out, static_cast<std::uint64_t>(to_micros(r.received_at)));
  for (const std::string* text :
       {&r.tenant, &r.source, &r.form, &r.event, &r.entity.text(), &r.reason, &r.remote_id})
    put_text(out, *text);
  put_text(out, r.body ? std::string_view{*r.body} : std::string_view{});
  put_le(out, static_cast<std::uint16_t>(d.identities.size()));
  for (const std::string& identity : d.identities) put_text(out, identity);
  return out;
}

result<delivery_append> decode_delivery(std::string_view payload) {
  const failure unreadable{errc::bad_input, "spool.read", "a record of an unknown form"};
  taker from{payload};
  if (from.number<std::uint8_t>() != version) return unreadable;
  delivery_append d;
  auto& r = d.row;
  const auto status = from.number<std::uint8_t>();
  if (status > static_cast<std::uint8_t>(delivery_status::skipped)) return unreadable;
  r.status = static_cast<delivery_status>(status);
  r.received_at = from_micros(static_cast<std::int64_t>(from.number<std::uint64_t>()));
  std::string entity;
  for (std::string* text :
       {&r.tenant, &r.source, &r.form, &r.event, &entity, &r.reason, &r.remote_id})
    *text = from.text();
  r.entity = entity_key{std::move(entity)};
  r.body = std::make_shared<const std::string>(from.text());
  const auto identities = from.number<std::uint16_t>();
  for (std::uint16_t i = 0; i < identities && from.whole(); ++i)
    d.identities.push_back(from.text());
  if (!from.at_end()) return unreadable;
  return d;
}

void append_record(std::string& segment_tail, std::uint64_t offset, std::uint64_t nonce,
                   std::string_view payload) {
  put_le(segment_tail, marker);
  put_le(segment_tail, static_cast<std::uint32_t>(payload.size()));
  put_le(segment_tail, checksum_of(offset, nonce, payload));
  segment_tail += payload;
}

std::optional<found_record> record_at(std::string_view bytes, std::size_t at, std::uint64_t nonce,
                                      std::uint64_t base) {
  if (at > bytes.size() || bytes.size() - at < record_head_bytes) return std::nullopt;
  if (get_le<std::uint32_t>(bytes, at) != marker) return std::nullopt;
  const auto length = get_le<std::uint32_t>(bytes, at + 4);
  if (length > bytes.size() - at - record_head_bytes) return std::nullopt;
  const auto payload = bytes.substr(at + record_head_bytes, length);
  if (get_le<std::uint32_t>(bytes, at + 8) != checksum_of(base + at, nonce, payload))
    return std::nullopt;
  return found_record{payload, at + record_head_bytes + length};
}

std::optional<std::size_t> find_record(std::string_view bytes, std::size_t at, std::uint64_t nonce,
                                       std::uint64_t base) {
  while ((at = bytes.find(marker_bytes, at)) != bytes.npos) {
    if (record_at(bytes, at, nonce, base)) return at;
    ++at;
  }
  return std::nullopt;
}

}  // namespace pb::persistence
