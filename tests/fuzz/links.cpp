// Addresses as people paste them. Nothing of another host is ever ours, what was understood can be
// written and understood again, and no text of an error repeats the address.
#include <string>

#include "base/entity.hpp"
#include "protocol/plane/urls.hpp"
#include "tests/fuzz/property.hpp"

namespace {

namespace plane = pb::protocol::plane;
using fuzz::must;
using plane::link_kind;

const std::vector<std::string>& origins() {
  static const std::vector<std::string> all{"https://app.plane.so", "http://plane.example:8080",
                                            "https://[2001:db8::1]"};
  return all;
}

void check(const plane::plane_link& l) {
  for (const auto& id : {l.project, l.item, l.object})
    must(id.empty() || pb::is_uuid(id), "an id is a uuid");
  must(l.slug.find_first_of("/?#% \t\r\n") == std::string::npos, "a slug is one segment");
  must(l.sequence >= 0, "a sequence is not negative");
  must(!plane::to_string(l.kind).empty(), "a kind has a word");
  switch (l.kind) {
    case link_kind::browse:
      must(!l.identifier.empty() && l.sequence > 0, "a key is whole");
      break;
    case link_kind::work_item:
    case link_kind::archived_item:
    case link_kind::intake_item:
    case link_kind::epic:
      must(!l.item.empty() && !l.project.empty(), "an item has its project");
      break;
    case link_kind::published_item:
      must(!l.item.empty() && !l.anchor.empty(), "a published item has its board");
      break;
    case link_kind::cycle:
    case link_kind::module:
    case link_kind::view:
    case link_kind::page:
      must(!l.object.empty() && !l.project.empty(), "an object has its project");
      break;
    case link_kind::project:
      must(!l.project.empty(), "a project is named");
      break;
    case link_kind::workspace:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const auto link = plane::parse_link(input, origins());
  if (!link) {
    const auto words = describe(link.error());
    must(words.size() < 300, "an error is a sentence");
    must(words.find("C4naryC4nary") == std::string::npos, "an error repeats no address");
    must(input.size() > 2'048 || describe(plane::parse_link(input, origins()).error()) == words,
         "read twice, it says the same");
  } else {
    check(*link);
    must(!plane::parse_link(input, {}), "without an origin nothing is ours");
    if (link->kind == link_kind::browse || link->kind == link_kind::work_item) {
      const auto url = plane::item_page_url(origins().front(), link->slug, link->identifier,
                                            link->sequence, link->project, link->item);
      const auto again = plane::parse_link(url, origins());
      must(bool{again}, "our own address is understood");
      must(*again == *link, "written and read again: the same item");
    }
  }
  // what is in front of a foreign host does not make it ours
  const std::string_view path = input.substr(0, 500);
  for (const std::string start :
       {"https://evil.example/https://app.plane.so/", "https://app.plane.so.evil.example/",
        "https://app.plane.so@evil.example/", "https://app.plane.so:444/", "ftp://app.plane.so/"})
    must(!plane::parse_link(start + std::string{path}, origins()), "a foreign host is foreign");
  (void)plane::default_app_url(input);
  return 0;
}
