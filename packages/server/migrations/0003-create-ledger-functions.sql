SET LOCAL search_path = ownkey, pg_temp;

-- reserve(): one commit for a group of calls. Per call: 'ok' (row and audit event stand), 'changed' (the worker decided on an
-- older configuration: reload and decide again) or 'missing' (no such company). Idempotent by id, also over midnight.
CREATE FUNCTION reserve(calls jsonb) RETURNS TABLE (id text, outcome text, day text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  RETURN QUERY
  WITH input AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(calls) AS c (
      id text, company_id text, config_version bigint, global_version bigint, user_id text, token_id text, account text,
      operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
      key_version int, last4 text, key_source text, fallback_reason text, reserved_nano_usd bigint, worker_id text, actor text)
  ), judged AS MATERIALIZED (
    SELECT i.*, old.day AS old_day,
      CASE WHEN old.id IS NOT NULL THEN 'ok'
           WHEN i.company_id IS NOT NULL AND c.id IS NULL THEN 'missing'
           WHEN g.config_version <> i.global_version OR c.config_version <> i.config_version THEN 'changed'
           ELSE 'ok' END AS outcome
    FROM input i
    CROSS JOIN installation g
    LEFT JOIN companies c ON c.id = i.company_id
    LEFT JOIN requests old ON old.id = i.id AND old.day >= (now() AT TIME ZONE 'UTC')::date - 1
  ), inserted AS (
    INSERT INTO requests (id, company_id, user_id, token_id, account, operation, kind, wire, streaming, provider, slug, model,
      key_id, key_version, last4, key_source, fallback_reason, reserved_nano_usd, worker_id)
    SELECT j.id, j.company_id, j.user_id, j.token_id, j.account, j.operation, coalesce(j.kind, 'call'), j.wire,
      coalesce(j.streaming, false), j.provider, j.slug, j.model, j.key_id, j.key_version, j.last4, j.key_source,
      j.fallback_reason, coalesce(j.reserved_nano_usd, 0), j.worker_id
    FROM judged j WHERE j.outcome = 'ok' AND j.old_day IS NULL
    ON CONFLICT DO NOTHING
    RETURNING requests.id, requests.day
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT j.company_id, coalesce(j.kind, 'call') || '.started', coalesce(j.actor, 'system'), j.user_id, j.id, ins.day,
      j.key_id, j.slug, j.last4, jsonb_strip_nulls(jsonb_build_object('model', j.model, 'key_source', j.key_source,
        'operation', j.operation, 'account', j.account, 'wire', j.wire, 'fallback_reason', j.fallback_reason,
        'reserved_nano_usd', j.reserved_nano_usd))
    FROM inserted ins JOIN judged j ON j.id = ins.id
  )
  SELECT j.id, j.outcome, coalesce(j.old_day, ins.day)::text FROM judged j LEFT JOIN inserted ins ON ins.id = j.id;
END $$;

