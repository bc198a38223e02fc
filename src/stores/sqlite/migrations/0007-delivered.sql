-- How long the attempt took that delivered it: that one has no row in `attempts`. Null: it is not delivered, or was before there was this column.
alter table deliveries add column duration_ms integer;
