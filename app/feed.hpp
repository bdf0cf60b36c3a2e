// app/feed: the calendar feed's text, built from the store on its reader thread.
#pragma once
#include "actors/context.hpp"
#include "http/calendar_feed.hpp"

namespace pb::app {

http::calendar_body feed_from_store(actors::context_ptr ctx);

}  // namespace pb::app
