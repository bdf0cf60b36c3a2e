#include "protocol/lark/frames.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <iterator>

#include "base/digest.hpp"

namespace pb::protocol::lark {
namespace {

constexpr std::size_t max_header_bytes = 8u << 10;

enum wire : std::uint64_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

failure bad_frame(std::string_view why, errc code = errc::bad_input) {
  return {.code = code, .where = "lark.frame", .detail = std::string{why}};
}

/// Reads protobuf members one by one; what does not fit sets `bad`, and everything after is empty.
class member_reader {
public:
  explicit member_reader(std::string_view all) : rest_(all) {}
  std::uint64_t number = 0, value = 0;  ///< of the member last read
  std::uint64_t type = 0;
  std::string_view text;
  bool bad = false;

  bool next() {
    if (rest_.empty() || bad) return false;
    const auto key = take_varint();
    number = key >> 3;
    type = key & 7;
    if (number == 0) bad = true;
    switch (type) {
      case varint:
        value = take_varint();
        break;
      case fixed64:
        text = take(8);
        break;
      case bytes:
        text = take(take_varint());
        break;
      case fixed32:
        text = take(4);
        break;
      default:  // groups are not used, 6 and 7 do not exist
        bad = true;
    }
    return !bad;
  }

private:
  std::uint64_t take_varint() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto b = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && b > 1) break;  // more than 64 bits
      n |= static_cast<std::uint64_t>(b & 0x7fU) << shift;
      if (b < 0x80) return n;
    }
    bad = true;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      bad = true;
      return {};
    }
    const auto out = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return out;
  }
  std::string_view rest_;
};

void put_varint(std::string& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(static_cast<unsigned char>(n | 0x80U));
  out += static_cast<char>(static_cast<unsigned char>(n));
}
void put_number(std::string& out, std::uint64_t number, std::uint64_t value) {
  put_varint(out, number << 3 | varint);
  put_varint(out, value);
}
void put_bytes(std::string& out, std::uint64_t number, std::string_view text) {
  put_varint(out, number << 3 | bytes);
  put_varint(out, text.size());
  out += text;
}
/// int32 is sign-extended to 64 bits.
std::uint64_t widened(std::int32_t n) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(n));
}
std::int32_t narrowed(std::uint64_t n) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(n));
}

std::optional<std::pair<std::string, std::string>> read_header(std::string_view text) {
  std::pair<std::string, std::string> out;
  bool has_key = false, has_value = false;
  member_reader r{text};
  while (r.next()) {
    if (r.type != bytes || r.text.size() > max_header_bytes) continue;
    if (r.number == 1) out.first = r.text, has_key = true;
    if (r.number == 2) out.second = r.text, has_value = true;
  }
  if (r.bad || !has_key || !has_value) return std::nullopt;
  return out;
}

std::size_t count_of(std::string_view digits, std::size_t otherwise) {
  if (digits.empty()) return otherwise;
  std::size_t n = 0;
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return r.ec == std::errc{} && r.ptr == digits.data() + digits.size() ? n : SIZE_MAX;
}

frame answered(const frame& of, std::chrono::milliseconds took, std::string payload) {
  auto out = of;
  out.headers.emplace_back("biz_rt", std::to_string(took.count()));
  out.payload = std::move(payload);
  return out;
}

}  // namespace

std::string_view frame::header(std::string_view key) const noexcept {
  for (const auto& [name, value] : headers)
    if (name == key) return value;
  return {};
}

result<frame> read_frame(std::string_view text) {
  if (text.size() > max_frame_bytes)
    return bad_frame("a frame of more than 2 MiB", errc::too_large);
  frame f;
  unsigned seen = 0;  // one bit for each required member
  member_reader r{text};
  while (r.next()) {
    const auto is = [&](std::uint64_t number, std::uint64_t type) {
      return r.number == number && r.type == type;
    };
    if (r.number <= 4 && r.type == varint) seen |= 1U << r.number;
    if (is(1, varint)) f.seq_id = r.value;
    if (is(2, varint)) f.log_id = r.value;
    if (is(3, varint)) f.service = narrowed(r.value);
    if (is(4, varint)) f.method = narrowed(r.value);
    if (is(5, bytes)) {
      auto header = read_header(r.text);
      if (!header) return bad_frame("a header that is none");
      if (f.headers.size() == max_frame_headers)
        return bad_frame("more than 64 headers", errc::too_large);
      f.headers.push_back(std::move(*header));
    }
    if (is(6, bytes)) f.payload_encoding = r.text;
    if (is(7, bytes)) f.payload_type = r.text;
    if (is(8, bytes)) f.payload = r.text;
    if (is(9, bytes)) f.log_id_new = r.text;
  }
  if (r.bad) return bad_frame("not a protobuf message");
  if (seen != 0b11110) return bad_frame("a required member is missing");
  return f;
}

