// The long connection's client on virtual time: what it asks for, in which order, and when.
#define BOOST_TEST_MODULE lark_long_connection
#include "protocol/lark/long_connection.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

using namespace pb;
using namespace pb::protocol::lark;
using namespace std::chrono_literals;
namespace json = boost::json;
using protocol::http_response;
using state = long_connection::state;
BOOST_TEST_DONT_PRINT_LOG_VALUE(state)

namespace {

const steady_time t0 = steady_time{} + 1h;

json::value fixture() {
  std::ifstream in{std::string{PB_FIXTURES} + "/lark/ws.frames.json"};
  std::stringstream text;
  text << in.rdbuf();
  return json::parse(text.str());
}
std::string text_of(const json::value& v) { return {v.as_string().data(), v.as_string().size()}; }
std::string bytes_of(const char* list, std::size_t n) {
  const auto hex = text_of(fixture().at(list).at(n).at("hex"));
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}
http_response address() { return {200, {}, json::serialize(fixture().at("endpoint_response"))}; }
http_response coded(std::int64_t code) {
  return {200, {}, R"({"code":)" + std::to_string(code) + R"(,"msg":"no"})"};
}
template <class T>
const T* only(const link_actions& a) {
  return a.size() == 1 ? std::get_if<T>(&a.front()) : nullptr;
}

struct linked {
  long_connection link;
  steady_time now = t0;
  explicit linked(link_limits l = {}) : link(l) { open(); }
  void open() {
    (void)link.start(now);
    (void)link.address_answered(now, address(), 0.5);
    (void)link.opened(now);
    BOOST_REQUIRE((link.now_in() == state::open));
  }
  link_actions hear(const frame& f) { return link.heard(now, write_frame(f)); }
  link_actions hear_recorded(std::size_t n) {
    return link.heard(now, bytes_of("server_to_client", n));
  }
};
frame piece_of(const std::string& id, const std::string& payload, int sum = 1, int seq = 0) {
  frame f;
  f.method = 1;
  f.headers = {{"type", "event"},
               {"message_id", id},
               {"sum", std::to_string(sum)},
               {"seq", std::to_string(seq)}};
  f.payload = payload;
  return f;
}
frame sent(const link_action& a) {
  const auto* s = std::get_if<send_frame>(&a);
  BOOST_REQUIRE(s != nullptr);
  auto f = read_frame(s->bytes);
  BOOST_REQUIRE(f.has_value());
  return *f;
}

}  // namespace

BOOST_AUTO_TEST_CASE(it_asks_dials_and_pings_at_once_and_in_each_interval) {
  long_connection link;
  BOOST_TEST(!link.due().has_value());
  BOOST_TEST((only<ask_address>(link.start(t0)) != nullptr));
  const auto dialled = link.address_answered(t0, address(), 0.5);
  BOOST_REQUIRE((only<dial>(dialled) != nullptr));
  BOOST_TEST(only<dial>(dialled)->url.reveal().starts_with("wss://msg-frontier.feishu.cn/ws/v2?"));
  const auto first = link.opened(t0);
  BOOST_REQUIRE(first.size() == 1u);
  BOOST_TEST((write_frame(sent(first.front())) == bytes_of("client_to_server", 0)));
  BOOST_TEST(link.heard(t0 + 1s, bytes_of("server_to_client", 0)).empty());  // pong
  BOOST_TEST((*link.due() == t0 + 120s));
  BOOST_TEST(link.tick(t0 + 119s, 0.5).empty());
  BOOST_TEST(link.tick(t0 + 120s, 0.5).size() == 1u);
  BOOST_TEST((*link.due() == t0 + 145s));  // until something is heard
}

