SET LOCAL search_path = ownkey, pg_temp;

-- The ledger's functions work on a group at once and find rows by their keys (arrays of keys and single-row look-ups, never a join
-- the planner may turn round): their cost does not depend on statistics, or on how many rows there are. Plans are kept (generic)
-- and never compiled.

-- reserve(): one commit for a group of calls. Per call: 'ok' (row and audit event stand), 'changed' (the worker decided on an
-- older configuration: reload and decide again) or 'missing' (no such company). Idempotent by id, also over midnight.
CREATE FUNCTION reserve(calls jsonb) RETURNS TABLE (id text, outcome text, day text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan
  SET jit = off SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  -- An id may be asked again a few seconds after its first try: only right after midnight that try can lie on the day before.
  days date[] := CASE WHEN (now() AT TIME ZONE 'UTC')::time < '00:10' THEN ARRAY[today - 1, today] ELSE ARRAY[today] END;
  installation_version bigint := (SELECT i.config_version FROM installation i);
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  RETURN QUERY
  WITH input AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(calls) AS x (
      id text, company_id text, config_version bigint, global_version bigint, user_id text, token_id text, account text,
      operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
      key_version int, last4 text, key_source text, fallback_reason text, reserved_nano_usd bigint, worker_id text, actor text)
  ), known AS MATERIALIZED (
    SELECT i.*, (SELECT k.config_version FROM companies k WHERE k.id = i.company_id) AS company_version,
      -- A repeated id whose first try was committed stands, whatever changed since.
      (SELECT r.day FROM requests r WHERE r.day = ANY (days) AND r.id = i.id LIMIT 1) AS old_day
    FROM input i
  ), judged AS MATERIALIZED (
    SELECT k.*, CASE
      WHEN k.old_day IS NOT NULL THEN 'ok'
      WHEN k.company_id IS NOT NULL AND k.company_version IS NULL THEN 'missing'
      WHEN k.company_version <> k.config_version OR installation_version <> k.global_version THEN 'changed'
      ELSE 'ok' END AS verdict
    FROM known k
  ), inserted AS (
    INSERT INTO requests (id, company_id, user_id, token_id, account, operation, kind, wire, streaming, provider, slug,
      model, key_id, key_version, last4, key_source, fallback_reason, reserved_nano_usd, worker_id)
    SELECT j.id, j.company_id, j.user_id, j.token_id, j.account, j.operation, coalesce(j.kind, 'call'), j.wire,
      coalesce(j.streaming, false), j.provider, j.slug, j.model, j.key_id, j.key_version, j.last4, j.key_source,
      j.fallback_reason, coalesce(j.reserved_nano_usd, 0), j.worker_id
    FROM judged j WHERE j.verdict = 'ok' AND j.old_day IS NULL
    ON CONFLICT DO NOTHING
    RETURNING requests.id, requests.day
  ), held AS (
    INSERT INTO reservations (day, id) SELECT ins.day, ins.id FROM inserted ins
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT j.company_id, coalesce(j.kind, 'call') || '.started', coalesce(j.actor, 'system'), j.user_id, j.id, ins.day,
      j.key_id, j.slug, j.last4, jsonb_strip_nulls(jsonb_build_object('model', j.model, 'key_source', j.key_source,
        'operation', j.operation, 'account', j.account, 'wire', j.wire, 'fallback_reason', j.fallback_reason,
        'reserved_nano_usd', j.reserved_nano_usd))
    FROM inserted ins JOIN judged j ON j.id = ins.id
  )
  -- Without a day: the same id is being inserted elsewhere at this moment. The caller asks again and finds it.
  SELECT j.id, j.verdict, coalesce(j.old_day, ins.day)::text FROM judged j LEFT JOIN inserted ins ON ins.id = j.id;
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan
  SET jit = off SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  ids text[] := (SELECT array_agg(x.id) FROM jsonb_to_recordset(calls) AS x (id text));
  days date[] := (SELECT array_agg(DISTINCT x.day) FROM jsonb_to_recordset(calls) AS x (day date));
  moved text[];
  added settled_call[];
  k record;
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  WITH input AS MATERIALIZED (
    SELECT DISTINCT ON (x.day, x.id) * FROM jsonb_to_recordset(calls) AS x (id text, day date, state text, http_status int,
      error_code text, provider_request_id text, input_tokens bigint, cached_tokens bigint, cache_write_5m_tokens bigint,
      cache_write_1h_tokens bigint, output_tokens bigint, reasoning_tokens bigint, cost_nano_usd bigint, cost_basis text,
      latency_ms int, ttfb_ms int)
  ), before AS MATERIALIZED (
    SELECT r.day, r.id, r.state, r.http_status, r.cost_nano_usd, r.cost_basis, r.input_tokens, r.cached_tokens, r.output_tokens
    FROM requests r WHERE r.day = ANY (days) AND r.id = ANY (ids) AND r.state IN ('reserved', 'expired')
    ORDER BY r.day, r.id FOR NO KEY UPDATE
  ), after AS (
    UPDATE requests r SET
      state = coalesce(i.state, 'settled'), http_status = i.http_status, error_code = i.error_code,
      provider_request_id = i.provider_request_id, input_tokens = coalesce(i.input_tokens, 0),
      cached_tokens = coalesce(i.cached_tokens, 0), cache_write_5m_tokens = coalesce(i.cache_write_5m_tokens, 0),
      cache_write_1h_tokens = coalesce(i.cache_write_1h_tokens, 0), output_tokens = coalesce(i.output_tokens, 0),
      reasoning_tokens = coalesce(i.reasoning_tokens, 0), cost_nano_usd = i.cost_nano_usd, cost_basis = i.cost_basis,
      over_reservation = r.reserved_nano_usd > 0 AND coalesce(i.cost_nano_usd > r.reserved_nano_usd, false),
      latency_ms = i.latency_ms, ttfb_ms = i.ttfb_ms, settled_at = clock_timestamp()
    FROM input i JOIN before b ON b.day = i.day AND b.id = i.id
    WHERE r.day = ANY (days) AND r.id = ANY (ids) AND r.day = b.day AND r.id = b.id
      AND (b.state = 'reserved' OR coalesce(i.state, 'settled') <> 'expired')
    RETURNING r.*
  ), freed AS (
    DELETE FROM reservations v WHERE v.day = ANY (days) AND v.id = ANY (ids)
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT a.company_id, a.kind || '.settled', a.user_id, a.id, a.day, a.key_id, a.slug, a.last4,
      jsonb_strip_nulls(jsonb_build_object('state', a.state, 'http_status', a.http_status, 'error_code', a.error_code,
        'model', a.model, 'key_source', a.key_source, 'input_tokens', a.input_tokens, 'cached_tokens', a.cached_tokens,
        'output_tokens', a.output_tokens, 'cost_nano_usd', a.cost_nano_usd, 'cost_basis', a.cost_basis,
        'latency_ms', a.latency_ms, 'ttfb_ms', a.ttfb_ms))
    FROM after a
  )
  -- An expired call was counted when it expired: what comes later counts by its difference.
  SELECT array_agg(a.id), array_agg(ROW(a.company_id, date_trunc('hour', a.created_at), a.provider, a.slug, a.model,
      coalesce(a.operation, ''), coalesce(a.user_id, ''), coalesce(a.key_id, ''), a.key_source, a.kind, a.settled_at,
      (b.state = 'reserved' AND a.state <> 'released')::int,
      coalesce((a.http_status >= 400)::int, 0) - coalesce((b.http_status >= 400)::int, 0),
      (b.state = 'reserved' AND a.fallback_reason IS NOT NULL)::int,
      (a.cost_nano_usd IS NULL AND a.state <> 'released')::int - (b.state = 'expired' AND b.cost_nano_usd IS NULL)::int,
      coalesce((a.cost_basis = 'estimated')::int, 0) - coalesce((b.cost_basis = 'estimated')::int, 0),
      a.input_tokens - b.input_tokens, a.cached_tokens - b.cached_tokens, a.output_tokens - b.output_tokens,
      coalesce(a.cost_nano_usd, 0) - coalesce(b.cost_nano_usd, 0))::settled_call)
    INTO moved, added
    FROM after a JOIN before b ON b.day = a.day AND b.id = a.id;
  IF moved IS NULL THEN RETURN; END IF;

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
  RETURN QUERY SELECT unnest(moved);
