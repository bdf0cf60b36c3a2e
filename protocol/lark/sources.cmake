# What goes over the wire.
set(lark_wire_sources
  lark/answers.cpp
  lark/answers_refusal.cpp
  lark/content.cpp
  lark/content_lines.cpp
  lark/crypto.cpp
  lark/events.cpp
  lark/exchanges.cpp
  lark/frames.cpp
  lark/intake.cpp
  lark/post_message.cpp
  lark/reader.cpp
  lark/requests.cpp)
# How fast, and over which link.
set(lark_account_sources lark/long_connection.cpp lark/pace.cpp)
# What people read: posts, cards, HTML.
set(lark_shown_sources
  lark/card.cpp
  lark/card_check.cpp
  lark/card_parts.cpp
  lark/chat_text.cpp
  lark/from_html.cpp
  lark/normal_form.cpp
  lark/post.cpp
  lark/preview.cpp
  lark/safe_text.cpp
  lark/to_html.cpp
  lark/words.cpp)
set(lark_sources ${lark_wire_sources} ${lark_account_sources} ${lark_shown_sources})
