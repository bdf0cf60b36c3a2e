// protocol/caldav/dav_exchange: what all calendar exchanges share: DAV requests, and redirects that
// keep method, body and Depth and never carry credentials to a host that is not allowed.
#pragma once
#include <string>
#include <string_view>

#include "protocol/caldav/dav_xml.hpp"
#include "protocol/caldav/href.hpp"
#include "protocol/caldav/reaction.hpp"
#include "protocol/exchange.hpp"

namespace pb::protocol::caldav {

class dav_exchange : public exchange {
public:
  static constexpr int redirect_limit = 5;

  step start() final;
  step on_response(const http_response& answer) final;

  /// Where the server said that the first URL lives from now on (301, 308); empty otherwise.
  [[nodiscard]] const std::string& moved_to() const noexcept { return moved_to_; }

protected:
  /// @param where  the operation's name in failures and metrics: "caldav.put_event"
  dav_exchange(std::string where, host_policy hosts)
      : where_(std::move(where)), hosts_(std::move(hosts)) {}

  virtual step begin() = 0;
  virtual step on_answer(const http_response& answer) = 0;

  step send(std::string method, std::string url, std::vector<http_header> headers = {},
            std::string body = {});
  step propfind(std::string url, int depth, std::string body);
  step report(std::string url, std::string body);
  [[nodiscard]] failure fail(const http_response& answer) const {
    return failure_of(where_, answer);
  }
  [[nodiscard]] failure fail(errc code, std::string detail, std::string remedy = {}) const;
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] const host_policy& hosts() const noexcept { return hosts_; }
  /// URL of the request that the answer at hand belongs to; after redirects the last one.
  [[nodiscard]] const std::string& current_url() const noexcept { return request_.url; }
  /// An href of the answer at hand as a URL that we may call; empty when not.
  [[nodiscard]] std::string follow(std::string_view href) const;

private:
  step emit();

  std::string where_;
  host_policy hosts_;
  http_request request_;
  int redirects_ = 0;
  int sent_ = 0;
  bool first_ = true;
  std::string moved_to_;
};

}  // namespace pb::protocol::caldav
