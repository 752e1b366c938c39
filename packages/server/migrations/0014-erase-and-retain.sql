SET LOCAL search_path = ownkey, pg_temp;

-- Erasure that leaves nothing, a record that may be shortened at its beginning, partitions made ahead.

-- Reservations hold their companies (shared) until their commit; erasing takes the same lock alone. So a reservation either
-- commits before the erasure looks, or finds no company. The lock is in memory: no row of companies is written for it.
CREATE FUNCTION company_lock(company text) RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = ownkey, pg_temp AS $$
  SELECT hashtextextended('ownkey.company ' || company, 0)
$$;

ALTER FUNCTION reserve(jsonb) RENAME TO reserve_held;
REVOKE ALL ON FUNCTION reserve_held(jsonb) FROM PUBLIC, ownkey_worker;

-- reserve(): what reserve_held() promises, with the companies of the group held.
CREATE FUNCTION reserve(calls jsonb) RETURNS TABLE (id text, outcome text, day text, granted_nano_usd bigint,
  remaining_nano_usd bigint, at_ms bigint, refusal jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET jit = off AS $$
BEGIN
  -- A statement of its own: reserve_held() looks only once the locks are there.
  PERFORM pg_advisory_xact_lock_shared(company_lock(c.company)) FROM (
    SELECT DISTINCT x.call ->> 'company_id' AS company FROM jsonb_array_elements(calls) AS x (call) ORDER BY 1) c
  WHERE c.company IS NOT NULL;
  RETURN QUERY SELECT * FROM reserve_held(calls);
END $$;

-- Calls of an erased company end on every worker, those on a shared key too.
CREATE FUNCTION tell_company_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM pg_notify('ownkey_company_gone', OLD.id);
  RETURN NULL;
END $$;
CREATE TRIGGER companies_tell_removed AFTER DELETE ON companies FOR EACH ROW EXECUTE FUNCTION tell_company_gone();

-- Former heads of the chains, at most one a day: a record may begin at one of them once what is before it is removed.
CREATE TABLE audit_checkpoints (
  company_id text NOT NULL,            -- '' = the installation
  day date NOT NULL,                   -- every entry up to n is from before this day (UTC)
  n bigint NOT NULL,
  hash bytea NOT NULL,
  mac bytea NOT NULL,                  -- as of audit_heads, over company, day, n and hash
  kek_id text NOT NULL,
  cut_at timestamptz,                  -- what is before it is being removed since then
  done_at timestamptz,                 -- nothing is left before it
  PRIMARY KEY (company_id, day)
);
CREATE INDEX audit_checkpoints_open ON audit_checkpoints (day) WHERE done_at IS NULL;
GRANT SELECT ON audit_checkpoints TO ownkey_control;
GRANT SELECT, INSERT, UPDATE (mac, kek_id) ON audit_checkpoints TO ownkey_worker;
CREATE TRIGGER audit_checkpoints_kek BEFORE INSERT OR UPDATE OF kek_id ON audit_checkpoints FOR EACH ROW
  EXECUTE FUNCTION refuse_closed_kek();
CREATE OR REPLACE FUNCTION kek_rows() RETURNS TABLE (kek_id text, kind text, rows bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  SELECT kek_id, 'stored keys', count(*) FROM envelopes GROUP BY 1
  UNION ALL SELECT kek_id, 'sealing keys', count(*) FROM sealing_keys GROUP BY 1
  UNION ALL SELECT kek_id, 'audit heads', count(*)
    FROM (SELECT kek_id FROM audit_heads UNION ALL SELECT kek_id FROM audit_checkpoints) heads GROUP BY 1
$$;
ALTER TABLE audit_checkpoints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY control_company ON audit_checkpoints TO ownkey_control
  USING (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true));
CREATE POLICY worker_all ON audit_checkpoints TO ownkey_worker USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON audit_checkpoints TO CURRENT_USER USING (true) WITH CHECK (true);

-- Removes every row of a company, whatever table it is in: tables are found in the catalog. Calls go first, so that a settlement
-- that holds one of them is waited for before the sums it writes are removed.
CREATE FUNCTION erase_rows(company text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE t text;
BEGIN
  DELETE FROM reservations v USING requests r WHERE r.company_id = company AND v.day = r.day AND v.id = r.id;
  DELETE FROM requests WHERE company_id = company;
  DELETE FROM companies WHERE id = company;
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
    WHERE c.relnamespace = 'ownkey'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
      AND c.relname <> 'requests' ORDER BY 1
  LOOP
    EXECUTE format('DELETE FROM %I WHERE company_id = $1', t) USING company;
  END LOOP;
END $$;

-- Erases a company; what remains is one entry in the installation's own record.
CREATE OR REPLACE FUNCTION erase_company(company text, by_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(company_lock(company));
  -- The sealer would put entries of the record into the chain that are being removed.
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.audit'));
  IF NOT EXISTS (SELECT 1 FROM companies WHERE id = company) THEN RETURN false; END IF;
  PERFORM erase_rows(company);
  INSERT INTO audit_events (kind, actor, data) VALUES ('company.erased', by_actor, jsonb_build_object('company', company));
  RETURN true;
END $$;

-- What a transaction that began before an erasure wrote after it (an entry of the record, a job): removed with the next upkeep.
CREATE FUNCTION sweep_erased() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE gone text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.audit'));
  FOR gone IN SELECT DISTINCT e.data ->> 'company' FROM audit_events e
    WHERE e.company_id IS NULL AND e.kind = 'company.erased' AND e.at > now() - interval '3 days'
      AND NOT EXISTS (SELECT 1 FROM companies c WHERE c.id = e.data ->> 'company')
  LOOP
    PERFORM erase_rows(gone);
  END LOOP;
END $$;

-- Removes a person. Their id stays in the record, in calls and in sums: it resolves to nothing any more. Everything that says who
-- they were goes, mails to them and jobs of theirs included.
CREATE FUNCTION erase_user(company text, person text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE mails text[];
BEGIN
  SELECT array_agg(DISTINCT lower(m.mail)) INTO mails FROM users u LEFT JOIN logins l ON l.id = u.login_id
    CROSS JOIN LATERAL (VALUES (u.email), (l.email)) AS m (mail)
    WHERE u.company_id = company AND u.id = person AND m.mail IS NOT NULL;
  DELETE FROM worker_jobs j WHERE j.company_id = company AND (j.actor = person OR j.payload ->> 'user_id' = person
    OR j.payload ->> 'key_id' IN (SELECT k.id FROM keys k WHERE k.user_id = person));
  DELETE FROM users u WHERE u.company_id = company AND u.id = person;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM caps c WHERE c.company_id = company AND c.subject IN (person, 'me:' || person);
  DELETE FROM outbox o WHERE o.company_id = company AND o.channel = 'mail' AND lower(o.target) = ANY (mails);
  DELETE FROM invitations i WHERE i.company_id = company AND i.email = ANY (mails);
  UPDATE companies c SET settings = jsonb_set(c.settings, '{notice_recipients}', (
      SELECT coalesce(jsonb_agg(r.mail), '[]') FROM jsonb_array_elements_text(c.settings -> 'notice_recipients') AS r (mail)
      WHERE lower(r.mail) <> ALL (mails)))
    WHERE c.id = company AND EXISTS (
      SELECT 1 FROM jsonb_array_elements_text(c.settings -> 'notice_recipients') AS r (mail) WHERE lower(r.mail) = ANY (mails));
  RETURN true;
END $$;

-- Days the record of a company ('' = the installation) is kept; null = for ever. The operator's value holds where the company
-- never set one.
CREATE FUNCTION audit_days(company text) RETURNS int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  SELECT CASE WHEN c.settings ? 'audit_retention_days' THEN (c.settings ->> 'audit_retention_days')::int
    ELSE (i.settings #>> '{policies,retention,audit_days}')::int END
  FROM installation i LEFT JOIN companies c ON c.id = company
$$;

-- Companies whose record has something that is kept no longer, at most `most`.
CREATE FUNCTION due_retention(most int) RETURNS TABLE (company text, cut_day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  SELECT DISTINCT ON (p.company_id) p.company_id, p.day
  FROM audit_checkpoints p
  WHERE p.done_at IS NULL AND p.day <= (now() AT TIME ZONE 'UTC')::date - audit_days(p.company_id)
  ORDER BY p.company_id, p.day DESC LIMIT most
$$;

-- One step of shortening a record to its checkpoint of that day: at most `step` entries and `step` calls go. From its first step on
-- the record begins at the checkpoint. Returns how many rows went; 0 = done.
CREATE FUNCTION retain_step(company text, cut_day date, step int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE
  cut audit_checkpoints;
  entries int;
  calls int;
BEGIN
  SELECT * INTO cut FROM audit_checkpoints p WHERE p.company_id = company AND p.day = cut_day FOR UPDATE;
  IF NOT FOUND OR coalesce(cut_day > (now() AT TIME ZONE 'UTC')::date - audit_days(company), true) THEN RETURN 0; END IF;
  IF cut.cut_at IS NULL THEN
    UPDATE audit_checkpoints p SET cut_at = now() WHERE p.company_id = company AND p.day = cut_day;
    DELETE FROM audit_checkpoints p WHERE p.company_id = company AND p.day < cut_day;
  END IF;
  WITH gone AS (
    DELETE FROM audit_chain c WHERE c.company_id = company AND c.n = ANY (ARRAY(
      SELECT o.n FROM audit_chain o WHERE o.company_id = company AND o.n <= cut.n ORDER BY o.n LIMIT step))
    RETURNING c.event_id
  ), events AS (
    DELETE FROM audit_events e USING gone WHERE e.id = gone.event_id
  )
  SELECT count(*) INTO entries FROM gone;
  WITH old AS (
    SELECT r.day, r.id FROM requests r
    WHERE (r.company_id = nullif(company, '') OR (company = '' AND r.company_id IS NULL)) AND r.day < cut_day
      AND r.state <> 'reserved' LIMIT step
  )
  DELETE FROM requests r USING old WHERE r.day = old.day AND r.id = old.id;
  GET DIAGNOSTICS calls = ROW_COUNT;
  IF entries + calls = 0 THEN
    UPDATE audit_checkpoints p SET done_at = now() WHERE p.company_id = company AND p.day = cut_day;
  END IF;
  RETURN entries + calls;
END $$;

-- Sums that are kept no longer, at most `step` of each kind. The month that runs and the one before it stay, whatever is set.
CREATE FUNCTION retain_sums(step int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE
  kept int := (SELECT (settings #>> '{policies,retention,usage_days}')::int FROM installation);
  line timestamptz := least(date_trunc('day', now() AT TIME ZONE 'UTC') - make_interval(days => kept),
    date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month') AT TIME ZONE 'UTC';
  removed int;
  total int := 0;
BEGIN
  IF kept IS NULL THEN RETURN 0; END IF;
  DELETE FROM usage_hourly u USING (
    SELECT h.ctid FROM usage_hourly h WHERE h.hour < line LIMIT step) old WHERE u.ctid = old.ctid;
  GET DIAGNOSTICS removed = ROW_COUNT;
  total := total + removed;
  DELETE FROM meters m USING (
    SELECT o.ctid FROM meters o WHERE o.kind IN ('day', 'month') AND o.start < line - interval '1 month' LIMIT step) old
    WHERE m.ctid = old.ctid;
  GET DIAGNOSTICS removed = ROW_COUNT;
  total := total + removed;
  DELETE FROM alerts a USING (SELECT o.ctid FROM alerts o WHERE o.at < line LIMIT step) old WHERE a.ctid = old.ctid;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN total + removed;
END $$;

-- Drops the monthly partitions of calls of which every record begins later (all at once, where rows would go one by one), and
-- those that are over and empty. Returns their names. Waits at most 2 s for the ledger to let go; what was not got goes next time.
CREATE FUNCTION drop_old_partitions() RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  p record;
  needed boolean;
  dropped text[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.partitions'));
  FOR p IN SELECT c.relname AS name, (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month')::date AS after
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'requests'::regclass AND c.relname ~ '^requests_\d{4}_\d{2}$' ORDER BY 1
  LOOP
    CONTINUE WHEN p.after > ((ledger_now() AT TIME ZONE 'UTC')::date - 31);
    -- Asked of the whole table: a partition's own row security shows its rows to nobody.
    needed := EXISTS (SELECT 1 FROM requests r WHERE r.day >= (p.after - interval '1 month')::date AND r.day < p.after
      AND (r.state = 'reserved' OR NOT EXISTS (SELECT 1 FROM audit_checkpoints k
        WHERE k.company_id = coalesce(r.company_id, '') AND k.cut_at IS NOT NULL AND k.day >= p.after)));
    CONTINUE WHEN needed;
    BEGIN
      EXECUTE format('DROP TABLE %I', p.name);
      dropped := dropped || p.name;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RETURN dropped;
END $$;

-- A token that is used after its end: told in the record once a day at most, however often it is tried.
ALTER TABLE tokens ADD COLUMN expired_use_at timestamptz;
CREATE FUNCTION note_expired_use(token text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE t record;
BEGIN
  UPDATE tokens k SET expired_use_at = now() WHERE k.id = token AND k.expires_at <= now()
    AND (k.expired_use_at IS NULL OR k.expired_use_at < now() - interval '1 day')
    RETURNING k.id, k.company_id, k.user_id, k.name INTO t;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO audit_events (company_id, kind, actor, user_id, data)
  VALUES (t.company_id, 'token.used_after_end', t.id, t.user_id, jsonb_build_object('token', t.id));
END $$;

-- Partitions of this and the next two months; safe to call at any time and on every server at once. Calls of a month that had no
-- partition yet lie in the default one: they move, where there are not too many to move at once.
CREATE OR REPLACE FUNCTION ensure_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET lock_timeout = '2s' AS $$
DECLARE first date; after date; partition text; waiting int;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.partitions'));
  FOR offset_months IN 0..2 LOOP
    first := (date_trunc('month', ledger_now() AT TIME ZONE 'UTC') + make_interval(months => offset_months))::date;
    after := (first + interval '1 month')::date;
    partition := 'requests_' || to_char(first, 'YYYY_MM');
    CONTINUE WHEN to_regclass('ownkey.' || partition) IS NOT NULL;
    SELECT count(*) INTO waiting FROM (SELECT 1 FROM requests r WHERE r.day >= first AND r.day < after LIMIT 50001) x;
    CONTINUE WHEN waiting > 50000;
    BEGIN
      EXECUTE format('CREATE TABLE %I (LIKE requests INCLUDING ALL) WITH (fillfactor = 70)', partition);
      IF waiting > 0 THEN
        LOCK TABLE requests IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM requests r WHERE r.day >= %L AND r.day < %L RETURNING r.*)
          INSERT INTO %I SELECT * FROM moved', first, after, partition);
      END IF;
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
      EXECUTE format('ALTER TABLE requests ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, first, after);
    EXCEPTION WHEN lock_not_available THEN
      NULL;   -- the ledger is busy: the default partition takes what comes, and it is tried again in an hour
    END;
  END LOOP;
END $$;
SELECT ensure_partitions();

REVOKE ALL ON FUNCTION company_lock(text), reserve(jsonb), tell_company_gone(), erase_rows(text), sweep_erased(),
  erase_user(text, text), audit_days(text), due_retention(int), retain_step(text, date, int), retain_sums(int),
  drop_old_partitions(), note_expired_use(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve(jsonb), audit_days(text), note_expired_use(text) TO ownkey_worker;
GRANT EXECUTE ON FUNCTION sweep_erased(), erase_user(text, text), audit_days(text), due_retention(int), retain_step(text, date, int),
  retain_sums(int), drop_old_partitions(), note_expired_use(text) TO ownkey_control;
