#include "actors/preview_desk.hpp"

#include <deque>
#include <map>
#include <set>
#include <utility>

#include "actors/asking.hpp"
#include "actors/edge.hpp"
#include "actors/facts_directory.hpp"
#include "actors/supervised.hpp"
#include "base/log.hpp"
#include "protocol/lark/exchanges.hpp"
#include "protocol/lark/preview.hpp"
#include "sync/issue_chat.hpp"
#include "sync/preview.hpp"

namespace pb::actors {
namespace {

struct preview_asked {
  std::shared_ptr<const protocol::lark::preview_request> what;
  std::shared_ptr<reply_once<std::string>> reply;
};
struct preview_told {
  std::uint64_t token = 0;
  std::shared_ptr<const fact_answer> answer;
};
/// The store does not know the item: whoever asks turns to Plane.
struct preview_item_unknown {
  std::uint64_t token = 0;
  sync::need what;
};
struct preview_due {
  std::uint64_t token = 0;
  bool over = false;  ///< what is not known by now is given up
};

}  // namespace
}  // namespace pb::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::preview_asked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::preview_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::preview_item_unknown)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::preview_due)

namespace pb::actors {
namespace {
using kind = sync::need::kind;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto answer_within = 250ms;
constexpr std::size_t most_open = 256;
constexpr std::size_t most_numbers = 4'096, most_refreshed = 1'024;
constexpr milliseconds refresh_pause = 10min;
/// viewer and chat, item, its project: more rounds than that are a bug.
constexpr int preview_rounds = 8;

using preview_actor =
    caf::typed_actor<handles<void, preview_asked>, handles<void, preview_told>,
                     handles<void, preview_item_unknown>, handles<void, preview_due>>;

class preview_state {
public:
  static inline const char* name = "previews";
  explicit preview_state(preview_actor::pointer self) : self_(self) {}

  preview_actor::behavior_type start(facts_sources from, std::shared_ptr<facts_desk> facts) {
    from_ = std::move(from);
    facts_ = std::move(facts);
    probe_ = from_.ctx->probes.add("previews", "lark", "planebridge");
    return {[this](const preview_asked& m) { on_asked(m); },
            [this](const preview_told& m) { on_told(m); },
            [this](const preview_item_unknown& m) { ask_desk(m.token, m.what); },
            [this](const preview_due& m) { on_due(m); }};
  }

private:
  struct inquiry {
    sync::preview_question what;
    std::string preview_token;
    std::shared_ptr<reply_once<std::string>> reply;  ///< null: answered
    sync::facts given;
    std::vector<sync::need> open;
    int rounds = 0;
  };

  [[nodiscard]] const sync::thread_rules& rules() const { return from_.ctx->opt().conversations; }

  void on_asked(const preview_asked& m) {
    const auto now = from_.ctx->clock.now();
    inquiry q{{m.what->viewer.open_id, m.what->chat_id, m.what->url},
              m.what->preview_token,
              m.reply,
              {},
              {},
              0};
    if (open_.size() >= most_open || !sync::item_behind_link(q.what.url, rules()))
      return (*q.reply)(sync::preview_of_link(q.what, rules()).json);
    probe_->event("url.preview.get", now);
    const auto token = ++last_;
    open_.emplace(token, std::move(q));
    self_->delayed_send(self_, answer_within, preview_due{token, false});
    self_->delayed_send(self_, from_.ctx->opt().facts_wait, preview_due{token, true});
    decide(token);
  }

  void decide(std::uint64_t token) {
    const auto at = open_.find(token);
    if (at == open_.end()) return;
    auto& q = at->second;
    auto v = sync::judge_preview(q.what, q.given, rules());
    if (auto* p = std::get_if<sync::preview>(&v)) {
      const auto late = !q.reply && p->shown;
      if (q.reply) (*q.reply)(std::move(p->json));
      const auto done = std::move(q);
      open_.erase(at);
      probe_->handled();
      if (late) refresh(done);
      return;
    }
    if (++q.rounds > preview_rounds) throw std::logic_error("a preview asks for facts without end");
    q.open = std::get<std::vector<sync::need>>(v);
    // An answer may come inside of the question, to this actor's mailbox.
    for (const auto& n : std::vector{q.open})
      if (n.what == kind::item)
        ask_item(token, n);
      else
        ask_desk(token, n);
  }

  void ask_desk(std::uint64_t token, const sync::need& n) {
    facts_->ask(n, urgency::person, [self = preview_actor{self_}, token](fact_answer a) {
      caf::anon_send(self, preview_told{token, std::make_shared<const fact_answer>(std::move(a))});
    });
  }

