#include "http/plane_webhook.hpp"

#include <atomic>
#include <boost/json.hpp>
#include <utility>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "config/secrets.hpp"
#include "protocol/plane/signature.hpp"
#include "protocol/plane/webhook.hpp"

namespace pb::http {
namespace {

namespace plane = protocol::plane;
namespace json = boost::json;
using persistence::delivery_append;
using persistence::delivery_status;

constexpr std::size_t max_delivery_id_bytes = 64;
constexpr std::size_t max_event_bytes = 80;
constexpr std::size_t uuid_bytes = 36;
constexpr std::string_view signature_header = "X-Plane-Signature";
constexpr std::size_t hex_digits_of_a_signature = 64;

/// Hashes the body while it arrives, so that a body of any size costs 64 kB.
class signed_body final : public body_observer {
public:
  signed_body(std::shared_ptr<const secret_list::list> secrets, std::string signature)
      : signature_(std::move(signature)) {
    for (const auto& s : *secrets) macs_.emplace_back(s.reveal());
  }
  void feed(std::string_view piece) override {
    for (auto& mac : macs_) mac.update(piece);
    hash_.update(piece);
    bytes_ += piece.size();
    if (prefix_.size() < plane::prefix_bytes)
      prefix_.append(piece.substr(0, plane::prefix_bytes - prefix_.size()));
  }
  /// Once, after the last piece. All secrets are tried, so that the time does not tell which.
  bool holds() {
    bool any = false;
    for (auto& mac : macs_) any = plane::signature_matches(signature_, mac.finish()) || any;
    return any;
  }
  sha256_digest hash() { return hash_.finish(); }
  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
  std::string signature_;
  std::vector<hmac_sha256_stream> macs_;
  sha256_stream hash_;
  std::string prefix_;
  std::size_t bytes_ = 0;
};

std::string printable(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most))
    if (c > ' ' && c <= '~') out += c;
  return out;
}

std::string_view word_of(plane::action a) noexcept {
  switch (a) {
    case plane::action::created:
      return "created";
    case plane::action::updated:
      return "updated";
    case plane::action::deleted:
      return "deleted";
    case plane::action::archived:
      return "archived";
    case plane::action::other:
      break;
  }
  return "other";
}

/// Both generations' spellings as one word: "issue.updated".
std::string event_name(plane::subject about, plane::action what, std::string_view as_sent) {
  std::string_view kind;
  switch (about) {
    case plane::subject::work_item:
      kind = "issue";
      break;
    case plane::subject::comment:
      kind = "issue_comment";
      break;
    case plane::subject::project:
      kind = "project";
      break;
    case plane::subject::cycle:
      kind = "cycle";
      break;
    case plane::subject::module:
      kind = "module";
      break;
    case plane::subject::other:
      break;
  }
  if (!kind.empty()) return std::string{kind} + "." + std::string{word_of(what)};
  auto other = printable(as_sent, max_event_bytes);
  if (other.empty()) other = "unknown";
  // v2 names end in their action already
  return other.find('.') != std::string::npos ? other : other + "." + std::string{word_of(what)};
}

/// What an event is about, or why it is not used.
struct use {
  entity_key entity;
  std::string ignored_because;
};
use use_of(plane::subject about, const std::string& item, const std::string& project) {
  switch (about) {
    case plane::subject::work_item:
      if (item.empty()) return {{}, "names no work item"};
      return {entity_key::plane_issue(item), {}};
    case plane::subject::comment:
      if (item.empty()) return {{}, "the comment's work item is not named"};
      return {entity_key::plane_issue(item), {}};
    case plane::subject::project:
      if (project.empty()) return {{}, "names no project"};
      return {entity_key::plane_project(project), {}};
    case plane::subject::cycle:
      return {{}, "cycles are not used"};
    case plane::subject::module:
      return {{}, "modules are not used"};
    case plane::subject::other:
      break;
  }
  return {{}, "this kind of event is not used"};
}

