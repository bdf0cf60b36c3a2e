set(plane_sources
  plane/model.cpp
  plane/json_reader.cpp
  plane/parse.cpp
  plane/webhook.cpp
  plane/webhook_prefix.cpp)
