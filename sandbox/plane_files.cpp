// sandbox: attachments of work items in three steps, and the object store behind Plane that the
// bytes go to (contract 3.6). The store is S3's form upload as far as Plane uses it.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "sandbox/multipart.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

constexpr std::string_view store_path = "/uploads";
constexpr std::chrono::hours permit_life{1};

/// The beginning of Plane's list; what is not in it is refused, "any bytes" too.
constexpr std::array allowed_types{
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/svg+xml",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "application/pdf",
    "text/plain",
    "text/csv",
    "text/css",
    "text/xml",
    "text/javascript",
    "application/rtf",
    "application/json",
    "application/zip",
    "audio/mpeg",
    "audio/wav",
    "audio/ogg",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "application/gzip",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document"};

constexpr std::string_view twin_attachment =
    "Issue with the same external id and external source already exists";

answer refused(std::string_view why) { return reply(400, row{{"error", why}, {"status", false}}); }

/// As S3 answers; the rest of the answer repeats what was sent, as S3's does.
answer store_answer(int status, std::string_view code, std::string_view repeated = {}) {
  answer a;
  a.status = status;
  a.headers.push_back({"Content-Type", "application/xml"});
  a.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + std::string{code} +
           "</Code><SignatureProvided>" + std::string{repeated} + "</SignatureProvided></Error>";
  return a;
}

}  // namespace

std::string plane::impl::storage_base(const inbound& request) const {
  if (!options.storage_url.empty()) return options.storage_url;
  const auto host = header_value(request, "Host");
  return "http://" + (host.empty() ? "plane.test" : host) + std::string{store_path};
}

answer plane::impl::attachment_list(call& c) {
  row* item = items.find(c.ids.front());
  if (c.method() == "GET") {
    json::array out;
    for (const row* a : attachments.of(c.ids.front()))
      if (true_in(*a, "is_uploaded")) out.push_back(*a);
    return reply(200, out);
  }
  const std::string name = text_of(c.body, "name"), type = text_of(c.body, "type"),
                    external_id = text_of(c.body, "external_id"),
                    external_source = text_of(c.body, "external_source");
  const auto size = static_cast<std::size_t>(std::max(number_of(c.body, "size"), 0.0));
  if (name.empty() || size == 0) return refused("Invalid request.");
  if (std::find(allowed_types.begin(), allowed_types.end(), type) == allowed_types.end())
    return refused("Invalid file type.");
  if (item == nullptr || text_of(*item, "project") != c.project_id()) return not_found();
  if (!external_id.empty() && !external_source.empty() && !external_id_race)
    for (const row* a : attachments.of(c.ids.front()))
      if (text_of(*a, "external_id") == external_id &&
          text_of(*a, "external_source") == external_source)
        return error_with_id(409, twin_attachment, text_of(*a, "id"));
  std::string digits = new_id();
  std::erase(digits, '-');
  const std::string key = c.workspace_id() + "/" + digits + "-" + name;
  row a = base_row(c, false);
  const std::string id = text_of(a, "id");
  a["attributes"] = row{{"name", name}, {"type", type}, {"size", size}};
  a["asset"] = key;
  a["entity_type"] = "ISSUE_ATTACHMENT";
  a["entity_identifier"] = nullptr;
  a["is_deleted"] = false;
  a["is_archived"] = false;
  a["external_id"] = text_or_null(external_id);
  a["external_source"] = text_or_null(external_source);
  a["size"] = static_cast<double>(size);
  a["is_uploaded"] = false;
  a["storage_metadata"] = row{};
  const auto created_by = a["created_by"];
  a.stable_erase("created_by");
  a.stable_erase("updated_by");
  a["created_by"] = created_by;
  a["updated_by"] = nullptr;
  a["user"] = nullptr;
  a["workspace"] = c.workspace_id();
  a["draft_issue"] = nullptr;
  a["project"] = c.project_id();
  a["issue"] = c.ids.front();
  a["comment"] = nullptr;
  a["page"] = nullptr;
  std::string signature = new_id() + new_id();
  std::erase(signature, '-');
  permits[key] = {signature, type, std::min(size, options.file_size_limit),
                  clock.now() + permit_life};
  const std::string page = "/api/assets/v2/workspaces/" + text_of(*c.workspace, "slug") +
                           "/projects/" + c.project_id() + "/issues/" + c.ids.front() +
                           "/attachments/" + id + "/";
  const row fields{{"Content-Type", type},
                   {"key", key},
                   {"x-amz-algorithm", "AWS4-HMAC-SHA256"},
                   {"x-amz-credential", "access-key/us-east-1/s3/aws4_request"},
                   {"x-amz-date", "20261121T071351Z"},
                   {"policy", "c2FuZGJveA=="},
                   {"x-amz-signature", signature}};
  row shown = attachments.add(std::move(a));
  return reply(200, row{{"upload_data", row{{"url", storage_base(*c.in)}, {"fields", fields}}},
                        {"asset_id", id},
                        {"attachment", std::move(shown)},
                        {"asset_url", page}});
}

