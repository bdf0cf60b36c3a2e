#define BOOST_TEST_MODULE lark_frames
#include "protocol/lark/frames.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "lark_fixture.hpp"
#include "protocol/lark/events.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using fixture::text;
using pb::errc;
using namespace std::chrono_literals;

namespace {
const boost::json::value& recorded() {
  static const auto v = fixture::parsed("ws.frames.json");
  return v;
}
struct sample {
  std::string note, bytes;
  frame decoded;
};
std::vector<sample> samples(const char* direction) {
  std::vector<sample> out;
  for (const auto& v : recorded().at(direction).as_array()) {
    const auto& d = v.at("decoded").as_object();
    frame f;
    f.seq_id = std::stoull(text(d.at("SeqID")));
    f.log_id = std::stoull(text(d.at("LogID")));
    f.service = static_cast<std::int32_t>(d.at("service").as_int64());
    f.method = static_cast<std::int32_t>(d.at("method").as_int64());
    for (const auto& h : d.at("headers").as_array())
      f.headers.emplace_back(text(h, "key"), text(h, "value"));
    const auto take = [&](const char* key, std::optional<std::string>& into) {
      if (const auto* found = d.if_contains(key)) into = text(*found);
    };
    take("payload_encoding", f.payload_encoding);
    take("payload_type", f.payload_type);
    take("payload_utf8", f.payload);
    take("LogIDNew", f.log_id_new);
    out.push_back({text(v, "note"), *pb::from_hex(text(v, "hex")), std::move(f)});
  }
  return out;
}
frame part(std::string id, int sum, int seq, std::string payload) {
  frame f;
  f.method = 1;
  f.headers = {{"type", "event"},
               {"message_id", std::move(id)},
               {"sum", std::to_string(sum)},
               {"seq", std::to_string(seq)}};
  f.payload = std::move(payload);
  return f;
}
const pb::timestamp t0 = pb::from_micros(1732147200000000);
}  // namespace

BOOST_AUTO_TEST_CASE(every_recorded_frame_reads_and_is_written_again_byte_by_byte) {
  std::size_t count = 0;
  for (const auto* direction : {"server_to_client", "client_to_server"})
    for (const auto& s : samples(direction)) BOOST_TEST_CONTEXT(s.note) {
        const auto f = read_frame(s.bytes);
        BOOST_REQUIRE(f.has_value());
        BOOST_TEST((*f == s.decoded));
        BOOST_TEST(pb::to_hex(write_frame(*f)) == pb::to_hex(s.bytes));
        ++count;
      }
  BOOST_TEST(count == 7u);
}

BOOST_AUTO_TEST_CASE(a_ping_is_the_sdks_ping) {
  BOOST_TEST(pb::to_hex(write_frame(ping(33554678))) ==
             pb::to_hex(samples("client_to_server")[0].bytes));
  BOOST_TEST(is_pong(*read_frame(samples("server_to_client")[0].bytes)));
  BOOST_TEST(!is_event(*read_frame(samples("server_to_client")[0].bytes)));
}

BOOST_AUTO_TEST_CASE(an_event_is_acknowledged_with_its_own_frame) {
  const auto event_frame = *read_frame(samples("server_to_client")[1].bytes);
  BOOST_TEST(is_event(event_frame));
  // the SDK's clock had gone backwards when this was recorded: biz_rt is -1
  BOOST_TEST(pb::to_hex(write_frame(acknowledgement(event_frame, -1ms))) ==
             pb::to_hex(samples("client_to_server")[1].bytes));
  frame_joiner join;
  const auto whole = join.add(event_frame, t0);
  BOOST_REQUIRE((whole.has_value() && whole->has_value()));
  BOOST_TEST(parse_event(**whole)->type == "im.message.receive_v1");
  BOOST_TEST(*refusal(event_frame, 5ms).payload == R"({"code":500})");
  BOOST_TEST(refusal(event_frame, 5ms).header("biz_rt") == "5");
}

BOOST_AUTO_TEST_CASE(a_split_callback_is_joined_and_answered_with_the_last_frame) {
  const auto first = *read_frame(samples("server_to_client")[2].bytes);
  const auto second = *read_frame(samples("server_to_client")[3].bytes);
  const auto want = samples("client_to_server")[2].bytes;
  for (const bool reversed : {false, true}) {
    frame_joiner join;
    const auto half = join.add(reversed ? second : first, t0);
    BOOST_REQUIRE(half.has_value());
    BOOST_TEST(!half->has_value());
    const auto whole = join.add(reversed ? first : second, t0);
    BOOST_REQUIRE((whole.has_value() && whole->has_value()));
    BOOST_TEST(std::get<card_action>(parse_event(**whole)->what).option == "in_progress");
    BOOST_TEST(join.waiting() == 0u);
  }
  const auto ack =
      acknowledgement(second, 0ms, R"({"toast":{"type":"success","content":"已更新"}})");
  BOOST_TEST(pb::to_hex(write_frame(ack)) == pb::to_hex(want));
}