std::string write_frame(const frame& f) {
  std::string out;
  put_number(out, 1, f.seq_id);
  put_number(out, 2, f.log_id);
  put_number(out, 3, widened(f.service));
  put_number(out, 4, widened(f.method));
  for (const auto& [key, value] : f.headers) {
    std::string header;
    put_bytes(header, 1, key);
    put_bytes(header, 2, value);
    put_bytes(out, 5, header);
  }
  if (f.payload_encoding) put_bytes(out, 6, *f.payload_encoding);
  if (f.payload_type) put_bytes(out, 7, *f.payload_type);
  if (f.payload) put_bytes(out, 8, *f.payload);
  if (f.log_id_new) put_bytes(out, 9, *f.log_id_new);
  return out;
}

frame ping(std::int32_t service) {
  frame f;
  f.service = service;
  f.headers.emplace_back("type", "ping");
  return f;
}

bool is_pong(const frame& f) noexcept {
  return f.method == static_cast<std::int32_t>(frame::kind::control) && f.header("type") == "pong";
}
bool is_event(const frame& f) noexcept {
  return f.method == static_cast<std::int32_t>(frame::kind::data) && f.header("type") == "event";
}

frame acknowledgement(const frame& of, std::chrono::milliseconds took,
                      std::string_view answer_json) {
  boost::json::object payload{{"code", 200}};
  if (!answer_json.empty()) payload["data"] = to_base64(answer_json);
  return answered(of, took, boost::json::serialize(payload));
}

frame refusal(const frame& of, std::chrono::milliseconds took) {
  return answered(of, took, R"({"code":500})");
}

void frame_joiner::forget_old(timestamp now) {
  std::erase_if(waiting_, [&](const partial& p) { return now - p.began > limits_.keep; });
}

std::size_t frame_joiner::total() const noexcept {
  std::size_t n = 0;
  for (const auto& p : waiting_) n += p.bytes;
  return n;
}

result<std::optional<std::string>> frame_joiner::add(const frame& f, timestamp now) {
  forget_old(now);
  const auto sum = count_of(f.header("sum"), 1), seq = count_of(f.header("seq"), 0);
  if (sum == 0 || sum > limits_.parts || seq >= sum)
    return bad_frame("parts that cannot be counted");
  auto payload = f.payload.value_or(std::string{});
  if (sum == 1) return std::optional{std::move(payload)};

  const auto id = f.header("message_id");
  if (id.empty()) return bad_frame("a part of a message without its id");
  auto it =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const partial& p) { return p.id == id; });
  if (it == waiting_.end()) {
    if (waiting_.size() == limits_.messages) waiting_.pop_front();
    waiting_.push_back({std::string{id}, now, sum, 0, {}});
    it = std::prev(waiting_.end());
    it->parts.resize(sum);
  }
  auto& p = *it;
  if (p.parts.size() != sum) {
    waiting_.erase(it);
    return bad_frame("parts of one message that disagree about their number");
  }
  if (!p.parts[seq]) {  // a part that comes twice is the same part
    p.bytes += payload.size();
    --p.missing;
    p.parts[seq] = std::move(payload);
  }
  // The oldest go first; one that is too large by itself is among them in the end.
  for (auto all = total(); all > limits_.bytes; all -= waiting_.front().bytes, waiting_.pop_front())
    if (&waiting_.front() == &p) {
      waiting_.pop_front();
      return bad_frame("a message of more bytes than are kept", errc::too_large);
    }
  if (p.missing > 0) return std::optional<std::string>{};
  std::string whole;
  whole.reserve(p.bytes);
  for (const auto& part : p.parts) whole += *part;
  waiting_.erase(it);
  return std::optional{std::move(whole)};
}

}  // namespace pb::protocol::lark
