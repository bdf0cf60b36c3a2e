// protocol/plane/urls: addresses of Plane's pages, as people paste them and as we write them.
// Every form of docs/contracts/plane.md ("Addresses"). Nothing is fetched from an address: it is
// only taken apart, and only when its host is one of ours.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/failure.hpp"

namespace pb::protocol::plane {

enum class link_kind : std::uint8_t {
  browse,          ///< identifier and sequence
  work_item,       ///< project and item uuid
  archived_item,   ///< as work_item; a read answers 404
  intake_item,     ///< as work_item, below intake-issues
  epic,            ///< as work_item (commercial editions)
  published_item,  ///< item uuid only: the board's anchor cannot be resolved by API
  project,
  cycle,   ///< object: the cycle's uuid
  module,  ///< object
  view,    ///< object
  page,    ///< object
  workspace
};
std::string_view to_string(link_kind k) noexcept;

struct plane_link {
  link_kind kind = link_kind::workspace;
  std::string slug;        ///< workspace; empty for published boards
  std::string project;     ///< uuid
  std::string identifier;  ///< "GW" of "GW-42", upper case
  std::int64_t sequence = 0;
  std::string item;    ///< uuid
  std::string object;  ///< uuid of a cycle, module, view or page
  std::string anchor;  ///< of a published board
  friend bool operator==(const plane_link&, const plane_link&) = default;
};

/// @param origins  "https://app.plane.so" …; scheme may differ between http and https, host and
///                 port must not
/// bad_input: not an address, a foreign host, user names inside, no form that Plane has.
result<plane_link> parse_link(std::string_view url, std::span<const std::string> origins);

/// "{origin}/{slug}/browse/GW-42/"; by uuids ("/projects/…/issues/…", which Plane redirects) when
/// the identifier is unknown.
std::string item_page_url(std::string_view app_url, std::string_view slug,
                          std::string_view identifier, std::int64_t sequence,
                          std::string_view project, std::string_view id);
/// The cloud's API host has an app host of its own; elsewhere it is the base's origin.
std::string default_app_url(std::string_view base_url);

}  // namespace pb::protocol::plane
