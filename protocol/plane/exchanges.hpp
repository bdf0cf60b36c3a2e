// protocol/plane/exchanges: remote operations on Plane that take one or several requests, as the
// state machines of protocol/exchange.hpp. Made by the Plane connector for one use; each names its
// result in accessors that count after `finished`. A failure ends an exchange; start() begins anew.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "protocol/exchange.hpp"
#include "protocol/plane/answers.hpp"
#include "protocol/plane/parse.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {

/// A read ended with the item, or with why there is none.
struct item_gone {};  ///< 404 while its project answers: deleted, archived, or back in the intake
struct project_unreachable {
  int status = 0;         ///< of the answer that told
  bool archived = false;  ///< an archived project hides its items: that deletes nothing
};
using item_reading = std::variant<work_item, item_gone, project_unreachable>;

class read_work_item final : public exchange {
public:
  read_work_item(api a, std::string project, std::string id);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const item_reading& reading() const noexcept { return reading_; }

private:
  step on_item(const http_response& answer);
  step on_project(const http_response& answer);
  api api_;
  std::string project_, id_;
  bool asking_project_ = false;
  item_reading reading_;
};

class read_project final : public exchange {
public:
  read_project(api a, std::string project);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const plane::project& value() const noexcept { return value_; }

private:
  api api_;
  std::string project_;
  plane::project value_;
};

/// Who the key's user is: the cheapest check of a key, and how own edits are known.
class read_me final : public exchange {
public:
  explicit read_me(api a) : api_(std::move(a)) {}
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const user_ref& value() const noexcept { return value_; }

private:
  api api_;
  user_ref value_;
};

/// A whole list, page by page. T is one of the types of parse.hpp.
template <class T>
class list_all : public exchange {
public:
  using make_request = http_request (*)(const api&, const std::vector<std::string>& ids,
                                        const list_query&);
  list_all(api a, std::string operation, std::vector<std::string> ids, make_request make)
      : api_(std::move(a)), operation_(std::move(operation)), ids_(std::move(ids)), make_(make) {}

  step start() override {
    values_.clear();
    walker_ = page_walker{operation_, max_pages};
    return ask({});
  }
  step on_response(const http_response& answer) override {
    if (answer.status != 200) return classify(answer, operation_);
    auto p = parse_page<T>(answer.body, operation_);
    if (!p) return p.error();
    for (auto& one : p->results) values_.push_back(std::move(one));
    auto next = walker_.after(*p);
    if (!next) return next.error();
    if (next->empty()) return finished{};
    return ask(std::move(*next));
  }
  [[nodiscard]] const std::vector<T>& values() const noexcept { return values_; }
  [[nodiscard]] std::vector<T> take() { return std::exchange(values_, {}); }

private:
  static constexpr std::size_t max_pages = 500;
  static constexpr std::uint32_t page_size = 100;
  step ask(std::string cursor) {
    list_query q;
    q.per_page = page_size;
    q.cursor = std::move(cursor);
    return call{make_(api_, ids_, q), operation_, true};
  }
  api api_;
  std::string operation_;
  std::vector<std::string> ids_;
  make_request make_;
  page_walker walker_{""};
  std::vector<T> values_;
};

/// All projects that the key sees, with archived_at and is_member: public ones it is not a member
/// of and archived ones are among them.
class list_projects_all final : public list_all<project> {
public:
  explicit list_projects_all(api a);
};
class list_states_all final : public list_all<project_state> {
public:
  list_states_all(api a, std::string project);
};
class list_labels_all final : public list_all<label> {
public:
  list_labels_all(api a, std::string project);
};
class list_members_all final : public list_all<member> {
public:
  /// Without a project: the workspace's, with roles.
  list_members_all(api a, std::string project);
};
class list_comments_all final : public list_all<comment> {
public:
  list_comments_all(api a, std::string project, std::string item);
};

/// One comment; generation 2 of the webhooks does not carry its text.
class read_comment final : public exchange {
public:
  read_comment(api a, std::string project, std::string item, std::string comment);
  step start() override;
  step on_response(const http_response& answer) override;
  /// Nothing: it is not there any more.
  [[nodiscard]] const std::optional<comment>& value() const noexcept { return value_; }

private:
  api api_;
  std::string project_, item_, comment_;
  std::optional<comment> value_;
};