BOOST_AUTO_TEST_CASE(an_event_is_acknowledged_after_it_was_taken_and_byte_for_byte) {
  linked l;
  const auto heard = l.hear_recorded(1);
  const auto* m = only<take_message>(heard);
  BOOST_REQUIRE(m != nullptr);
  BOOST_TEST(m->message_id == "m-0001");
  BOOST_TEST((json::parse(m->payload).at("header").at("event_type") == "im.message.receive_v1"));
  const auto ack = l.link.taken(l.now + 7ms, m->token, true, false, "{}");
  BOOST_REQUIRE(ack.size() == 1u);
  const auto f = sent(ack.front());
  BOOST_TEST(*f.payload == R"({"code":200})");
  BOOST_TEST(f.header("biz_rt") == "7");
  BOOST_TEST(f.seq_id == 1u);
  BOOST_TEST(f.log_id == 7'000'001u);
  BOOST_TEST(f.header("trace_id") == "9a0364f1e828cae0d79e07e273c9cdc2");
  BOOST_TEST(l.link.taken(l.now, m->token, true, false, "{}").empty());  // once
}

BOOST_AUTO_TEST_CASE(a_split_callback_is_joined_and_acknowledged_with_its_last_frame) {
  linked l;
  BOOST_TEST(l.hear_recorded(2).empty());
  const auto heard = l.hear_recorded(3);
  const auto* m = only<take_message>(heard);
  BOOST_REQUIRE(m != nullptr);
  BOOST_TEST((json::parse(m->payload).at("header").at("event_type") == "card.action.trigger"));
  const auto toast = std::string{R"({"toast":{"type":"success","content":"已更新"}})"};
  const auto ack = l.link.taken(l.now, m->token, true, true, toast);
  BOOST_REQUIRE(ack.size() == 1u);
  BOOST_TEST((std::get<send_frame>(ack.front()).bytes == bytes_of("client_to_server", 2)));
}

BOOST_AUTO_TEST_CASE(pieces_come_in_any_order_and_twice) {
  linked l;
  BOOST_TEST(l.hear(piece_of("m", "c", 3, 2)).empty());
  BOOST_TEST(l.hear(piece_of("m", "a", 3, 0)).empty());
  BOOST_TEST(l.hear(piece_of("m", "a", 3, 0)).empty());
  BOOST_TEST(l.hear(piece_of("other", "x", 2, 0)).empty());
  const auto heard = l.hear(piece_of("m", "b", 3, 1));
  BOOST_REQUIRE((only<take_message>(heard) != nullptr));
  BOOST_TEST(only<take_message>(heard)->payload == "abc");
}

