#include "benchmarks/lark_pushes.hpp"

#include <array>
#include <cstdio>
#include <random>

#include "base/digest.hpp"
#include "protocol/lark/crypto.hpp"

namespace pb::bench {
namespace {

constexpr const char* token = "vt-bench";  // LARK_VERIFICATION_TOKEN of bench/lark.py

std::string hex32(std::uint64_t n) {
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%032llx", static_cast<unsigned long long>(n));
  return out.data();
}

}  // namespace

lark_pushes::lark_pushes(kind what, std::string encrypt_key, std::string host, std::size_t threads)
    : what_(what),
      key_(std::move(encrypt_key)),
      host_(std::move(host)),
      threads_(threads == 0 ? 1 : threads),
      random_(std::random_device{}()) {}

std::string lark_pushes::body() {
  const auto id = make_uuid(random_);
  const auto ms = std::to_string(to_micros(clock_.now()) / 1000);
  root_ = "om_" + hex32(1 + random_.next() % threads_);
  const std::string head = R"({"schema":"2.0","header":{"event_id":")" + id +
                           R"(","create_time":")" + ms + R"(","token":")" + token +
                           R"(","app_id":"cli_bench","tenant_key":"t","event_type":")";
  if (what_ == kind::click)
    return head + R"(card.action.trigger"},"event":{"operator":{"tenant_key":"t","open_id":"ou_)" +
           hex32(random_.next() % 300) + R"("},"token":"c-)" + id +
           R"(","action":{"value":{"thread":")" + root_ +
           R"(","item":"2f6d1c84-9b3a-4e57-8c21-5a0e7d9b4f63","do":"state"},)"
           R"("tag":"select_static","option":")" +
           id + R"("},"host":"im_message","context":{"open_message_id":"om_)" +
           hex32(random_.next()) + R"(","open_chat_id":"oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e"}}})";
  std::string words;
  for (auto n = 20 + random_.next() % 120; n > 0; --n) words += "words ";
  return head + R"(im.message.receive_v1"},"event":{"sender":{"sender_id":{"open_id":"ou_)" +
         hex32(random_.next() % 300) +
         R"("},"sender_type":"user","tenant_key":"t"},"message":{"message_id":"om_)" +
         hex32(random_.next()) + R"(","root_id":")" + root_ + R"(","parent_id":")" + root_ +
         R"(","create_time":")" + ms + R"(","update_time":")" + ms +
         R"(","chat_id":"oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e","chat_type":"group",)"
         R"("message_type":"text","content":"{\"text\":\")" +
         words + R"(\"}"}}})";
}

const std::string& lark_pushes::next(std::string& out) {
  std::string iv(16, '\0');
  random_.fill({reinterpret_cast<unsigned char*>(iv.data()), iv.size()});
  const std::string sent = R"({"encrypt":")" + protocol::lark::encrypt(body(), key_, iv) + R"("})";
  const auto at = std::to_string(to_micros(clock_.now()) / 1'000'000);
  const auto nonce = hex32(random_.next());
  out = "POST /webhooks/lark/" + std::string{what_ == kind::click ? "interactivity" : "events"} +
        " HTTP/1.1\r\nHost: " + host_ +
        "\r\nContent-Type: application/json; charset=utf-8\r\nX-Lark-Request-Timestamp: " + at +
        "\r\nX-Lark-Request-Nonce: " + nonce +
        "\r\nX-Lark-Signature: " + protocol::lark::signature_of(at, nonce, key_, sent) +
        "\r\nContent-Length: " + std::to_string(sent.size()) + "\r\n\r\n" + sent;
  bytes_ += static_cast<double>(sent.size());
  ++made_;
  return root_;
}

double lark_pushes::mean_body_bytes() const { return made_ > 0 ? bytes_ / made_ : 0; }

std::string_view lark_pushes::accepted() const noexcept {
  return what_ == kind::click ? "\"toast\"" : "{}";
}

}  // namespace pb::bench
