// The OpenAPI description, written by hand; a test compares its paths with the routes.
#include "http/system_endpoints.hpp"

namespace pb::http {
namespace {

constexpr std::string_view text = R"json({
"openapi": "3.0.3",
"info": {
  "title": "planebridge API",
  "version": "1",
  "description": "Answers are {\"data\": …}, lists with \"page\": {\"next_cursor\", \"has_more\"}; failures are {\"error\": {\"code\", \"message\", \"details\", \"request_id\"}}. Every answer carries X-Request-Id. KEY_MISSING names the configuration entry that would fix it."
},
"components": {
  "securitySchemes": {
    "admin": {"type": "http", "scheme": "bearer", "description": "ADMIN_TOKEN"},
    "scrape": {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN or ADMIN_TOKEN; not needed from loopback"},
    "lark": {"type": "apiKey", "in": "header", "name": "X-Lark-Signature", "description": "SHA-256 of timestamp, nonce, encrypt key and raw body, in hex; every body carries the verification token, too"},
    "plane": {"type": "apiKey", "in": "header", "name": "X-Plane-Signature", "description": "HMAC-SHA256 of the raw body with the webhook's secret, in hex"}
  }
},
"paths": {
  "/healthz": {"get": {"summary": "Is the process alive?", "responses": {"200": {"description": "yes"}}}},
  "/readyz": {"get": {"summary": "May work be sent here?", "responses": {"200": {"description": "yes"}, "503": {"description": "not now"}}}},
  "/health": {"get": {"summary": "Status in one word: ok, degraded or down", "responses": {"200": {"description": "ok or degraded"}, "503": {"description": "down"}}}},
  "/api/v1/health": {"get": {"summary": "The same; with the admin token every dependency with latency, breaker state and queue ages", "security": [{}, {"admin": []}], "responses": {"200": {"description": "ok or degraded"}, "401": {"description": "wrong token"}, "503": {"description": "down"}}}},
  "/metrics": {"get": {"summary": "Figures in Prometheus' text form", "security": [{}, {"scrape": []}], "responses": {"200": {"description": "text"}, "401": {"description": "not from loopback, and no right token"}, "503": {"description": "not from loopback, and no token is configured"}}}},
  "/debug/actors": {"get": {"summary": "Live actors", "security": [{"admin": []}], "parameters": [
    {"name": "kind", "in": "query", "description": "only this kind", "schema": {"type": "string"}},
    {"name": "key", "in": "query", "description": "only keys that contain this", "schema": {"type": "string"}},
    {"name": "state", "in": "query", "description": "only states that contain this", "schema": {"type": "string"}},
    {"name": "sort", "in": "query", "description": "id, kind, key, state, mailbox, handled, failed, restarts, since or state_since", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer"}}],
    "responses": {"200": {"description": "list"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING"}}}},
  "/debug/actors/{id}": {"get": {"summary": "One actor with recent events and the effect in flight", "security": [{"admin": []}], "parameters": [
    {"name": "id", "in": "path", "required": true, "description": "as /debug/actors shows it", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "the actor"}, "401": {"description": "no right token"}, "404": {"description": "no such actor"}, "503": {"description": "KEY_MISSING"}}}},
  "/debug/scheduler": {"get": {"summary": "Scheduler threads, queues, budgets, cron entries with their next runs", "security": [{"admin": []}], "responses": {"200": {"description": "figures"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING"}}}},
  "/debug/config": {"get": {"summary": "The effective configuration, secrets masked", "security": [{"admin": []}], "responses": {"200": {"description": "entries with value and origin"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING"}}}},
  "/debug/stream": {"get": {"summary": "What happens, as server-sent events", "security": [{"admin": []}], "responses": {"200": {"description": "text/event-stream: delivery, plan, effect …"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or too many streams"}}}},
  "/api/v1/deliveries": {"get": {"summary": "Deliveries", "security": [{"admin": []}], "parameters": [
    {"name": "order", "in": "query", "description": "newest (the default) or oldest first", "schema": {"type": "string"}},
    {"name": "status", "in": "query", "description": "pending, done, ignored, dead or skipped", "schema": {"type": "string"}},
    {"name": "source", "in": "query", "description": "only this source", "schema": {"type": "string"}},
    {"name": "entity", "in": "query", "description": "only this entity", "schema": {"type": "string"}},
    {"name": "event", "in": "query", "description": "only this event", "schema": {"type": "string"}},
    {"name": "body", "in": "query", "description": "1: with bodies as text, each cut to 64 KiB", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list"}, "400": {"description": "a parameter is not as expected"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/deliveries/{seq}": {"get": {"summary": "One delivery", "security": [{"admin": []}], "parameters": [
    {"name": "seq", "in": "path", "required": true, "description": "d12 or 12", "schema": {"type": "string"}},
    {"name": "body", "in": "query", "description": "1: with the body as text, cut to 64 KiB", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "the delivery"}, "401": {"description": "no right token"}, "404": {"description": "no such delivery"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/effects": {"get": {"summary": "Effects", "security": [{"admin": []}], "parameters": [
    {"name": "order", "in": "query", "description": "newest (the default) or oldest first", "schema": {"type": "string"}},
    {"name": "status", "in": "query", "description": "waiting, done, dead, superseded, cancelled or withheld", "schema": {"type": "string"}},
    {"name": "entity", "in": "query", "description": "only this entity", "schema": {"type": "string"}},
    {"name": "integration", "in": "query", "description": "only this integration", "schema": {"type": "string"}},
    {"name": "body", "in": "query", "description": "1: with stored payloads, each cut to 64 KiB", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list"}, "400": {"description": "a parameter is not as expected"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/effects/{id}": {"get": {"summary": "One effect with every attempt", "security": [{"admin": []}], "parameters": [
    {"name": "id", "in": "path", "required": true, "description": "e12 or 12", "schema": {"type": "string"}},
    {"name": "body", "in": "query", "description": "1: with the stored payload, cut to 64 KiB", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "the effect"}, "401": {"description": "no right token"}, "404": {"description": "no such effect"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/dead-letters": {"get": {"summary": "Deliveries and effects whose attempts are used up", "security": [{"admin": []}], "parameters": [
    {"name": "entity", "in": "query", "description": "only this entity", "schema": {"type": "string"}},
    {"name": "body", "in": "query", "description": "1: with bodies and payloads, each cut to 64 KiB", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list"}, "400": {"description": "a parameter is not as expected"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/dead-letters/export": {"get": {"summary": "All of them, one JSON object a line; a last line of type more says where to go on when the file ends early", "security": [{"admin": []}], "parameters": [
    {"name": "entity", "in": "query", "description": "only this entity", "schema": {"type": "string"}},
    {"name": "body", "in": "query", "description": "1: with bodies and payloads, each cut to 64 KiB", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the export before", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "application/x-ndjson"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/dead-letters/{id}/retry": {"post": {"summary": "Try it again", "security": [{"admin": []}], "parameters": [
    {"name": "id", "in": "path", "required": true, "description": "d12 or e34", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "what it became"}, "401": {"description": "no right token"}, "404": {"description": "no such dead letter"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/dead-letters/{id}/skip": {"post": {"summary": "Give it up", "security": [{"admin": []}], "parameters": [
    {"name": "id", "in": "path", "required": true, "description": "d12 or e34", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "skipped"}, "401": {"description": "no right token"}, "404": {"description": "no such dead letter"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/links": {"get": {"summary": "Which remote object belongs to which entity", "security": [{"admin": []}], "parameters": [
    {"name": "entity", "in": "query", "description": "only this entity, all integrations", "schema": {"type": "string"}},
    {"name": "integration", "in": "query", "description": "caldav when absent", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list"}, "400": {"description": "a parameter is not as expected"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/timeline/{entity}": {"get": {"summary": "What was received, decided, tried and agreed on for one entity", "description": "By time within a page; pages go by the delivery that caused things, and limit counts deliveries.", "security": [{"admin": []}], "parameters": [
    {"name": "entity", "in": "path", "required": true, "description": "plane:issue:<uuid>", "schema": {"type": "string"}},
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "deliveries of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list of deliveries, effects, attempts, provenance"}, "401": {"description": "no right token"}, "404": {"description": "nothing is known of it"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/api/v1/sync": {"post": {"summary": "A full sync now", "description": "Body: {\"project\": uuid or identifier, all when absent; \"dry_run\": true to look only}.", "security": [{"admin": []}],
    "responses": {"202": {"description": "started; data.id names the run"}, "400": {"description": "the body is not as expected"}, "401": {"description": "no right token"}, "415": {"description": "not application/json"}, "503": {"description": "KEY_MISSING"}}}},
  "/api/v1/sync/{id}": {"get": {"summary": "How far a full sync is, and what it changed", "security": [{"admin": []}], "parameters": [
    {"name": "id", "in": "path", "required": true, "description": "data.id of its start", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "state, steps, changes, failures"}, "401": {"description": "no right token"}, "404": {"description": "no such run"}, "503": {"description": "KEY_MISSING"}}}},
)json"
                                  R"json(
  "/webhooks/plane": {"post": {"summary": "Plane's webhook", "security": [{"plane": []}],
    "responses": {"200": {"description": "accepted, duplicate or ignored; durable"}, "401": {"description": "no right signature"}, "413": {"description": "larger than 64 MiB"}, "503": {"description": "KEY_MISSING"}}}},
  "/admin/mappings/users": {"get": {"summary": "Which Feishu user is which Plane member", "security": [{"admin": []}], "parameters": [
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list"}, "400": {"description": "a parameter is not as expected"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}},
    "post": {"summary": "Make or change one; what is not named stays", "description": "Body: open_id, and any of plane_user (uuid; empty: nobody), name, email, union_id.", "security": [{"admin": []}],
    "responses": {"200": {"description": "the mapping"}, "201": {"description": "a new one"}, "400": {"description": "details.mistakes names each field"}, "401": {"description": "no right token"}, "415": {"description": "not application/json"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/admin/mappings/users/import": {"post": {"summary": "From a CSV file whose first line names the fields, all or nothing", "security": [{"admin": []}], "parameters": [
    {"name": "dry_run", "in": "query", "description": "1: only tell what would change", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "rows, created, changed, unchanged"}, "400": {"description": "details.mistakes names each line and column"}, "401": {"description": "no right token"}, "413": {"description": "larger than 2 MiB"}, "415": {"description": "not text/csv"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/admin/mappings/users/match": {"post": {"summary": "Map all members of the workspace by their e-mail addresses", "description": "What was mapped by hand stays. data.left lists who is left, each with the reason.", "security": [{"admin": []}], "parameters": [
    {"name": "dry_run", "in": "query", "description": "1: only tell what would change", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "members, known, mapped, left"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or Feishu, Plane or the store is away"}}}},
  "/admin/mappings/users/{open_id}": {"delete": {"summary": "Forget one", "security": [{"admin": []}], "parameters": [
    {"name": "open_id", "in": "path", "required": true, "description": "ou_…", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "deleted"}, "400": {"description": "the key is none"}, "401": {"description": "no right token"}, "404": {"description": "no such mapping"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/admin/mappings/channel-project": {"get": {"summary": "What a chat has to do with a project", "security": [{"admin": []}], "parameters": [
    {"name": "cursor", "in": "query", "description": "next_cursor of the page before", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "description": "rows of a page, 1 to 200; 50 when absent", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}}],
    "responses": {"200": {"description": "list"}, "400": {"description": "a parameter is not as expected"}, "401": {"description": "no right token"}, "503": {"description": "KEY_MISSING, or the store is away"}}},
    "post": {"summary": "Make or change one; what is not named stays", "description": "Body: chat, project (uuid or identifier), and any of shown, default, announce_items, announce_projects, internal_comments, external (true or false), states, priorities, labels, types (lists of names).", "security": [{"admin": []}],
    "responses": {"200": {"description": "the mapping"}, "201": {"description": "a new one"}, "400": {"description": "details.mistakes names each field"}, "401": {"description": "no right token"}, "415": {"description": "not application/json"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/admin/mappings/channel-project/import": {"post": {"summary": "From a CSV file whose first line names the fields, all or nothing", "security": [{"admin": []}], "parameters": [
    {"name": "dry_run", "in": "query", "description": "1: only tell what would change", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "rows, created, changed, unchanged"}, "400": {"description": "details.mistakes names each line and column"}, "401": {"description": "no right token"}, "413": {"description": "larger than 2 MiB"}, "415": {"description": "not text/csv"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/admin/mappings/channel-project/{chat}/{project}": {"delete": {"summary": "Forget one", "security": [{"admin": []}], "parameters": [
    {"name": "chat", "in": "path", "required": true, "description": "oc_…", "schema": {"type": "string"}},
    {"name": "project", "in": "path", "required": true, "description": "uuid or identifier", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "deleted"}, "400": {"description": "the key is none"}, "401": {"description": "no right token"}, "404": {"description": "no such mapping"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/webhooks/lark/events": {"post": {"summary": "Feishu's and Lark's events", "security": [{"lark": []}],
    "responses": {"200": {"description": "durable; a challenge, a toast or a preview where one was asked for"}, "400": {"description": "not signed, and nothing that could be"}, "401": {"description": "signature or token do not fit"}, "404": {"description": "events come over the long connection here"}, "413": {"description": "larger than 1 MiB"}, "503": {"description": "KEY_MISSING, or nothing durable can take it now"}}}},
  "/webhooks/lark/interactivity": {"post": {"summary": "Card clicks and link previews of Feishu and Lark; events are taken, too", "security": [{"lark": []}],
    "responses": {"200": {"description": "durable; a challenge, a toast or a preview where one was asked for"}, "400": {"description": "not signed, and nothing that could be"}, "401": {"description": "signature or token do not fit"}, "404": {"description": "events come over the long connection here"}, "413": {"description": "larger than 1 MiB"}, "503": {"description": "KEY_MISSING, or nothing durable can take it now"}}}},
  "/webhooks/lark/commands": {"post": {"summary": "The same as events, for apps with a separate address", "security": [{"lark": []}],
    "responses": {"200": {"description": "durable; a challenge, a toast or a preview where one was asked for"}, "400": {"description": "not signed, and nothing that could be"}, "401": {"description": "signature or token do not fit"}, "404": {"description": "events come over the long connection here"}, "413": {"description": "larger than 1 MiB"}, "503": {"description": "KEY_MISSING, or nothing durable can take it now"}}}},
  "/connect/{token}": {"get": {"summary": "The page where a person connects their own Plane account, by OAuth or with an API key; the bot gives its link in private", "parameters": [
    {"name": "token", "in": "path", "required": true, "description": "the secret of the link; one account, 15 minutes", "schema": {"type": "string"}},
    {"name": "with", "in": "query", "description": "plane: on to Plane, where the person agrees; only from the page itself, and only with an OAuth app", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "a page"}, "302": {"description": "to Plane, with the cookie that the way back needs"}, "403": {"description": "another site led to Plane"}, "404": {"description": "used, too old, or never made"}, "503": {"description": "no ENCRYPTION_KEY, or the store is away"}}},
    "post": {"summary": "The key, as a form", "parameters": [
    {"name": "token", "in": "path", "required": true, "description": "the secret of the link", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "sealed"}, "400": {"description": "Plane does not know the key"}, "403": {"description": "of another account, or sent by another site"}, "404": {"description": "used, too old, or never made"}, "409": {"description": "being used at this moment"}, "503": {"description": "no ENCRYPTION_KEY, or Plane or the store is away"}}}},
  "/plane/oauth/start": {"get": {"summary": "Sends a person to Plane to install the app, or to let it act for them", "parameters": [
    {"name": "flow", "in": "query", "description": "bot or user", "schema": {"type": "string"}},
    {"name": "state", "in": "query", "description": "handed back at the end", "schema": {"type": "string"}}],
    "responses": {"302": {"description": "to Plane"}, "503": {"description": "KEY_MISSING"}}}},
  "/plane/oauth/callback": {"get": {"summary": "The way back from Plane: of the app's installation, and of people from their one-time page", "responses": {"200": {"description": "what was stored, without secrets"}, "400": {"description": "the state is not ours, was used or is too old; Plane or the person refused"}, "403": {"description": "a person in another browser, or with another account than the one they are mapped to"}, "404": {"description": "the person's link was used, or has run out"}, "409": {"description": "the person's link is being used at this moment"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/calendar/{token}.ics": {"get": {"summary": "Work items with dates as an iCalendar feed", "parameters": [
    {"name": "token", "in": "path", "required": true, "description": "the secret of the URL", "schema": {"type": "string"}},
    {"name": "project", "in": "query", "description": "only this project: uuid or identifier", "schema": {"type": "string"}}],
    "responses": {"200": {"description": "text/calendar"}, "304": {"description": "unchanged since the ETag given"}, "404": {"description": "no such feed"}, "503": {"description": "KEY_MISSING, or the store is away"}}}},
  "/openapi.json": {"get": {"summary": "This description", "responses": {"200": {"description": "OpenAPI 3"}}}},
  "/docs": {"get": {"summary": "The same for people", "responses": {"200": {"description": "a page"}}}}
}
})json";

}  // namespace

std::string_view openapi_text() noexcept { return text; }

}  // namespace pb::http
