-- The core: journal, identities, entities, outbox, links, provenance, small state, credentials.
-- Times are microseconds UTC. Never edit a released migration: add the next number.
-- oldest_binary: 0.1.0
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition BETWEEN 0 AND 255),
  status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4),
  attempts INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  tenant_id TEXT NOT NULL,
  source TEXT NOT NULL,
  form TEXT NOT NULL,
  event TEXT NOT NULL,
  entity TEXT NOT NULL,
  reason TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  body BLOB NOT NULL
);
-- Claiming and counting look at what is pending only, so that their cost does not grow with what is
-- finished. The status is a column too: SQLite's planner prefers these only when they cover the query.
CREATE INDEX deliveries_pending ON deliveries (status, seq) WHERE status = 0;
CREATE INDEX deliveries_dead ON deliveries (status, seq) WHERE status = 3;
CREATE INDEX deliveries_finished ON deliveries (received_at) WHERE status IN (1, 2, 4);
CREATE INDEX deliveries_entity ON deliveries (entity, status, seq);

CREATE TABLE identities (
  tenant_id TEXT NOT NULL,
  source TEXT NOT NULL,
  identity BLOB NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, source, identity)
) WITHOUT ROWID;
CREATE INDEX identities_at ON identities (at);

CREATE TABLE entities (
  key TEXT PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition BETWEEN 0 AND 255),
  tombstone INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  tenant_id TEXT NOT NULL,
  parent TEXT NOT NULL,
  source_time TEXT NOT NULL,
  known TEXT NOT NULL
);
CREATE INDEX entities_parent ON entities (parent, key);

CREATE TABLE effects (
  id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition BETWEEN 0 AND 255),
  kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
  status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 5),
  attempts INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  finished_at INTEGER,
  tenant_id TEXT NOT NULL,
  entity TEXT NOT NULL,
  integration TEXT NOT NULL,
  operation TEXT NOT NULL,
  object TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  rule TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  last_error TEXT NOT NULL,
  payload TEXT NOT NULL
);
CREATE INDEX effects_due ON effects (status, due_at, entity) WHERE status = 0;
CREATE INDEX effects_dead ON effects (status, id) WHERE status = 2;
CREATE INDEX effects_open_cause ON effects (cause) WHERE status IN (0, 2);
CREATE INDEX effects_finished ON effects (created_at) WHERE status IN (1, 3, 4, 5);
CREATE INDEX effects_entity ON effects (entity, status, id);

CREATE TABLE links (
  entity TEXT NOT NULL,
  integration TEXT NOT NULL,
  object TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  state TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  base TEXT NOT NULL,
  PRIMARY KEY (entity, integration, object)
);
CREATE INDEX links_object ON links (integration, object, entity);

CREATE TABLE attempts (
  effect INTEGER NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  took_us INTEGER NOT NULL,
  status INTEGER NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (effect, number)
) WITHOUT ROWID;

CREATE TABLE provenance (
  effect INTEGER PRIMARY KEY,
  cause INTEGER NOT NULL,
  at INTEGER NOT NULL,
  tenant_id TEXT NOT NULL,
  entity TEXT NOT NULL,
  integration TEXT NOT NULL,
  operation TEXT NOT NULL,
  object TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  rule TEXT NOT NULL
);
CREATE INDEX provenance_entity ON provenance (entity, effect);

CREATE TABLE states (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE credentials (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
);

-- The store's own: 'last_batch', 'seq_floor', 'holder'.
CREATE TABLE store_facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
