# What goes over the wire.
set(lark_wire_sources
  lark/crypto.cpp
  lark/events.cpp
  lark/intake.cpp
  lark/reader.cpp)
# What people read: posts, cards, HTML.
set(lark_shown_sources
  lark/card.cpp
  lark/card_check.cpp
  lark/card_parts.cpp
  lark/safe_text.cpp
  lark/words.cpp)
set(lark_sources ${lark_wire_sources} ${lark_shown_sources})
