// The sandbox against what a real Plane did: every recorded exchange is sent again, in order, to a
// fresh sandbox; statuses, keys and their order, JSON types, texts and webhooks must agree.
#define BOOST_TEST_MODULE sandbox_plane_recorded
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "sandbox/plane.hpp"

namespace json = boost::json;
using namespace pb;

namespace {

// What the sandbox does not imitate. Their effects on later steps do not matter.
const std::map<std::string, std::string> out_of_scope{
    {"attachment-create", "its storage has an address and signatures of its own"},
    {"intake-create", "intake is not used by planebridge"},
    {"intake-list", "intake is not used by planebridge"},
    {"intake-create-2", "intake is not used by planebridge"},
    {"intake-accept", "intake is not used by planebridge"},
    {"intake-update-issue", "intake is not used by planebridge"},
};

std::string read(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(in, "cannot read " << path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string name_of(json::kind k) { return std::string{json::to_string(k)}; }

bool is_moment(std::string_view s) {
  return s.size() >= 20 && s[4] == '-' && s[10] == 'T' && s.back() == 'Z';
}

std::string group_of(const std::string& step) {
  for (const char* burst : {"burst-edit", "burst2-edit", "create-then-delete-at-once", "m6-race"})
    if (step.starts_with(burst)) return burst;
  return step;
}

class replay {
public:
  replay(std::string folder, sandbox::flavour release)
      : folder_(std::move(folder)),
        clock_(from_micros(1'795'000'000'000'000)),
        random_(7),
        plane_(clock_, random_, {.release = release, .late_timestamps = true}) {
    index_ = json::parse(read(folder_ + "/index.json")).as_array();
    const auto user = [&](const std::string& first, const std::string& last,
                          const std::string& low) {
      return plane_.add_user({first, last, low + "@fake.example.test", low + ".fake"});
    };
    const auto alice = user("Alice", "Faketon", "alice"), bob = user("Bob", "Mockley", "bob"),
               carol = user("Carol", "Sampleton", "carol");
    for (const auto* slug : {"retry-fake", "fake-works"}) {
      plane_.add_workspace(slug, std::string{slug} == "fake-works" ? "Fake Works" : "Retry Fake");
      plane_.add_workspace_member(slug, alice, 20);
    }
    plane_.add_workspace_member("fake-works", bob, 15);
    plane_.add_workspace_member("fake-works", carol, 15);
    plane_.add_token(alice, secret{"alice"});
    plane_.add_token(bob, secret{"bob"});
    plane_.add_token(carol, secret{"carol"});
    plane_.add_token(alice, secret{"service"}, true);
    plane_.add_token(alice, secret{"expired"}, false, clock_.now());
    session_ = plane_.open_session(alice);
    plane_.add_webhook("fake-works",
                       {.url = "http://127.0.0.1:28090/hook",
                        .signing_secret = secret{"plane_wh_fakesecret0123456789abcdef"}});
    users_ = {{"alice@fake.example.test", alice},
              {"bob@fake.example.test", bob},
              {"carol@fake.example.test", carol}};
    learn_users();
  }

  void run() {
    for (const auto& entry : index_) step(entry.as_object());
    for (const auto& [group, wanted] : recorded_)
      BOOST_TEST(sent_[group] == wanted, "webhooks of " << group << ": sent "
                                                        << listed(sent_[group]) << ", recorded "
                                                        << listed(wanted));
    for (const auto& [group, sent] : sent_)
      BOOST_TEST(recorded_.contains(group),
                 "webhooks of " << group << " that Plane did not send: " << listed(sent));
  }

  std::size_t replayed = 0, webhooks_compared = 0;

private:
  static std::string listed(const std::multiset<std::string>& s) {
    std::string out;
    for (const auto& one : s) out += one + " ";
    return out.empty() ? "none" : out;
  }

  json::object file(std::string name) const {
    if (const auto at = name.find("v0.25.3/"); at == 0) name = name.substr(8);
    return json::parse(read(folder_ + "/" + name)).as_object();
  }

  // A person keeps the mail address in both worlds; everything else is learnt from the answers.
  void learn_users() {
    for (const auto& entry : index_)
      for (const auto& hook : entry.at("webhooks").as_array()) {
        boost::system::error_code ec;
        const auto body = json::parse(
            file(std::string{hook.at("file").as_string()}).at("body_raw").as_string(), ec);
        if (ec) continue;
        const auto& actor = body.at("activity").at("actor");
        ids_[std::string{actor.at("id").as_string()}] =
            users_.at(std::string{actor.at("email").as_string()});
      }
    for (const auto& entry : index_)
      if (entry.at("step") == "workspace-members") {
        const auto members = json::parse(file(std::string{entry.at("rest_file").as_string()})
                                             .at("response")
                                             .at("body")
                                             .as_string());
        for (const auto& m : members.as_array())
          ids_[std::string{m.at("id").as_string()}] =
              users_.at(std::string{m.at("email").as_string()});
      }
  }

  std::string translated(std::string text) const {
    for (const auto& [theirs, ours] : ids_)
      for (std::size_t at = text.find(theirs); at != std::string::npos;
           at = text.find(theirs, at + 36))
        text.replace(at, 36, ours);
    return text;
  }

  protocol::http_response send(const std::string& method, const std::string& target,
                               const std::string& key, const std::string& body,
                               const std::string& type = "application/json") {
    sandbox::inbound in;
    in.method = method;
    const auto question = target.find('?');
    in.path = protocol::percent_decode(target.substr(0, question));
    in.query = question == std::string::npos ? "" : target.substr(question + 1);
    if (!key.empty()) in.headers.push_back({"X-API-Key", key});
    if (target.starts_with("/api/workspaces"))
      in.headers.push_back({"Cookie", "csrftoken=x; session-id=" + session_});
    in.headers.push_back({"Host", "plane.example.test"});
    in.headers.push_back({"Content-Type", type});
    in.body = body;
    return plane_.handle(in);
  }

  void before(const std::string& name) {
    const std::string items = translated(
        "/api/v1/workspaces/fake-works/projects/f08062b3-a567-4b64-828d-08c780a8c3dc/issues/");
    if (name == "issue-list-page1")  // four creations were made but not kept
      for (int i = 0; i < 4; ++i)
        BOOST_REQUIRE(
            send("POST", items, "alice", "{\"name\": \"Bulk fake " + std::to_string(i) + "\"}")
                .status == 201);
    if (name == "ratelimit-58")  // of sixty requests the first and the last ones were kept
      for (int i = 1; i < 58; ++i)
        BOOST_REQUIRE(send("GET", "/api/v1/users/me/", "carol", "").status == 200);
    plane_.take_webhooks();
    plane_.set_external_id_race(name.starts_with("m6-race-") && name != "m6-race-get");
  }

  void step(const json::object& entry) {
    const std::string name{entry.at("step").as_string()};
    for (const auto& hook : entry.at("webhooks").as_array())
      recorded_[group_of(name)].insert(
          summary(hook.at("event"), hook.at("action"), hook.at("field")));
    if (out_of_scope.contains(name)) return;
    const json::object exchange = file(std::string{entry.at("rest_file").as_string()});
    const auto& request = exchange.at("request").as_object();
    const auto& response = exchange.at("response").as_object();
    const auto sent_at =
        from_micros(static_cast<std::int64_t>(exchange.at("sent_unix").to_number<double>() * 1e6));
    if (sent_at > clock_.now()) clock_.advance(sent_at - clock_.now());
    before(name);
    std::string key, type = "application/json";
    for (const auto& h : request.at("headers").as_object()) {
      if (h.key() == "X-API-Key") key = std::string{h.value().as_string()};
      if (h.key() == "Content-Type") type = std::string{h.value().as_string()};
    }
    if (!key.empty())  // "<alice token removed>"
      key = key.substr(1, key.find(' ') - 1);
    std::string body;
    if (request.at("body").is_string()) body = std::string{request.at("body").as_string()};
    if (name == "issue-create-large-description")  // cut in the recording
      body = "{\"name\": \"Large description\", \"description_html\": \"<p>" +
             std::string(240'000, 'x') + "</p>\"}";
    const auto answer =
        send(std::string{request.at("method").as_string()},
             translated(std::string{request.at("path").as_string()}), key, translated(body), type);
    ++replayed;
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(answer.status == response.at("status").to_number<int>(),
                 "status " << answer.status << " for recorded " << response.at("status") << ": "
                           << answer.body);
      compare_headers(response.at("headers").as_array(), answer);
      compare_bodies(name, request, response, answer);
      compare_webhooks(name, entry);
    }
  }

  void compare_headers(const json::array& recorded, const protocol::http_response& answer) {
    for (const auto& h : recorded) {
      const std::string header{h.as_array().at(0).as_string()},
          value{h.as_array().at(1).as_string()};
      const bool rest = answer.has_header("X-RateLimit-Remaining") && !folder_.ends_with("v0.25.3");
      if ((header == "Allow" && rest) || header == "Content-Type" || header == "Location")
        BOOST_TEST(answer.header(header) == translated(value),
                   header << ": " << answer.header(header));
      if (header.starts_with("X-RateLimit") || header == "Retry-After")
        BOOST_TEST(answer.has_header(header), "no " << header);
    }
    const bool limited = std::any_of(recorded.begin(), recorded.end(), [](const json::value& h) {
      return h.as_array().at(0) == "X-RateLimit-Remaining";
    });
    BOOST_TEST(answer.has_header("X-RateLimit-Remaining") == limited, "rate limit header");
  }

  void compare_bodies(const std::string& name, const json::object& request,
                      const json::object& response, const protocol::http_response& answer) {
    if (request.at("method") == "HEAD" || !response.at("body").is_string()) return;
    boost::system::error_code ec;
    const auto wanted = json::parse(response.at("body").as_string(), ec);
    if (ec) {  // an empty or cut body
      BOOST_TEST(
          (response.at("body").as_string().empty() ? answer.body.empty() : !answer.body.empty()));
      return;
    }
    const auto got = json::parse(answer.body, ec);
    BOOST_REQUIRE_MESSAGE(!ec, "not JSON: " << answer.body);
    compare(name, wanted, got, "");
  }

  // Parallel walk; uuids are learnt, texts that are neither uuid nor time must be equal.
  void compare(const std::string& name, const json::value& wanted, const json::value& got,
               const std::string& at) {
    BOOST_TEST(name_of(wanted.kind()) == name_of(got.kind()),
               at << ": " << got << " for recorded " << wanted);
    if (wanted.kind() != got.kind()) return;
    if (wanted.is_object()) {
      std::string theirs, ours;
      for (const auto& m : wanted.get_object()) theirs += std::string{m.key()} + " ";
      for (const auto& m : got.get_object()) ours += std::string{m.key()} + " ";
      if (at.ends_with("/metadata")) return;  // filled by fetching the linked page
      BOOST_TEST(ours == theirs, "keys at " << at);
      for (const auto& m : wanted.get_object())
        if (const json::value* v = got.get_object().if_contains(m.key()))
          compare(name, m.value(), *v, at + "/" + std::string{m.key()});
    } else if (wanted.is_array()) {
      const auto& a = wanted.get_array();
      const auto& b = got.get_array();
      BOOST_TEST(a.empty() == b.empty(), "length at " << at);
      for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        compare(name, a[i], b[i], at + "/" + std::to_string(i));
    } else if (wanted.is_string()) {
      const std::string a{wanted.get_string()}, b{got.get_string()};
      if (is_uuid(a) && is_uuid(b))
        BOOST_TEST(ids_.emplace(a, b).first->second == b, at << ": another id than before");
      else if (!is_moment(a) && !free_text(at))
        BOOST_TEST(translated(a) == b, at);
    }
  }

  // Texts that are made up by each server or hold such ids.
  static bool free_text(const std::string& at) {
    for (const auto* end :
         {"/secret_key", "/request_headers", "/request_body", "/response_headers", "/response_body",
          "/detail", "/logo_props/icon/name", "/logo_props/icon/color"})
      if (at.ends_with(end)) return true;
    return false;
  }

  static std::string summary(const json::value& event, const json::value& action,
                             const json::value& field) {
    return std::string{event.as_string()} + "/" + std::string{action.as_string()} + "/" +
           (field.is_string() ? std::string{field.as_string()} : "-");
  }

  void compare_webhooks(const std::string& name, const json::object& entry) {
    std::vector<json::value> recorded;
    std::vector<json::object> files;
    for (const auto& hook : entry.at("webhooks").as_array())
      files.push_back(file(std::string{hook.at("file").as_string()}));
    for (const auto& d : plane_.take_webhooks()) {
      plane_.log_webhook(d, 200);
      if (!d.url.ends_with("/hook")) continue;
      const auto body = json::parse(d.body);
      const auto what =
          summary(body.at("event"), body.at("action"), body.at("activity").at("field"));
      sent_[group_of(name)].insert(what);
      const auto match = std::find_if(files.begin(), files.end(), [&](const json::object& f) {
        boost::system::error_code ec;
        const auto b = json::parse(f.at("body_raw").as_string(), ec);
        return !ec && summary(b.at("event"), b.at("action"), b.at("activity").at("field")) == what;
      });
      if (match == files.end() || group_of(name) != name) continue;
      ++webhooks_compared;
      compare(name, json::parse(match->at("body_raw").as_string()), body, what);
      std::string theirs, ours;
      for (const auto& h : match->at("headers").as_array())
        theirs += std::string{h.as_array().at(0).as_string()} + " ";
      for (const auto& h : d.headers) ours += h.name + " ";
      BOOST_TEST(ours == theirs, "header order");
      if (std::string key; match->at("signing_secret").is_string())
        for (const auto& h : d.headers)
          if (h.name == "X-Plane-Signature")
            BOOST_TEST(h.value ==
                       to_hex(hmac_sha256(match->at("signing_secret").as_string(), d.body)));
      files.erase(match);
    }
  }

  std::string folder_;
  manual_clock clock_;
  seeded_random random_;
  sandbox::plane plane_;
  json::array index_;
  std::string session_;
  std::map<std::string, std::string> users_, ids_;
  std::map<std::string, std::multiset<std::string>> recorded_, sent_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_recorded_exchanges_of_plane_1_3_1_get_the_same_answers_and_webhooks) {
  replay r{PB_FIXTURES "/plane-live", sandbox::flavour::v1_3};
  r.run();
  BOOST_TEST(r.replayed == 276u - out_of_scope.size());
  BOOST_TEST(r.webhooks_compared >= 85u);
}

BOOST_AUTO_TEST_CASE(the_recorded_exchanges_of_plane_0_25_3_get_the_same_answers_and_webhooks) {
  replay r{PB_FIXTURES "/plane-live/v0.25.3", sandbox::flavour::v0_25};
  r.run();
  BOOST_TEST(r.replayed == 43u);
  BOOST_TEST(r.webhooks_compared >= 30u);
}
