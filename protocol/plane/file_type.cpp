#include "protocol/plane/file_type.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace pb::protocol::plane {
namespace {

constexpr std::string_view any_bytes = "application/octet-stream";
constexpr std::size_t longest_ending = 8;

struct ending {
  std::string_view name, type;
};
/// The first of a type is the one that it is given. All are in Plane's list.
constexpr ending endings[]{
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"svg", "image/svg+xml"},
    {"bmp", "image/bmp"},
    {"tiff", "image/tiff"},
    {"tif", "image/tiff"},
    {"pdf", "application/pdf"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rtf", "application/rtf"},
    {"txt", "text/plain"},
    {"log", "text/plain"},
    {"md", "text/plain"},
    {"csv", "text/csv"},
    {"css", "text/css"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"xml", "text/xml"},
    {"mp3", "audio/mpeg"},
    {"wav", "audio/wav"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"aac", "audio/aac"},
    {"flac", "audio/flac"},
    {"m4a", "audio/x-m4a"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"webm", "video/webm"},
    {"mov", "video/quicktime"},
    {"avi", "video/x-msvideo"},
    {"zip", "application/zip"},
    {"rar", "application/x-rar-compressed"},
    {"tar", "application/x-tar"},
    {"gz", "application/gzip"},
    {"7z", "application/x-7z-compressed"},
};

std::string ending_of(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const auto rest = name.substr(dot + 1);
  return rest.size() > longest_ending ? std::string{} : lower_case(rest);
}

/// "image/png; charset=x" → "image/png"; empty when it is no type.
std::string bare_type(std::string_view told) {
  told = told.substr(0, std::min(told.find(';'), std::size_t{100}));
  while (told.ends_with(' ')) told.remove_suffix(1);
  const bool good =
      told.find('/') != std::string_view::npos && std::all_of(told.begin(), told.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '+' || c == '-' || c == '.' || c == '_';
      });
  return good ? lower_case(told) : std::string{};
}

}  // namespace

std::string file_type_of(std::string_view name, std::string_view told, std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  const auto end = ending_of(name);
  for (const auto& e : endings)
    if (e.name == end) return std::string{e.type};
  auto type = bare_type(told);
  return type.empty() ? std::string{any_bytes} : type;
}

std::string with_ending(std::string name, std::string_view type) {
  if (!ending_of(name).empty()) return name;
  for (const auto& e : endings)
    if (e.type == type) return name + '.' + std::string{e.name};
  return name;
}

}  // namespace pb::protocol::plane
