// A webhook as it arrives: X-Plane-Event and X-Plane-Signature as the sender likes them, and a
// body. Nothing is believed without a signature, no text of an error repeats a body, and what the
// scan of an oversize body finds are ids, not texts.
#include <algorithm>
#include <array>
#include <string>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "protocol/plane/signature.hpp"
#include "protocol/plane/webhook.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
namespace plane = pb::protocol::plane;
using fuzz::must;

constexpr std::size_t most_error_bytes = 500;

std::string hex_of(const sha256_digest& d) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const auto b : d) {
    out += digits[static_cast<unsigned char>(b) >> 4];
    out += digits[static_cast<unsigned char>(b) & 15];
  }
  return out;
}

void check_signature(std::string_view body, std::string_view header) {
  static const std::array<secret, 2> secrets{secret{"plane_wh_one"}, secret{"plane_wh_two"}};
  std::array<std::string, 2> right;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    hmac_sha256_stream mac{secrets[i].reveal()};
    // in pieces, as it arrives
    for (auto rest = body; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(97, rest.size())))
      mac.update(rest.substr(0, 97));
    right[i] = hex_of(mac.finish());
    must(plane::verify(body, right[i], secrets), "a right signature holds");
    auto wrong = right[i];
    wrong[body.size() % wrong.size()] ^= 1;
    must(!plane::verify(body, wrong, secrets), "a digit's difference does not hold");
  }
  const bool is_right = header == right[0] || header == right[1];
  must(plane::verify(body, header, secrets) == is_right, "no other header holds");
  must(!plane::verify(body, header, std::array{secret{""}}), "an empty secret never matches");
}

void check_id(const std::string& id) { must(id.empty() || is_uuid(id), "an id is a uuid"); }

void check_prefix(std::string_view body) {
  const auto first = body.substr(0, plane::prefix_bytes);
  const auto facts = plane::scan_prefix(first);
  for (const auto& id : {facts.webhook_id, facts.workspace_id, facts.stable_id, facts.id,
                         facts.project_id, facts.issue_id})
    check_id(id);
  must(facts.event.size() <= 200 && facts.action.size() <= 200, "words stay short");
  // a cut never invents: what half of it shows is what all of it shows, or nothing yet
  const auto half = plane::scan_prefix(first.substr(0, first.size() / 2));
  must(half.webhook_id.empty() || half.webhook_id == facts.webhook_id,
       "a cut body shows the same webhook");
  must(half.project_id.empty() || half.project_id == facts.project_id,
       "a cut body shows the same project");
}

void check_event(const plane::webhook_event& e) {
  must(e.generation == 1 || e.generation == 2, "two generations");
  must(e.event.size() <= 100, "an event's name is short");
  for (const auto& id : {e.entity_id, e.work_item_id, e.project_id, e.webhook_id, e.workspace_id})
    check_id(id);
  if (e.item) must(e.item->id == e.entity_id, "the item is the entity");
  if (e.about == plane::subject::work_item && !e.side_effect_only)
    must(e.work_item_id == e.entity_id, "a work item's event is about it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = fuzz::pieces(fuzz::text_of(data, size), 3);
  const auto event = in[0], signature = in[1], body = in[2];
  check_signature(body, signature);
  check_prefix(body);
  const auto said = plane::parse_webhook(body, event);
  if (said) {
    check_event(*said);
    const auto again = plane::parse_webhook(body, event);
    must(again && again->event == said->event && again->entity_id == said->entity_id,
         "read twice, it says the same");
  } else {
    const auto words = describe(said.error());
    must(words.size() <= most_error_bytes, "an error is a sentence");
    constexpr std::string_view canary = "C4naryC4nary";
    if (event.find(canary) == std::string_view::npos)
      must(words.find(canary) == std::string::npos, "an error repeats no value of the body");
  }
  return 0;
}
