-- A dead letter that is forwarded is a delivery of its event: dead_n is the one that died, dead what is told of it, as JSON. Null: an ordinary delivery.
alter table deliveries add column dead_n integer;
alter table deliveries add column dead text;
