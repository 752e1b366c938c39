SET LOCAL search_path = ownkey, pg_temp;

-- Master keys (KEKs) by id; the keys themselves are never here. `check_value` is a public proof of which key an id stands for.
-- new: made, not used yet. current: the one that writes. old: still read, and written by workers that have not switched yet.
-- closed: nothing may be written under it any more. destroyed: what is still under it cannot be opened by anybody.
CREATE TABLE keks (
  id text PRIMARY KEY,
  check_value text NOT NULL,
  source text NOT NULL CHECK (source IN ('file', 'transit')),
  state text NOT NULL CHECK (state IN ('new', 'current', 'old', 'closed', 'destroyed')),
  created_at timestamptz NOT NULL DEFAULT now(),
  current_at timestamptz,
  replaced_at timestamptz,
  destroyed_at timestamptz
);
CREATE UNIQUE INDEX keks_current ON keks (state) WHERE state = 'current';

-- Which worker holds which master keys now, and which of them it writes with.
CREATE TABLE kek_holders (
  worker_id text PRIMARY KEY,
  kek_ids text[] NOT NULL,
  writes text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE kek_rotations (
  id text PRIMARY KEY,
  ordered_by text NOT NULL,
  step text NOT NULL DEFAULT 'ordered'
    CHECK (step IN ('ordered', 'spreading', 'switching', 'rewrapping', 'closing', 'done')),
  to_kek text,
  destroy_old boolean NOT NULL DEFAULT false,
  rows_total bigint NOT NULL DEFAULT 0,
  rows_done bigint NOT NULL DEFAULT 0,
  damaged text[] NOT NULL DEFAULT '{}',       -- key ids (and other rows' ids) that no master key opens
  waiting_for text[] NOT NULL DEFAULT '{}',   -- workers
  ordered_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE UNIQUE INDEX kek_rotations_open ON kek_rotations ((true)) WHERE finished_at IS NULL;

-- The fence behind a rotation: a worker that slept through all of it writes nothing under a master key that is given up. The lock
-- makes closing wait for writes that are under way.
CREATE FUNCTION refuse_closed_kek() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE found text;
BEGIN
  SELECT state INTO found FROM keks WHERE id = NEW.kek_id FOR SHARE;
  IF found IN ('closed', 'destroyed') THEN
    RAISE EXCEPTION 'master key % is % and takes no more writes', NEW.kek_id, found USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER envelopes_kek BEFORE INSERT OR UPDATE OF kek_id ON envelopes FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();
CREATE TRIGGER sealing_keys_kek BEFORE INSERT OR UPDATE OF kek_id ON sealing_keys FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();
CREATE TRIGGER audit_heads_kek BEFORE INSERT OR UPDATE OF kek_id ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();

-- How much is under which master key, for both planes: the control plane may not look into these tables.
CREATE FUNCTION kek_rows() RETURNS TABLE (kek_id text, kind text, rows bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  SELECT kek_id, 'stored keys', count(*) FROM envelopes GROUP BY 1
  UNION ALL SELECT kek_id, 'sealing keys', count(*) FROM sealing_keys GROUP BY 1
  UNION ALL SELECT kek_id, 'audit heads', count(*) FROM audit_heads GROUP BY 1
$$;

-- Removed keys, to be noted outside the database: a restored backup must not bring them back to life.
CREATE TABLE removed_keys (
  key_id text PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  removed_at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION note_removed_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  INSERT INTO removed_keys (key_id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER keys_note_removed AFTER DELETE ON keys FOR EACH ROW EXECUTE FUNCTION note_removed_key();

-- Removes again what was removed after the backup that this database comes from. Returns what was found.
CREATE FUNCTION bury_keys(ids text[]) RETURNS TABLE (key_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH dead AS (DELETE FROM keys k WHERE k.id = ANY (ids) RETURNING k.*),
  told AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
    SELECT d.company_id, 'key.removed', 'system', d.user_id, d.id, coalesce(d.slug, d.provider), d.last4,
      jsonb_build_object('label', d.label, 'scope', d.owner, 'because', 'removed before the restored backup was put back')
    FROM dead d)
  SELECT d.id FROM dead d;
END $$;

REVOKE ALL ON FUNCTION refuse_closed_kek(), kek_rows(), note_removed_key(), bury_keys(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kek_rows() TO ownkey_control, ownkey_worker;
GRANT EXECUTE ON FUNCTION bury_keys(text[]) TO ownkey_worker;
GRANT SELECT ON keks, kek_holders, kek_rotations TO ownkey_control;
GRANT INSERT (id, ordered_by) ON kek_rotations TO ownkey_control;
GRANT SELECT, INSERT, UPDATE ON keks, kek_rotations TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON kek_holders TO ownkey_worker;
GRANT SELECT ON removed_keys TO ownkey_worker;