BOOST_AUTO_TEST_CASE(hostile_frames_are_counted_and_the_link_stays) {
  linked l;
  BOOST_TEST(l.hear(piece_of("m", "a", 2, 2)).empty());
  BOOST_TEST(l.hear(piece_of("m", "a", 1'000'000'000, 0)).empty());
  BOOST_TEST(l.hear(piece_of("m", "a", 2, -1)).empty());
  BOOST_TEST(l.link.heard(l.now, "garbage").empty());
  BOOST_TEST(l.link.look().refused == 4u);
  frame card = piece_of("c", "{}");
  card.headers.front().second = "card";
  BOOST_TEST(l.hear(card).empty());
  frame odd = piece_of("o", "{}");
  odd.method = 7;
  BOOST_TEST(l.hear(odd).empty());
  BOOST_TEST((l.link.now_in() == state::open));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_taken_is_answered_so_that_it_comes_again) {
  linked l;
  const auto token = only<take_message>(l.hear(piece_of("a", "{}")))->token;
  BOOST_TEST(sent(l.link.taken(l.now, token, false, false, "{}").front()).payload.value() ==
             R"({"code":500})");
  // A click never comes again: who clicked is told.
  const auto click = only<take_message>(l.hear(piece_of("b", "{}")))->token;
  BOOST_TEST(sent(l.link.taken(l.now, click, false, true, "{\"toast\":1}").front())
                 .payload.value()
                 .starts_with(R"({"code":200,"data":")"));
  // Nor is a slow journal waited for beyond the time that Feishu waits.
  const auto slow = only<take_message>(l.hear(piece_of("c", "{}")))->token;
  BOOST_TEST((*l.link.due() == l.now + 2500ms));
  const auto late = l.link.tick(l.now + 2500ms, 0.5);
  BOOST_REQUIRE(late.size() == 1u);
  BOOST_TEST(sent(late.front()).payload.value() == R"({"code":500})");
  BOOST_TEST(l.link.taken(l.now + 3s, slow, true, false, "{}").empty());
}

BOOST_AUTO_TEST_CASE(more_than_can_be_taken_at_once_is_sent_again_later) {
  link_limits few;
  few.messages_taking = 2;
  linked l{few};
  BOOST_TEST((only<take_message>(l.hear(piece_of("a", "{}"))) != nullptr));
  BOOST_TEST((only<take_message>(l.hear(piece_of("b", "{}"))) != nullptr));
  const auto third = l.hear(piece_of("c", "{}"));
  BOOST_REQUIRE(third.size() == 1u);
  BOOST_TEST(sent(third.front()).payload.value() == R"({"code":500})");
}

BOOST_AUTO_TEST_CASE(before_it_hangs_up_it_acknowledges_what_it_took_and_takes_nothing_new) {
  linked l;
  const auto token = only<take_message>(l.hear(piece_of("a", "{}")))->token;
  l.link.drain();
  const auto second = l.hear(piece_of("b", "{}"));
  BOOST_REQUIRE(second.size() == 1u);
  BOOST_TEST(sent(second.front()).payload.value() == R"({"code":500})");
  BOOST_TEST(l.link.taking() == 1u);
  BOOST_TEST(sent(l.link.taken(l.now, token, true, false, "{}").front()).payload.value() ==
             R"({"code":200})");
  BOOST_TEST(l.link.taking() == 0u);
  BOOST_TEST((only<hang_up>(l.link.stop()) != nullptr));
}

BOOST_AUTO_TEST_CASE(a_half_open_link_is_noticed_after_a_ping_and_no_sooner) {
  linked l;
  BOOST_TEST(l.link.tick(l.now + 24s, 0.5).empty());
  const auto gone = l.link.tick(l.now + 25s, 0.5);
  BOOST_REQUIRE(gone.size() == 1u);
  BOOST_TEST(std::holds_alternative<hang_up>(gone.front()));
  BOOST_TEST((l.link.now_in() == state::waiting));
  BOOST_TEST(l.link.look().half_open == 1u);
  BOOST_TEST((*l.link.due() == l.now + 25s + 15s));  // half of the thirty
  // Between pings silence is not remarkable; any frame after a ping is a sign of life.
  l.now += 60s;
  BOOST_TEST((only<ask_address>(l.link.tick(l.now, 0.5)) != nullptr));
  (void)l.link.address_answered(l.now, address(), 0.5);
  (void)l.link.opened(l.now);
  (void)l.hear(piece_of("a", "{}"));
  BOOST_TEST(l.link.tick(l.now + 30s, 0.5).size() == 1u);  // the ack of a; still linked
  BOOST_TEST((l.link.now_in() == state::open));
}

BOOST_AUTO_TEST_CASE(acks_of_a_lost_link_are_not_sent_over_the_next) {
  linked l;
  const auto token = only<take_message>(l.hear(piece_of("a", "{}")))->token;
  BOOST_TEST(l.link.closed(l.now, "reset", 0.0).empty());
  l.now += 1s;
  (void)l.link.tick(l.now, 0.5);
  (void)l.link.address_answered(l.now, address(), 0.5);
  (void)l.link.opened(l.now);
  BOOST_TEST(l.link.taken(l.now, token, true, false, "{}").empty());
  BOOST_TEST(l.link.look().lost == 1u);
  BOOST_TEST(l.link.look().opened == 2u);
}

BOOST_AUTO_TEST_CASE(it_comes_back_with_jitter_first_and_then_in_each_interval) {
  for (const double draw : {0.0, 0.3, 0.999}) {
    linked l;
    (void)l.link.closed(l.now, "reset", draw);
    const auto first = *l.link.due() - l.now;
    BOOST_TEST((first >= 100ms && first <= 30s));
    BOOST_TEST((draw < 0.1 || first >= std::chrono::milliseconds{static_cast<int>(29'900 * draw)}));
    l.now += first;
    BOOST_TEST((only<ask_address>(l.link.tick(l.now, draw)) != nullptr));
    (void)l.link.address_answered(l.now, failure{errc::dns, "x", "no address"}, draw);
    const auto second = *l.link.due() - l.now;
    BOOST_TEST((second >= 108s && second <= 132s));
  }
}

BOOST_AUTO_TEST_CASE(fatal_codes_are_given_up_and_others_tried_again) {
  for (const std::int64_t code : {403, 514, 1'000'040'344, 1'000'040'350, 10'014, 77}) {
    long_connection link;
    (void)link.start(t0);
    const auto a = link.address_answered(t0, coded(code), 0.5);
    BOOST_REQUIRE((only<gave_up>(a) != nullptr));
    BOOST_TEST(!only<gave_up>(a)->why.remedy.empty());
    BOOST_TEST((link.now_in() == state::stopped));
    BOOST_TEST(!link.due().has_value());
    BOOST_TEST((only<ask_address>(link.start(t0)) != nullptr));  // by hand
  }
  std::vector<result<http_response>> passing{coded(1), coded(1'000'040'343),
                                             http_response{502, {}, "<html>"},
                                             failure{errc::timed_out, "x", "y"}};
  for (const auto* odd : {R"({"code":0})", R"({"code":0,"data":{"URL":5}})",
                          R"({"code":0,"data":{"URL":"http://x/?service_id=1"}})",
                          R"({"code":0,"data":{"URL":"ws://x/?service_id=1"}})", "{", ""})
    passing.emplace_back(http_response{200, {}, odd});
  for (const auto& answer : passing) {
    long_connection link;
    (void)link.start(t0);
    BOOST_TEST(link.address_answered(t0, answer, 0.5).empty());
    BOOST_TEST((link.now_in() == state::waiting));
  }
}

BOOST_AUTO_TEST_CASE(a_refused_upgrade_is_given_up_when_it_is_for_good) {
  for (const auto& [status, end] : {std::pair{403, state::stopped}, std::pair{514, state::stopped},
                                    std::pair{0, state::waiting}, std::pair{500, state::waiting}}) {
    long_connection link;
    (void)link.start(t0);
    (void)link.address_answered(t0, address(), 0.5);
    (void)link.not_opened(t0, status, "refused", 0.5);
    BOOST_TEST((link.now_in() == end), status);
  }
}

BOOST_AUTO_TEST_CASE(no_answer_and_no_upgrade_are_not_waited_for_for_ever) {
  long_connection link;
  (void)link.start(t0);
  BOOST_TEST((*link.due() == t0 + 30s));
  BOOST_TEST(link.tick(t0 + 30s, 0.0).empty());
  BOOST_TEST((link.now_in() == state::waiting));
  (void)link.tick(t0 + 31s, 0.0);
  (void)link.address_answered(t0 + 31s, address(), 0.5);
  const auto late = link.tick(t0 + 61s, 0.0);
  BOOST_REQUIRE(late.size() == 1u);
  BOOST_TEST(std::holds_alternative<hang_up>(late.front()));
  // An upgrade that succeeds after all is not ours any more.
  BOOST_TEST((only<hang_up>(link.opened(t0 + 62s)) != nullptr));
}

BOOST_AUTO_TEST_CASE(the_server_sets_the_intervals_within_bounds) {
  linked l;
  frame pong;
  pong.headers = {{"type", "pong"}};
  pong.payload = R"({"PingInterval":30,"ReconnectInterval":0,"ReconnectNonce":99999999999})";
  (void)l.hear(pong);
  BOOST_TEST((*l.link.due() == l.now + 30s));
  for (const auto* odd : {"", "{", "[]", R"({"PingInterval":"1"})", R"({"PingInterval":-5})"}) {
    pong.payload = odd;
    (void)l.hear(pong);
    BOOST_TEST((*l.link.due() == l.now + 30s), odd);
  }
}

BOOST_AUTO_TEST_CASE(stopping_hangs_up_and_nothing_is_due_any_more) {
  linked l;
  (void)l.hear(piece_of("a", "{}"));
  BOOST_TEST((only<hang_up>(l.link.stop()) != nullptr));
  BOOST_TEST(!l.link.due().has_value());
  BOOST_TEST(l.link.closed(l.now, "late", 0.5).empty());
  BOOST_TEST(l.link.heard(l.now, "x").empty());
  BOOST_TEST((l.link.now_in() == state::idle));
}
