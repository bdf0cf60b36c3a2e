// Bytes as frames of the long connection, between borders, into one joiner. What reads is written
// and read again as itself; what is kept stays within its bounds.
#include <string>

#include "protocol/lark/answers.hpp"
#include "protocol/lark/frames.hpp"
#include "tests/fuzz/property.hpp"

namespace {
using namespace pb;
namespace lark = pb::protocol::lark;
using fuzz::must;
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lark::frame_joiner::limits small{.messages = 4, .bytes = 4'096, .parts = 8};
  lark::frame_joiner join{small};
  auto now = from_micros(0);
  for (const auto bytes : fuzz::pieces(fuzz::text_of(data, size), 8)) {
    now += std::chrono::seconds{3};
    const auto f = lark::read_frame(bytes);
    if (!f) {
      must(describe(f.error()).size() < 200, "an error is a sentence");
      continue;
    }
    must(f->headers.size() <= lark::max_frame_headers, "headers are bounded");
    const auto again = lark::read_frame(lark::write_frame(*f));
    must(again && *again == *f, "what is written reads as itself");
    const auto ack = lark::acknowledgement(*f, std::chrono::milliseconds{1}, "{}");
    must(ack.seq_id == f->seq_id && ack.headers.size() == f->headers.size() + 1,
         "an acknowledgement is the frame itself");
    const auto whole = join.add(*f, now);
    must(join.waiting() <= small.messages, "few messages wait");
    if (whole && *whole && **whole != f->payload.value_or(std::string{}))
      must((*whole)->size() <= small.bytes, "a joined message is bounded");
    if (lark::is_pong(*f) && f->payload) {
      const auto c = lark::parse_connection_config(*f->payload, {});
      must(c.ping_interval.count() > 0 && c.reconnect_interval.count() > 0, "pauses are pauses");
    }
  }
  return 0;
}
