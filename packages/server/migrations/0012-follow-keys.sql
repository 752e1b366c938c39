SET LOCAL search_path = ownkey, pg_temp;

-- What happens when an own key fails: where the shared key may follow, what was noticed, and who has to be told.

-- The source of one operation; '' = all. An operation's row goes before a sub-account's, and that before the company's.
ALTER TABLE sources ADD COLUMN operation text NOT NULL DEFAULT '';
ALTER TABLE sources DROP CONSTRAINT sources_pkey, ADD PRIMARY KEY (company_id, provider, account, operation);

ALTER TABLE keys
  ADD COLUMN allowed_users text[],                        -- users a company key may be used for; null = all
  ADD COLUMN zero_retention boolean NOT NULL DEFAULT false,   -- the operator's word for a shared key: its provider keeps nothing
  ADD CHECK (owner = 'platform' OR NOT zero_retention),
  ADD CHECK (owner = 'company' OR allowed_users IS NULL);
GRANT UPDATE (allowed_users, zero_retention) ON keys TO ownkey_control;
DROP TRIGGER keys_bump_change ON keys;
CREATE TRIGGER keys_bump_change AFTER UPDATE OF enabled, position, allowed_models, allowed_users, zero_retention, status, version,
  tested_at, base_url, destination, last4, slug ON keys FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION bump_on_change();

-- A fallback names the own key it stands in for, and the call on that key that failed just before (null: the key was known to fail).
ALTER TABLE requests ADD COLUMN fallback_for text, ADD COLUMN after_id text;
-- settle() changes none of these columns, so it still touches no index.
CREATE INDEX requests_fallbacks ON requests (company_id, fallback_for, created_at) WHERE fallback_for IS NOT NULL;

