-- Conversations: what became of messages and comments, and who and which project is meant by what
-- Feishu calls a user and a chat.
-- oldest_binary: 0.1.0
CREATE TABLE receipts (
  integration text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  remote_id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (integration, object)
);

-- how: 0 found by e-mail, 1 entered by a person.
CREATE TABLE mappings_users (
  open_id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C" NOT NULL,
  union_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  email text COLLATE "C" NOT NULL,
  plane_user text COLLATE "C" NOT NULL,
  how smallint NOT NULL CHECK (how IN (0, 1)),
  left_tenant smallint NOT NULL CHECK (left_tenant IN (0, 1)),
  changed_at bigint NOT NULL
);
CREATE INDEX mappings_users_plane ON mappings_users (plane_user, left_tenant, how);

CREATE TABLE mappings_channels (
  chat text COLLATE "C" NOT NULL,
  project text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  options text COLLATE "C" NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (chat, project)
);
CREATE INDEX mappings_channels_project ON mappings_channels (project, chat);
