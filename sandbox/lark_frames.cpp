#include "sandbox/lark_frames.hpp"

namespace pb::sandbox {
namespace {

constexpr unsigned varint_type = 0, bytes_type = 2;

void put_varint(std::string& out, std::uint64_t n) {
  while (n >= 0x80) {
    out += static_cast<char>((n & 0x7f) | 0x80);
    n >>= 7;
  }
  out += static_cast<char>(n);
}
void put_number(std::string& out, unsigned field, std::uint64_t n) {
  put_varint(out, field << 3 | varint_type);
  put_varint(out, n);
}
void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_varint(out, field << 3 | bytes_type);
  put_varint(out, bytes.size());
  out += bytes;
}

bool take_varint(std::string_view& in, std::uint64_t& n) {
  n = 0;
  for (unsigned shift = 0; shift < 70 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    n |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

/// One field: its number and either a number or bytes.
struct field {
  std::uint64_t number = 0, value = 0;
  std::string_view bytes;
  bool is_bytes = false;
};
bool take_field(std::string_view& in, field& f) {
  std::uint64_t key = 0;
  if (!take_varint(in, key)) return false;
  f.number = key >> 3;
  f.is_bytes = (key & 7) == bytes_type;
  if (!f.is_bytes) return (key & 7) == varint_type && take_varint(in, f.value);
  std::uint64_t size = 0;
  if (!take_varint(in, size) || size > in.size()) return false;
  f.bytes = in.substr(0, static_cast<std::size_t>(size));
  in.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

}  // namespace

std::string_view lark_frame::header(std::string_view key) const {
  for (const auto& [name, value] : headers)
    if (name == key) return value;
  return {};
}

std::string to_bytes(const lark_frame& f) {
  std::string out;
  put_number(out, 1, f.seq_id);
  put_number(out, 2, f.log_id);
  put_number(out, 3, f.service);
  put_number(out, 4, f.method);
  for (const auto& [key, value] : f.headers) {
    std::string header;
    put_bytes(header, 1, key);
    put_bytes(header, 2, value);
    put_bytes(out, 5, header);
  }
  if (f.payload) put_bytes(out, 8, *f.payload);
  if (!f.log_id_new.empty()) put_bytes(out, 9, f.log_id_new);
  return out;
}

std::optional<lark_frame> frame_of(std::string_view bytes) {
  lark_frame f;
  unsigned seen = 0;
  field each;
  while (!bytes.empty()) {
    if (!take_field(bytes, each)) return std::nullopt;
    if (each.number >= 1 && each.number <= 4) {
      if (each.is_bytes) return std::nullopt;
      (each.number == 1   ? f.seq_id
       : each.number == 2 ? f.log_id
       : each.number == 3 ? f.service
                          : f.method) = each.value;
      seen |= 1u << each.number;
    } else if (each.number == 5) {
      std::pair<std::string, std::string> header;
      field piece;
      while (!each.bytes.empty()) {
        if (!take_field(each.bytes, piece) || !piece.is_bytes) return std::nullopt;
        (piece.number == 1 ? header.first : header.second) = piece.bytes;
      }
      f.headers.push_back(std::move(header));
    } else if (each.number == 8) {
      f.payload = std::string{each.bytes};
    } else if (each.number == 9) {
      f.log_id_new = each.bytes;
    }
  }
  constexpr unsigned required = 0b11110;
  if (seen != required) return std::nullopt;
  return f;
}

}  // namespace pb::sandbox
