// Pictures and files of a conversation, end to end on virtual time: each is an attachment of the
// work item once, whatever fails on the way, and whoever sent one that cannot be is told why.
#define BOOST_TEST_MODULE actors_files
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "bound_chat.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using at = crash_point::at;
using kind = wire_fault::kind;

namespace {

const std::string png = "\x89PNG\r\n\x1a\nand what follows";
constexpr const char* storage = "http://storage.test";

sandbox::plane_options plane_with_storage(sandbox::flavour release) {
  sandbox::plane_options o;
  o.release = release;
  o.storage_url = std::string{storage} + "/uploads";
  return o;
}

struct files_world : bound {
  explicit files_world(sandbox::flavour release = sandbox::flavour::v1_3, std::uint64_t seed = 1)
      : bound(seed, plane_with_storage(release)) {
    hosts[storage] = [this](const protocol::http_request& r) {
      for (const auto& h : r.headers)
        credentials_seen |=
            protocol::iequals(h.name, "X-API-Key") || protocol::iequals(h.name, "Authorization");
      sandbox::inbound in;
      in.method = r.method;
      in.path = r.url.substr(std::string_view{storage}.size());
      in.headers = r.headers;
      in.body = r.body;
      return plane().handle(in);
    };
  }
  bool credentials_seen = false;  ///< by the storage

