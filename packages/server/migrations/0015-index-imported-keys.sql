SET LOCAL search_path = ownkey, pg_temp;

-- An import asks which of its keys an earlier run has stored, also of those that were removed since.
CREATE INDEX audit_events_imported ON audit_events (key_id) WHERE kind = 'key.imported';
