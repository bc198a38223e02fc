-- CRC-32 of what is sent: the body and the columns that identify the event. Null: written before there was one. -1: known to be damaged.
alter table events add column crc integer;
