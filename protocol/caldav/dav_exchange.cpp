#include "protocol/caldav/dav_exchange.hpp"

namespace pb::protocol::caldav {
namespace {
bool redirects(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}
}  // namespace

step dav_exchange::start() {
  sent_ = 0;
  moved_to_.clear();
  return begin();
}

step dav_exchange::emit() {
  // The method is the metric's label; repeating is safe in every exchange here, because each one
  // reads what is there before it decides (docs/contracts/caldav.md, "Repeating").
  return call{request_, where_, true};
}

step dav_exchange::send(std::string method, std::string url, std::vector<http_header> headers,
                        std::string body) {
  redirects_ = 0;
  first_ = ++sent_ == 1;
  if (!hosts_.allows(url))
    return fail(errc::forbidden, "the calendar server leads to another host: " + origin_of(url),
                "set calendar.url to that host if it is the right one");
  request_ = {std::move(method), std::move(url), std::move(headers), std::move(body)};
  return emit();
}

step dav_exchange::propfind(std::string url, int depth, std::string body) {
  return send(
      "PROPFIND", std::move(url),
      {{"Depth", std::to_string(depth)}, {"Content-Type", "application/xml; charset=utf-8"}},
      std::move(body));
}

step dav_exchange::report(std::string url, std::string body) {
  return send("REPORT", std::move(url),
              {{"Depth", "1"}, {"Content-Type", "application/xml; charset=utf-8"}},
              std::move(body));
}

failure dav_exchange::fail(errc code, std::string detail, std::string remedy) const {
  return {code, where_, std::move(detail), std::move(remedy), 0, "", {}};
}

std::string dav_exchange::follow(std::string_view href) const {
  auto url = resolve_href(request_.url, href);
  return hosts_.allows(url) ? url : std::string{};
}

step dav_exchange::on_response(const http_response& answer) {
  if (!redirects(answer.status) || !answer.has_header("Location")) return on_answer(answer);
  if (++redirects_ > redirect_limit)
    return fail(errc::unexpected_answer, "the calendar server redirects in circles");
  auto target = resolve_href(request_.url, answer.header("Location"));
  if (target.empty())
    return fail(errc::unexpected_answer, "the calendar server redirects to no URL");
  if (!hosts_.allows(target))
    return fail(errc::forbidden,
                "the calendar server redirects to another host: " + origin_of(target),
                "set calendar.url to that host if it is the right one");
  if (first_ && (answer.status == 301 || answer.status == 308)) moved_to_ = target;
  request_.url = std::move(target);
  return emit();
}

}  // namespace pb::protocol::caldav
