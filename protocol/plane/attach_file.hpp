// protocol/plane/attach_file: one file becomes an attachment of a work item, once
// (docs/contracts/plane.md, attachments): Plane makes the attachment and gives an address of its
// storage, the bytes go there, Plane is told that they are there. Pure values; used by one
// connector at a time.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/exchange.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {

struct new_attachment {
  std::string name, type;  ///< type: MIME
  std::string external_source, external_id;
  std::shared_ptr<const std::string> bytes;
};

/// Where the bytes go, as Plane said. The fields are signed: they are in no log and no failure.
struct upload_place {
  std::string asset;  ///< uuid of the attachment
  std::string url;    ///< http or https; any host
  std::vector<std::pair<std::string, std::string>> fields;
};
result<upload_place> parse_upload_place(std::string_view body);
/// multipart/form-data, the file last, as S3 wants it.
http_request upload_request(const upload_place& to, std::string_view bytes);

/// Repeats meet what is there by its external id: one whose bytes have arrived is left alone, one
/// whose bytes have not is made anew, since Plane gives its storage's address once only.
class attach_file final : public exchange {
public:
  attach_file(api a, std::string project, std::string item, new_attachment what)
      : api_(std::move(a)),
        project_(std::move(project)),
        item_(std::move(item)),
        what_(std::move(what)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const std::string& asset() const noexcept { return place_.asset; }
  [[nodiscard]] bool existed() const noexcept { return existed_; }

private:
  enum class stage : std::uint8_t { making, checking, clearing, uploading, completing };
  step make();
  step on_made(const http_response& answer);
  step on_checked(const http_response& answer);
  api api_;
  std::string project_, item_;
  new_attachment what_;
  upload_place place_;
  stage stage_ = stage::making;
  bool existed_ = false, cleared_ = false;
};

/// Is there an attachment with this external id whose bytes have arrived?
class find_attachment final : public exchange {
public:
  find_attachment(api a, std::string project, std::string item, std::string external_source,
                  std::string external_id)
      : api_(std::move(a)),
        project_(std::move(project)),
        item_(std::move(item)),
        source_(std::move(external_source)),
        id_(std::move(external_id)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const std::string& asset() const noexcept { return asset_; }  ///< empty: no

private:
  api api_;
  std::string project_, item_, source_, id_, asset_;
};

}  // namespace pb::protocol::plane
