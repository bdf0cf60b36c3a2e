#include "protocol/caldav/dav_xml.hpp"

#include <algorithm>
#include <pugixml.hpp>

#include "base/ascii.hpp"
#include "protocol/html/utf8.hpp"

namespace pb::protocol::caldav {
namespace {
constexpr std::size_t description_bytes = 300;

failure bad_xml(errc code, std::string detail) {
  return {code, "caldav.parse_xml", std::move(detail), "", 0, "", {}};
}

xml_space known_space(std::string_view uri) {
  if (uri.empty()) return xml_space::none;
  if (uri == "DAV:") return xml_space::dav;
  if (uri == "urn:ietf:params:xml:ns:caldav") return xml_space::caldav;
  if (uri == "http://calendarserver.org/ns/") return xml_space::calendarserver;
  if (uri == "http://apple.com/ns/ical/") return xml_space::apple;
  return xml_space::other;
}

/// Copies pugixml's tree with its prefixes resolved, within limits.
class tree_reader {
public:
  explicit tree_reader(const xml_limits& limits) : limits_(limits) {}

  bool read(const pugi::xml_node& from, xml_node& to, std::size_t depth) {
    if (depth > limits_.depth) return refuse("nests too deep");
    if (++nodes_ > limits_.nodes) return refuse("has too many elements");
    const auto scope = spaces_.size();
    for (const auto& a : from.attributes()) {
      const std::string_view name{a.name()};
      if (name == "xmlns")
        spaces_.emplace_back("", known_space(a.value()));
      else if (name.starts_with("xmlns:"))
        spaces_.emplace_back(name.substr(6), known_space(a.value()));
      else
        to.attributes.emplace_back(local(name), a.value());
      if (spaces_.size() > limits_.spaces_in_scope || to.attributes.size() > 64)
        return refuse("has too many attributes");
    }
    const std::string_view name{from.name()};
    to.name = local(name);
    to.space = space_of(name);
    for (const auto& child : from.children()) {
      if (child.type() == pugi::node_element) {
        to.children.emplace_back();
        if (!read(child, to.children.back(), depth + 1)) return false;
      } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        to.text += child.value();
      }
    }
    spaces_.resize(scope);
    return true;
  }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
  bool refuse(std::string why) {
    why_ = "answer " + std::move(why);
    return false;
  }
  static std::string local(std::string_view name) {
    const auto colon = name.find(':');
    return std::string{colon == std::string_view::npos ? name : name.substr(colon + 1)};
  }
  [[nodiscard]] xml_space space_of(std::string_view name) const {
    const auto colon = name.find(':');
    const auto prefix =
        colon == std::string_view::npos ? std::string_view{} : name.substr(0, colon);
    for (auto it = spaces_.rbegin(); it != spaces_.rend(); ++it)
      if (it->first == prefix) return it->second;
    return prefix.empty() ? xml_space::none : xml_space::other;
  }

  xml_limits limits_;
  std::size_t nodes_ = 0;
  std::vector<std::pair<std::string, xml_space>> spaces_;
  std::string why_;
};

std::string first_condition(const xml_node& error) {
  return error.children.empty() ? std::string{} : error.children.front().name;
}

propstat read_propstat(xml_node& node) {
  propstat out;
  for (auto& child : node.children) {
    if (child.is(xml_space::dav, "status")) out.status = parse_status_line(child.text);
    if (child.is(xml_space::dav, "prop")) {
      std::move(child.children.begin(), child.children.end(), std::back_inserter(out.properties));
    }
  }
  return out;
}

dav_response read_response(xml_node& node) {
  dav_response out;
  for (auto& child : node.children) {
    if (child.space != xml_space::dav) continue;
    if (child.name == "href" && out.href.empty())
      out.href = trimmed(child.text);
    else if (child.name == "status")
      out.status = parse_status_line(child.text);
    else if (child.name == "propstat")
      out.stats.push_back(read_propstat(child));
    else if (child.name == "error")
      out.condition = first_condition(child);
    else if (child.name == "responsedescription")
      out.description = trimmed(child.text);
  }
  return out;
}
}  // namespace

