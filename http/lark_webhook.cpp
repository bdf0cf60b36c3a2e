#include "http/lark_webhook.hpp"

#include <optional>
#include <utility>

#include "base/log.hpp"
#include "http/admin_auth.hpp"
#include "protocol/lark/events.hpp"

namespace pb::http {
namespace {

namespace lark = protocol::lark;

constexpr std::string_view first_retry_s = "15";
constexpr std::string_view json_utf8 = "application/json; charset=utf-8";

response told(std::string json) {
  response out;
  out.content_type = json_utf8;
  out.body = std::move(json);
  return out;
}

/// Which of two refusals says more: what was rightly signed before what is not configured, that
/// before what does not fit.
int weight(const failure& f) noexcept {
  if (f.code == errc::bad_input || f.code == errc::too_large) return 2;
  return f.code == errc::key_missing ? 1 : 0;
}

struct refusal {
  failure why;
  bool rightly_signed = false;
};

class lark_endpoint {
public:
  lark_endpoint(lark_webhook_options options, std::shared_ptr<lark_reception> reception)
      : options_(std::move(options)), reception_(std::move(reception)) {
    if (!options_.encrypt_keys) options_.encrypt_keys = std::make_shared<secret_list>();
    if (!options_.verification_tokens)
      options_.verification_tokens = std::make_shared<secret_list>();
  }

  /// Nothing to compare with: not worth the reading of a body.
  std::optional<response> refuse_unread(const request& r) const {
    if (!options_.encrypt_keys->get()->empty() || !options_.verification_tokens->get()->empty())
      return std::nullopt;
    if (options_.long_connection)
      return error_response(404, "NOT_FOUND", "events come over the long connection here", r.id);
    reception_->count(webhook_outcome::key_missing);
    return missing_entry_response("lark.verification_token", r.id);
  }

  void handle(const std::shared_ptr<request>& r, const responder& answer) const {
    if (auto refused = refuse_unread(*r)) return answer(std::move(*refused));
    const lark::push_headers h{std::string{r->header("X-Lark-Request-Timestamp")},
                               std::string{r->header("X-Lark-Request-Nonce")},
                               std::string{r->header("X-Lark-Signature")}};
    refusal no;
    auto push = open(h, *r->body, no);
    const auto reply = [answer, id = r->id](lark_answer a) {
      if (a.taken || a.callback) return answer(told(std::move(a.json)));
      auto out = error_response(503, "UNAVAILABLE", "nothing durable can take it now", id);
      out.headers.push_back({"Retry-After", std::string{first_retry_s}});
      answer(std::move(out));
    };
    if (push) return reception_->take(std::move(*push), r->received_at, r->id, reply);
    if (no.rightly_signed && weight(no.why) == 2)
      return reception_->take_unreadable(*r->body, no.why, r->received_at, r->id, reply);
    answer(refuse(*r, no.why, h));
  }

private:
  /// With each key and each token that counts now. All are tried; which one fits is no secret.
  std::optional<lark::opened> open(const lark::push_headers& h, const std::string& raw,
                                   refusal& no) const {
    const auto keys = options_.encrypt_keys->get();
    const auto tokens = options_.verification_tokens->get();
    const secret_list::list none(1);
    bool first = true;
    for (const secret& key : keys->empty() ? none : *keys) {
      const bool rightly =
          !key.empty() && !h.signature.empty() && lark::signature_holds(h, key, raw);
      for (const secret& token : tokens->empty() ? none : *tokens) {
        auto push = lark::open_push(h, raw, {key, token, options_.legacy_cards});
        if (push) return std::move(*push);
        if (first || weight(push.error()) > weight(no.why)) no.why = push.error();
        no.rightly_signed = no.rightly_signed || rightly;
        first = false;
      }
    }
    return std::nullopt;
  }

  response refuse(const request& r, const failure& why, const lark::push_headers& h) const {
    if (why.code == errc::key_missing) {
      reception_->count(webhook_outcome::key_missing);
      return missing_entry_response(why.detail, r.id);
    }
    if (weight(why) == 2) {
      reception_->count(webhook_outcome::malformed);
      const bool large = why.code == errc::too_large;
      return error_response(large ? 413 : 400, large ? "TOO_LARGE" : "BAD_REQUEST",
                            "this is no push of Feishu's", r.id);
    }
    reception_->count(h.signature.empty() ? webhook_outcome::unsigned_
                                          : webhook_outcome::bad_signature);
    // Why it does not fit is for the log: an answer would help whoever tries.
    log::warn("a lark push was refused", {log::kv("why", why.detail), log::kv("request", r.id)});
    return error_response(401, "UNAUTHORIZED", "signature or token do not fit", r.id);
  }

  lark_webhook_options options_;
  std::shared_ptr<lark_reception> reception_;
};

}  // namespace

std::vector<route> lark_webhook_routes(lark_webhook_options options,
                                       std::shared_ptr<lark_reception> reception) {
  const auto at = std::make_shared<const lark_endpoint>(std::move(options), std::move(reception));
  std::vector<route> out;
  for (const char* pattern :
       {"/webhooks/lark/events", "/webhooks/lark/interactivity", "/webhooks/lark/commands"}) {
    route r;
    r.method = "POST";
    r.pattern = pattern;
    r.keep_body_bytes = lark::max_push_bytes;
    // No content_types: a relay that changes the header must not cost an event.
    r.refuse_unread = [at](const request& asked) { return at->refuse_unread(asked); };
    r.handle = [at](const std::shared_ptr<request>& asked, const responder& a) {
      at->handle(asked, a);
    };
    out.push_back(std::move(r));
  }
  return out;
}

void add_lark_webhook(server& to, lark_webhook_options options,
                      std::shared_ptr<lark_reception> reception) {
  for (auto& r : lark_webhook_routes(std::move(options), std::move(reception)))
    to.add(std::move(r));
}

}  // namespace pb::http
