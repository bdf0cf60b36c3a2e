# What goes over the wire.

# What people read: posts, cards, HTML.
