-- How far a source that is asked for its events has been read: written with the events of each answer. crc: CRC-32 of both texts.
create table checkpoints (
  source text primary key,
  state text not null,
  crc integer not null
) without rowid;
