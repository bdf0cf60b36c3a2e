"""Journals as a long life leaves them, written by SQL."""

PROJECT = "2f6d1c84-9b3a-4e57-8c21-5a0e7d9b4f63"
STATE = "3b9f6e51-7a2d-4c80-95e3-1f8d0a4c6b27"

# A webhook of about 300 bytes for each number, about an item of its own.
_DELIVERIES = """INSERT INTO deliveries (seq, partition, status, attempts, received_at, tenant_id, source, form, event, entity,
  reason, remote_id)
SELECT i, i % 256, {status}, 0, {now_us} - ({last} - i) * 1000, 'default', 'plane', 'plane.webhook', 'issue.updated',
  'plane:issue:' || md5((i % {items})::text)::uuid, '{reason}', md5('d' || i)::uuid::text
FROM generate_series({first}::bigint, {last}) i"""

_BODIES = """INSERT INTO bodies (seq, body) SELECT i,
  convert_to('{{"event":"issue","action":"updated","data":{{"id":"' || md5((i % {items})::text)::uuid ||
    '","project":"{project}","state":"{state}","sequence_id":' || i || ',"name":"a work item",' ||
    '"updated_at":"2026-01-01T00:00:00.' || lpad((i % 1000000)::text, 6, '0') || 'Z","target_date":"2027-01-01"}}}}', 'UTF8')
FROM generate_series({first}::bigint, {last}) i"""

_OPEN = "INSERT INTO open_deliveries (status, seq) SELECT 0, i FROM generate_series({first}::bigint, {last}) i"

_IDENTITIES = """INSERT INTO identities (tenant_id, source, identity, seq, at)
SELECT 'default', 'plane', sha256(convert_to(i::text, 'UTF8')), i, {now_us} FROM generate_series({first}::bigint, {last}) i"""


def deliveries(postgres, url, first, last, pending=False, items=100_000_000, step=1_000_000):
    """Numbers `first` to `last`, finished or pending, with the identities they are recognized by."""
    now = int(float(postgres.sql("SELECT extract(epoch FROM now())", url)) * 1e6)
    for start in range(first, last + 1, step):
        values = dict(first=start, last=min(last, start + step - 1), now_us=now, items=items, project=PROJECT, state=STATE,
                      status=0 if pending else 1, reason="" if pending else "applied: snapshot")
        postgres.sql(_DELIVERIES.format(**values), url)
        postgres.sql(_BODIES.format(**values), url)
        postgres.sql(_IDENTITIES.format(**values), url)
        if pending:
            postgres.sql(_OPEN.format(**values), url)
    for table in ("deliveries", "bodies", "identities", "open_deliveries"):
        postgres.sql(f"VACUUM (ANALYZE) {table}", url)
    postgres.sql("CHECKPOINT", url)
