# What goes over the wire.
set(lark_wire_sources)
# What people read: posts, cards, HTML.
set(lark_shown_sources)
set(lark_sources ${lark_wire_sources} ${lark_shown_sources})