  void bind() {
    bound::bind();
    say("/sync on", root, true);
    pass(10s);
  }
  /// Each of these once, whole, and nothing left over.
  void attached(const std::vector<std::pair<std::string, std::string>>& wanted) {
    const auto all = plane().attachments_of(item);
    BOOST_TEST(all.size() == wanted.size());
    for (const auto& [name, bytes] : wanted) {
      const auto found = std::count_if(all.begin(), all.end(), [&, n = name, b = bytes](auto& f) {
        return f.name == n && f.bytes == b && f.uploaded && f.stored &&
               f.external_source == "planebridge";
      });
      BOOST_TEST(found == 1, name << " is there " << found << " times");
    }
    BOOST_TEST(!credentials_seen);
  }
  /// What was signed, and the bytes themselves, are nowhere that anybody reads.
  void keeps_secrets() {
    std::vector<std::string> told = log();
    for (const auto& e : effects(item)) {
      told.push_back(e.payload + e.last_error);
      for (const auto& a : attempts(e.id)) told.push_back(a.detail);
    }
    told.push_back(actors());
    for (const auto& m : chat.messages) told.push_back(m.content);
    for (const auto& text : told)
      for (const auto* part :
           {"amz-signature", "X-Amz-Signature", "and what follows", "storage.test"})
        BOOST_TEST(text.find(part) == std::string::npos, text);
    for (const auto& signed_with : signatures)
      for (const auto& text : told) BOOST_TEST(text.find(signed_with) == std::string::npos, text);
  }
  std::vector<std::string> signatures;
  void watch_signatures() {
    on_answer = [this](const sent_call&, const result<protocol::http_response>& r) {
      constexpr std::string_view key = "\"x-amz-signature\":\"";
      if (!r) return;
      if (const auto found = r->body.find(key); found != std::string::npos)
        signatures.push_back(r->body.substr(found + key.size(), 32));
    };
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_picture_and_a_file_become_attachments_behind_their_comments) {
  files_world w;
  w.watch_signatures();
  w.start();
  w.bind();
  const auto call = w.calls.size();
  w.say_file("", png, w.root, true);
  w.say_file("plan.pdf", "%PDF-1.7", w.root);
  w.pass(30s);
  w.rest();
  w.attached({{"image.png", png}, {"plan.pdf", "%PDF-1.7"}});
  BOOST_TEST(w.comments_with(w.item, "plan.pdf") == 1u);
  // Three calls to Plane's side each, one to Feishu's, none more.
  BOOST_TEST(w.calls_to("POST", "/attachments/", call).size() == 2u);
  BOOST_TEST(w.calls_to("POST", storage, call).size() == 2u);
  BOOST_TEST(w.calls_to("PATCH", "/attachments/", call).size() == 2u);
  BOOST_TEST(w.calls_to("GET", "/resources/", call).size() == 2u);
  BOOST_TEST(w.signatures.size() == 2u);
  w.keeps_secrets();
}

BOOST_AUTO_TEST_CASE(what_goes_wrong_once_on_any_step_delays_and_doubles_nothing) {
  const struct {
    const char *method, *url;
  } steps[]{{"GET", "/resources/"},
            {"POST", "/attachments/"},
            {"POST", storage},
            {"PATCH", "/attachments/"}};
  for (const auto how :
       {kind::status, kind::reset, kind::half, kind::lost, kind::late, kind::throws})
    for (const auto& step : steps)
      BOOST_TEST_CONTEXT(step.method << ' ' << step.url << ' ' << int(how)) {
        files_world w;
        w.watch_signatures();
        w.start();
        w.bind();
        wire_fault f;
        f.what = how;
        f.method = step.method;
        f.url = step.url;
        f.count = 1;
        f.later = 5s;
        w.faults.push_back(f);
        w.say_file("", png, w.root, true);
        w.pass(3min);
        w.rest();
        w.attached({{"image.png", png}});
        w.keeps_secrets();
      }
}

BOOST_AUTO_TEST_CASE(a_storage_that_refuses_is_tried_again_and_stops_nobody_else) {
  for (const int status : {401, 403, 429, 500, 507}) BOOST_TEST_CONTEXT(status) {
      files_world w;
      w.start();
      w.bind();
      wire_fault f;
      f.url = storage;
      f.status = status;
      f.count = 3;
      w.faults.push_back(f);
      const auto call = w.calls.size();
      w.say_file("", png, w.root, true);
      w.pass(5s);
      const auto other = w.create("Another one");
      w.pass(10min);
      w.rest();
      w.attached({{"image.png", png}});
      BOOST_TEST(w.calls_to("POST", storage, call).size() == 4u);
      BOOST_TEST(w.actors().find("suspended") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(dying_at_any_commit_or_request_doubles_no_attachment) {
  const auto play = [](files_world& w) {
    w.say_file("", png, w.root, true);
    w.say_file("plan.pdf", "%PDF-1.7", w.root);
    w.pass(2min);
    w.rest();
    w.attached({{"image.png", png}, {"plan.pdf", "%PDF-1.7"}});
    BOOST_TEST(w.comments_with(w.item, "plan.pdf") == 1u);
  };
  files_world all;
  all.start();
  all.bind();
  const auto commits = all.commits(), requests = all.requests();
  play(all);
  const struct {
    at where;
    unsigned many;
  } points[]{{at::before_commit, all.commits() - commits},
             {at::after_commit, all.commits() - commits},
             {at::before_request, all.requests() - requests},
             {at::after_request, all.requests() - requests}};
  for (const auto& p : points)
    for (unsigned n = 1; n <= p.many; ++n) BOOST_TEST_CONTEXT(int(p.where) << " no. " << n) {
        files_world w;
        w.start();
        w.bind();
        w.crash_at({p.where, n});
        play(w);
      }
}

BOOST_AUTO_TEST_CASE(too_large_is_told_to_whoever_sent_it_and_is_no_dead_letter) {
  files_world w;
  w.settings.lark.max_file_bytes = 65'536;
  w.start();
  w.bind();
  w.say_file("film.mp4", std::string(70'000, 'x'), w.root);
  w.pass(2min);
  w.rest();
  w.attached({});
  BOOST_TEST(w.comments_with(w.item, "film.mp4") == 1u);
  BOOST_TEST(w.chat.saying("the file film.mp4 was not attached in Plane: it is larger than") == 1u);
  BOOST_TEST(w.calls_to("GET", "/resources/").size() == 1u);
  const auto all = w.effects(w.item);
  BOOST_TEST(std::any_of(all.begin(), all.end(), [](const auto& e) {
    return e.operation == "plane.attach_file" &&
           e.status == persistence::effect_status::cancelled && !e.last_error.empty();
  }));
}

BOOST_AUTO_TEST_CASE(what_plane_does_not_take_is_told_to_whoever_sent_it) {
  files_world w;
  w.start();
  w.bind();
  w.say_file("setup.exe", "MZ", w.root);
  w.say_file("empty.txt", "", w.root);
  w.say_file("plan.pdf", "%PDF-1.7", w.root);
  w.pass(2min);
  w.rest();
  w.attached({{"plan.pdf", "%PDF-1.7"}});
  BOOST_TEST(w.chat.saying("Plane takes no files of type application/octet-stream") == 1u);
  BOOST_TEST(w.chat.saying("the file empty.txt was not attached in Plane: the file is empty") ==
             1u);
}

BOOST_AUTO_TEST_CASE(larger_than_planes_own_limit_is_told_as_well) {
  files_world w;
  w.settings.lark.max_file_bytes = 20U << 20;
  w.start();
  w.bind();
  w.say_file("film.mp4", std::string(6U << 20, 'x'), w.root);
  w.pass(2min);
  w.rest();
  BOOST_TEST(w.chat.saying("raise FILE_SIZE_LIMIT") == 1u);
  const auto all = w.plane().attachments_of(w.item);
  BOOST_TEST(std::none_of(all.begin(), all.end(), [](const auto& f) { return f.uploaded; }));
}

BOOST_AUTO_TEST_CASE(a_recalled_message_keeps_what_was_attached_and_gets_nothing_more) {
  files_world w;
  w.start();
  w.bind();
  const auto kept = w.say_file("plan.pdf", "%PDF-1.7", w.root);
  w.pass(30s);
  w.recall(kept);
  w.pass(30s);
  w.attached({{"plan.pdf", "%PDF-1.7"}});
  // Recalled before it could be fetched.
  const auto before = w.chat.messages.size();
  const auto gone = w.say_file("draft.pdf", "%PDF-1.4", w.root);
  w.chat.files.erase(gone + "/file_" + gone.substr(std::string_view{"om_person"}.size()));
  w.pass(30s);
  w.rest();
  w.attached({{"plan.pdf", "%PDF-1.7"}});
  BOOST_TEST(w.chat.messages.size() == before);
}

BOOST_AUTO_TEST_CASE(files_of_many_items_go_two_at_a_time_and_all_arrive) {
  files_world w;
  w.start();
  std::vector<std::pair<std::string, std::string>> places;  // item, conversation
  for (int n = 0; n < 6; ++n) {
    w.bind();
    places.emplace_back(w.item, w.root);
  }
  w.pass(2min);
  int open = 0, most = 0;
  w.on_call = [&](const protocol::http_request& r) {
    if (r.url.find("/resources/") != std::string::npos) most = std::max(most, ++open);
  };
  w.on_answer = [&](const sent_call& c, const result<protocol::http_response>&) {
    if (c.method == "PATCH" && c.url.find("/attachments/") != std::string::npos) --open;
  };
  w.travel = 500ms;
  for (const auto& [item, root] : places) {
    w.say_file("a.txt", "one", root);
    w.say_file("b.txt", "two", root);
  }
  w.pass(10min);
  w.rest();
  for (const auto& [item, root] : places) {
    w.item = item;
    w.attached({{"a.txt", "one"}, {"b.txt", "two"}});
  }
  BOOST_TEST(open == 0);
  BOOST_TEST(most == 2);
}

// Plane up to v0.26 announces attachments.

BOOST_AUTO_TEST_CASE(an_attachment_of_ours_is_not_announced_to_its_conversation) {
  for (const bool before_the_answer : {false, true}) BOOST_TEST_CONTEXT(before_the_answer) {
      files_world w{sandbox::flavour::v0_25};
      w.start();
      w.bind();
      w.pass(1min);
      const auto before = w.chat.messages.size();
      if (before_the_answer) {
        wire_fault f;
        f.what = kind::lost;
        f.method = "PATCH";
        f.url = "/attachments/";
        f.count = 1;
        w.faults.push_back(f);
      }
      w.say_file("plan.pdf", "%PDF-1.7", w.root);
      w.pass(5min);
      w.rest();
      w.attached({{"plan.pdf", "%PDF-1.7"}});
      BOOST_TEST(std::any_of(w.webhook_bodies.begin(), w.webhook_bodies.end(), [](const auto& b) {
        return b.find("\"attachment\"") != std::string::npos;
      }));
      for (auto n = before; n < w.chat.messages.size(); ++n)
        BOOST_TEST(w.chat.messages[n].content.find("plan.pdf") == std::string::npos,
                   w.chat.messages[n].content);
    }
}

BOOST_AUTO_TEST_CASE(other_conversations_of_the_item_hear_of_it) {
  files_world w{sandbox::flavour::v0_25};
  w.start();
  w.bind();
  const auto second = w.say("another talk about it");
  w.pass(2s);
  w.say("/bind " + w.link_of(w.item), second, true);
  w.pass(1min);
  const auto before = w.chat.messages.size();
  w.say_file("plan.pdf", "%PDF-1.7", w.root);
  w.pass(5min);
  w.rest();
  bool there = false;
  for (auto n = before; n < w.chat.messages.size(); ++n) {
    const auto& m = w.chat.messages[n];
    const bool told = m.content.find("plan.pdf") != std::string::npos;
    BOOST_TEST((!told || m.root != w.root), m.content);
    there = there || (told && m.root == second);
  }
  BOOST_TEST(there);
}
