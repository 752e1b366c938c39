SET LOCAL search_path = ownkey, pg_temp;

-- Of the catalogue's prices that fit a model's name, the one with the lowest place counts: the order of the library they come from.
ALTER TABLE prices ADD COLUMN position int NOT NULL DEFAULT 0;
