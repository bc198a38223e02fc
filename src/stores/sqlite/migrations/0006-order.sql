-- Deliveries of one order key go to their sink one after another. Null: in no order.
alter table deliveries add column order_key text;
-- With the key in it, so that what has none is found without a look at the table.
drop index deliveries_waiting;
create index deliveries_waiting on deliveries (sink, due_ms, event_seq, n, order_key) where state = 0;
create index deliveries_in_order on deliveries (sink, order_key, event_seq, n, due_ms) where state = 0 and order_key is not null;
