#include "chat_stage.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"

namespace pb::simulation {
namespace json = boost::json;
using namespace std::chrono_literals;
namespace {

constexpr milliseconds quiet_at_least = 30min, quiet_slice = 15min, quiet_at_most = 6h;

}  // namespace

outcome play(const chat_story& s, bool shown) { return chat_stage{s, shown}.run(); }

chat_stage::chat_stage(const chat_story& s, bool shown)
    : story_(s),
      trace_(shown),
      world_(s.seed),
      tenant_(world_, s.seed),
      order_(world_, calendars_),
      checker_(world_, tenant_, ledger_),
      luck_(s.seed * 6'007 + 9),
      machine_(world_, luck_,
               {[this](const std::string& line) { note(line); }, [this] { order_.on_death(); }}) {
  log::configure(shown ? log::level::info : log::level::error, log::format::logfmt);
  set_up_chat(s.seed, world_.settings);
  if (s.shuffled) world_.shuffle(s.seed);
  if (s.slow_store) world_.store_delay = [this] { return ms_of(luck_.next(), 4); };
  world_.leg = [this] {
    const std::uint64_t most = luck_.next() % 16 == 0 ? 900 : 40;
    return 1ms + ms_of(luck_.next(), most);
  };
  world_.webhooks_time_out = true;
  wire_up();
}

void chat_stage::note(const std::string& line) {
  if (trace_.shown())
    for (auto& log = test::world::log(); logged_ < log.size(); ++logged_)
      trace_.show("            | " + log[logged_]);
  trace_.add(std::to_string(world_.elapsed().count()) + " " + line);
}

void chat_stage::wire_up() {
  world_.fate = [this](const protocol::http_request& r) -> std::optional<test::wire_fault> {
    const double rate = r.url.starts_with(tenant::origin) ? weather_.lark : weather_.plane;
    if (rate <= 0 || luck_.unit_draw() >= rate) return std::nullopt;
    const auto f = draw_fault(luck_);
    if (r.method == "PATCH" && f.what == test::wire_fault::kind::late)
      ledger_.overtaken.insert(r.url.substr(r.url.rfind('/') + 1));
    note("fault " + std::to_string(static_cast<int>(f.what)) + " " + r.method + " " + r.url);
    return f;
  };
  world_.on_answer = [this](const test::sent_call& c, const auto& answer) {
    note("call " + c.method + " " + c.url + " -> " +
         (answer ? std::to_string(answer->status) +
                       (answer->status == 400 ? " " + answer->body.substr(0, 60) : "")
                 : describe(answer.error())));
  };
  world_.on_commit = [this](const persistence::write& unit,
                            const result<persistence::written>& answer) {
    note(line_of(unit, answer));
    order_.on_commit(unit, answer);
  };
}

// Steps
// -------------------------------------------------------------------------------------------

void chat_stage::act(const chat_step& s) {
  note("step " + std::string{to_string(s.what)} + " " + std::to_string(s.subject % 1000) + " " +
       std::to_string(s.detail % 1000));
  ++ledger_.causes;
  if (s.what <= chat_deed::stranger)
    in_chat(s);
  else if (s.what <= chat_deed::unarchive)
    in_plane(s);
  else
    between(s);
  tenant_.pump();
}

void chat_stage::change_weather(std::uint64_t detail) {
  weather_ = chat_forecast(detail);
  for (auto* faults : {&world_.plane_faults(), &tenant_.faults}) {
    faults->clear();
    const auto add = [&](sandbox::fault_kind kind, double rate) {
      if (rate <= 0) return;
      sandbox::fault f;
      f.kind = kind;
      f.probability = rate;
      f.delay = ms_of(detail / 7, detail % 3 == 0 ? 60'000 : 6'000);
      faults->add(f);
    };
    add(sandbox::fault_kind::webhook_duplicated, weather_.twice);
    add(sandbox::fault_kind::webhook_reordered, weather_.late);
  }
}

void chat_stage::between(const chat_step& s) {
  using enum chat_deed;
  const auto d = s.detail;
  auto& lark = tenant_.lark;
  const auto& chat = s.subject % 3 == 0 ? tenant_.who.topics : tenant_.who.group;
  switch (s.what) {
    case weather:
      return change_weather(d);
    case crash:
      return world_.crash_at(
          {static_cast<test::crash_point::at>(d % 4), static_cast<unsigned>(d / 4 % 14) + 1});
    case stop:
      return machine_.stop(d % 3 == 0 ? 8min : 2s);
    case jump_clock:
      return world_.jump_clock((d % 2 == 0 ? 1 : -1) *
                               ms_of(d / 2, d % 3 == 0 ? 1'800'000 : 20'000));
    case lose_store: {
      const auto span = ms_of(d, d % 4 == 0 ? 1'200'000 : 30'000);
      // Plane is told once that its webhook could not be taken, and does not repeat it.
      webhooks_unsure_until_ = world_.elapsed() + span + 5min;
      for (auto& [id, c] : ledger_.comments) c.unsure = true;
      return machine_.lose_store(span);
    }
    case lose_commit_answers:
      return world_.lose_commit_answers(1 + static_cast<unsigned>(d % 3));
    case expire_tokens:
      return lark.expire_tokens();
    case pace: {
      sandbox::lark_limits l;
      if (d % 2 == 0) l.chat_per_second = 1;
      if (d % 3 == 0) l.app_per_second = 2;
      return lark.set_limits(l);
    }
    case bot_leaves:
      ledger_.ended_chats.insert(chat);
      return lark.remove_bot(chat, tenant_.who.owner);
    case bot_returns:
      if (!ledger_.ended_chats.contains(chat)) return;
      return lark.add_bot(chat, tenant_.who.owner);
    case dissolve:
      ledger_.ended_chats.insert(tenant_.who.topics);
      return lark.dissolve(tenant_.who.topics, tenant_.who.owner);
    case repeat_webhook:
      if (!world_.webhook_bodies.empty() && world_.running())
        world_.resend_webhook(d % world_.webhook_bodies.size());
      return;
    case repeat_push:
      if (world_.running()) tenant_.repeat_push(d);
      return;
    default:
      return;
  }
}

// The end
// ------------------------------------------------------------------------------------------

void chat_stage::heal() {
  note("edits and faults end");
  weather_ = {};
  world_.plane_faults().clear();
  tenant_.faults.clear();
  tenant_.lark.set_limits({});
  world_.no_crash();
  world_.lose_commit_answers(0);
  machine_.mend();
  world_.right_clock();
}

/// Those that were made in chat too.
void chat_stage::find_items() {
  for (const auto& project : {world_.project, world_.other_project}) {
    const auto a = world_.page("GET", "projects/" + project + "/issues/");
    const auto all = json::parse(a.body);
    for (const auto& v : all.is_array() ? all.as_array() : all.at("results").as_array())
      ledger_.items[std::string{v.at("id").as_string()}] = project;
  }
}

void chat_stage::quiet() {
  machine_.pass(quiet_at_least);
  milliseconds waited = quiet_at_least;
  while (!(world_.at_rest() && tenant_.at_rest()) && waited < quiet_at_most) {
    machine_.pass(quiet_slice);
    waited += quiet_slice;
  }
  machine_.pass(quiet_slice);
  note("checked");
  find_items();
  checker_.conversations();
  checker_.journal();
  checker_.messages();
  checker_.bindings();
  // And then nothing is left to do.
  const auto revision = tenant_.lark.view().at("revision").to_number<std::uint64_t>();
  const auto journaled = world_.deliveries().size();
  world_.run_for(20min);
  if (!tenant_.lark.view(revision).is_null())
    checker_.fail("loop: messages go on when nothing changes");
  if (world_.deliveries().size() != journaled)
    checker_.fail("loop: deliveries go on when nothing changes");
}

outcome chat_stage::run() {
  outcome o;
  try {
    machine_.start();
    for (const auto& s : story_.steps) {
      machine_.pass(s.pause);
      act(s);
      ++o.steps;
    }
    machine_.pass(2s);
    heal();
    quiet();
  } catch (const std::exception& e) {
    checker_.fail(std::string{"exception: "} + e.what());
  }
  o.failures = order_.failures();
  o.failures.insert(o.failures.end(), checker_.failures().begin(), checker_.failures().end());
  for (const auto& f : o.failures) note("FAILED " + f);
  o.trace = trace_.hash();
  o.crashes = world_.crashes();
  o.calls = world_.calls.size();
  o.writes = checker_.told() + checker_.commented();
  o.deliveries = world_.deliveries().size();
  o.messages = world_.handled();
  o.virtual_time = world_.elapsed();
  return o;
}

}  // namespace pb::simulation
