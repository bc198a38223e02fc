-- The headers that the event's format reads, as a JSON object of texts. Null: none, or written before there were any.
alter table events add column headers text;