  /// As the store knows it: its webhooks keep it, and a read of Plane takes longer than there is
  /// time.
  void ask_item(std::uint64_t token, const sync::need& n) {
    auto key = n.key;
    if (const auto known = numbers_.find(key); known != numbers_.end()) key = known->second;
    const auto slash = key.find('/');
    if (slash == std::string::npos) return ask_desk(token, n);
    const auto id = key.substr(slash + 1);
    from_.ctx->store.read([self = preview_actor{self_}, ctx = from_.ctx, token, n,
                           id](result<persistence::reader*> r) {
      const auto unknown = [&] { caf::anon_send(self, preview_item_unknown{token, n}); };
      if (!r) return unknown();
      const auto state = (*r)->entity(entity_key::plane_issue(id));
      if (!state || !state->row) return unknown();
      const auto k = sync::parse_item_knowledge(state->row->known);
      if (!k || k->where == sync::presence::unknown || k->project.empty()) return unknown();
      const auto& o = ctx->opt().rendering;
      sync::chat_setting setting;
      setting.app_url = o.app_url;
      setting.workspace_slug = o.workspace_slug;
      setting.project = ctx->projects.find(k->project);
      auto a = std::make_shared<fact_answer>();
      a->what = n;
      auto& item = a->found.items[n.key];
      item = {sync::item_fact::found::yes, sync::view_of(*k, setting)};
      // It has moved to another project, or the link names another project than the item's.
      const bool by_number = n.key.find('/') == std::string::npos;
      if (by_number ? sync::short_name(item.view) != n.key
                    : n.key.front() != '/' && !n.key.starts_with(k->project + "/"))
        return unknown();
      caf::anon_send(self, preview_told{token, std::move(a)});
    });
  }

  void on_told(const preview_told& m) {
    const auto at = open_.find(m.token);
    if (at == open_.end()) return;
    auto& q = at->second;
    if (std::erase(q.open, m.answer->what) == 0) return;
    if (m.answer->failed) {
      q.given.given_up.push_back(m.answer->what);
    } else {
      auto found = m.answer->found;
      remember(m.answer->what, found);
      take_in(q.given, std::move(found));
    }
    if (q.open.empty()) decide(m.token);
  }

  void on_due(const preview_due& m) {
    const auto at = open_.find(m.token);
    if (at == open_.end()) return;
    auto& q = at->second;
    if (q.reply) (*q.reply)(sync::preview_of_link(q.what, rules()).json);
    q.reply.reset();
    if (m.over) open_.erase(at);
  }

  void remember(const sync::need& n, const sync::facts& found) {
    if (n.what != kind::item || n.key.find('/') != std::string::npos) return;
    const auto it = found.items.find(n.key);
    if (it == found.items.end() || it->second.view.id.empty()) return;
    if (numbers_.size() >= most_numbers) numbers_.clear();
    numbers_[n.key] = it->second.view.project + "/" + it->second.view.id;
  }

  /// Feishu asks again then. Not without end: what was too slow once may be too slow again.
  void refresh(const inquiry& q) {
    if (q.preview_token.empty() || !from_.lark) return;
    const auto now = from_.ctx->steady_ms();
    while (!refreshed_.empty() && (refreshed_.size() >= most_refreshed ||
                                   refreshed_.front().first + refresh_pause < now)) {
      told_again_.erase(refreshed_.front().second);
      refreshed_.pop_front();
    }
    auto key = q.preview_token + "|" + q.what.viewer;
    if (!told_again_.insert(key).second) return;
    refreshed_.emplace_back(now, std::move(key));
    auto request =
        protocol::lark::refresh_previews(from_.lark_api, {q.preview_token}, {q.what.viewer});
    if (!request) return;
    ask_remote(
        from_.lark,
        std::make_shared<protocol::lark::single_call>(
            std::move(*request), protocol::lark::operation::previews, q.what.chat, true, true),
        urgency::repair, "previews", from_.ctx->clock.now(), [](const performed& p) {
          if (p.failed)
            log::info("a preview was not shown anew",
                      {log::kv("failure", *p.failed),
                       log::kv("remedy",
                               "nothing: it is shown when the link is seen again; "
                               "the scope im:url_preview.update shows it at once")});
        });
  }

  preview_actor::pointer self_;
  facts_sources from_;
  std::shared_ptr<facts_desk> facts_;
  std::shared_ptr<probe> probe_;
  std::map<std::uint64_t, inquiry> open_;
  std::map<std::string, std::string> numbers_;  ///< "WEB-42" → project/id, as last read
  std::deque<std::pair<milliseconds, std::string>> refreshed_;
  std::set<std::string> told_again_;  ///< the same, to be looked up
  std::uint64_t last_ = 0;
};

preview_actor::behavior_type previews(preview_actor::stateful_pointer<preview_state> self,
                                      facts_sources from, std::shared_ptr<facts_desk> facts) {
  install_exception_edge(self, "previews");
  return self->state.start(std::move(from), std::move(facts));
}

class desk final : public preview_desk {
public:
  explicit desk(preview_actor to) : to_(std::move(to)) {}
  void preview(const protocol::lark::preview_request& asked,
               std::function<void(std::string)> done) override {
    auto reply =
        std::make_shared<reply_once<std::string>>(std::move(done), protocol::lark::no_preview());
    preview_asked m{std::make_shared<const protocol::lark::preview_request>(asked), reply};
    const std::lock_guard hold{lock_};
    if (to_) caf::anon_send(to_, std::move(m));
  }
  void close() override {
    const std::lock_guard hold{lock_};
    if (to_) caf::anon_send_exit(to_, caf::exit_reason::user_shutdown);
    to_ = nullptr;
  }

private:
  std::mutex lock_;
  preview_actor to_;
};

}  // namespace

std::shared_ptr<preview_desk> make_preview_desk(caf::actor_system& system,
                                                const facts_sources& from,
                                                std::shared_ptr<facts_desk> facts) {
  return std::make_shared<desk>(supervise(
      system, from.ctx, "previews",
      [&system, from, facts = std::move(facts)] { return system.spawn(previews, from, facts); }));
}

}  // namespace pb::actors
