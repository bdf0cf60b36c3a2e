#include "http/message.hpp"

#include <atomic>
#include <utility>

namespace pb::http {
namespace {

/// A JSON string with its quotes. Bytes of UTF-8 pass through as they are.
std::string quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const auto b = static_cast<unsigned char>(c); b < 0x20) {
      out += "\\u00";
      out += digits[b >> 4];
      out += digits[b & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

/// A form's piece: "+" is a space there.
std::string decode_query_piece(std::string_view piece) {
  std::string spaced{piece};
  for (char& c : spaced)
    if (c == '+') c = ' ';
  return protocol::percent_decode(spaced);
}

}  // namespace

std::string_view request::header(std::string_view name) const noexcept {
  for (const auto& h : headers)
    if (protocol::iequals(h.name, name)) return h.value;
  return {};
}

std::string request::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto piece = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
    const auto equals = piece.find('=');
    if (decode_query_piece(piece.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string{}
                                            : decode_query_piece(piece.substr(equals + 1));
  }
  return {};
}

std::string request::bearer() const {
  constexpr std::string_view scheme = "Bearer ";
  auto value = header("Authorization");
  if (value.size() <= scheme.size() || !protocol::iequals(value.substr(0, scheme.size()), scheme))
    return {};
  value.remove_prefix(scheme.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  return std::string{value};
}

struct responder::once {
  explicit once(deliver d) : tell(std::move(d)) {}
  ~once() {
    // a forgotten request must not hang its client
    if (!answered.exchange(true) && tell)
      tell(error_response(503, "UNANSWERED", "the request was given up without an answer", {}));
  }
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  deliver tell;
  std::atomic<bool> answered{false};
};

responder::responder(deliver d) : once_(std::make_shared<once>(std::move(d))) {}

void responder::operator()(response r) const {
  if (!once_ || once_->answered.exchange(true) || !once_->tell) return;
  once_->tell(std::move(r));
}

response data_response(std::string_view json, int status) {
  response out;
  out.status = status;
  out.body.reserve(json.size() + 9);
  out.body.append("{\"data\":").append(json).append("}");
  return out;
}

response error_response(int status, std::string_view code, std::string_view message,
                        std::string_view request_id, std::string_view details) {
  response out;
  out.status = status;
  out.body.append("{\"error\":{\"code\":").append(quoted(code));
  out.body.append(",\"message\":").append(quoted(message));
  out.body.append(",\"details\":").append(details.empty() ? std::string_view{"{}"} : details);
  out.body.append(",\"request_id\":").append(quoted(request_id)).append("}}");
  return out;
}

response key_missing_response(std::string_view entry, std::string_view variable,
                              std::string_view ssot_ref, std::string_view request_id) {
  const auto details = "{\"entry\":" + quoted(entry) + ",\"variable\":" + quoted(variable) +
                       ",\"ssot_ref\":" + quoted(ssot_ref) + "}";
  const auto message = "set " + std::string{entry.empty() ? variable : entry} + " to use this";
  return error_response(503, "KEY_MISSING", message, request_id, details);
}

}  // namespace pb::http
