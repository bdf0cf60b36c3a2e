#include "protocol/plane/attach_file.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/plane/answers.hpp"

namespace pb::protocol::plane {
namespace json = boost::json;
namespace {

constexpr std::string_view op_create = "plane.create_attachment", op_check = "plane.get_attachment",
                           op_clear = "plane.delete_attachment", op_upload = "plane.upload",
                           op_complete = "plane.complete_attachment",
                           op_list = "plane.list_attachments";
constexpr std::size_t max_form_bytes = 1u << 20, max_list = 16u << 20;
constexpr std::size_t max_url = 4'096, max_fields = 40, max_field = 16u << 10;

failure odd(std::string detail) {
  return {.code = errc::unexpected_answer,
          .where = std::string{op_create},
          .detail = std::move(detail)};
}

/// No quote and nothing that would end a header or a part of the form.
bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
  });
}
bool is_address(std::string_view url) {
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  return known && url.size() <= max_url &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string text_of(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
  const auto* s = v == nullptr ? nullptr : v->if_string();
  return s == nullptr ? std::string{} : std::string{s->data(), s->size()};
}

/// The word in <Code>…</Code>: all that is told of a storage's refusal, since the rest may repeat
/// what was signed.
std::string storage_word(std::string_view xml) {
  constexpr std::string_view open = "<Code>", close = "</Code>";
  const auto from = xml.find(open);
  if (from == std::string_view::npos) return {};
  const auto word = xml.substr(from + open.size(), 64);
  const auto end = word.find(close);
  if (end == std::string_view::npos) return {};
  const auto inside = word.substr(0, end);
  const bool plain = std::all_of(inside.begin(), inside.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return plain ? std::string{inside} : std::string{};
}

/// Its statuses are not Plane's: a 401 or 507 of the storage must stop nobody's calls to Plane.
failure storage_failure(const http_response& answer) {
  const auto word = storage_word(answer.body);
  failure f{.code = errc::upstream_down, .where = std::string{op_upload}};
  f.status = answer.status;
  f.detail = "Plane's storage answers " + std::to_string(answer.status) +
             (word.empty() ? std::string{} : " " + word);
  f.remedy = "look at the storage behind Plane, and at how Plane's proxy passes it on";
  if (answer.status == 413 || word == "EntityTooLarge") {
    f.code = errc::too_large;
    f.remedy = "raise FILE_SIZE_LIMIT of the Plane server, or send less";
  }
  return f;
}

failure making_failed(const http_response& answer, const std::string& type) {
  auto f = classify(answer, op_create);
  if (answer.status == 400 && f.detail.find("Invalid file type") != std::string::npos) {
    f.code = errc::bad_input;
    f.detail = "Plane takes no files of type " + type;
  }
  return f;
}

}  // namespace

result<upload_place> parse_upload_place(std::string_view body) {
  const auto v = parse_json(body, max_form_bytes, errc::unexpected_answer, op_create);
  if (!v) return v.error();
  const auto* root = v->if_object();
  const auto* data = root == nullptr ? nullptr : root->if_contains("upload_data");
  if (data == nullptr || !data->is_object()) return odd("upload_data: an object is due");
  upload_place out;
  out.asset = text_of(*root, "asset_id");
  if (!is_uuid(out.asset)) return odd("asset_id: a uuid is due");
  out.url = text_of(data->get_object(), "url");
  if (!is_address(out.url)) return odd("upload_data.url: not an http or https address");
  const auto* fields = data->get_object().if_contains("fields");
  if (fields == nullptr || !fields->is_object() || fields->get_object().size() > max_fields)
    return odd("upload_data.fields: an object of at most 40 texts is due");
  for (const auto& [key, value] : fields->get_object()) {
    const std::string_view name{key.data(), key.size()};
    const auto* text = value.if_string();
    if (!is_field_name(name) || text == nullptr || text->size() > max_field ||
        std::string_view{text->data(), text->size()}.find_first_of("\r\n") !=
            std::string_view::npos)
      return odd("upload_data.fields: not the fields of a form");
    out.fields.emplace_back(name, std::string{text->data(), text->size()});
  }
  return out;
}

http_request upload_request(const upload_place& to, std::string_view bytes) {
  // Made of the bytes themselves, so that they cannot hold it but by breaking SHA-256.
  const auto boundary = "planebridge-" + sha256_hex(bytes).substr(0, 40);
  http_request out;
  out.method = "POST";
  out.url = to.url;
  out.headers.push_back({"Accept", "*/*", false});
  out.headers.push_back({"Content-Type", "multipart/form-data; boundary=" + boundary, false});
  out.body.reserve(bytes.size() + 8'192);
  const auto part = [&](std::string_view head, std::string_view content) {
    out.body += "--" + boundary + "\r\nContent-Disposition: form-data; ";
    out.body += head;
    out.body += "\r\n\r\n";
    out.body += content;
    out.body += "\r\n";
  };
  for (const auto& [name, value] : to.fields) part("name=\"" + name + '"', value);
  part("name=\"file\"; filename=\"file\"\r\nContent-Type: application/octet-stream", bytes);
  out.body += "--" + boundary + "--\r\n";
  return out;
}

step attach_file::start() {
  existed_ = cleared_ = false;
  place_ = {};
  if (!what_.bytes || what_.bytes->empty())
    return failure{
        .code = errc::bad_input, .where = std::string{op_create}, .detail = "the file is empty"};
  return make();
}

step attach_file::make() {
  stage_ = stage::making;
  return call{create_attachment(api_, project_, item_,
                                {what_.name, what_.type, what_.bytes->size(), what_.external_source,
                                 what_.external_id}),
              std::string{op_create}, true};
}

step attach_file::on_made(const http_response& answer) {
  if (answer.status == 200 || answer.status == 201) {
    auto place = parse_upload_place(answer.body);
    if (!place) return place.error();
    place_ = std::move(*place);
    stage_ = stage::uploading;
    call c{upload_request(place_, *what_.bytes), std::string{op_upload}, true};
    c.elsewhere = true;
    c.max_answer_bytes = max_form_bytes;
    return c;
  }
  auto f = making_failed(answer, what_.type);
  const auto conflict = conflict_of(answer, write_kind::creation);
  if (!conflict || cleared_) return f;
  place_.asset = conflict->existing_id;
  stage_ = stage::checking;
  return call{get_attachment(api_, project_, item_, place_.asset), std::string{op_check}, true};
}

/// A redirection to the bytes says that they are there. It is not followed: its address is signed.
step attach_file::on_checked(const http_response& answer) {
  if (answer.status == 200 || (answer.status >= 301 && answer.status <= 308)) {
    existed_ = true;
    return finished{};
  }
  if (answer.status != 400 && answer.status != 404) return classify(answer, op_check);
  stage_ = stage::clearing;
  return call{delete_attachment(api_, project_, item_, place_.asset), std::string{op_clear}, true};
}

step attach_file::on_response(const http_response& answer) {
  const bool good = answer.status == 200 || answer.status == 201 || answer.status == 204;
  switch (stage_) {
    case stage::making:
      return on_made(answer);
    case stage::checking:
      return on_checked(answer);
    case stage::clearing:
      if (!good && answer.status != 404) return classify(answer, op_clear);
      cleared_ = true;
      return make();
    case stage::uploading:
      if (!good) return storage_failure(answer);
      stage_ = stage::completing;
      return call{complete_attachment(api_, project_, item_, place_.asset),
                  std::string{op_complete}, true};
    case stage::completing:
      if (!good) return classify(answer, op_complete);
      return finished{};
  }
  return odd("no stage");
}

step find_attachment::start() {
  asset_.clear();
  return call{list_attachments(api_, project_, item_), std::string{op_list}, true};
}

step find_attachment::on_response(const http_response& answer) {
  if (answer.status != 200) return classify(answer, op_list);
  const auto v = parse_json(answer.body, max_list, errc::unexpected_answer, op_list);
  if (!v) return v.error();
  const auto* all = v->if_array();
  if (all == nullptr)
    return failure{
        .code = errc::unexpected_answer, .where = std::string{op_list}, .detail = "a list is due"};
  for (const auto& one : *all) {
    const auto* o = one.if_object();
    if (o == nullptr || text_of(*o, "external_source") != source_ ||
        text_of(*o, "external_id") != id_)
      continue;
    const auto* there = o->if_contains("is_uploaded");
    const auto id = text_of(*o, "id");
    if (there != nullptr && there->is_bool() && there->get_bool() && is_uuid(id)) asset_ = id;
  }
  return finished{};
}

}  // namespace pb::protocol::plane
