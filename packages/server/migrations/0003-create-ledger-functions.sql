SET LOCAL search_path = ownkey, pg_temp;

-- The ledger's functions go row by row, each row found by its key: their cost does not depend on statistics, on plans made while
-- a table was small, or on how many rows there are. Plans are kept (generic) and never compiled.

-- reserve(): one commit for a group of calls. Per call: 'ok' (row and audit event stand), 'changed' (the worker decided on an
-- older configuration: reload and decide again) or 'missing' (no such company). Idempotent by id, also over midnight.
CREATE FUNCTION reserve(calls jsonb) RETURNS TABLE (id text, outcome text, day text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  c record;
  today date := (now() AT TIME ZONE 'UTC')::date;
  -- An id may be asked again a few seconds after its first try: only right after midnight that try can lie on the day before.
  yesterday_counts boolean := (now() AT TIME ZONE 'UTC')::time < '00:10';
  installation_version bigint := (SELECT i.config_version FROM installation i);
  company_read text;
  company_version bigint;
  row_day date;
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  FOR c IN
    SELECT * FROM jsonb_to_recordset(calls) AS x (
      id text, company_id text, config_version bigint, global_version bigint, user_id text, token_id text, account text,
      operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
      key_version int, last4 text, key_source text, fallback_reason text, reserved_nano_usd bigint, worker_id text, actor text)
  LOOP
    id := c.id;
    outcome := NULL;
    row_day := NULL;
    IF yesterday_counts THEN
      SELECT r.day INTO row_day FROM requests r WHERE r.day = today - 1 AND r.id = c.id;
      IF row_day IS NOT NULL THEN outcome := 'ok'; END IF;
    END IF;
    IF outcome IS NULL AND c.company_id IS NOT NULL THEN
      IF company_read IS DISTINCT FROM c.company_id THEN
        SELECT k.config_version INTO company_version FROM companies k WHERE k.id = c.company_id;
        company_read := c.company_id;
      END IF;
      IF company_version IS NULL THEN outcome := 'missing';
      ELSIF company_version <> c.config_version THEN outcome := 'changed';
      END IF;
    END IF;
    IF outcome IS NULL AND installation_version <> c.global_version THEN outcome := 'changed'; END IF;
    IF outcome IS NULL OR (outcome = 'changed' AND row_day IS NULL) THEN
      IF outcome = 'changed' THEN
        -- A repeated id whose first try was committed stands, whatever changed since.
        SELECT r.day INTO row_day FROM requests r WHERE r.day = today AND r.id = c.id;
        IF row_day IS NOT NULL THEN outcome := 'ok'; END IF;
      ELSE
        INSERT INTO requests (id, company_id, user_id, token_id, account, operation, kind, wire, streaming, provider, slug,
          model, key_id, key_version, last4, key_source, fallback_reason, reserved_nano_usd, worker_id)
        VALUES (c.id, c.company_id, c.user_id, c.token_id, c.account, c.operation, coalesce(c.kind, 'call'), c.wire,
          coalesce(c.streaming, false), c.provider, c.slug, c.model, c.key_id, c.key_version, c.last4, c.key_source,
          c.fallback_reason, coalesce(c.reserved_nano_usd, 0), c.worker_id)
        ON CONFLICT DO NOTHING RETURNING requests.day INTO row_day;
        outcome := 'ok';
        IF row_day IS NULL THEN
          SELECT r.day INTO row_day FROM requests r WHERE r.day = today AND r.id = c.id;
        ELSE
          INSERT INTO audit_events (company_id, kind, actor, user_id, request_id, request_day, key_id, provider, last4, data)
          VALUES (c.company_id, coalesce(c.kind, 'call') || '.started', coalesce(c.actor, 'system'), c.user_id, c.id, row_day,
            c.key_id, c.slug, c.last4, jsonb_strip_nulls(jsonb_build_object('model', c.model, 'key_source', c.key_source,
              'operation', c.operation, 'account', c.account, 'wire', c.wire, 'fallback_reason', c.fallback_reason,
              'reserved_nano_usd', c.reserved_nano_usd)));
        END IF;
      END IF;
    END IF;
    day := row_day::text;
    RETURN NEXT;
  END LOOP;
END $$;

-- What one settled call adds to sums and counters.
CREATE TYPE settled_call AS (
  company_id text, hour timestamptz, provider text, slug text, model text, operation text, user_id text, key_id text,
  key_source text, kind text, at timestamptz, requests int, errors int, fallbacks int, unpriced int, estimated int,
  input_tokens bigint, cached_tokens bigint, output_tokens bigint, cost_nano_usd bigint
);

-- settle(): one commit for a group of finished calls. Idempotent: only reserved (or expired, once) rows move. Rows, then keys,
-- then sums are locked in key order, so that two groups cannot deadlock. Returns the ids that moved.
CREATE FUNCTION settle(calls jsonb) RETURNS TABLE (id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  c record;
  k record;
  b requests;
  a requests;
  added settled_call[] := '{}';
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  FOR c IN
    SELECT * FROM jsonb_to_recordset(calls) AS x (id text, day date, state text, http_status int, error_code text,
      provider_request_id text, input_tokens bigint, cached_tokens bigint, cache_write_5m_tokens bigint,
      cache_write_1h_tokens bigint, output_tokens bigint, reasoning_tokens bigint, cost_nano_usd bigint, cost_basis text,
      latency_ms int, ttfb_ms int)
    ORDER BY day, id
  LOOP
    SELECT * INTO b FROM requests r WHERE r.day = c.day AND r.id = c.id FOR NO KEY UPDATE;
    CONTINUE WHEN b.id IS NULL OR b.state NOT IN ('reserved', 'expired');
    UPDATE requests r SET
      state = coalesce(c.state, 'settled'), http_status = c.http_status, error_code = c.error_code,
      provider_request_id = c.provider_request_id, input_tokens = coalesce(c.input_tokens, 0),
      cached_tokens = coalesce(c.cached_tokens, 0), cache_write_5m_tokens = coalesce(c.cache_write_5m_tokens, 0),
      cache_write_1h_tokens = coalesce(c.cache_write_1h_tokens, 0), output_tokens = coalesce(c.output_tokens, 0),
      reasoning_tokens = coalesce(c.reasoning_tokens, 0), cost_nano_usd = c.cost_nano_usd, cost_basis = c.cost_basis,
      over_reservation = r.reserved_nano_usd > 0 AND coalesce(c.cost_nano_usd > r.reserved_nano_usd, false),
      latency_ms = c.latency_ms, ttfb_ms = c.ttfb_ms, settled_at = clock_timestamp()
    WHERE r.day = c.day AND r.id = c.id RETURNING * INTO a;

    INSERT INTO audit_events (company_id, kind, user_id, request_id, request_day, key_id, provider, last4, data)
    VALUES (a.company_id, a.kind || '.settled', a.user_id, a.id, a.day, a.key_id, a.slug, a.last4,
      jsonb_strip_nulls(jsonb_build_object('state', a.state, 'http_status', a.http_status, 'error_code', a.error_code,
        'model', a.model, 'key_source', a.key_source, 'input_tokens', a.input_tokens, 'cached_tokens', a.cached_tokens,
        'output_tokens', a.output_tokens, 'cost_nano_usd', a.cost_nano_usd, 'cost_basis', a.cost_basis,
        'latency_ms', a.latency_ms, 'ttfb_ms', a.ttfb_ms)));

    -- An expired call was counted when it expired: what comes later counts by its difference.
    added := added || ROW(a.company_id, date_trunc('hour', a.created_at), a.provider, a.slug, a.model,
      coalesce(a.operation, ''), coalesce(a.user_id, ''), coalesce(a.key_id, ''), a.key_source, a.kind, a.settled_at,
      (b.state = 'reserved' AND a.state <> 'released')::int,
      coalesce((a.http_status >= 400)::int, 0) - coalesce((b.http_status >= 400)::int, 0),
      (b.state = 'reserved' AND a.fallback_reason IS NOT NULL)::int,
      (a.cost_nano_usd IS NULL AND a.state <> 'released')::int - (b.state = 'expired' AND b.cost_nano_usd IS NULL)::int,
      coalesce((a.cost_basis = 'estimated')::int, 0) - coalesce((b.cost_basis = 'estimated')::int, 0),
      a.input_tokens - b.input_tokens, a.cached_tokens - b.cached_tokens, a.output_tokens - b.output_tokens,
      coalesce(a.cost_nano_usd, 0) - coalesce(b.cost_nano_usd, 0))::settled_call;
    id := c.id;
    RETURN NEXT;
  END LOOP;
  IF cardinality(added) = 0 THEN RETURN; END IF;

  FOR k IN
    SELECT s.key_id, sum(s.requests) AS calls, max(s.at) AS last FROM unnest(added) s
    WHERE s.kind = 'call' AND s.key_id <> '' GROUP BY s.key_id ORDER BY s.key_id
  LOOP
    UPDATE keys SET requests_handled = requests_handled + k.calls, last_used_at = greatest(last_used_at, k.last)
    WHERE keys.id = k.key_id;
  END LOOP;

  INSERT INTO usage_hourly AS u (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests,
    errors, fallbacks, unpriced, estimated, input_tokens, cached_tokens, output_tokens, cost_nano_usd)
  SELECT s.company_id, s.hour, s.provider, s.slug, s.model, s.operation, s.user_id, s.key_id, s.key_source, sum(s.requests),
    sum(s.errors), sum(s.fallbacks), sum(s.unpriced), sum(s.estimated), sum(s.input_tokens), sum(s.cached_tokens),
    sum(s.output_tokens), sum(s.cost_nano_usd)
  FROM unnest(added) s WHERE s.company_id IS NOT NULL AND s.kind = 'call'
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
  ON CONFLICT (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source) DO UPDATE SET
    requests = u.requests + excluded.requests, errors = u.errors + excluded.errors,
    fallbacks = u.fallbacks + excluded.fallbacks, unpriced = u.unpriced + excluded.unpriced,
    estimated = u.estimated + excluded.estimated, input_tokens = u.input_tokens + excluded.input_tokens,
    cached_tokens = u.cached_tokens + excluded.cached_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
    cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd;
END $$;

-- renew(): reservations still running stay theirs for another 60 s.
CREATE FUNCTION renew(calls jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE c record;
BEGIN
  FOR c IN SELECT * FROM jsonb_to_recordset(calls) AS x (id text, day date) ORDER BY day, id LOOP
    UPDATE requests r SET lease_until = now() + interval '60 seconds'
    WHERE r.day = c.day AND r.id = c.id AND r.state = 'reserved';
  END LOOP;
END $$;

-- expire(): books what a dead worker left open, at the worst case. Any worker may call it; rows are taken once.
CREATE FUNCTION expire() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE calls jsonb; moved int;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('id', r.id, 'day', r.day, 'state', 'expired', 'error_code', 'call.lost',
      'cost_nano_usd', CASE WHEN r.reserved_nano_usd > 0 THEN r.reserved_nano_usd END, 'cost_basis', 'estimated'))
    INTO calls
    FROM (SELECT * FROM requests WHERE state = 'reserved' AND lease_until < now() ORDER BY day, id LIMIT 500
          FOR NO KEY UPDATE SKIP LOCKED) r;
  IF calls IS NULL THEN RETURN 0; END IF;
  SELECT count(*) INTO moved FROM settle(calls);
  RETURN moved;
END $$;
