// The JSON of an event, a callback (cards of both kinds, previews) or a verification, opened
// already. Ids stay ids, lists stay short, errors repeat nothing.
#include <string>

#include "protocol/lark/events.hpp"
#include "protocol/lark/intake.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
namespace lark = pb::protocol::lark;
using fuzz::must;

void id(const std::string& text) { must(text.empty() || lark::is_id(text), "an id is an id"); }
void ids(const lark::person& p) { id(p.open_id), id(p.union_id), id(p.user_id); }

struct checker {
  void operator()(const lark::other_event&) const {}
  void operator()(const lark::url_verification& v) const {
    must(v.challenge.size() <= 1'000, "a challenge is short");
  }
  void operator()(const lark::message& m) const {
    id(m.message_id), id(m.root_id), id(m.parent_id), id(m.thread_id), id(m.chat_id);
    ids(m.sender);
    must(!m.message_id.empty() && !m.chat_id.empty(), "a message is somewhere");
    must(m.mentions.size() <= 500, "mentions are bounded");
    for (const auto& one : m.mentions) {
      id(one.key), ids(one.who);
      must(!one.key.empty() && one.name.size() <= 1'000, "a mention has a key and a name");
    }
  }
  void operator()(const lark::message_recalled& m) const { id(m.message_id), id(m.chat_id); }
  void operator()(const lark::reaction& r) const { id(r.message_id), id(r.emoji), ids(r.who); }
  void operator()(const lark::chat_membership& m) const { id(m.chat_id), ids(m.by); }
  void operator()(const lark::chat_changed& c) const { id(c.chat_id); }
  void operator()(const lark::person_left& p) const {
    ids(p.who);
    must(!p.who.open_id.empty(), "who left has an open_id");
  }
  void operator()(const lark::private_contact& c) const { ids(c.who), id(c.chat_id); }
  void operator()(const lark::card_action& c) const {
    ids(c.by), id(c.token), id(c.message_id), id(c.chat_id);
    must(c.value.empty() || c.value.front() == '{', "a value is an object");
    must(c.value.size() <= 64u << 10 && c.form.size() <= 200 && c.options.size() <= 200,
         "what is clicked is bounded");
  }
  void operator()(const lark::preview_request& p) const {
    ids(p.viewer), id(p.preview_token), id(p.message_id), id(p.chat_id);
    must(!p.url.empty() && p.url.size() <= 4'096, "a link has a length");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text_of(data, size);
  const auto said = lark::parse_event(body);
  if (!said) {
    const auto words = describe(said.error());
    must(words.size() <= 600, "an error is a sentence");
    must(words.find("C4naryC4nary") == std::string::npos, "an error repeats no value");
    return 0;
  }
  id(said->id), id(said->app_id), id(said->tenant_key);
  must(lark::is_id(said->type) && said->type.size() <= 100, "a type is a name");
  std::visit(checker{}, said->what);
  const auto taken = lark::take_in(*said, std::string{body});
  must(taken.event == said->type && !taken.identities.empty(), "an event is sorted");
  return 0;
}
