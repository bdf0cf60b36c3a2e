// sandbox: pictures and files of the in-memory Lark: a bot's uploads, and what people attach.
#include <boost/json/serialize.hpp>

#include "sandbox/lark_state.hpp"
#include "sandbox/multipart.hpp"

namespace pb::sandbox {
namespace {

constexpr std::size_t largest_image = 10u << 20;

std::string mime_of(const stored_file& f) {
  if (f.bytes.starts_with("\x89PNG")) return "image/png";
  if (f.bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (f.bytes.starts_with("GIF8")) return "image/gif";
  return "application/octet-stream";
}

answer bytes_answer(const stored_file& f, const std::string& id) {
  return {
      200,
      {{"Content-Type", mime_of(f)},
       {"Content-Disposition", "attachment; filename=\"" + protocol::percent_encode(f.name) + "\""},
       {"X-Tt-Logid", id}},
      f.bytes};
}

}  // namespace

std::string lark::impl::keep_file(std::string type, std::string name, std::string bytes,
                                  std::string message_id) {
  std::string key = (type == "image" ? "img_v3_02ab_" : "file_v3_00ab_") + hex(32);
  files[key] = {std::move(bytes), std::move(name), std::move(type), std::move(message_id)};
  return key;
}

answer lark::impl::image_upload(lark_call& c) {
  std::string type;
  const form_part* image = nullptr;
  const auto parts = parts_of(*c.in);
  for (const auto& p : parts) {
    if (p.name == "image_type") type = p.bytes;
    if (p.name == "image") image = &p;
  }
  if (type != "message" && type != "avatar") return refuse(234001, "image_type");
  if (image == nullptr || image->bytes.empty()) return refuse(234001, "image");
  if (image->bytes.size() > largest_image) return refuse(234006);
  return ok(row{{"image_key", keep_file("image", image->file_name, image->bytes, "")}});
}

answer lark::impl::image_get(lark_call& c) {
  const auto found = files.find(c.ids[0]);
  if (found == files.end() || found->second.type != "image") return refuse(234001, "image_key");
  if (!found->second.message.empty()) return refuse(234008);
  return bytes_answer(found->second, log_id());
}

answer lark::impl::resource_get(lark_call& c) {
  const message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  if (!chat(m->chat)->bot) return refuse(230002);
  if (m->deleted) return refuse(230011);
  const auto found = files.find(c.ids[1]);
  const std::string type = c.param("type");
  if ((type != "image" && type != "file") || found == files.end() || found->second.type != type ||
      m->seen.find(c.ids[1]) == std::string::npos)
    return refuse(234001, "file_key");
  return bytes_answer(found->second, log_id());
}

result<std::string> lark::say_file(const lark_saying& where, std::string name, std::string bytes) {
  lark_saying what = where;
  const bool image = what.type == "image";
  {
    const std::scoped_lock held{impl_->lock};
    const std::string key = impl_->keep_file(image ? "image" : "file", name, std::move(bytes), "-");
    what.type = image ? "image" : "file";
    what.content = json::serialize(image ? row{{"image_key", key}}
                                         : row{{"file_key", key}, {"file_name", name}});
  }
  return say(what);
}

std::string lark::bytes_of(std::string_view key) const {
  const std::scoped_lock held{impl_->lock};
  const auto found = impl_->files.find(std::string{key});
  return found == impl_->files.end() ? std::string{} : found->second.bytes;
}

}  // namespace pb::sandbox
