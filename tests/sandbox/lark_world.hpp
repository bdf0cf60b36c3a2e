// tests/sandbox/lark_world: an in-memory Lark on virtual time with two people and a chat, and calls
// to it as a bot makes them.
#pragma once
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "sandbox/lark.hpp"
#include "tests/sandbox/virtual_time.hpp"

namespace pb::test {

inline boost::json::value lark_sample(const std::string& name) {
  std::ifstream in{std::string{PB_SOURCE_DIR} + "/tests/fixtures/lark/" + name};
  if (!in) throw std::runtime_error("no fixture " + name);
  return boost::json::parse(std::string{std::istreambuf_iterator<char>{in}, {}});
}

struct lark_world {
  explicit lark_world(sandbox::lark_options o = {}) : lark(time.clock, random, std::move(o)) {}

  protocol::http_response ask(std::string method, const std::string& target, std::string body = {},
                              std::string bearer = {}) {
    sandbox::inbound in;
    in.method = std::move(method);
    const auto question = target.find('?');
    in.path = target.substr(0, question);
    in.query = question == std::string::npos ? "" : target.substr(question + 1);
    in.headers = {{"Content-Type", "application/json; charset=utf-8"},
                  {"Authorization", "Bearer " + (bearer.empty() ? token() : bearer)}};
    in.body = std::move(body);
    return lark.handle(in);
  }
  /// The body of an answer that must have code 0.
  boost::json::value call(std::string method, const std::string& path,
                          const boost::json::object& body = {}) {
    const auto a = ask(std::move(method), "/open-apis/" + path,
                       body.empty() ? "" : boost::json::serialize(body));
    auto v = boost::json::parse(a.body);
    if (v.at("code").to_number<int>() != 0) throw std::runtime_error(a.body);
    return v.as_object().contains("data") ? v.at("data") : v;
  }
  int code_of(std::string method, const std::string& path, const boost::json::object& body = {}) {
    const auto a = ask(std::move(method), "/open-apis/" + path,
                       body.empty() ? "" : boost::json::serialize(body));
    return boost::json::parse(a.body).at("code").to_number<int>();
  }
  boost::json::value new_token() {
    sandbox::inbound in;
    in.method = "POST";
    in.path = "/open-apis/auth/v3/tenant_access_token/internal";
    in.body = boost::json::serialize(boost::json::object{
        {"app_id", lark.options().app_id}, {"app_secret", lark.options().app_secret.reveal()}});
    return boost::json::parse(lark.handle(in).body);
  }
  std::string token() { return std::string{new_token().at("tenant_access_token").as_string()}; }
  /// The new message.
  boost::json::value send(const std::string& text, const std::string& uuid = {}) {
    return call("POST", "im/v1/messages?receive_id_type=chat_id", text_body(text, uuid));
  }
  boost::json::object text_body(const std::string& text, const std::string& uuid = {}) const {
    boost::json::object body{
        {"receive_id", chat},
        {"msg_type", "text"},
        {"content", boost::json::serialize(boost::json::object{{"text", text}})}};
    if (!uuid.empty()) body["uuid"] = uuid;
    return body;
  }
  boost::json::object card_body(const boost::json::value& card) const {
    return {{"receive_id", chat},
            {"msg_type", "interactive"},
            {"content", boost::json::serialize(card)}};
  }
  static std::string id_of(const boost::json::value& message) {
    return std::string{message.at("message_id").as_string()};
  }
  /// The `event` of the pushes that are due within a second.
  std::vector<sandbox::lark_push> pushes() {
    time.run_for(std::chrono::seconds{1});
    return lark.take_due_pushes();
  }
  static boost::json::value event_of(const sandbox::lark_push& p) {
    return boost::json::parse(p.body).at("event");
  }

  virtual_time time;
  seeded_random random{5};
  sandbox::lark lark;
  std::string anna = lark.add_person({.name = "测试用户甲",
                                      .en_name = "Test User A",
                                      .email = "user.a@example.com",
                                      .mobile = "13011111111",
                                      .open_id = "ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a"});
  std::string bo = lark.add_person({.name = "测试用户乙",
                                    .en_name = "Test User B",
                                    .email = "user.b@example.com",
                                    .mobile = "",
                                    .open_id = "ou_6e4d2c0b8a7f5e3d1c9b0a8f7e6d5c4b"});
  std::string chat = lark.add_chat({.name = "PlaneBridge 项目群",
                                    .members = {anna, bo},
                                    .chat_id = "oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e"});
};

}  // namespace pb::test
