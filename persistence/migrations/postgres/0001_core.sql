-- The core: journal, identities, entities, outbox, links, provenance, small state, credentials.
-- Times are microseconds UTC. Never edit a released migration: add the next number.
-- oldest_binary: 0.1.0
CREATE TABLE deliveries (
  seq bigint PRIMARY KEY,
  partition smallint NOT NULL CHECK (partition BETWEEN 0 AND 255),
  status smallint NOT NULL CHECK (status BETWEEN 0 AND 4),
  attempts integer NOT NULL,
  received_at bigint NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  form text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  remote_id text COLLATE "C" NOT NULL,
  body bytea NOT NULL
);
-- Bodies are compressed where it is cheap: lz4 costs a third of the default. A server built without
-- lz4 keeps the default.
DO $$
BEGIN
  ALTER TABLE deliveries ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'this server has no lz4: bodies use its default compression';
END
$$;
-- Claiming and counting look at what is pending only, so that their cost does not grow with what is
-- finished. The status is a column too: SQLite's planner prefers these only when they cover the query.
CREATE INDEX deliveries_pending ON deliveries (status, seq) WHERE status = 0;
CREATE INDEX deliveries_dead ON deliveries (status, seq) WHERE status = 3;
CREATE INDEX deliveries_finished ON deliveries (received_at) WHERE status IN (1, 2, 4);
CREATE INDEX deliveries_entity ON deliveries (entity, status, seq);

CREATE TABLE identities (
  tenant_id text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  identity bytea NOT NULL,
  seq bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (tenant_id, source, identity)
);
-- In the order of insertion already: a BRIN index costs next to nothing there.
CREATE INDEX identities_at ON identities USING brin (at) WITH (pages_per_range = 16);

CREATE TABLE entities (
  key text COLLATE "C" PRIMARY KEY,
  partition smallint NOT NULL CHECK (partition BETWEEN 0 AND 255),
  tombstone smallint NOT NULL,
  cursor bigint NOT NULL,
  changed_at bigint NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  parent text COLLATE "C" NOT NULL,
  source_time text COLLATE "C" NOT NULL,
  known text COLLATE "C" NOT NULL
);
CREATE INDEX entities_parent ON entities (parent, key);

CREATE TABLE effects (
  id bigint PRIMARY KEY,
  partition smallint NOT NULL CHECK (partition BETWEEN 0 AND 255),
  kind smallint NOT NULL CHECK (kind BETWEEN 0 AND 2),
  status smallint NOT NULL CHECK (status BETWEEN 0 AND 5),
  attempts integer NOT NULL,
  revision bigint NOT NULL,
  cause bigint NOT NULL,
  created_at bigint NOT NULL,
  due_at bigint NOT NULL,
  finished_at bigint,
  tenant_id text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  integration text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  remote_id text COLLATE "C" NOT NULL,
  last_error text COLLATE "C" NOT NULL,
  payload text COLLATE "C" NOT NULL
);
CREATE INDEX effects_due ON effects (status, due_at, entity) WHERE status = 0;
CREATE INDEX effects_dead ON effects (status, id) WHERE status = 2;
CREATE INDEX effects_open_cause ON effects (cause) WHERE status IN (0, 2);
CREATE INDEX effects_finished ON effects (created_at) WHERE status IN (1, 3, 4, 5);
CREATE INDEX effects_entity ON effects (entity, status, id);

CREATE TABLE links (
  entity text COLLATE "C" NOT NULL,
  integration text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  remote_id text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  changed_at bigint NOT NULL,
  base text COLLATE "C" NOT NULL,
  PRIMARY KEY (entity, integration, object)
);
CREATE INDEX links_object ON links (integration, object, entity);

CREATE TABLE attempts (
  effect bigint NOT NULL,
  number integer NOT NULL,
  started_at bigint NOT NULL,
  took_us bigint NOT NULL,
  status integer NOT NULL,
  code text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (effect, number)
);

CREATE TABLE provenance (
  effect bigint PRIMARY KEY,
  cause bigint NOT NULL,
  at bigint NOT NULL,
  tenant_id text COLLATE "C" NOT NULL,
  entity text COLLATE "C" NOT NULL,
  integration text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  remote_id text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL
);
CREATE INDEX provenance_entity ON provenance (entity, effect);

CREATE TABLE states (
  key text COLLATE "C" PRIMARY KEY,
  value text COLLATE "C" NOT NULL
);

CREATE TABLE credentials (
  tenant_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, name)
);

-- The store's own: 'last_batch', 'seq_floor', 'holder'.
CREATE TABLE store_facts (
  name text COLLATE "C" PRIMARY KEY,
  value text COLLATE "C" NOT NULL
);
