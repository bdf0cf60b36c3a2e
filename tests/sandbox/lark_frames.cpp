// The sandbox's own frames of the long connection, against the recorded bytes of Lark's Node SDK.
#define BOOST_TEST_MODULE sandbox_lark_frames
#include "sandbox/lark_frames.hpp"

#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "tests/sandbox/lark_world.hpp"

using namespace pb;
namespace sb = pb::sandbox;
namespace json = boost::json;

BOOST_AUTO_TEST_CASE(recorded_frames_are_read_and_written_back) {
  const auto frames = test::lark_sample("ws.frames.json");
  for (const char* way : {"server_to_client", "client_to_server"})
    for (const auto& recorded : frames.at(way).as_array()) {
      const std::string note{recorded.at("note").as_string()};
      const std::string bytes = *from_hex(std::string{recorded.at("hex").as_string()});
      const auto f = sb::frame_of(bytes);
      BOOST_REQUIRE_MESSAGE(f.has_value(), note);
      const auto& decoded = recorded.at("decoded").as_object();
      BOOST_TEST(std::to_string(f->seq_id) == std::string{decoded.at("SeqID").as_string()}, note);
      BOOST_TEST(f->service == decoded.at("service").to_number<std::uint64_t>(), note);
      BOOST_TEST(f->method == decoded.at("method").to_number<std::uint64_t>(), note);
      const auto& headers = decoded.at("headers").as_array();
      BOOST_REQUIRE_MESSAGE(f->headers.size() == headers.size(), note);
      for (std::size_t n = 0; n < headers.size(); ++n)
        BOOST_TEST(f->header(std::string{headers[n].at("key").as_string()}) ==
                       std::string{headers[n].at("value").as_string()},
                   note);
      // Written again it reads the same; the SDK also writes two empty fields that we leave out.
      const auto again = sb::frame_of(sb::to_bytes(*f));
      BOOST_REQUIRE_MESSAGE(again.has_value(), note);
      BOOST_TEST((again->headers == f->headers), note);
      BOOST_TEST((again->payload == f->payload), note);
      BOOST_TEST(again->log_id == f->log_id, note);
      if (!decoded.contains("payload_encoding") && !decoded.contains("payload_type"))
        BOOST_TEST(to_hex(sb::to_bytes(*f)) == to_hex(bytes), note);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_frame_is_refused) {
  BOOST_TEST(!sb::frame_of("").has_value());
  BOOST_TEST(!sb::frame_of("\x08").has_value());
  BOOST_TEST(!sb::frame_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").has_value());
  sb::lark_frame f;
  f.headers = {{"type", "ping"}};
  f.payload = "x";
  const std::string whole = sb::to_bytes(f);
  BOOST_REQUIRE(sb::frame_of(whole).has_value());
  // Cut anywhere inside a field or before the last required one, it is none.
  for (std::size_t n = 0; n < 8; ++n) BOOST_TEST(!sb::frame_of(whole.substr(0, n)).has_value(), n);
  BOOST_TEST(!sb::frame_of(whole.substr(0, whole.size() - 1)).has_value());
}
