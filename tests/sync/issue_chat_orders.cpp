// People edit in Plane and in two conversations at once; webhooks come late, twice and out of
// order; answers get lost and the process restarts. In the end everybody agrees, everybody who
// asked was answered once, and nothing went round in circles.
#define BOOST_TEST_MODULE issue_chat_orders
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <map>

#include "chat_items.hpp"

using namespace pb;
using namespace pb::sync;
using namespace chat_items;

namespace {

constexpr int max_steps = 60;

/// Plane, as far as it matters here: one item, its comments, and webhooks on their way.
struct plane_model {
  plane::work_item item = work_item(0);
  std::map<std::string, plane::comment> by_marker;
  std::vector<heard> snapshots;
  std::vector<comment_heard> comments;
  double now = 0;
  int writes = 0, person_comments = 0;

  void announce() {
    now += 1;
    item.updated_at = time_text(now);
    auto h = webhook(item, now);
    std::get<heard_webhook>(h).event.actor_name = "somebody";
    snapshots.push_back(h);
  }
  void carry_out(const item_update& w) {
    ++writes;
    const auto before = item;
    const auto c = change_of(w);
    if (c.set.state)
      item.state = plane::state_ref{*c.set.state, "S" + *c.set.state, plane::state_group::started};
    if (c.set.name) item.name = *c.set.name;
    for (const auto& l : c.labels_removed)
      std::erase_if(item.labels, [&](const auto& x) { return x.id == l; });
    for (const auto& l : c.labels_added)
      if (std::none_of(item.labels.begin(), item.labels.end(),
                       [&](const auto& x) { return x.id == l; }))
        item.labels.push_back({l, "L" + l});
    if (before.state != item.state || before.name != item.name || before.labels != item.labels)
      announce();
  }
  std::string carry_out(const comment_creation& w) {
    ++writes;
    const auto marker = marker_of(w.by.message);
    auto [it, fresh] = by_marker.try_emplace(marker);
    if (fresh) {
      it->second.id = "comment of " + w.by.message;
      it->second.html = html_to_write(w);
      it->second.external_source = our_source;
      it->second.external_id = marker;
      it->second.actor = "bot";
      comments.push_back({plane::action::created, it->second.id, it->second, "bot", "bot", ""});
    }
    return it->second.id;
  }
};

/// What one conversation heard.
struct thread_model {
  item_view seen;
  std::map<std::string, int> answers;
  std::map<std::string, int> comments;
};

class world {
public:
  world() { known_ = learn({}, plane_.item); }

  void step() {
    switch (*rc::gen::inRange(0, 9)) {
      case 0:
        return edit_in_plane();
      case 1:
        return ask_for_fields();
      case 2:
        return comment_in_chat();
      case 3:
        return comment_in_plane();
      case 4:
      case 5:
        return hear_webhook(*rc::gen::arbitrary<bool>());
      case 6:
        return send();
      case 7:
        return end_of_write(*rc::gen::inRange(0, 3) == 0);
      default:
        restart();
    }
  }
  void drain() {
    while (!plane_.snapshots.empty() || !plane_.comments.empty() || !lane_.empty()) {
      hear_webhook(false);
      send();
      end_of_write(false);
    }
  }
  void check() const {
    const auto truth = learn({}, plane_.item);
    RC_ASSERT(same_values(known_, truth));
    for (const auto& [name, thread] : threads_) {
      RC_ASSERT(thread.seen.name == truth.name);
      RC_ASSERT(thread.seen.state == truth.state);
      RC_ASSERT(thread.seen.labels.size() == truth.labels.size());
      for (const auto& [comment, times] : thread.comments) RC_ASSERT(times == 1);
    }
    for (const auto& [message, thread] : asked_) {
      const auto& answers = threads_.at(thread).answers;
      // Of several fields one may give way at once, and the others be written later.
      RC_ASSERT(answers.contains(message));
      RC_ASSERT(answers.at(message) <= 4);
    }
    RC_ASSERT(plane_.by_marker.size() == static_cast<std::size_t>(chat_comments_));
    // Each comment is in every conversation but its own.
    const auto heard_of = [&](const char* thread) { return threads_.at(thread).comments.size(); };
    RC_ASSERT(heard_of("om_a") + heard_of("om_b") ==
              static_cast<std::size_t>(2 * plane_.person_comments + chat_comments_));
    // No circle: one write for each wish at most, and what was sent again.
    RC_ASSERT(plane_.writes <= static_cast<int>(asked_.size()) + repeated_);
    RC_ASSERT(handed_over_ <= 2 * (heard_ + ended_) * 3 + 2 * static_cast<int>(asked_.size()));
  }

private:
  std::string name_of_message() { return "om_m" + std::to_string(asked_.size()); }
  static std::string some_thread() { return *rc::gen::element<std::string>("om_a", "om_b"); }
  static std::string some_state() { return *rc::gen::element(todo, doing, done); }