const xml_node* xml_node::child(xml_space s, std::string_view local) const noexcept {
  for (const auto& c : children)
    if (c.is(s, local)) return &c;
  return nullptr;
}

std::string xml_node::attribute(std::string_view local) const {
  for (const auto& [key, value] : attributes)
    if (key == local) return value;
  return {};
}

result<xml_node> parse_xml(std::string_view body, const xml_limits& limits) {
  if (body.size() > limits.bytes) return bad_xml(errc::too_large, "answer is too large");
  pugi::xml_document doc;
  // parse_doctype only to see that there is one: a DAV answer never has, an XML bomb does.
  const auto parsed =
      doc.load_buffer(body.data(), body.size(),
                      pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata_single,
                      pugi::encoding_auto);
  if (!parsed) return bad_xml(errc::unexpected_answer, "answer is not XML");
  for (const auto& top : doc.children())
    if (top.type() == pugi::node_doctype)
      return bad_xml(errc::unexpected_answer, "answer has a document type");
  xml_node root;
  tree_reader in{limits};
  if (!in.read(doc.document_element(), root, 1)) return bad_xml(errc::too_large, in.why());
  return root;
}

int parse_status_line(std::string_view line) noexcept {
  const auto space = line.find("HTTP/");
  if (space == std::string_view::npos) return 0;
  line.remove_prefix(space);
  const auto gap = line.find(' ');
  if (gap == std::string_view::npos || line.size() < gap + 4) return 0;
  int status = 0;
  for (const char c : line.substr(gap + 1, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status >= 100 ? status : 0;
}

const xml_node* dav_response::property(xml_space s, std::string_view local) const noexcept {
  for (const auto& stat : stats) {
    // A propstat without a readable status is not an assertion that the property is there.
    if (stat.status < 200 || stat.status > 299) continue;
    for (const auto& p : stat.properties)
      if (p.is(s, local)) return &p;
  }
  return nullptr;
}

std::string dav_response::text_of(xml_space s, std::string_view local) const {
  const auto* p = property(s, local);
  return p == nullptr ? std::string{} : std::string{trimmed(p->text)};
}

std::vector<std::string> dav_response::hrefs_of(xml_space s, std::string_view local) const {
  std::vector<std::string> out;
  if (const auto* p = property(s, local))
    for (const auto& c : p->children)
      if (c.is(xml_space::dav, "href")) out.emplace_back(trimmed(c.text));
  return out;
}

result<multistatus> parse_multistatus(std::string_view body) {
  auto root = parse_xml(body);
  if (!root) return root.error();
  if (!root->is(xml_space::dav, "multistatus"))
    return bad_xml(errc::unexpected_answer, "answer is not a multistatus");
  multistatus out;
  for (auto& child : root->children) {
    if (child.is(xml_space::dav, "response")) out.responses.push_back(read_response(child));
    if (child.is(xml_space::dav, "sync-token")) out.sync_token = trimmed(child.text);
  }
  return out;
}

bool multistatus::says_missing() const noexcept {
  return !responses.empty() &&
         std::all_of(responses.begin(), responses.end(), [](const dav_response& r) {
           return r.stats.empty() && (r.status == 404 || r.status == 410);
         });
}

effective_status status_of(const http_response& answer) {
  effective_status out;
  out.status = answer.status;
  if (out.ok() || answer.body.empty()) return out;
  if (answer.status == 207) {
    const auto inner = parse_multistatus(answer.body);
    if (!inner) return out;
    for (const auto& r : inner->responses) {
      // Its href is not to be trusted (Xandikos escapes the whole URL wrongly): only the status.
      if (r.status >= 300) out.status = r.status;
      for (const auto& stat : r.stats)
        if (r.status == 0 && stat.status >= 300) out.status = stat.status;
      out.condition = r.condition;
      out.description = html::cut_utf8(r.description, description_bytes);
      if (out.status != 207) break;
    }
    return out;
  }
  if (const auto root = parse_xml(answer.body); root && root->is(xml_space::dav, "error"))
    out.condition = first_condition(*root);
  return out;
}

}  // namespace pb::protocol::caldav
