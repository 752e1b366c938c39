SET LOCAL search_path = ownkey, pg_temp;

-- Prices, caps and the running sums they are checked against.

-- The ledger's clock. Periods are cut by it alone: workers' clocks do not matter. Tests replace it.
CREATE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql STABLE SET search_path = ownkey, pg_temp AS $$ SELECT now() $$;

ALTER TABLE installation ADD COLUMN prices_version bigint NOT NULL DEFAULT 1;
ALTER TABLE companies ADD COLUMN caps_version bigint NOT NULL DEFAULT 1;      -- ETag of caps
ALTER TABLE tokens
  ADD COLUMN requests_per_minute int CHECK (requests_per_minute > 0),
  ADD COLUMN concurrent_requests int CHECK (concurrent_requests > 0);
ALTER TABLE requests
  ADD COLUMN price_id text,                  -- null = no price; 'provider' = the provider said what it charged
  ADD COLUMN running_meters text[];          -- meters whose `running` row counts this call

-- Never updated but for ended_at: rows of `requests` name the price they were made with.
CREATE TABLE prices (
  id text PRIMARY KEY,
  origin text NOT NULL CHECK (origin IN ('company', 'operator', 'catalogue', 'sandbox')),
  company_id text REFERENCES companies (id) ON DELETE CASCADE,
  slug text NOT NULL,                        -- catalogue id, or slug of the company's endpoint
  model text NOT NULL,
  match jsonb,                               -- null = the very name in model
  rates jsonb NOT NULL,                      -- packages/contract/src/price.ts; nano-USD per million tokens
  context_tokens bigint,
  valid_from timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  source text,                               -- where the figures were read
  created_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((origin = 'company') = (company_id IS NOT NULL))
);
CREATE INDEX prices_open ON prices (slug, model) WHERE ended_at IS NULL;
CREATE INDEX prices_by_company ON prices (company_id) WHERE company_id IS NOT NULL;

-- A row only where somebody set something. subject: 'company', 'users' (each user without a row of their own), 'fallback', a
-- user's id, or 'me:<user id>' for what users set for themselves.
CREATE TABLE caps (
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  subject text NOT NULL,
  period text NOT NULL CHECK (period IN ('request', 'day', 'month')),
  amount_nano_usd bigint CHECK (amount_nano_usd >= 0),      -- null = none, and that was set
  raised_to_nano_usd bigint CHECK (raised_to_nano_usd >= 0),
  raised_from date,
  raised_until date,                                        -- inclusive
  changed_by text,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, subject, period),
  CHECK ((raised_to_nano_usd IS NULL) = (raised_from IS NULL) AND (raised_from IS NULL) = (raised_until IS NULL))
);

-- Running sums. The period is part of the key: nothing is ever set back. meter: '' the company, a user's id, 'fallback',
-- 'credits', a token's id. kind 'day' and 'month' hold nano-USD, 'minute' requests (settled), 'running' open calls (reserved).
CREATE TABLE meters (
  company_id text NOT NULL,
  meter text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('day', 'month', 'minute', 'running')),
  start timestamptz NOT NULL,
  settled bigint NOT NULL DEFAULT 0,
  reserved bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,         -- calls that this row's limit refused
  cap bigint,                                -- as the newest call, or the newest change of caps, met it
  PRIMARY KEY (company_id, meter, kind, start)
) WITH (fillfactor = 50);

-- A threshold of a cap that was passed: once per meter, period and threshold, whoever notices.
CREATE TABLE alerts (
  id text PRIMARY KEY DEFAULT 'alr_' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 14),
  company_id text NOT NULL,
  meter text NOT NULL,
  kind text NOT NULL,
  start timestamptz NOT NULL,
  threshold int NOT NULL CHECK (threshold IN (80, 100)),
  cap_nano_usd bigint NOT NULL,
  settled_nano_usd bigint NOT NULL,
  reserved_nano_usd bigint NOT NULL,
  cause text NOT NULL CHECK (cause IN ('spent', 'refused', 'cap_lowered')),
  actor text,                                -- who lowered the cap
  silent boolean NOT NULL DEFAULT false,     -- a higher threshold, passed at the same moment, tells it
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  told_at timestamptz,                       -- its mails and webhooks are in the outbox
  UNIQUE (company_id, meter, kind, start, threshold)
);
CREATE INDEX alerts_untold ON alerts (at) WHERE told_at IS NULL AND NOT silent;