std::string hash_identity(const sha256_digest& hash) {
  return "b:" + std::string{reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string touch_body(const plane::prefix_facts& f, std::string_view project, std::size_t bytes,
                       std::string_view why) {
  json::object o{
      {"event", f.event}, {"action", f.action}, {"id", f.id}, {"project", project}, {"why", why}};
  if (bytes != 0) o["bytes"] = bytes;
  return json::serialize(o);
}

std::string answer_json(std::string_view status, std::string_view reason) {
  json::object o{{"status", status}};
  if (!reason.empty()) o["reason"] = reason;
  return json::serialize(o);
}

/// A delivery on its way, with what its answer will need.
struct incoming {
  delivery_append append;
  webhook_outcome outcome = webhook_outcome::accepted;
  /// A duplicate of it tells nothing of its age, so it still causes one read (older Plane).
  std::optional<delivery_append> touch_if_duplicate;
};

class webhook_endpoint : public std::enable_shared_from_this<webhook_endpoint> {
public:
  webhook_endpoint(plane_webhook_options options, inbox& deliveries, const clock_source& clock,
                   webhook_counter count)
      : options_(std::move(options)), inbox_(deliveries), clock_(clock), count_(std::move(count)) {
    if (!options_.secrets) options_.secrets = std::make_shared<secret_list>();
  }

  /// Nothing to compare with: not worth the reading of a body, let alone a hash.
  std::optional<response> refuse_unread(const request& r) const {
    if (options_.secrets->get()->empty()) return without_key(r);
    if (r.header(signature_header).size() != hex_digits_of_a_signature) return wrongly_signed(r);
    return std::nullopt;
  }

  std::unique_ptr<body_observer> observe(const request& r) const {
    return std::make_unique<signed_body>(options_.secrets->get(),
                                         std::string{r.header(signature_header)});
  }

  void handle(const std::shared_ptr<request>& r, const responder& answer) {
    if (auto refusal = refuse_unread(*r)) return answer(std::move(*refusal));
    auto* body = dynamic_cast<signed_body*>(r->observer.get());
    if (body == nullptr || !body->holds()) {
      if (body != nullptr) hint_of_wrong_secret(*body);
      return answer(wrongly_signed(*r));
    }
    // Given back when the last step of the delivery lets go of it, however it ends.
    const auto place = take_place();
    if (!place) {
      tell(webhook_outcome::busy);
      response none;
      none.drop_connection = true;
      return answer(std::move(none));
    }
    auto in = r->body_truncated ? read_ids(*r, *body) : read_whole(*r, *body);
    hand_on(std::move(in), r->id, place, answer);
  }

private:
  void tell(webhook_outcome o) const {
    if (count_) count_(o);
  }

  response wrongly_signed(const request& r) const {
    const bool none = r.header(signature_header).empty();
    tell(none ? webhook_outcome::unsigned_ : webhook_outcome::bad_signature);
    return error_response(
        401, "UNAUTHORIZED",
        none ? "X-Plane-Signature is missing" : "X-Plane-Signature does not match", r.id);
  }

  response without_key(const request& r) const {
    tell(webhook_outcome::key_missing);
    const auto* needed = config::find_requirement("plane.webhook_secret");
    return key_missing_response("plane.webhook_secret", "PLANE_WEBHOOK_SECRET",
                                needed != nullptr ? needed->ssot_ref() : "docs/secrets.md", r.id);
  }

  void hint_of_wrong_secret(const signed_body& body) const {
    const auto facts = plane::scan_prefix(body.prefix());
    if (facts.about == plane::subject::work_item && facts.id.size() == uuid_bytes)
      inbox_.wrongly_signed(facts.id, clock_.now());
  }

  delivery_append row_for(const request& r) const {
    delivery_append out;
    out.row.tenant = options_.tenant;
    out.row.source = "plane";
    out.row.received_at = r.received_at == timestamp{} ? clock_.now() : r.received_at;
    out.row.remote_id = printable(r.header("X-Plane-Delivery"), max_delivery_id_bytes);
    return out;
  }

  incoming read_whole(const request& r, signed_body& body) const {
    incoming in;
    in.append = row_for(r);
    auto& row = in.append.row;
    row.form = "plane.webhook";
    row.body = r.body;
    auto said = plane::parse_webhook(*r.body, r.header("X-Plane-Event"));
    if (!said) {
      row.event = "unreadable";
      row.status = delivery_status::dead;
      row.reason = describe(said.error());
      in.outcome = webhook_outcome::dead;
      in.append.identities.push_back(hash_identity(body.hash()));
      return in;
    }
    row.event = event_name(said->about, said->what, said->event);
    in.append.identities.push_back(said->stable_id.empty() ? hash_identity(body.hash())
                                                           : "e:" + said->stable_id);
    settle(in, use_of(said->about, said->work_item_id, said->project_id));
    if (said->updated_at.empty() && !row.entity.empty()) {
      plane::prefix_facts facts;
      facts.event = said->event;
      facts.action = word_of(said->what);
      facts.id = said->entity_id;
      in.touch_if_duplicate =
          touch_of(in.append, touch_body(facts, said->project_id, 0, "a duplicate without a time"));
    }
    // A whole item is of the first generation, whose body alone says what it is.
    if (said->item) row.said = std::make_shared<const plane::webhook_event>(std::move(*said));
    return in;
  }

  /// Too large to keep: the ids of its first 64 kB, the rest is read from Plane later.
  incoming read_ids(const request& r, signed_body& body) const {
    incoming in;
    in.append = row_for(r);
    const auto facts = plane::scan_prefix(body.prefix());
    auto& row = in.append.row;
    row.form = "plane.touch";
    row.event = event_name(facts.about, plane::action_from(facts.action), facts.event);
    const auto& project = facts.about == plane::subject::project && facts.project_id.empty()
                              ? facts.id
                              : facts.project_id;
    row.body = std::make_shared<const std::string>(
        touch_body(facts, project, body.bytes(), "a delivery too large to keep"));
    in.append.identities.push_back(facts.stable_id.empty() ? hash_identity(body.hash())
                                                           : "e:" + facts.stable_id);
    settle(in, use_of(facts.about,
                      facts.about == plane::subject::comment ? facts.issue_id : facts.id, project));
    return in;
  }

  static void settle(incoming& in, use u) {
    in.append.row.entity = std::move(u.entity);
    if (u.ignored_because.empty()) return;
    in.append.row.status = delivery_status::ignored;
    in.append.row.reason = std::move(u.ignored_because);
    in.outcome = webhook_outcome::ignored;
  }

  static delivery_append touch_of(const delivery_append& of, std::string body) {
    auto out = of;
    out.row.form = "plane.touch";
    out.row.said.reset();
    out.row.body = std::make_shared<const std::string>(std::move(body));
    const auto& sent_as = of.row.remote_id;
    out.identities = {"t:" +
                      (sent_as.empty() ? std::to_string(to_micros(of.row.received_at)) : sent_as)};
    return out;
  }

  using place_ptr = std::shared_ptr<void>;
  place_ptr take_place() {
    if (waiting_.fetch_add(1) >= options_.most_waiting) {
      --waiting_;
      return nullptr;
    }
    return {this, [self = shared_from_this()](void*) { --self->waiting_; }};
  }

  void hand_on(incoming in, const std::string& request, const place_ptr& place,
               const responder& answer) {
    const auto status = in.outcome;
    auto named = std::make_shared<const log_names>(
        log_names{request, in.append.row.remote_id, in.append.row.event, in.append.row.entity});
    auto reason = in.append.row.reason;
    auto touch = std::move(in.touch_if_duplicate);
    inbox_.accept(std::move(in.append),
                  [self = shared_from_this(), answer, place, status, reason = std::move(reason),
                   named, touch = std::move(touch)](const result<acceptance>& taken) {
                    if (!taken) return self->drop(taken.error(), *named, answer);
                    // Spooled: perhaps a duplicate, so the one read that such a one causes is due.
                    if (taken->spooled && touch)
                      return self->inbox_.accept(*touch, [self, answer, place, status, reason,
                                                          named](const result<acceptance>& also) {
                        if (!also) return self->drop(also.error(), *named, answer);
                        self->confirm(status, reason, *named, answer);
                      });
                    if (taken->as != accepted_as::duplicate)
                      return self->confirm(status, reason, *named, answer);
                    if (!touch)
                      return self->confirm(webhook_outcome::duplicate, {}, *named, answer);
                    self->inbox_.accept(
                        *touch, [self, answer, place, named](const result<acceptance>& also) {
                          if (!also) return self->drop(also.error(), *named, answer);
                          self->confirm(webhook_outcome::duplicate, {}, *named, answer);
                        });
                  });
  }

  /// What a line of the log calls a delivery by.
  struct log_names {
    std::string request, delivery, event;
    entity_key entity;
  };

  void confirm(webhook_outcome o, std::string_view reason, const log_names& named,
               const responder& answer) const {
    tell(o);
    log::info("plane delivery",
              {log::kv("status", to_string(o)), log::kv("event", named.event),
               log::kv("entity", named.entity), log::kv("delivery", named.delivery),
               log::kv("reason", reason), log::kv("request", named.request)});
    // what is dead was taken, too: Plane need not send it again
    const auto word = o == webhook_outcome::dead ? webhook_outcome::accepted : o;
    answer(data_response(answer_json(to_string(word), reason)));
  }

  void drop(const failure& f, const log_names& named, const responder& answer) const {
    tell(webhook_outcome::storage);
    log::error("plane delivery could not be stored",
               {log::kv("event", named.event), log::kv("entity", named.entity),
                log::kv("delivery", named.delivery), log::kv("error", f),
                log::kv("request", named.request)});
    response r;
    r.drop_connection = true;
    answer(std::move(r));
  }

  plane_webhook_options options_;
  inbox& inbox_;
  const clock_source& clock_;
  webhook_counter count_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace

route plane_webhook_route(plane_webhook_options options, inbox& deliveries,
                          const clock_source& clock, webhook_counter count) {
  route out;
  out.method = "POST";
  out.pattern = "/webhooks/plane";
  out.keep_body_bytes = options.keep_bytes;
  out.stream_body_bytes = options.stream_bytes;
  out.silent_when_busy = true;
  // No content_types: a relay that changes the header must not cost an event; the signature tells.
  const auto at =
      std::make_shared<webhook_endpoint>(std::move(options), deliveries, clock, std::move(count));
  out.refuse_unread = [at](const request& r) { return at->refuse_unread(r); };
  out.observe = [at](const request& r) { return at->observe(r); };
  out.handle = [at](const std::shared_ptr<request>& r, const responder& a) { at->handle(r, a); };
  return out;
}

void add_plane_webhook(server& to, plane_webhook_options options, inbox& deliveries,
                       const clock_source& clock, webhook_counter count) {
  to.add(plane_webhook_route(std::move(options), deliveries, clock, std::move(count)));
}

}  // namespace pb::http
