-- Every table grows at its right edge only: what an event costs stays flat as rows grow.
create table meta (
  name text primary key,
  value
) without rowid;

create table sources (
  name text primary key
) without rowid;

create table events (
  seq integer primary key,
  uid text not null,
  source text not null,
  format text not null,
  id text not null,
  type text not null,
  received_ms integer not null,
  body blob not null
);

-- state: 0 waiting, 1 delivered, 2 dead.
create table deliveries (
  event_seq integer not null,
  n integer not null,
  route text,
  sink text,
  state integer not null,
  due_ms integer not null,
  attempts integer not null default 0,
  attempts_before integer not null default 0,
  since_ms integer not null,
  reason text,
  detail text,
  settled_ms integer,
  primary key (event_seq, n)
) without rowid;

-- As large as the backlog, and no larger.
create index deliveries_waiting on deliveries (sink, due_ms, event_seq, n) where state = 0;
create index deliveries_dead on deliveries (event_seq, n) where state = 2;

create table attempts (
  event_seq integer not null,
  n integer not null,
  attempt integer not null,
  started_ms integer not null,
  duration_ms integer not null,
  outcome text not null,
  reason text,
  answer text not null,
  primary key (event_seq, n, attempt)
) without rowid;

-- Up to 256 entries a row, one for each event from first_seq on: 16 bytes of digest, 4 of received seconds.
create table dedup (
  first_seq integer primary key,
  entries blob not null
);