/// What changed since: newest first, down to the watermark. Overlaps are the caller's to add.
class poll_work_items final : public exchange {
public:
  poll_work_items(api a, std::string project, timestamp watermark, std::size_t max_pages = 1000);
  step start() override;
  step on_response(const http_response& answer) override;
  /// Newest first, each item once, none older than the watermark.
  [[nodiscard]] const std::vector<work_item_brief>& changed() const noexcept { return changed_; }
  /// The newest updated_at that was seen, at least the watermark.
  [[nodiscard]] timestamp newest() const noexcept { return newest_; }

private:
  step ask(std::string cursor);
  api api_;
  std::string project_;
  timestamp watermark_, newest_;
  std::size_t max_pages_;
  page_walker walker_{""};
  std::set<std::string, std::less<>> seen_;
  std::vector<work_item_brief> changed_;
};

/// Every item of a project, cut down to what tells presence. The connector may pause between any
/// two requests. After a failure resume() asks for the same page again and start() for the first.
class scan_work_items final : public exchange {
public:
  scan_work_items(api a, std::string project);
  step start() override;
  step on_response(const http_response& answer) override;
  step resume();
  /// What was read and not yet taken; may be called after each answer so that memory stays small.
  [[nodiscard]] std::vector<work_item_brief> take() { return std::exchange(found_, {}); }
  [[nodiscard]] const std::vector<work_item_brief>& found() const noexcept { return found_; }
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  [[nodiscard]] std::size_t pages() const noexcept { return walker_.pages(); }
  [[nodiscard]] std::uint32_t page_size() const noexcept { return page_size_; }
  [[nodiscard]] std::int64_t total() const noexcept { return total_; }  ///< as Plane estimates it
  [[nodiscard]] const std::optional<failure>& first_error() const noexcept { return first_error_; }

private:
  step ask();
  step failed(failure f);
  api api_;
  std::string project_, cursor_;
  std::uint32_t page_size_ = 1000;
  std::int64_t total_ = 0;
  page_walker walker_{""};
  std::vector<work_item_brief> found_;
  bool complete_ = false;
  std::optional<failure> first_error_;
};

/// "work-items" (v1.1.0 and later) or "issues"; needs a project that the key is a member of.
class probe_items_path final : public exchange {
public:
  probe_items_path(api a, std::string project);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const std::string& items_path() const noexcept { return api_.items_path; }

private:
  step ask();
  api api_;
  std::string project_;
};

/// Creates a work item once: with an external pair an answer 409 means "exists" and the existing
/// one is read; a second start() looks for it before it posts again. Serialize per pair: Plane
/// does not keep two concurrent creations apart.
class create_item final : public exchange {
public:
  create_item(api a, std::string project, item_fields fields, bool look_first = false);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const work_item& item() const noexcept { return item_; }
  [[nodiscard]] bool existed() const noexcept { return existed_; }
  /// Asked and not taken: Plane drops who cannot be assigned, and answers 201.
  [[nodiscard]] const std::vector<std::string>& dropped_assignees() const noexcept {
    return dropped_;
  }

private:
  enum class stage : std::uint8_t { looking, posting, reading };
  [[nodiscard]] bool has_pair() const noexcept;
  step post();
  step take(const http_response& answer, bool existed);
  api api_;
  std::string project_;
  item_fields fields_;
  bool look_first_;
  stage stage_ = stage::posting;
  work_item item_;
  bool existed_ = false;
  std::vector<std::string> dropped_;
};

/// Writes a comment; with an external pair a 409 means "exists".
class create_item_comment final : public exchange {
public:
  create_item_comment(api a, std::string project, std::string item, comment_fields fields);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const comment& value() const noexcept { return value_; }
  [[nodiscard]] bool existed() const noexcept { return existed_; }

private:
  api api_;
  std::string project_, item_;
  comment_fields fields_;
  comment value_;
  bool existed_ = false;
  bool reading_ = false;
};

}  // namespace pb::protocol::plane