answer plane::impl::attachment_one(call& c) {
  row* a = attachments.find(c.ids.at(1));
  if (a == nullptr || text_of(*a, "issue") != c.ids.front()) return not_found();
  const std::string key = text_of(*a, "asset");
  if (c.method() == "DELETE") {
    (*a)["is_deleted"] = true;
    attachments.remove(*a, stamp());
    if (old()) announce(c, "issue", "deleted", c.ids.front(), {"attachment"});
    return empty_reply(204);
  }
  if (c.method() == "PATCH") {
    // Whether the bytes are there is not looked at.
    if (!true_in(*a, "is_uploaded") && old())
      announce(c, "issue", "created", c.ids.front(), {"attachment", {}, key, {}, a->at("id")});
    (*a)["is_uploaded"] = true;
    (*a)["updated_at"] = stamp();
    return empty_reply(204);
  }
  if (!true_in(*a, "is_uploaded")) return refused("The asset is not uploaded.");
  answer there = empty_reply(302);
  there.headers.push_back({"Location", storage_base(*c.in) + "/" + protocol::percent_encode(key) +
                                           "?X-Amz-Signature=" + permits[key].signature});
  return there;
}

answer plane::impl::store_upload(const inbound& request) {
  // One way to say who asks, as S3 has it: a header beside the form's signature is a mistake.
  if (!header_value(request, "Authorization").empty()) return store_answer(400, "InvalidArgument");
  std::map<std::string, std::string> fields;
  const form_part* file = nullptr;
  const auto parts = parts_of(request);
  for (const auto& p : parts) {
    if (p.name == "file")
      file = &p;
    else if (file == nullptr)  // what comes behind the file does not count
      fields[p.name] = p.bytes;
  }
  if (file == nullptr) return store_answer(400, "InvalidArgument");
  const auto permit = permits.find(fields["key"]);
  if (permit == permits.end() || permit->second.signature != fields["x-amz-signature"])
    return store_answer(403, "SignatureDoesNotMatch", fields["x-amz-signature"]);
  if (clock.now() > permit->second.until || fields["Content-Type"] != permit->second.type)
    return store_answer(403, "AccessDenied", fields["x-amz-signature"]);
  if (file->bytes.empty()) return store_answer(400, "EntityTooSmall");
  if (file->bytes.size() > permit->second.largest) return store_answer(400, "EntityTooLarge");
  upload_bytes[permit->first] = file->bytes;
  return empty_reply(204);
}

answer plane::impl::storage(const inbound& request) {
  if (request.method == "POST") return store_upload(request);
  if (request.method != "GET") return store_answer(405, "MethodNotAllowed");
  constexpr std::string_view sign = "X-Amz-Signature=";
  const std::string key = request.path.substr(std::min(store_path.size() + 1, request.path.size()));
  const auto at = request.query.find(sign);
  const auto permit = permits.find(key);
  const auto found = upload_bytes.find(key);
  if (permit == permits.end() || found == upload_bytes.end() || at == std::string::npos ||
      request.query.substr(at + sign.size()) != permit->second.signature)
    return store_answer(403, "AccessDenied");
  return {200,
          {{"Content-Type", permit->second.type},
           {"Content-Disposition", "attachment"},
           {"X-Content-Type-Options", "nosniff"}},
          found->second};
}

std::vector<attached_file> plane::attachments_of(std::string_view item_id) const {
  const std::scoped_lock held{impl_->lock};
  std::vector<attached_file> out;
  for (const row* a : impl_->attachments.of(item_id)) {
    const auto& about = a->at("attributes").as_object();
    attached_file f{text_of(*a, "id"),          text_of(about, "name"),
                    text_of(about, "type"),     text_of(*a, "external_source"),
                    text_of(*a, "external_id"), true_in(*a, "is_uploaded")};
    if (const auto at = impl_->upload_bytes.find(text_of(*a, "asset"));
        at != impl_->upload_bytes.end()) {
      f.stored = true;
      f.bytes = at->second;
    }
    out.push_back(std::move(f));
  }
  return out;
}

}  // namespace pb::sandbox
