-- The journal in three: what is updated (its status) is narrow and in no index, so that finishing a
-- delivery touches one page; bodies, written once, lie apart; what is open, pending or dead, has a
-- small table of its own, so that claiming and counting cost the same whatever is finished.
-- oldest_binary: 0.1.0
CREATE TABLE bodies (
  seq bigint PRIMARY KEY,
  body bytea NOT NULL
);
-- Compressed, and in the row while it fits on a page: pieces elsewhere would need an index of their own.
ALTER TABLE bodies ALTER COLUMN body SET STORAGE MAIN;
-- lz4 costs a third of the default. A server built without lz4 keeps the default.
DO $$
BEGIN
  ALTER TABLE bodies ALTER COLUMN body SET COMPRESSION lz4;
  ALTER TABLE entities ALTER COLUMN known SET COMPRESSION lz4;
  ALTER TABLE links ALTER COLUMN base SET COMPRESSION lz4;
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'this server has no lz4: long values use its default compression';
END
$$;
INSERT INTO bodies (seq, body) SELECT seq, body FROM deliveries ORDER BY seq;

CREATE TABLE open_deliveries (
  status smallint NOT NULL CHECK (status IN (0, 3)),
  seq bigint NOT NULL,
  PRIMARY KEY (status, seq)
);
INSERT INTO open_deliveries (status, seq) SELECT status, seq FROM deliveries WHERE status IN (0, 3);

DROP INDEX deliveries_pending;
DROP INDEX deliveries_dead;
DROP INDEX deliveries_finished;
DROP INDEX deliveries_entity;
ALTER TABLE deliveries DROP COLUMN body;
-- Room on each page for updates, so that they touch no index.
ALTER TABLE deliveries SET (fillfactor = 50);
ALTER TABLE entities SET (fillfactor = 50);
CREATE INDEX deliveries_entity ON deliveries (entity, seq);