-- Something a company's people have to know about one of their keys: that it fails ('key'), or that the shared key answers for it
-- ('fallback'). At most one of each kind is open per key.
CREATE TABLE notices (
  id text PRIMARY KEY DEFAULT 'ntc_' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 14),
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('key', 'fallback')),
  key_id text NOT NULL,
  slug text NOT NULL,
  last4 text,
  user_id text REFERENCES users (id) ON DELETE CASCADE,   -- the owner of a personal key
  reason text NOT NULL,                      -- 'key': the key's status; 'fallback': why the call on the own key failed
  detail jsonb,                              -- status_detail of the key, scrubbed
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  resolution text CHECK (resolution IN ('recovered', 'replaced', 'removed', 'off', 'switched')),
  dismissed_by text[] NOT NULL DEFAULT '{}', -- people who do not want to see it until its facts change
  start_told_at timestamptz,                 -- mails and webhooks of its start are in the outbox
  end_told_at timestamptz,
  CHECK ((ended_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX notices_open ON notices (key_id, kind) WHERE ended_at IS NULL;
CREATE INDEX notices_by_company ON notices (company_id, started_at DESC);
CREATE INDEX notices_untold ON notices (started_at) WHERE start_told_at IS NULL OR (ended_at IS NOT NULL AND end_told_at IS NULL);
CREATE TRIGGER notices_tell AFTER INSERT ON notices FOR EACH ROW EXECUTE FUNCTION tell_alert();
CREATE TRIGGER notices_tell_end AFTER UPDATE OF ended_at ON notices FOR EACH ROW EXECUTE FUNCTION tell_alert();

-- Opens a notice unless one of its kind is open; says in the audit that it began. A new reason brings it back to who dismissed it.
CREATE FUNCTION open_notice(of_kind text, k keys, why text, as_actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE opened text;
BEGIN
  IF k.company_id IS NULL THEN RETURN; END IF;
  INSERT INTO notices (company_id, kind, key_id, slug, last4, user_id, reason, detail)
    VALUES (k.company_id, of_kind, k.id, coalesce(k.slug, k.provider), k.last4, k.user_id, why, k.status_detail)
    ON CONFLICT (key_id, kind) WHERE ended_at IS NULL DO NOTHING RETURNING id INTO opened;
  IF opened IS NULL THEN
    UPDATE notices n SET reason = why, detail = k.status_detail, dismissed_by = '{}'
      WHERE n.key_id = k.id AND n.kind = of_kind AND n.ended_at IS NULL AND n.reason <> why;
    RETURN;
  END IF;
  INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
    VALUES (k.company_id, CASE of_kind WHEN 'key' THEN 'key.failing' ELSE 'fallback.started' END, as_actor, k.user_id, k.id,
      coalesce(k.slug, k.provider), k.last4, jsonb_build_object('reason', why, 'notice', opened));
END $$;

-- Ends what is open of a key; says so in the audit. An end is a new fact: it is shown to those too who dismissed the notice.
CREATE FUNCTION end_notices(of_key text, how text, of_kinds text[], as_actor text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  WITH ended AS (
    UPDATE notices SET ended_at = clock_timestamp(), resolution = how, dismissed_by = '{}'
    WHERE key_id = of_key AND kind = ANY (of_kinds) AND ended_at IS NULL RETURNING *)
  INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
  SELECT company_id, CASE kind WHEN 'key' THEN 'key.recovered' ELSE 'fallback.ended' END, as_actor, user_id, key_id, slug, last4,
    jsonb_build_object('reason', reason, 'resolution', how, 'notice', id)
  FROM ended WHERE EXISTS (SELECT FROM companies c WHERE c.id = ended.company_id)
$$;

-- A key's status is the truth its notices follow, whoever writes it: a test, a call, a replacement.
CREATE FUNCTION notice_key_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM end_notices(OLD.id, 'removed', '{key,fallback}', 'system');
  ELSIF TG_OP = 'INSERT' THEN
    PERFORM open_notice('key', NEW, NEW.status, 'system');
  ELSIF NOT NEW.enabled THEN
    PERFORM end_notices(NEW.id, 'off', '{key,fallback}', 'system');
  ELSIF NEW.status IN ('valid', 'limited') THEN
    PERFORM end_notices(NEW.id, CASE WHEN NEW.version > OLD.version THEN 'replaced' ELSE 'recovered' END, '{key,fallback}', 'system');
  ELSIF NEW.status <> 'pending' THEN
    PERFORM open_notice('key', NEW, NEW.status, 'system');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER keys_notice_removed AFTER DELETE ON keys FOR EACH ROW EXECUTE FUNCTION notice_key_change();
-- A key that was kept although its provider rejected it.
CREATE TRIGGER keys_notice_new AFTER INSERT ON keys FOR EACH ROW
  WHEN (NEW.enabled AND NEW.status NOT IN ('valid', 'limited', 'pending')) EXECUTE FUNCTION notice_key_change();
CREATE TRIGGER keys_notice_change AFTER UPDATE OF status, version, enabled ON keys FOR EACH ROW
  WHEN (OLD.status <> NEW.status OR OLD.version <> NEW.version OR OLD.enabled <> NEW.enabled)
  EXECUTE FUNCTION notice_key_change();

-- A company that moves to the shared key, or has calls stop, has answered what its notices ask.
CREATE FUNCTION notice_source_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM end_notices(k.id, 'switched', CASE NEW.source WHEN 'platform' THEN '{key,fallback}'::text[] ELSE '{fallback}' END, 'system')
    FROM keys k WHERE k.company_id = NEW.company_id AND coalesce(k.slug, k.provider) = NEW.provider
      AND EXISTS (SELECT FROM notices n WHERE n.key_id = k.id AND n.ended_at IS NULL);
  RETURN NULL;
END $$;
CREATE TRIGGER sources_notice AFTER INSERT OR UPDATE ON sources FOR EACH ROW
  WHEN (NEW.account = '' AND NEW.operation = '' AND (NEW.source = 'platform' OR NEW.on_failure = 'stop'))
  EXECUTE FUNCTION notice_source_change();

-- Zero retention and the host's word end what they forbid; where the shared key may follow all the same, the next fallback says so.
CREATE FUNCTION notice_rule_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM end_notices(n.key_id, 'switched', '{fallback}', 'system')
    FROM notices n WHERE n.ended_at IS NULL AND n.kind = 'fallback'
      AND (TG_TABLE_NAME = 'installation' OR n.company_id = to_jsonb(NEW) ->> 'id');
  RETURN NULL;
END $$;
CREATE TRIGGER companies_notice AFTER UPDATE OF zero_retention ON companies FOR EACH ROW
  WHEN (NEW.zero_retention AND NOT OLD.zero_retention) EXECUTE FUNCTION notice_rule_change();
CREATE TRIGGER installation_notice AFTER UPDATE OF settings ON installation FOR EACH ROW
  WHEN (NEW.settings #>> '{policies,on_failure,choice}' = 'stop'
    AND OLD.settings #>> '{policies,on_failure,choice}' IS DISTINCT FROM 'stop') EXECUTE FUNCTION notice_rule_change();

-- Called by reserve() for the group's fallbacks that it admitted: the notice stands in the transaction of the first one.
CREATE FUNCTION notice_fallbacks(asked reserve_call[], admitted int[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  -- In key order: two groups that open the same notices do not wait for each other in a circle.
  PERFORM open_notice('fallback', k, f.reason, 'system')
    FROM (SELECT DISTINCT ON (a.fallback_for) a.fallback_for, a.fallback_reason AS reason
      FROM unnest(asked) a WHERE a.i = ANY (admitted) AND a.fallback_for IS NOT NULL ORDER BY a.fallback_for, a.i) f
    JOIN keys k ON k.id = f.fallback_for;
END $$;

-- reserve() as in 0008, with the two new columns and that call: only what changes is written here.
ALTER TYPE reserve_call ADD ATTRIBUTE fallback_for text, ADD ATTRIBUTE after_id text;
DO $$
DECLARE
  body text := pg_get_functiondef('reserve(jsonb)'::regprocedure);
  change text[];
BEGIN
  FOREACH change SLICE 1 IN ARRAY ARRAY[
    ['x.least_nano_usd, x.limits)::reserve_call', 'x.least_nano_usd, x.limits, x.fallback_for, x.after_id)::reserve_call'],
    ['least_nano_usd bigint, limits jsonb)) x;', 'least_nano_usd bigint, limits jsonb, fallback_for text, after_id text)) x;'],
    ['  RETURN QUERY' || E'\n', '  IF EXISTS (SELECT FROM unnest(asked) a WHERE a.fallback_for IS NOT NULL) THEN' || E'\n'
      || '    PERFORM notice_fallbacks(asked, admitted);' || E'\n' || '  END IF;' || E'\n\n' || '  RETURN QUERY' || E'\n'],
    ['reserved_nano_usd, worker_id, price_id, running_meters)', 'reserved_nano_usd, worker_id, price_id, fallback_for, after_id, running_meters)'],
    ['a.price_id, (SELECT array_agg(DISTINCT l.meter)', 'a.price_id, a.fallback_for, a.after_id, (SELECT array_agg(DISTINCT l.meter)'],
    [$p$'fallback_reason', j.fallback_reason,$p$, $p$'fallback_reason', j.fallback_reason, 'fallback_for', j.fallback_for, 'after', j.after_id,$p$]
  ] LOOP
    IF position(change[1] IN body) = 0 THEN RAISE EXCEPTION 'reserve() is not the one of 0008: % is missing', change[1]; END IF;
    body := replace(body, change[1], change[2]);
  END LOOP;
  EXECUTE body;
END $$;

REVOKE ALL ON FUNCTION open_notice(text, keys, text, text), end_notices(text, text, text[], text), notice_key_change(),
  notice_source_change(), notice_rule_change(), notice_fallbacks(reserve_call[], int[]) FROM PUBLIC;
GRANT SELECT ON notices TO ownkey_control, ownkey_worker;
GRANT UPDATE (dismissed_by, start_told_at, end_told_at) ON notices TO ownkey_control;
GRANT EXECUTE ON FUNCTION end_notices(text, text, text[], text) TO ownkey_worker;

ALTER TABLE notices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY control_company ON notices TO ownkey_control
  USING (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true))
  WITH CHECK (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true));
CREATE POLICY worker_all ON notices TO ownkey_worker USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON notices TO CURRENT_USER USING (true) WITH CHECK (true);
