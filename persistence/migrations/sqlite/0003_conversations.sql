-- Conversations: what became of messages and comments, and who and which project is meant by what
-- Feishu calls a user and a chat.
-- oldest_binary: 0.1.0
CREATE TABLE receipts (
  integration TEXT NOT NULL,
  object TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (integration, object)
) WITHOUT ROWID;

-- how: 0 found by e-mail, 1 entered by a person.
CREATE TABLE mappings_users (
  open_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  union_id TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  plane_user TEXT NOT NULL,
  how INTEGER NOT NULL CHECK (how IN (0, 1)),
  left_tenant INTEGER NOT NULL CHECK (left_tenant IN (0, 1)),
  changed_at INTEGER NOT NULL
);
CREATE INDEX mappings_users_plane ON mappings_users (plane_user, left_tenant, how);

CREATE TABLE mappings_channels (
  chat TEXT NOT NULL,
  project TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  options TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (chat, project)
) WITHOUT ROWID;
CREATE INDEX mappings_channels_project ON mappings_channels (project, chat);
