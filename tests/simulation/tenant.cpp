#include "tenant.hpp"

#include "actors/runtime.hpp"
#include "app/lark_wiring.hpp"
#include "http/lark_webhook.hpp"
#include "sync/channel_options.hpp"

namespace pb::simulation {
using namespace std::chrono_literals;
namespace {

constexpr const char* encrypt_key = "simulated-encrypt-key";
constexpr const char* token = "vt-simulated";
constexpr const char* events_at = "/webhooks/lark/events";
constexpr std::size_t pushes_kept = 64;

sandbox::lark_options options_of(std::uint64_t seed) {
  sandbox::lark_options o;
  if (seed % 3 != 0) o.encrypt_key = secret{encrypt_key};
  o.verification_token = secret{token};
  if (seed % 4 == 0) o.token_life = 2'400s;
  return o;
}

sandbox::inbound arriving(const protocol::http_request& r) {
  sandbox::inbound in;
  const auto target = r.url.substr(std::string_view{tenant::origin}.size());
  const auto question = target.find('?');
  in.method = r.method;
  in.path = protocol::percent_decode(target.substr(0, question));
  if (question != std::string::npos) in.query = target.substr(question + 1);
  in.headers = r.headers;
  in.body = r.body;
  return in;
}

}  // namespace

/// What the tenant sends arrives here, whichever process is there to take it.
struct tenant::doorstep final : http::transport {
  explicit doorstep(tenant& t) : of(t) {}
  void send(protocol::http_request r, http::call_limits limits, completion done) override {
    struct once {
      completion done;
      bool over = false;
      void end(result<protocol::http_response> a) {
        if (!std::exchange(over, true)) done(std::move(a));
      }
    };
    auto call = std::make_shared<once>(once{std::move(done)});
    const auto later = of.world_.later();
    later(limits.headers, [call] {
      call->end(failure{errc::timed_out, "door", "no answer in time"});
    });
    later(of.world_.travel, [this, call, r = std::move(r)] {
      if (of.carried_.size() < pushes_kept) of.carried_.push_back(r);
      of.world_.knock(events_at, r.headers, r.body, [call](const std::optional<http::response>& a) {
        if (!a) return call->end(failure{errc::upstream_down, "door", "connection refused"});
        protocol::http_response out;
        out.status = static_cast<int>(a->status);
        out.body = a->body;
        call->end(std::move(out));
      });
    });
  }
  tenant& of;
};

tenant::tenant(test::world& w, std::uint64_t seed)
    : random_(seed * 48'271 + 11),
      lark(w.remote_clock(), random_, options_of(seed)),
      faults(random_),
      world_(w),
      door_(std::make_unique<doorstep>(*this)) {
  sandbox::lark_sender_options how;
  how.event_url = std::string{"https://bridge.test"} + events_at;
  how.time_scale = 0.1;  // of six hours
  sender_ = std::make_unique<sandbox::lark_sender>(lark, faults, *door_, w.later(), how);
  who = sandbox::seed_lark(lark);

  auto& l = w.settings.lark;
  l.app_id = lark.options().app_id;
  l.app_secret = lark.options().app_secret;
  if (!lark.options().encrypt_key.empty()) l.encrypt_key = {lark.options().encrypt_key};
  l.verification_token = {lark.options().verification_token};
  l.base_url = origin;
  l.language = config::chat_language::en;
  w.hosts[origin] = [this](const protocol::http_request& r) {
    auto a = lark.handle(arriving(r));
    pump();
    return a;
  };
  w.assemble = [&w](actors::runtime_parts& parts) {
    (void)app::join_lark(parts, w.settings, w.store(), parts.ctx->clock);
  };
  w.more_doors = [&w](http::inbox& in, const clock_source& clock) {
    http::lark_webhook_options o;
    o.encrypt_keys = std::make_shared<http::secret_list>(w.settings.lark.encrypt_key);
    o.verification_tokens = std::make_shared<http::secret_list>(w.settings.lark.verification_token);
    return http::lark_webhook_routes(
        o, std::make_shared<http::lark_reception>(http::lark_reception_options{}, in, clock));
  };
  w.plane().add_project_member(w.project, w.seeds().colleague_id, 15);
  map_channel(who.group, w.project, true, seed % 2 == 0);
  map_channel(who.group, w.other_project, false, false);
  map_channel(who.topics, w.project, false, seed % 5 == 0);
}

tenant::~tenant() = default;

void tenant::map_channel(const std::string& chat, const std::string& project, bool first,
                         bool announce) {
  sync::channel_mapping m;
  m.chat = chat;
  m.project = project;
  m.is_default = first;
  m.announce_items = announce;
  persistence::write unit;
  persistence::channel_mapping_row row;
  row.chat = chat;
  row.project = project;
  row.options = sync::channel_options(m);
  unit.channel_mappings.push_back(std::move(row));
  world_.store().submit(std::move(unit), [](const auto&) {});
}

bool tenant::at_rest() const { return sender_->unfinished() == 0 && !lark.next_push_due(); }

void tenant::repeat_push(std::uint64_t draw) {
  if (carried_.empty()) return;
  const auto& r = carried_[draw % carried_.size()];
  world_.knock(events_at, r.headers, r.body, [](const auto&) {});
}

}  // namespace pb::simulation
