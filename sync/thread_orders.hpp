// sync/thread_orders: what a command does. Used by the thread_*.cpp of sync/ only.
#pragma once
#include "sync/thread_desk.hpp"

namespace pb::sync {

thread_verdict obey(thread_desk& desk, const protocol::lark::message& m, const command& order);
/// Binding and what goes with it; new items (thread_binding.cpp).
thread_verdict obey_bind(thread_desk& desk, const protocol::lark::message& m, const command& order);
thread_verdict obey_create(thread_desk& desk, const protocol::lark::message& m,
                           const command& order);
/// Commands that set fields (thread_fields.cpp).
thread_verdict obey_fields(thread_desk& desk, const protocol::lark::message& m,
                           const command& order);

/// Hands a comment over to the bound item. @param word  a command's word stands before the text
void comment(thread_desk& desk, const protocol::lark::message& m, bool word);

}  // namespace pb::sync