  void edit_in_plane() {
    if (*rc::gen::arbitrary<bool>()) {
      const auto s = some_state();
      plane_.item.state = plane::state_ref{s, "S" + s, plane::state_group::started};
    } else {
      plane_.item.name = "Name " + std::to_string(*rc::gen::inRange(0, 3));
    }
    plane_.announce();
  }
  void comment_in_plane() {
    plane::comment c;
    c.id = "theirs " + std::to_string(++plane_.person_comments);
    c.html = "<p>x</p>";
    c.actor = "u1";
    plane_.comments.push_back({plane::action::created, c.id, c, "u1", "ada", ""});
  }
  void ask_for_fields() {
    thread_edited e;
    e.thread = some_thread();
    e.chat = "oc_team";
    e.message = name_of_message();
    e.author = author("Mei", *rc::gen::inRange(0, 4) == 0);
    if (*rc::gen::arbitrary<bool>()) e.state = some_state();
    if (*rc::gen::inRange(0, 3) == 0) e.name = "Name " + std::to_string(*rc::gen::inRange(0, 3));
    if (*rc::gen::inRange(0, 3) == 0) e.labels_added = {"l3"};
    if (*rc::gen::inRange(0, 3) == 0) e.labels_removed = {"l1"};
    if (!e.state && !e.name && e.labels_added.empty() && e.labels_removed.empty()) return;
    asked_[e.message] = e.thread;
    carry_out(plan_of(plan_thread_request(e, known_, bindings_, lane_.queued(), false,
                                          at(plane_.now + 0.5), setting())));
  }
  void comment_in_chat() {
    thread_commented c{some_thread(), "oc_team", name_of_message(), "<p>y</p>", author()};
    asked_[c.message] = c.thread;
    ++chat_comments_;
    carry_out(plan_of(plan_thread_request(c, known_, bindings_, lane_.queued(), false,
                                          at(plane_.now), setting())));
  }
  /// Any of those on their way. While a write is in flight it waits, unless for too long.
  void hear_webhook(bool waited_too_long) {
    if (in_flight_ && !waited_too_long) return;
    const auto all = plane_.snapshots.size() + plane_.comments.size();
    if (all == 0) return;
    ++heard_;
    auto n = *rc::gen::inRange<std::size_t>(0, all);
    if (n < plane_.snapshots.size()) {
      const auto h = plane_.snapshots[n];
      plane_.snapshots.erase(plane_.snapshots.begin() + static_cast<std::ptrdiff_t>(n));
      const auto before = known_;
      auto v = judge(known_, h);
      // Where order cannot be told the item is read.
      if (std::holds_alternative<needs_read>(v))
        v = judge(known_, heard_item{plane_.item, at(plane_.now), true});
      known_ = std::get<settled>(v).now;
      carry_out(plan_changes({before, known_, &std::get<heard_webhook>(h).event}, bindings_, {},
                             lane_.queued(), at(plane_.now), setting()));
      return;
    }
    n -= plane_.snapshots.size();
    const auto c = plane_.comments[n];
    plane_.comments.erase(plane_.comments.begin() + static_cast<std::ptrdiff_t>(n));
    carry_out(plan_of(plan_comment(c, known_, bindings_, setting())));
  }
  void send() {
    if (in_flight_ || lane_.empty()) return;
    in_flight_ = true;
    if (lane_.head().attempted) ++repeated_;
    lane_.head().attempted = true;
    const auto w = lane_.write();
    outcome_ = {};
    if (const auto* u = std::get_if<item_update>(&w)) {
      plane_.carry_out(*u);
      outcome_.item = plane_.item;
    } else {
      outcome_.comment = plane_.carry_out(std::get<comment_creation>(w));
    }
  }
  void end_of_write(bool lost) {
    if (!in_flight_) return;
    in_flight_ = false;
    if (lost) return;  // it is sent again
    ++ended_;
    const auto s = settle_plane_write(lane_.write(), outcome_, known_, bindings_, setting());
    lane_.pop();
    known_ = s.now;
    carry_out(s.plan);
  }
  void restart() {
    in_flight_ = false;
    if (!lane_.empty()) lane_.head().attempted = true;
    known_ = parse_item_knowledge(to_json(known_)).value();
    for (auto& b : bindings_)
      b = parse_binding(b.thread, b.chat, binding_state(b), binding_base(b));
  }
  void carry_out(const chat_plan& p) {
    lane_.take(p);
    for (const auto& h : p.hand_overs) {
      ++handed_over_;
      // Through its JSON form, as it travels.
      const auto what = parse_between(form_of(h.what), to_json(h.what)).value();
      auto& thread = threads_.at(std::string{h.to.id()});
      if (const auto* changed = std::get_if<item_changed>(&what)) {
        thread.seen = changed->now;
        RC_ASSERT(changed->caused_by_thread != h.to.id());
      } else if (const auto* a = std::get_if<item_answered>(&what)) {
        thread.seen = *a->now;
        ++thread.answers[a->message];
      } else {
        const auto& c = std::get<item_commented>(what);
        RC_ASSERT(c.from_thread != h.to.id());
        ++thread.comments[c.comment];
      }
    }
  }

