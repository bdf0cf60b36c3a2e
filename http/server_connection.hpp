// http/server_connection: one client's connection: reads a request, has it handled, writes the
// answer, reads the next. Pipelined requests wait in the buffer, so answers keep their order.
// Private to the server; every member runs on the worker's thread.
#pragma once
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <string>

#include "http/byte_stream.hpp"
#include "http/event_pipe.hpp"
#include "http/server_state.hpp"

namespace pb::http {

/// A Beast body that hands each piece on as it arrives.
struct piece_body {
  using value_type = server_connection*;
  class reader {
  public:
    template <bool isRequest, class Fields>
    reader(boost::beast::http::header<isRequest, Fields>&, value_type& to) : to_(to) {}
    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& ec) { ec = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& ec) {
      std::size_t all = 0;
      for (auto at = boost::asio::buffer_sequence_begin(buffers);
           at != boost::asio::buffer_sequence_end(buffers); ++at) {
        const boost::asio::const_buffer b = *at;
        if (!accept(*to_, {static_cast<const char*>(b.data()), b.size()})) {
          ec = boost::beast::http::error::body_limit;
          return all;
        }
        all += b.size();
      }
      ec = {};
      return all;
    }
    void finish(boost::system::error_code& ec) { ec = {}; }

  private:
    static bool accept(server_connection& to, std::string_view piece);
    value_type& to_;
  };
};

class server_connection final : public std::enable_shared_from_this<server_connection>,
                                public waiting_connection {
public:
  server_connection(std::shared_ptr<server_state> shared, const std::shared_ptr<server_worker>& on,
                    boost::asio::ip::tcp::socket socket);
  void start();
  /// One connection too many: one request is read, since it decides how it is refused.
  void start_refused();
  /// Idle ones and streams close now, the others after their answer.
  void drain();
  void close();
  void give_way() override;
  void flush_stream();

private:
  friend struct piece_body;
  friend class piece_body::reader;
  enum class phase { handshake, idle, head, body, handling, writing, streaming, ending, closed };

  /// The phase, and with it the place among those that wait for their peer.
  void enter(phase p);
  [[nodiscard]] static std::optional<waits_for> waits_in(phase p) noexcept;

  // reading
  void wait_request();
  void read_more(std::size_t bytes);
  void on_read(boost::system::error_code ec, std::size_t n);
  void on_head_bytes();
  void on_head(std::size_t length);
  [[nodiscard]] bool parse_head(std::size_t length);
  [[nodiscard]] bool choose_route();
  void begin_body();
  void on_body_bytes();
  [[nodiscard]] bool feed(std::string_view piece);
  [[nodiscard]] bool make_room_for(std::size_t more);
  void release_buffer();
  void release_body();

  // answering
  void handle();
  void call_handler();
  void answer(std::uint64_t number, response r);
  void start_stream(std::uint64_t number, std::shared_ptr<event_pipe> pipe);
  /// An answer of the server itself: always the JSON shape of errors.
  void refuse(int status, std::string_view message, std::vector<protocol::http_header> more = {});
  void finish(response r);
  void begin_writing();
  void close_unanswered();
  void log_access();
  void write_more();
  void on_written();
  void watch_peer();
  void end();  ///< after the last byte: gently, so that the answer arrives
  void say_goodbye();

  void arm(std::chrono::milliseconds after);
  void disarm();
  void stop_timer();  ///< for good
  void tick(std::chrono::steady_clock::duration left);
  void on_tick();
  void on_timer();
  void begin_counting();
  void end_counting();

  std::shared_ptr<server_state> state_;
  std::weak_ptr<server_worker> worker_;
  byte_stream stream_;
  boost::asio::steady_timer timer_;
  std::uint64_t timer_number_ = 0;
  bool ticking_ = false;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  phase phase_ = phase::handshake;
  boost::asio::ip::address socket_peer_, peer_;

  boost::beast::flat_buffer buffer_;
  bool reading_ = false;    ///< a read is under way: the buffer must stay as it is
  bool peer_gone_ = false;  ///< the peer has sent its last byte
  std::size_t scanned_ = 0, blank_lines_ = 0;

  using parser = boost::beast::http::request_parser<piece_body>;
  std::unique_ptr<parser> parser_;
  /// Told of each chunk's head; the parser keeps a reference.
  struct chunk_watch {
    server_connection* of;
    void operator()(std::uint64_t, boost::beast::string_view extensions,
                    boost::system::error_code& ec) const;
  } chunk_watch_{this};
  std::shared_ptr<request> request_;
  const routed* route_ = nullptr;
  std::uint64_t number_ =
      0;  ///< of the request on this connection: a late answer is not the next's
  std::string body_;
  std::size_t body_bytes_ = 0, keep_bytes_ = 0, most_bytes_ = 0, reserved_bytes_ = 0;
  int body_fault_ = 0;  ///< status to answer once the parser has stopped

  steady_time began_{};
  bool beyond_limit_ = false;  ///< one connection too many
  bool counted_ = false, keep_alive_ = false, old_version_ = false, unread_ = false;
  std::string out_head_, out_body_;
  std::size_t out_at_ = 0, answer_bytes_ = 0;
  steady_time answer_due_{};  ///< when the peer must have taken all of the answer
  int status_ = 0;
  bool writing_ = false;
  std::shared_ptr<event_pipe> pipe_;
};

}  // namespace pb::http
