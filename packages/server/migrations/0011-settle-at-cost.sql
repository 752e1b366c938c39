SET LOCAL search_path = ownkey, pg_temp;

ALTER TYPE settled_call ADD ATTRIBUTE day date;
ALTER TYPE settled_call ADD ATTRIBUTE fallback boolean;
ALTER TYPE settled_call ADD ATTRIBUTE freed_nano_usd bigint;
ALTER TYPE settled_call ADD ATTRIBUTE running_meters text[];

-- settle(): one commit for a group of finished calls. Idempotent: only reserved (or expired, once) rows move. Rows, then keys, sums
-- and meters are locked in key order, so that two groups cannot deadlock. What a call cost goes to the periods it was reserved in.
-- Returns the ids that moved.
CREATE OR REPLACE FUNCTION settle(calls jsonb) RETURNS TABLE (id text)
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
      price_id text, latency_ms int, ttfb_ms int)
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
      price_id = coalesce(i.price_id, r.price_id),
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
        'output_tokens', a.output_tokens, 'cost_nano_usd', a.cost_nano_usd, 'cost_basis', a.cost_basis, 'price', a.price_id,
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
      coalesce(a.cost_nano_usd, 0) - coalesce(b.cost_nano_usd, 0), a.day, a.fallback_reason IS NOT NULL,
      CASE WHEN b.state = 'reserved' THEN a.reserved_nano_usd ELSE 0 END,
      CASE WHEN b.state = 'reserved' THEN a.running_meters END)::settled_call)
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

  FOR k IN
    INSERT INTO meters AS m (company_id, meter, kind, start, settled, reserved)
    SELECT s.company_id, b.meter, b.kind, b.start, sum(b.settled), sum(b.reserved)
    FROM unnest(added) s
    CROSS JOIN LATERAL (VALUES (s.day::timestamp AT TIME ZONE 'UTC', date_trunc('month', s.day::timestamp) AT TIME ZONE 'UTC'))
      AS period (day, month)
    CROSS JOIN LATERAL (
      SELECT v.meter, v.kind, v.start, s.cost_nano_usd AS settled, -s.freed_nano_usd AS reserved
      FROM (VALUES
        ('', 'day', period.day, true), ('', 'month', period.month, true),
        (s.user_id, 'day', period.day, s.user_id <> ''), (s.user_id, 'month', period.month, s.user_id <> ''),
        ('credits', 'month', period.month, s.key_source = 'platform'),
        ('fallback', 'day', period.day, s.fallback), ('fallback', 'month', period.month, s.fallback)
      ) AS v (meter, kind, start, counts)
      WHERE v.counts AND (s.cost_nano_usd <> 0 OR s.freed_nano_usd <> 0)
      UNION ALL
      SELECT r.meter, 'running', '-infinity', 0, -1 FROM unnest(s.running_meters) AS r (meter)
    ) b
    WHERE s.company_id IS NOT NULL
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (company_id, meter, kind, start) DO UPDATE
      SET settled = m.settled + excluded.settled, reserved = m.reserved + excluded.reserved
    RETURNING m.company_id, m.meter, m.kind, m.start, m.cap, m.settled, m.reserved
  LOOP
    IF k.meter = '' AND k.cap IS NOT NULL THEN
      PERFORM note_alert(k.company_id, k.meter, k.kind, k.start, k.cap, k.settled, k.reserved, 'spent', NULL);
    END IF;
  END LOOP;
  RETURN QUERY SELECT unnest(moved);
END $$;

-- A change of caps meets what is spent at once, before any call does: `new_caps` are the caps of the company now in force,
-- [{meter, kind, cap}], null = none.
CREATE FUNCTION meet_caps(company text, by_actor text, new_caps jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE
  this_day timestamptz := date_trunc('day', ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  this_month timestamptz := date_trunc('month', ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  c record;
  m meters;
  old_cap bigint;
BEGIN
  FOR c IN SELECT x.meter, x.kind, x.cap, CASE x.kind WHEN 'day' THEN this_day ELSE this_month END AS start
    FROM jsonb_to_recordset(new_caps) AS x (meter text, kind text, cap bigint)
    WHERE x.kind IN ('day', 'month') ORDER BY 1, 2
  LOOP
    SELECT * INTO m FROM meters w WHERE w.company_id = company AND w.meter = c.meter AND w.kind = c.kind AND w.start = c.start
      FOR NO KEY UPDATE;
    CONTINUE WHEN NOT FOUND OR m.cap IS NOT DISTINCT FROM c.cap;
    old_cap := m.cap;
    UPDATE meters w SET cap = c.cap WHERE w.company_id = company AND w.meter = c.meter AND w.kind = c.kind AND w.start = c.start;
    IF c.cap IS NOT NULL AND (old_cap IS NULL OR c.cap < old_cap) AND c.meter = '' THEN
      PERFORM note_alert(company, c.meter, c.kind, c.start, c.cap, m.settled, m.reserved, 'cap_lowered', by_actor);
    END IF;
  END LOOP;
END $$;

-- What no limit asks about any more. Sums of days and months stay: the record of spend is read from them.
CREATE FUNCTION clean_meters() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  DELETE FROM meters WHERE kind = 'minute' AND start < now() - interval '10 minutes'
$$;

CREATE OR REPLACE FUNCTION erase_company(company text, by_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  DELETE FROM companies WHERE id = company;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM reservations v USING requests r WHERE r.company_id = company AND v.day = r.day AND v.id = r.id;
  DELETE FROM requests WHERE company_id = company;
  DELETE FROM meters WHERE company_id = company;
  DELETE FROM alerts WHERE company_id = company;
  DELETE FROM usage_hourly WHERE company_id = company;
  DELETE FROM audit_chain WHERE company_id = company;
  DELETE FROM audit_heads WHERE company_id = company;
  DELETE FROM audit_events WHERE company_id = company;
  INSERT INTO audit_events (kind, actor, data) VALUES ('company.erased', by_actor, jsonb_build_object('company', company));
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION meet_caps(text, text, jsonb), clean_meters() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION meet_caps(text, text, jsonb), clean_meters() TO ownkey_control;
