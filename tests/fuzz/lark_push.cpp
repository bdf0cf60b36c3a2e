// A push as it arrives: the three headers as the sender likes them, and a body; then the same body
// as the plaintext of a rightly made push, so that what lies behind the lock is reached too.
// Without the right key nothing opens; no error repeats a body; whatever opens sorts.
#include <string>

#include "protocol/lark/crypto.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/intake.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
namespace lark = pb::protocol::lark;
using fuzz::must;

const secret key{"fuzz encrypt key"};
const secret token{"vt-C4naryC4nary"};
const std::string quoted = '"' + token.reveal() + '"';

void check_words(const failure& f) {
  const auto words = describe(f);
  must(words.size() <= 600, "an error is a sentence");
  must(words.find("C4naryC4nary") == std::string::npos, "an error repeats no secret");
}

void check_sorted(const lark::opened& o) {
  const auto taken = lark::take_in(o.what, o.body);
  must(!taken.answer.empty() && taken.answer.front() == '{', "an answer is an object");
  must(!taken.identities.empty(), "a push has an identity");
  if (taken.what == lark::intake::use::journal)
    must(!taken.entity.empty() && taken.entity.text().size() < 300,
         "what is journaled has a place");
  if (taken.what == lark::intake::use::ignore)
    must(!taken.reason.empty() && taken.entity.empty(), "what is ignored has a reason");
  if (taken.what == lark::intake::use::challenge) return;
  must(taken.body.find(quoted) == std::string::npos || o.what.token != token.reveal(),
       "the token does not reach the journal");
  // an id that is the token is masked with it
  if (o.body.find(quoted) != o.body.rfind(quoted)) return;
  const auto again = lark::parse_event(taken.body);
  must(again && again->id == o.what.id && again->what.index() == o.what.what.index(),
       "the journal reads as the push did");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = fuzz::pieces(fuzz::text_of(data, size), 4);
  const lark::push_headers sent{std::string{in[0]}, std::string{in[1]}, std::string{in[2]}};
  const auto body = in[3];
  const lark::push_keys locked{key, token, false}, lax{key, token, true}, open{{}, token, false};

  for (const auto* keys : {&locked, &lax, &open}) {
    const auto got = lark::open_push(sent, body, *keys);
    if (!got) {
      check_words(got.error());
      continue;
    }
    // nobody who does not know the token gets through
    const bool legacy = got->what.type == "card.action.trigger_v1";
    must(legacy || got->what.token == token.reveal(), "what opens has the token");
    must(keys == &open || legacy || got->what.type == "url_verification",
         "with a key nothing unsigned opens but a verification");
    check_sorted(*got);
  }

  const auto sealed = "{\"encrypt\":\"" + lark::encrypt(body, key, "0123456789abcdef") + "\"}";
  const lark::push_headers right{sent.timestamp, sent.nonce,
                                 lark::signature_of(sent.timestamp, sent.nonce, key, sealed)};
  const auto inside = lark::open_push(right, sealed, locked);
  if (inside) {
    must(inside->body == body, "what opens is what was sealed");
    check_sorted(*inside);
  } else {
    check_words(inside.error());
  }
  auto bent = right;
  bent.signature[size % bent.signature.size()] ^= 1;
  must(!lark::open_push(bent, sealed, locked), "a digit's difference does not open");
  if (const auto plain = lark::decrypt(body, key); plain)
    must(plain->size() < body.size(), "a plaintext is shorter than its base64");
  return 0;
}
