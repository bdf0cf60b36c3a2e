#include "sandbox/run.hpp"

#include <ostream>

#include "base/log.hpp"
#include "http/client.hpp"
#include "sandbox/lark_control.hpp"
#include "sandbox/upgrade.hpp"

namespace pb::sandbox {
namespace {

// Plane opens a new connection for each delivery; a kept one may be stale and then looks refused.
http::client_options client_settings() {
  http::client_options o;
  o.keep_alive = std::chrono::seconds{0};
  o.user_agent = "Autopilot";
  return o;
}

}  // namespace

struct sandbox_server::impl {
  explicit impl(const run_options& o)
      : options(o),
        data(clock, random, o.plane),
        faults(random),
        socket({.address = o.address, .port = o.port}),
        timers(socket.timers()),
        client(client_settings()),
        sender(data, faults, client, timers, {.time_scale = o.time_scale}),
        seeds(o.seed == "demo" ? seed_demo(data, o.api_key) : seed_empty(data, o.api_key)),
        extra(data, faults, sender, seeds),
        inside(data, faults, timers, [this] { sender.pump(); }),
        chats(clock, random, o.lark),
        lark_seeds(seed_lark(chats)),
        link(chats, random, o.link),
        pushes(chats, faults, client, timers,
               {.event_url = o.lark_event_url,
                .callback_url = o.lark_callback_url,
                .time_scale = o.time_scale},
               o.lark_long_connection ? link_way() : lark_sender::link{}),
        lark_extra(chats, pushes, link, lark_seeds),
        lark_inside(chats, faults, timers, [this] { pushes.pump(); }) {
    if (!o.webhook_url.empty())
      data.add_webhook(seeds.workspace_slug,
                       {.url = o.webhook_url, .signing_secret = o.webhook_secret});
  }
  ~impl() {
    socket.stop();  // no handler runs while the parts below go
    client.shutdown();
  }

  lark_sender::link link_way() {
    return [this](const lark_push& p, std::chrono::milliseconds timeout,
                  http::transport::completion done) { link.send(p, timeout, std::move(done)); };
  }
  void serve(inbound request, std::function<void(outcome)> done) {
    if (auto own = lark_extra.handle(request)) return done({ending::answered, std::move(*own)});
    if (auto own = link.handle(request)) return done({ending::answered, std::move(*own)});
    if (lark::serves(request.path)) return lark_inside.submit(std::move(request), std::move(done));
    if (auto own = extra.handle(request)) return done({ending::answered, std::move(*own)});
    inside.submit(std::move(request), std::move(done));
  }

  run_options options;
  system_clock_source clock;
  secure_random random;
  plane data;
  fault_set faults;
  listener socket;
  scheduler timers;
  http::client client;
  webhook_sender sender;
  seeded seeds;
  control extra;
  host inside;
  lark chats;
  lark_seeded lark_seeds;
  lark_link link;
  lark_sender pushes;
  lark_control lark_extra;
  host lark_inside;
};

sandbox_server::sandbox_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
sandbox_server::~sandbox_server() = default;

result<std::unique_ptr<sandbox_server>> sandbox_server::start(const run_options& options) {
  auto i = std::make_unique<impl>(options);
  auto started = i->socket.start(
      [in = i.get()](inbound request, std::function<void(outcome)> done) {
        in->serve(std::move(request), std::move(done));
      },
      [in = i.get()](upgrade&& u) { in->link.accept(std::move(u)); });
  if (!started) return started.error();
  return std::unique_ptr<sandbox_server>{new sandbox_server{std::move(i)}};
}

std::string sandbox_server::url() const {
  const std::string& a = impl_->options.address;
  return "http://" + (a.find(':') == std::string::npos ? a : "[" + a + "]") + ":" +
         std::to_string(impl_->socket.port());
}
const seeded& sandbox_server::seeds() const noexcept { return impl_->seeds; }
plane& sandbox_server::data() noexcept { return impl_->data; }
fault_set& sandbox_server::faults() noexcept { return impl_->faults; }
webhook_sender& sandbox_server::webhooks() noexcept { return impl_->sender; }
lark& sandbox_server::chats() noexcept { return impl_->chats; }
const lark_seeded& sandbox_server::lark_seeds() const noexcept { return impl_->lark_seeds; }
lark_sender& sandbox_server::pushes() noexcept { return impl_->pushes; }
lark_link& sandbox_server::link() noexcept { return impl_->link; }
void sandbox_server::wait_for_signal() { impl_->socket.wait_for_signal(); }

int run_sandbox(const run_options& options, std::ostream& out) {
  auto server = sandbox_server::start(options);
  if (!server) {
    log::error("sandbox not started", {log::kv("failure", server.error())});
    return 1;
  }
  const auto& s = **server;
  const auto& seeds = s.seeds();
  out << "sandbox   " << s.url() << "/  (page: edit work items, see webhooks, set faults)\n"
      << "api       " << s.url() << "/api/v1/workspaces/" << seeds.workspace_slug
      << "/  (X-API-Key as given)\n"
      << "webhooks  " << (options.webhook_url.empty() ? "none" : options.webhook_url) << "\n"
      << "workspace " << seeds.workspace_slug << " " << seeds.workspace_id << "\n"
      << "user      " << seeds.owner_id << "\n";
  if (!options.plane.oauth_client_id.empty())
    out << "oauth     " << options.plane.oauth_client_id << "  (tokens live "
        << options.plane.oauth_token_life.count() << " s)\n";
  const auto& people = s.lark_seeds();
  out << "lark      " << s.url() << "/lark  (page: chats and cards beside a work item)\n"
      << "larkapp   " << options.lark.app_id << "  (LARK_BASE_URL " << s.url() << ")\n"
      << "larkpush  "
      << (options.lark_long_connection     ? "long connection"
          : options.lark_event_url.empty() ? "none"
                                           : options.lark_event_url)
      << "\n"
      << "chat      " << people.group << "\n"
      << "person    " << people.owner << "\n";
  for (const auto& p : seeds.projects) {
    out << "project   " << p.identifier << " " << p.id << "  " << p.name << "\n";
    for (const auto& id : p.item_ids) out << "  item    " << id << "\n";
  }
  out.flush();
  (*server)->wait_for_signal();
  return 0;
}

}  // namespace pb::sandbox
