#include "http/webhook_outcome.hpp"

namespace pb::http {

std::string_view to_string(webhook_outcome o) noexcept {
  switch (o) {
    case webhook_outcome::accepted:
      return "accepted";
    case webhook_outcome::duplicate:
      return "duplicate";
    case webhook_outcome::ignored:
      return "ignored";
    case webhook_outcome::dead:
      return "dead";
    case webhook_outcome::unsigned_:
      return "unsigned";
    case webhook_outcome::bad_signature:
      return "bad_signature";
    case webhook_outcome::key_missing:
      return "key_missing";
    case webhook_outcome::malformed:
      return "malformed";
    case webhook_outcome::challenge:
      return "challenge";
    case webhook_outcome::preview:
      return "preview";
    case webhook_outcome::busy:
      return "busy";
    case webhook_outcome::storage:
      break;
  }
  return "storage";
}

bool is_rejected(webhook_outcome o) noexcept {
  switch (o) {
    case webhook_outcome::unsigned_:
    case webhook_outcome::bad_signature:
    case webhook_outcome::key_missing:
    case webhook_outcome::malformed:
    case webhook_outcome::busy:
    case webhook_outcome::storage:
      return true;
    default:
      return false;
  }
}

}  // namespace pb::http
