-- The journal in three: what is updated (its status) is narrow and in no index, so that finishing a
-- delivery touches one page; bodies, written once, lie apart; what is open, pending or dead, has a
-- small table of its own, so that claiming and counting cost the same whatever is finished.
-- oldest_binary: 0.1.0
CREATE TABLE bodies (
  seq INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);
INSERT INTO bodies (seq, body) SELECT seq, body FROM deliveries ORDER BY seq;

CREATE TABLE open_deliveries (
  status INTEGER NOT NULL CHECK (status IN (0, 3)),
  seq INTEGER NOT NULL,
  PRIMARY KEY (status, seq)
) WITHOUT ROWID;
INSERT INTO open_deliveries (status, seq) SELECT status, seq FROM deliveries WHERE status IN (0, 3);

DROP INDEX deliveries_pending;
DROP INDEX deliveries_dead;
DROP INDEX deliveries_finished;
DROP INDEX deliveries_entity;
ALTER TABLE deliveries DROP COLUMN body;
CREATE INDEX deliveries_entity ON deliveries (entity, seq);
