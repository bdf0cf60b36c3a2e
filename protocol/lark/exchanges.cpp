// The reading exchanges and single calls; a message that is posted once is in post_message.cpp.
#include "protocol/lark/exchanges.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace pb::protocol::lark {
namespace {

step asking(http_request r, std::string_view operation) {
  return call{std::move(r), std::string{operation}, true};
}

/// The answer's value goes into `into`, or its failure ends the exchange.
template <class T>
step take(result<T> answer, T& into) {
  if (!answer) return answer.error();
  into = std::move(*answer);
  return finished{};
}

}  // namespace

single_call::single_call(http_request r, std::string_view operation, std::string budget_key,
                         bool idempotent, bool deferrable)
    : call_{std::move(r), std::string{operation}, idempotent, std::move(budget_key), deferrable} {}

step single_call::start() { return call_; }

step single_call::on_response(const http_response& answer) {
  if (auto f = refusal_of(answer, call_.operation)) return std::move(*f);
  answer_ = answer;
  return finished{};
}

step renew_token::start() { return asking(tenant_token(api_, app_), operation::token); }
step renew_token::on_response(const http_response& answer) {
  return take(parse_token(answer), value_);
}

step read_bot::start() { return asking(bot_info(api_), operation::bot); }
step read_bot::on_response(const http_response& answer) { return take(parse_bot(answer), value_); }

step read_chat::start() { return asking(get_chat(api_, chat_), operation::chat); }
step read_chat::on_response(const http_response& answer) {
  return take(parse_chat(answer), value_);
}

step read_person::start() { return asking(get_person(api_, open_id_), operation::person); }
step read_person::on_response(const http_response& answer) {
  return take(parse_person(answer), value_);
}

step read_message::start() { return asking(get_message(api_, message_), operation::get_message); }
step read_message::on_response(const http_response& answer) {
  auto all = parse_messages(answer, operation::get_message);
  if (!all) return all.error();
  value_ = std::move(all->front());
  return finished{};
}

step download_file::start() {
  call c{download_resource(api_, message_, key_, kind_), std::string{operation::download}, true};
  c.max_answer_bytes = most_bytes_;
  return c;
}
step download_file::on_response(const http_response& answer) {
  auto got = parse_download(answer);
  if (!got) return got.error();
  if (got->bytes.size() > most_bytes_)
    return failure{.code = errc::too_large,
                   .where = std::string{operation::download},
                   .detail = "larger than " + std::to_string(most_bytes_) + " bytes"};
  value_ = std::move(*got);
  return finished{};
}

step list_thread_all::start() {
  values_.clear();
  cut_ = false;
  return ask({});
}
step list_thread_all::ask(std::string page) {
  return asking(list_thread(api_, thread_id_, page), operation::list);
}
step list_thread_all::on_response(const http_response& answer) {
  auto page = parse_page(answer, operation::list);
  if (!page) return page.error();
  const bool empty = page->messages.empty();
  for (auto& one : page->messages) {
    if (values_.size() == most_) {
      cut_ = true;
      return finished{};
    }
    values_.push_back(std::move(one));
  }
  if (page->next.empty()) return finished{};
  // A page without rows that names a next one would never end.
  if (empty || values_.size() == most_) {
    cut_ = true;
    return finished{};
  }
  return ask(std::move(page->next));
}

step look_up_people::start() {
  values_.clear();
  values_.reserve(emails_.size());
  for (const auto& email : emails_) values_.push_back({email, {}, false});
  asked_ = batch_ = 0;
  return ask();
}

step look_up_people::ask() {
  asked_ += batch_;
  batch_ = std::min(people_per_call, emails_.size() - asked_);
  if (batch_ == 0) return finished{};
  const auto first = emails_.begin() + static_cast<std::ptrdiff_t>(asked_);
  auto r = find_people(api_, {first, first + static_cast<std::ptrdiff_t>(batch_)});
  if (!r) return r.error();
  return asking(std::move(*r), operation::find_people);
}

step look_up_people::on_response(const http_response& answer) {
  const auto found = parse_found_people(answer);
  if (!found) return found.error();
  for (std::size_t i = asked_; i < asked_ + batch_; ++i) {
    const auto wanted = lower_case(emails_[i]);
    for (const auto& one : *found) {
      if (one.open_id.empty() || lower_case(one.email) != wanted) continue;
      values_[i].open_id = one.open_id;
      values_[i].resigned = one.resigned;
    }
  }
  return ask();
}

}  // namespace pb::protocol::lark
