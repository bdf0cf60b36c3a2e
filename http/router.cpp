#include "http/router.hpp"

#include <algorithm>
#include <utility>

#include "protocol/http_message.hpp"

namespace pb::http {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

void router::add(routed r) {
  known k;
  for (const auto piece : split(r.what.pattern)) {
    segment s;
    const auto open = piece.find('{'), close = piece.find('}');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
      s.before = piece;
      ++k.literals;
    } else {
      s.before = piece.substr(0, open);
      s.name = piece.substr(open + 1, close - open - 1);
      s.after = piece.substr(close + 1);
    }
    k.segments.push_back(std::move(s));
  }
  k.r = std::move(r);
  const auto at = std::find_if(known_.begin(), known_.end(),
                               [&](const known& o) { return o.literals < k.literals; });
  known_.insert(at, std::move(k));
}

bool router::fits(const segment& s, std::string_view piece,
                  std::map<std::string, std::string>& params) {
  const auto text = protocol::percent_decode(piece);
  if (s.name.empty()) return text == s.before;
  const std::string_view t = text;
  if (t.size() <= s.before.size() + s.after.size() || !t.starts_with(s.before) ||
      !t.ends_with(s.after))
    return false;
  params[s.name] = t.substr(s.before.size(), t.size() - s.before.size() - s.after.size());
  return true;
}

bool router::fits(const known& k, const std::vector<std::string_view>& pieces,
                  std::map<std::string, std::string>& params) {
  if (k.segments.size() != pieces.size()) return false;
  params.clear();
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (!fits(k.segments[i], pieces[i], params)) return false;
  return true;
}

route_match router::find(std::string_view method, std::string_view raw_path) const {
  const auto pieces = split(raw_path);
  route_match out;
  std::map<std::string, std::string> params;
  const routed* get = nullptr;
  std::map<std::string, std::string> get_params;
  std::vector<std::string> allowed;
  for (const auto& k : known_) {
    if (!fits(k, pieces, params)) continue;
    const auto& has = k.r.what.method;
    if (has == method) {
      out.entry = &k.r;
      out.params = std::move(params);
      return out;
    }
    if (has == "GET" && method == "HEAD" && get == nullptr) {
      get = &k.r;
      get_params = params;
    }
    allowed.push_back(has);
    if (has == "GET") allowed.emplace_back("HEAD");
  }
  if (get != nullptr) {
    out.entry = get;
    out.params = std::move(get_params);
    return out;
  }
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  for (const auto& m : allowed) out.allow += (out.allow.empty() ? "" : ", ") + m;
  return out;
}

}  // namespace pb::http