-- settle(): one commit for a group of finished calls. Idempotent: only reserved (or expired, once) rows move. Rows, then keys,
-- then sums are locked in key order, so that two groups cannot deadlock. Returns the ids that moved.
CREATE FUNCTION settle(calls jsonb) RETURNS TABLE (id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
#variable_conflict use_column
DECLARE before requests[];
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  SELECT array_agg(locked.r) INTO before FROM (
    SELECT r FROM requests r
    JOIN jsonb_to_recordset(calls) AS i (id text, day date) ON i.day = r.day AND i.id = r.id
    WHERE r.state IN ('reserved', 'expired')
    ORDER BY r.day, r.id FOR NO KEY UPDATE OF r) locked;
  IF before IS NULL THEN RETURN; END IF;

  UPDATE requests r SET
    state = coalesce(i.state, 'settled'), http_status = i.http_status, error_code = i.error_code,
    provider_request_id = i.provider_request_id, input_tokens = coalesce(i.input_tokens, 0),
    cached_tokens = coalesce(i.cached_tokens, 0), cache_write_5m_tokens = coalesce(i.cache_write_5m_tokens, 0),
    cache_write_1h_tokens = coalesce(i.cache_write_1h_tokens, 0), output_tokens = coalesce(i.output_tokens, 0),
    reasoning_tokens = coalesce(i.reasoning_tokens, 0), cost_nano_usd = i.cost_nano_usd, cost_basis = i.cost_basis,
    over_reservation = coalesce(i.cost_nano_usd > r.reserved_nano_usd, false) AND r.reserved_nano_usd > 0,
    latency_ms = i.latency_ms, ttfb_ms = i.ttfb_ms, settled_at = clock_timestamp()
  FROM jsonb_to_recordset(calls) AS i (id text, day date, state text, http_status int, error_code text,
    provider_request_id text, input_tokens bigint, cached_tokens bigint, cache_write_5m_tokens bigint,
    cache_write_1h_tokens bigint, output_tokens bigint, reasoning_tokens bigint, cost_nano_usd bigint, cost_basis text,
    latency_ms int, ttfb_ms int)
  WHERE r.day = i.day AND r.id = i.id AND r.id IN (SELECT s.id FROM unnest(before) s);

  INSERT INTO audit_events (company_id, kind, user_id, request_id, request_day, key_id, provider, last4, data)
  SELECT r.company_id, r.kind || '.settled', r.user_id, r.id, r.day, r.key_id, r.slug, r.last4,
    jsonb_strip_nulls(jsonb_build_object('state', r.state, 'http_status', r.http_status, 'error_code', r.error_code,
      'model', r.model, 'key_source', r.key_source, 'input_tokens', r.input_tokens, 'cached_tokens', r.cached_tokens,
      'output_tokens', r.output_tokens, 'cost_nano_usd', r.cost_nano_usd, 'cost_basis', r.cost_basis,
      'latency_ms', r.latency_ms, 'ttfb_ms', r.ttfb_ms))
  FROM requests r JOIN unnest(before) s ON s.day = r.day AND s.id = r.id;

  PERFORM 1 FROM keys k WHERE k.id IN (SELECT s.key_id FROM unnest(before) s) ORDER BY k.id FOR NO KEY UPDATE;
  UPDATE keys k SET requests_handled = k.requests_handled + n.calls, last_used_at = greatest(k.last_used_at, n.last)
  FROM (SELECT r.key_id, count(*) FILTER (WHERE s.state = 'reserved') AS calls, max(r.settled_at) AS last
        FROM requests r JOIN unnest(before) s ON s.day = r.day AND s.id = r.id
        WHERE r.kind = 'call' AND r.state = 'settled' GROUP BY r.key_id) n
  WHERE k.id = n.key_id;

  PERFORM add_usage(before);
  RETURN QUERY SELECT s.id FROM unnest(before) s;
END $$;

-- Adds what changed between `before` and the rows as they are now to the hourly sums of the reservation's hour.
CREATE FUNCTION add_usage(before requests[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  INSERT INTO usage_hourly AS u (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests,
    errors, fallbacks, unpriced, estimated, input_tokens, cached_tokens, output_tokens, cost_nano_usd)
  SELECT r.company_id, date_trunc('hour', r.created_at), r.provider, r.slug, r.model, coalesce(r.operation, ''),
    coalesce(r.user_id, ''), coalesce(r.key_id, ''), r.key_source,
    sum((s.state = 'reserved' AND r.state <> 'released')::int), sum(coalesce((r.http_status >= 400)::int, 0) - coalesce((s.http_status >= 400)::int, 0)),
    sum((s.state = 'reserved' AND r.fallback_reason IS NOT NULL)::int),
    sum((r.cost_nano_usd IS NULL AND r.state <> 'released')::int - (s.state = 'expired' AND s.cost_nano_usd IS NULL)::int),
    sum(coalesce((r.cost_basis = 'estimated')::int, 0) - coalesce((s.cost_basis = 'estimated')::int, 0)),
    sum(r.input_tokens - s.input_tokens), sum(r.cached_tokens - s.cached_tokens), sum(r.output_tokens - s.output_tokens),
    sum(coalesce(r.cost_nano_usd, 0) - coalesce(s.cost_nano_usd, 0))
  FROM requests r JOIN unnest(before) s ON s.day = r.day AND s.id = r.id
  WHERE r.company_id IS NOT NULL AND r.kind = 'call'
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
  ON CONFLICT (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source) DO UPDATE SET
    requests = u.requests + excluded.requests, errors = u.errors + excluded.errors,
    fallbacks = u.fallbacks + excluded.fallbacks, unpriced = u.unpriced + excluded.unpriced,
    estimated = u.estimated + excluded.estimated, input_tokens = u.input_tokens + excluded.input_tokens,
    cached_tokens = u.cached_tokens + excluded.cached_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
    cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd
$$;

-- renew(): reservations still running stay theirs for another 60 s.
CREATE FUNCTION renew(calls jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  UPDATE requests r SET lease_until = now() + interval '60 seconds'
  FROM jsonb_to_recordset(calls) AS i (id text, day date)
  WHERE r.day = i.day AND r.id = i.id AND r.state = 'reserved'
$$;

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