  plane_model plane_;
  item_knowledge known_;
  std::vector<binding> bindings_{follows("om_a"), follows("om_b")};
  lane lane_;
  bool in_flight_ = false;
  plane_outcome outcome_;
  std::map<std::string, std::string> asked_;  ///< message → thread
  std::map<std::string, thread_model, std::less<>> threads_{
      {"om_a", {view_of(known_item(0), setting()), {}, {}}},
      {"om_b", {view_of(known_item(0), setting()), {}, {}}}};
  int chat_comments_ = 0, repeated_ = 0, handed_over_ = 0, heard_ = 0, ended_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_CASE(whatever_the_order_all_agree_in_the_end_and_nothing_goes_in_circles) {
  BOOST_TEST(rc::check([] {
    world w;
    for (int n = *rc::gen::inRange(0, max_steps); n > 0; --n) w.step();
    w.drain();
    w.check();
  }));
}

BOOST_AUTO_TEST_CASE(merged_changes_say_the_same_however_they_are_grouped) {
  BOOST_TEST(rc::check([] {
    const auto event = said(plane::action::updated);
    const std::vector<binding> b{follows("om_a")};
    std::vector<chat_plan> plans;
    auto before = known_item(0);
    for (int n = *rc::gen::inRange(1, 8); n > 0; --n) {
      auto item = work_item(n);
      item.name = *rc::gen::element<std::string>("A", "B");
      item.target_date = *rc::gen::element<std::string>("", "2026-12-24");
      const auto after = learn(before, item);
      plans.push_back(plan_changes({before, after, &event}, b, {}, {}, at(n), setting()));
      before = after;
    }
    chat_plan one_by_one, from_the_end;
    for (const auto& p : plans) append(one_by_one, p);
    for (auto p = plans.rbegin(); p != plans.rend(); ++p) {
      chat_plan joined = *p;
      append(joined, from_the_end);
      from_the_end = joined;
    }
    const auto changes = [](const chat_plan& p) {
      const auto t = told<item_changed>(p, "om_a");
      auto all = t.empty() ? std::vector<field_change>{} : t.front().changes;
      std::sort(all.begin(), all.end(),
                [](const auto& x, const auto& y) { return x.field < y.field; });
      return all;
    };
    RC_ASSERT(told<item_changed>(one_by_one, "om_a").size() <= 1u);
    RC_ASSERT(changes(one_by_one) == changes(from_the_end));
  }));
}