CREATE FUNCTION tell_alert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM pg_notify('ownkey_outbox', '');
  RETURN NULL;
END $$;
CREATE TRIGGER alerts_tell AFTER INSERT ON alerts FOR EACH ROW WHEN (NOT NEW.silent) EXECUTE FUNCTION tell_alert();

-- Notes which thresholds a sum has passed. 100 % counts when the sum has reached the cap, or when a call was refused by it with
-- at least 95 % spent or held (a single dear call refused before that pauses nothing).
CREATE FUNCTION note_alert(company text, of_meter text, of_kind text, of_start timestamptz, of_cap bigint, spent bigint,
  held bigint, why text, by_actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE
  near boolean := spent::numeric * 100 >= of_cap::numeric * 80;
  reached boolean := spent >= of_cap
    OR (why = 'refused' AND spent::numeric * 100 >= of_cap::numeric * 80 AND (spent + held)::numeric * 100 >= of_cap::numeric * 95);
BEGIN
  IF NOT near THEN RETURN; END IF;
  INSERT INTO alerts (company_id, meter, kind, start, threshold, cap_nano_usd, settled_nano_usd, reserved_nano_usd, cause,
    actor, silent)
  SELECT company, of_meter, of_kind, of_start, t, of_cap, spent, held, why, by_actor, t = 80 AND reached
  FROM unnest(CASE WHEN reached THEN ARRAY[80, 100] ELSE ARRAY[80] END) t
  ON CONFLICT DO NOTHING;
END $$;

-- Changes that may change a decision move the versions; see 0004.
CREATE TRIGGER caps_bump AFTER INSERT OR UPDATE OR DELETE ON caps FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE FUNCTION bump_on_price_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE company text;
BEGIN
  IF EXISTS (SELECT FROM changed WHERE company_id IS NULL) THEN
    UPDATE installation SET prices_version = prices_version + 1;
    PERFORM bump_company(NULL);
  END IF;
  FOR company IN SELECT DISTINCT company_id FROM changed WHERE company_id IS NOT NULL ORDER BY 1 LOOP
    PERFORM bump_company(company);
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER prices_bump_new AFTER INSERT ON prices REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION bump_on_price_change();
CREATE TRIGGER prices_bump_change AFTER UPDATE ON prices REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION bump_on_price_change();
CREATE TRIGGER installation_bump AFTER UPDATE OF settings ON installation FOR EACH STATEMENT
  EXECUTE FUNCTION bump_on_plan_change();

REVOKE ALL ON FUNCTION ledger_now(), tell_alert(), note_alert(text, text, text, timestamptz, bigint, bigint, bigint, text, text),
  bump_on_price_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_now() TO ownkey_control, ownkey_worker;
GRANT SELECT, INSERT ON prices TO ownkey_control;
GRANT UPDATE (ended_at) ON prices TO ownkey_control;
GRANT SELECT ON prices TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON caps TO ownkey_control;
GRANT SELECT ON caps TO ownkey_worker;
GRANT UPDATE (requests_per_minute, concurrent_requests) ON tokens TO ownkey_control;
GRANT SELECT ON meters TO ownkey_control, ownkey_worker;
GRANT SELECT ON alerts TO ownkey_control;
GRANT UPDATE (told_at) ON alerts TO ownkey_control;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['prices', 'caps', 'meters', 'alerts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format($p$CREATE POLICY control_company ON %I TO ownkey_control
      USING (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true))
      WITH CHECK (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true))$p$, t);
    EXECUTE format('CREATE POLICY worker_all ON %I TO ownkey_worker USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
-- Prices of the installation are everybody's to read.
CREATE POLICY control_shared ON prices FOR SELECT TO ownkey_control USING (company_id IS NULL);