END $$;

-- renew(): reservations still running stay theirs for another 60 s.
CREATE FUNCTION renew(calls jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan
  SET jit = off SET enable_seqscan = off AS $$
DECLARE c record;
BEGIN
  FOR c IN SELECT * FROM jsonb_to_recordset(calls) AS x (id text, day date) ORDER BY day, id LOOP
    UPDATE reservations v SET lease_until = now() + interval '60 seconds' WHERE v.day = c.day AND v.id = c.id;
  END LOOP;
END $$;

-- expire(): books what a dead worker left open, at the worst case. Any worker may call it: nothing is locked before settle() locks
-- in its own order, and a row expires once.
CREATE FUNCTION expire() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE calls jsonb; moved int;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('id', r.id, 'day', r.day, 'state', 'expired', 'error_code', 'call.lost',
      'cost_nano_usd', CASE WHEN r.reserved_nano_usd > 0 THEN r.reserved_nano_usd END, 'cost_basis', 'estimated'))
    INTO calls
    FROM (SELECT v.day, v.id FROM reservations v WHERE v.lease_until < now() ORDER BY v.day, v.id LIMIT 500) late
    JOIN requests r ON r.day = late.day AND r.id = late.id;
  IF calls IS NULL THEN RETURN 0; END IF;
  SELECT count(*) INTO moved FROM settle(calls);
  RETURN moved;
END $$;
