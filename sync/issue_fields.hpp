// sync/issue_fields: the fields of a work item that chat sees and sets, as comparable values and as
// texts for people. Used inside sync/issue_chat only.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/issue_chat.hpp"

namespace pb::sync {

/// A value that is not known: what was stored before uuids were kept.
inline constexpr std::string_view unknown_value = "?";

/// Of a field of field_edit, in its form.
std::string value_of(const item_knowledge& k, std::string_view field);
/// "state", "target_date" → words for a sentence; any label is "the label".
std::string field_name(std::string_view field);

/// One change for people, and the fields of field_edit that together explain it ("label:<uuid>" for
/// each label that came or went). Empty: no write of ours makes such a change.
struct known_change {
  std::vector<std::string> fields;
  field_change shown;
};
/// What differs, in a fixed order. An item that is gone has lost nothing but itself; one that was
/// never known has changed nothing.
std::vector<known_change> changes_of(const item_knowledge& before, const item_knowledge& after);
/// `more` after `into`: oldest "before", newest "after"; what came back to where it was is left
/// out. Parts (links, files, cycles, modules) are listed one by one.
void merge_changes(std::vector<field_change>& into, std::vector<field_change> more);

/// Webhooks name the field that changed; only its text makes a comment another one.
bool is_edit_of_text(std::string_view field) noexcept;

/// The updates among the lane's effects, oldest first; what does not read is left out.
struct pending_update {
  std::int64_t id = 0;
  bool attempted = false;
  item_update update;
};
std::vector<pending_update> updates_in(std::span<const queued_write> queued);
wanted_plane_write replacement(std::int64_t id, const item_update& update, std::string rule);

/// Tells who asked. @param why_not  empty: it went well
void answer(chat_plan& plan, const asker& who, std::string why_not, item_view now,
            std::string comment = {});

std::string project_page_url(const chat_setting& setting, std::string_view project);

}  // namespace pb::sync