BOOST_AUTO_TEST_CASE(what_never_becomes_whole_goes_away) {
  frame_joiner join{{.messages = 2, .bytes = 100, .parts = 4, .keep = 10s}};
  BOOST_TEST(!join.add(part("a", 2, 0, "x"), t0)->has_value());
  BOOST_TEST(!join.add(part("b", 2, 0, "x"), t0 + 1s)->has_value());
  BOOST_TEST(!join.add(part("c", 2, 0, "x"), t0 + 2s)->has_value());  // the oldest leaves
  BOOST_TEST(join.waiting() == 2u);
  BOOST_TEST(!join.add(part("a", 2, 1, "y"), t0 + 2s)->has_value());
  BOOST_TEST(**join.add(part("c", 2, 1, "y"), t0 + 3s) == "xy");
  BOOST_TEST(!join.add(part("d", 2, 0, "x"), t0 + 3s)->has_value());
  BOOST_TEST(
      !join.add(part("d", 2, 1, "y"), t0 + 14s)->has_value());  // too late: a first part again
  // a part that comes twice counts once
  BOOST_TEST(!join.add(part("e", 3, 0, "1"), t0 + 14s)->has_value());
  BOOST_TEST(!join.add(part("e", 3, 0, "1"), t0 + 14s)->has_value());
  BOOST_TEST(!join.add(part("e", 3, 2, "3"), t0 + 14s)->has_value());
  BOOST_TEST(**join.add(part("e", 3, 1, "2"), t0 + 14s) == "123");
}

BOOST_AUTO_TEST_CASE(parts_cannot_take_more_than_their_share) {
  frame_joiner join{{.messages = 8, .bytes = 100, .parts = 4, .keep = 10s}};
  BOOST_TEST(join.add(part("a", 2, 0, std::string(101, 'x')), t0).error().code == errc::too_large);
  BOOST_TEST(join.waiting() == 0u);
  BOOST_TEST(!join.add(part("a", 2, 0, std::string(60, 'x')), t0)->has_value());
  BOOST_TEST(!join.add(part("b", 2, 0, std::string(60, 'x')), t0)->has_value());
  BOOST_TEST(join.waiting() == 1u);  // b took a's place
  for (const auto& bad : {part("c", 5, 0, "x"), part("c", 0, 0, "x"), part("c", 2, 2, "x"),
                          part("", 2, 0, "x"), part("b", 3, 1, "x")})
    BOOST_TEST(join.add(bad, t0).error().code == errc::bad_input);
  auto odd = part("c", 2, 0, "x");
  odd.headers[2].second = "zwei";
  BOOST_TEST(join.add(odd, t0).has_error());
  odd.headers[2].second = "-1";
  BOOST_TEST(join.add(odd, t0).has_error());
  // without numbers a frame is whole
  frame plain;
  plain.payload = "{}";
  BOOST_TEST(**join.add(plain, t0) == "{}");
}

BOOST_AUTO_TEST_CASE(what_is_no_frame_is_refused) {
  const auto ping_bytes = write_frame(ping(7));
  for (std::size_t cut = 0; cut < ping_bytes.size(); ++cut) BOOST_TEST_CONTEXT(cut) {
      const auto f = read_frame(std::string_view{ping_bytes}.substr(0, cut));
      // a cut between members of the same frame leaves the headers out and no more
      if (f) BOOST_TEST(f->headers.empty());
    }
  const struct {
    const char *what, *hex;
  } table[]{
      {"nothing", ""},
      {"no required member", "2a0c0a0474797065120470696e67"},
      {"three of four", "080010001801"},
      {"a number that does not end", "08ffffffffffffffffffff01"},
      {"more than 64 bits",
       "08ffffffffffffffffff7f10001800200"
       "0"},
      {"member 0", "00000800100018002000"},
      {"a group", "0b0800100018002000"},
      {"a length beyond the end", "08001000180020002a7f0a"},
      {"a header without a value", "08001000180020002a060a0474797065"},
      {"a header that is cut", "08001000180020002a030a0474"},
      {"required members of another type", "0a000800120018002000"},
  };
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.what) {
      const auto bytes = pb::from_hex(row.hex);
      BOOST_REQUIRE(bytes.has_value());
      const auto f = read_frame(*bytes);
      if (std::string_view{row.what} == "required members of another type") {
        BOOST_TEST(f.has_error());  // SeqID is there as bytes first, LogID only as bytes
      } else {
        BOOST_REQUIRE(f.has_error());
        BOOST_TEST(f.error().code == errc::bad_input);
      }
    }
  BOOST_TEST(read_frame(std::string(max_frame_bytes + 1, '\0')).error().code == errc::too_large);
  std::string crowd = write_frame(frame{});
  for (int i = 0; i < 65; ++i) crowd += *pb::from_hex("2a060a016b120176");
  BOOST_TEST(read_frame(crowd).error().code == errc::too_large);
}

BOOST_AUTO_TEST_CASE(members_of_later_versions_are_skipped) {
  auto bytes = write_frame(ping(7));
  bytes += *pb::from_hex("5001");                // 10: a number
  bytes += *pb::from_hex("5a0161");              // 11: bytes
  bytes += *pb::from_hex("610102030405060708");  // 12: eight bytes
  bytes += *pb::from_hex("6d01020304");          // 13: four bytes
  const auto f = read_frame(bytes);
  BOOST_REQUIRE(f.has_value());
  BOOST_TEST((*f == ping(7)));
}

BOOST_AUTO_TEST_CASE(whatever_is_written_is_read) {
  const bool ok = rc::check("write, then read", [] {
    frame f;
    f.seq_id = *rc::gen::arbitrary<std::uint64_t>();
    f.log_id = *rc::gen::arbitrary<std::uint64_t>();
    f.service = *rc::gen::arbitrary<std::int32_t>();
    f.method = *rc::gen::arbitrary<std::int32_t>();
    f.headers = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
        rc::gen::arbitrary<std::pair<std::string, std::string>>());
    f.headers.resize(std::min(f.headers.size(), max_frame_headers));
    if (*rc::gen::arbitrary<bool>()) f.payload = *rc::gen::arbitrary<std::string>();
    if (*rc::gen::arbitrary<bool>()) f.payload_type = *rc::gen::arbitrary<std::string>();
    const auto again = read_frame(write_frame(f));
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == f);
  });
  BOOST_TEST(ok);
}
