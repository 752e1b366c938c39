SET LOCAL search_path = ownkey, pg_temp;

-- reserve(), settle() and expire() with money. Locks are taken in one order everywhere: meters by key, then (settle) sums; rows of
-- `requests` are locked by settle() alone, before. A meter's row is made and locked by one statement in key order, so two groups
-- that touch the same rows cannot wait for each other in a circle.

DROP FUNCTION reserve(jsonb);

-- A call as the worker asks for it; i is its place in the group. company_id is null where there is no such company.
CREATE TYPE reserve_call AS (
  i int, id text, company_id text, wanted_company text, config_version bigint, global_version bigint, user_id text, token_id text,
  account text, operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
  key_version int, last4 text, key_source text, fallback_reason text, worker_id text, actor text, price_id text,
  reserved_nano_usd bigint, least_nano_usd bigint, limits jsonb
);

-- What a call adds to one meter, and the limit it has to keep there (cap null = none). n numbers the rows of the group; 0 = no row,
-- a cap on one request. pause: the call is stopped by a cap of 0 whatever it costs.
CREATE TYPE meter_touch AS (
  i int, n int, company_id text, meter text, kind text, start timestamptz, cap bigint, rank int, amount bigint, least bigint,
  pause boolean
);

-- reserve(): one commit for a group of calls. Per call: 'ok' (row and audit event stand, every limit is kept), 'refused' (with the
-- limit), 'changed' (the worker decided on an older configuration: reload and decide again) or 'missing' (no such company).
-- Calls are admitted one after another in the order given; one that is refused leaves the others. A call that names
-- least_nano_usd may be granted less than it asked for. Idempotent by id, also over midnight.
CREATE FUNCTION reserve(calls jsonb) RETURNS TABLE (id text, outcome text, day text, granted_nano_usd bigint,
  remaining_nano_usd bigint, at_ms bigint, refusal jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp SET plan_cache_mode = force_generic_plan
  SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz := ledger_now();
  today date := (moment AT TIME ZONE 'UTC')::date;
  this_day timestamptz := today::timestamp AT TIME ZONE 'UTC';
  this_month timestamptz := date_trunc('month', today::timestamp) AT TIME ZONE 'UTC';
  this_minute timestamptz := date_trunc('minute', moment);
  -- An id may be asked again a few seconds after its first try: only right after midnight that try can lie on the day before.
  days date[] := CASE WHEN (moment AT TIME ZONE 'UTC')::time < '00:10' THEN ARRAY[today - 1, today] ELSE ARRAY[today] END;
  installation_version bigint;
  asked reserve_call[];
  touches meter_touch[];
  t meter_touch;
  broken meter_touch;
  keys meter_touch[];              -- one per row, by n
  used bigint[];
  add_settled bigint[];
  add_reserved bigint[];
  add_refused bigint[];
  caps_met bigint[];
  granted bigint[];
  remaining bigint[];
  refusals jsonb[];
  verdicts text[];                 -- 'ok' for calls that ask now, 'old' for repeated ones
  old_days date[];
  admitted int[] := '{}';
  fits boolean;
  p int := 1;
  first_touch int;
  count_touches int;
  amount bigint;
  free bigint;
  least_free bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit

  SELECT array_agg(ROW(x.ord, x.id, (SELECT co.id FROM companies co WHERE co.id = x.company_id), x.company_id, x.config_version,
      x.global_version, x.user_id, x.token_id, x.account, x.operation, coalesce(x.kind, 'call'), x.wire,
      coalesce(x.streaming, false), x.provider, x.slug, x.model, x.key_id, x.key_version, x.last4, x.key_source, x.fallback_reason,
      x.worker_id, x.actor, x.price_id, coalesce(x.reserved_nano_usd, 0), x.least_nano_usd, x.limits)::reserve_call ORDER BY x.ord)
    INTO asked
    FROM (SELECT r.*, (row_number() OVER ())::int AS ord
      FROM jsonb_to_recordset(calls) AS r (
        id text, company_id text, config_version bigint, global_version bigint, user_id text, token_id text, account text,
        operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
        key_version int, last4 text, key_source text, fallback_reason text, worker_id text, actor text, price_id text,
        reserved_nano_usd bigint, least_nano_usd bigint, limits jsonb)) x;

  -- What each call touches: the sums it is counted in, and the limits it brings. Calls that cost nothing are in no sum of money.
  SELECT array_agg(ROW(u.i, u.n, u.company_id, u.meter, u.kind, u.start, u.cap, u.rank, u.amount, u.least, u.pause)::meter_touch
      ORDER BY u.i, u.rank)
    INTO touches
    FROM (
      SELECT s.*, CASE WHEN s.kind = 'request' THEN 0
          ELSE (dense_rank() OVER (PARTITION BY s.kind = 'request' ORDER BY s.company_id, s.meter, s.kind, s.start))::int END AS n
      FROM (
        SELECT a.i, a.company_id, b.meter, b.kind,
          CASE b.kind WHEN 'day' THEN this_day WHEN 'month' THEN this_month WHEN 'minute' THEN this_minute
            WHEN 'running' THEN '-infinity' END AS start,
          min(b.cap) AS cap,
          min(CASE WHEN b.meter = 'credits' THEN 6
            ELSE array_position(ARRAY['minute', 'running', 'request', 'day', 'month'], b.kind) END) AS rank,
          CASE WHEN b.kind IN ('minute', 'running') THEN 1 ELSE a.reserved_nano_usd END AS amount,
          CASE WHEN b.kind IN ('minute', 'running') THEN 1 ELSE coalesce(a.least_nano_usd, a.reserved_nano_usd) END AS least,
          b.meter <> 'credits' AND b.kind NOT IN ('minute', 'running') AND a.kind <> 'models' AS pause
        FROM unnest(asked) a CROSS JOIN LATERAL (
          SELECT v.meter, v.kind, NULL::bigint AS cap FROM (VALUES
            ('', 'day', true), ('', 'month', true),
            (a.user_id, 'day', a.user_id IS NOT NULL), (a.user_id, 'month', a.user_id IS NOT NULL),
            ('credits', 'month', a.key_source = 'platform'),
            ('fallback', 'day', a.fallback_reason IS NOT NULL), ('fallback', 'month', a.fallback_reason IS NOT NULL)
          ) AS v (meter, kind, counts) WHERE v.counts AND a.reserved_nano_usd > 0
          UNION ALL
          SELECT l.meter, l.kind, CASE WHEN l.raised_to IS NOT NULL AND today BETWEEN l.raised_from AND l.raised_until
            THEN l.raised_to ELSE l.cap END
          FROM jsonb_to_recordset(a.limits) AS l (meter text, kind text, cap bigint, raised_to bigint, raised_from date,
            raised_until date)
        ) b
        WHERE a.company_id IS NOT NULL
        GROUP BY a.i, a.company_id, a.reserved_nano_usd, a.least_nano_usd, a.kind, b.meter, b.kind
      ) s
    ) u;
  count_touches := coalesce(array_length(touches, 1), 0);

  IF count_touches > 0 THEN
    SELECT array_agg(ROW(NULL, d.n, d.company_id, d.meter, d.kind, d.start, NULL, NULL, NULL, NULL, NULL)::meter_touch ORDER BY d.n)
      INTO keys
      FROM (SELECT DISTINCT x.n, x.company_id, x.meter, x.kind, x.start FROM unnest(touches) x WHERE x.n > 0) d;
  END IF;
  IF keys IS NOT NULL THEN
    -- Makes what is missing and locks every row, in key order; ON CONFLICT locks a row whose update its WHERE leaves out.
    INSERT INTO meters AS m (company_id, meter, kind, start)
      SELECT x.company_id, x.meter, x.kind, x.start FROM unnest(keys) x ORDER BY x.company_id, x.meter, x.kind, x.start
      ON CONFLICT (company_id, meter, kind, start) DO UPDATE SET cap = m.cap WHERE false;
    SELECT array_agg((SELECT m.settled + m.reserved FROM meters m WHERE m.company_id = x.company_id AND m.meter = x.meter
        AND m.kind = x.kind AND m.start = x.start) ORDER BY x.n), array_agg(0::bigint), array_agg(0::bigint), array_agg(0::bigint)
      INTO used, add_settled, add_reserved, add_refused FROM unnest(keys) x;
  END IF;

  -- Judged once the rows are locked: a change that was committed while this group waited counts.
  installation_version := (SELECT i.config_version FROM installation i);
  SELECT array_agg(j.old_day ORDER BY j.i), array_agg(CASE
      WHEN j.old_day IS NOT NULL THEN 'old'         -- a repeated id whose first try was committed stands, whatever changed since
      WHEN j.wanted_company IS NOT NULL AND j.company_version IS NULL THEN 'missing'
      WHEN j.company_version <> j.config_version OR installation_version <> j.global_version THEN 'changed'
      ELSE 'ok' END ORDER BY j.i)
    INTO old_days, verdicts
    FROM (SELECT a.i, a.wanted_company, a.config_version, a.global_version,
        (SELECT co.config_version FROM companies co WHERE co.id = a.company_id) AS company_version,
        (SELECT q.day FROM requests q WHERE q.day = ANY (days) AND q.id = a.id LIMIT 1) AS old_day
      FROM unnest(asked) a) j;

  -- Where all of the group fits under every limit, its order does not matter.
  SELECT coalesce(bool_and(r.fits), true) INTO fits
    FROM (SELECT coalesce(bool_and(x.cap IS NULL OR (NOT (x.cap = 0 AND x.pause) AND x.amount <= x.cap)), true)
          AND (x.n = 0 OR min(x.cap) IS NULL OR sum(x.amount) = 0 OR used[x.n] + sum(x.amount) <= min(x.cap)) AS fits
      FROM unnest(touches) x WHERE verdicts[x.i] = 'ok' GROUP BY x.n) r;

  IF fits THEN
    SELECT coalesce(array_agg(a.i) FILTER (WHERE verdicts[a.i] = 'ok'), '{}'), array_agg(a.reserved_nano_usd ORDER BY a.i)
      INTO admitted, granted FROM unnest(asked) a;
    SELECT array_agg(CASE WHEN r.kind = 'minute' THEN r.amount ELSE 0 END ORDER BY r.n),
        array_agg(CASE WHEN r.kind = 'minute' THEN 0 ELSE r.amount END ORDER BY r.n), array_agg(r.cap ORDER BY r.n)
      INTO add_settled, add_reserved, caps_met
      FROM (SELECT x.n, min(x.kind) AS kind, coalesce(sum(x.amount) FILTER (WHERE verdicts[x.i] = 'ok'), 0)::bigint AS amount,
          min(x.cap) FILTER (WHERE verdicts[x.i] = 'ok') AS cap
        FROM unnest(touches) x WHERE x.n > 0 GROUP BY x.n) r;
    -- What is left once the whole group has its reservations.
    SELECT array_agg(r.left ORDER BY r.i) INTO remaining
      FROM (SELECT y.i, min(y.left) AS left
        FROM (SELECT x.i, greatest(x.cap - used[x.n] - add_reserved[x.n], 0) AS left FROM unnest(touches) x
            WHERE x.n > 0 AND x.cap IS NOT NULL AND x.kind IN ('day', 'month') AND x.meter <> 'credits'
          UNION ALL SELECT g, NULL FROM generate_series(1, array_length(asked, 1)) g) y
        GROUP BY y.i) r;
  ELSE
    caps_met := array_fill(NULL::bigint, ARRAY[coalesce(array_length(keys, 1), 1)]);
    FOR i IN 1..array_length(asked, 1) LOOP
      amount := asked[i].reserved_nano_usd;
      least_free := NULL;
      broken := NULL;
      first_touch := p;
      WHILE p <= count_touches LOOP
        t := touches[p];
        EXIT WHEN t.i <> i;
        p := p + 1;
        CONTINUE WHEN t.cap IS NULL OR verdicts[i] <> 'ok';
        IF t.n > 0 AND t.meter <> 'credits' THEN caps_met[t.n] := least(caps_met[t.n], t.cap); END IF;
        -- What is left for this call. A cap of 0 is a pause: it also stops what costs nothing, lists of models apart.
        free := CASE WHEN t.n = 0 THEN t.cap ELSE t.cap - used[t.n] END;
        IF t.n > 0 AND t.kind IN ('day', 'month') AND t.meter <> 'credits' THEN least_free := least(least_free, free); END IF;
        CONTINUE WHEN broken.kind IS NOT NULL;
        IF (t.cap = 0 AND t.pause) OR (t.amount > 0 AND free < t.least) THEN
          broken := t;
        ELSIF t.kind NOT IN ('minute', 'running') THEN
          amount := least(amount, greatest(free, 0));
        END IF;
      END LOOP;
      CONTINUE WHEN verdicts[i] <> 'ok';

      IF broken.kind IS NOT NULL THEN
        remaining[i] := CASE WHEN least_free IS NOT NULL THEN greatest(least_free, 0) END;
        IF broken.n > 0 THEN add_refused[broken.n] := add_refused[broken.n] + 1; END IF;
        refusals[i] := jsonb_build_object('meter', broken.meter, 'kind', broken.kind, 'cap', broken.cap,
          'used', CASE WHEN broken.n > 0 THEN used[broken.n] ELSE 0 END,
          'resets_at', CASE broken.kind WHEN 'day' THEN to_char((today + 1), 'YYYY-MM-DD') || 'T00:00:00Z'
            WHEN 'month' THEN to_char(date_trunc('month', today) + interval '1 month', 'YYYY-MM-DD') || 'T00:00:00Z' END,
          'seconds', CASE broken.kind WHEN 'minute' THEN ceil(extract(epoch FROM this_minute + interval '1 minute' - moment)) END);
        CONTINUE;
      END IF;

      admitted := admitted || i;
      granted[i] := amount;
      remaining[i] := CASE WHEN least_free IS NOT NULL THEN greatest(least_free - amount, 0) END;
      FOR q IN first_touch..p - 1 LOOP
        t := touches[q];
        CONTINUE WHEN t.n = 0;
        IF t.kind = 'minute' THEN
          add_settled[t.n] := add_settled[t.n] + 1;
          used[t.n] := used[t.n] + 1;
        ELSE
          free := CASE WHEN t.kind = 'running' THEN 1 ELSE amount END;
          add_reserved[t.n] := add_reserved[t.n] + free;
          used[t.n] := used[t.n] + free;
        END IF;
      END LOOP;
    END LOOP;
  END IF;

  IF keys IS NOT NULL THEN
    UPDATE meters m SET settled = m.settled + add_settled[x.n], reserved = m.reserved + add_reserved[x.n],
      refused = m.refused + add_refused[x.n], cap = coalesce(caps_met[x.n], m.cap)
    FROM unnest(keys) x
    WHERE m.company_id = x.company_id AND m.meter = x.meter AND m.kind = x.kind AND m.start = x.start
      AND (add_settled[x.n] <> 0 OR add_reserved[x.n] <> 0 OR add_refused[x.n] <> 0 OR m.cap IS DISTINCT FROM coalesce(caps_met[x.n], m.cap));
    IF NOT fits THEN
      PERFORM note_alert(m.company_id, m.meter, m.kind, m.start, m.cap, m.settled, m.reserved, 'refused', NULL)
        FROM unnest(keys) x JOIN meters m ON m.company_id = x.company_id AND m.meter = x.meter AND m.kind = x.kind AND m.start = x.start
        WHERE add_refused[x.n] > 0 AND m.meter = '' AND m.kind IN ('day', 'month');
    END IF;
  END IF;

  RETURN QUERY
  WITH inserted AS (
    INSERT INTO requests (id, day, created_at, company_id, user_id, token_id, account, operation, kind, wire, streaming, provider,
      slug, model, key_id, key_version, last4, key_source, fallback_reason, reserved_nano_usd, worker_id, price_id, running_meters)
    SELECT a.id, today, moment, a.company_id, a.user_id, a.token_id, a.account, a.operation, a.kind, a.wire, a.streaming,
      a.provider, a.slug, a.model, a.key_id, a.key_version, a.last4, a.key_source, a.fallback_reason, granted[a.i], a.worker_id,
      a.price_id, (SELECT array_agg(DISTINCT l.meter) FROM jsonb_to_recordset(a.limits) AS l (meter text, kind text)
        WHERE l.kind = 'running')
    FROM unnest(asked) a WHERE a.i = ANY (admitted)
    ON CONFLICT DO NOTHING
    RETURNING requests.id, requests.day, requests.reserved_nano_usd
  ), held AS (
    INSERT INTO reservations (day, id) SELECT ins.day, ins.id FROM inserted ins
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT j.company_id, j.kind || '.started', coalesce(j.actor, 'system'), j.user_id, j.id, today,
      j.key_id, j.slug, j.last4, jsonb_strip_nulls(jsonb_build_object('model', j.model, 'key_source', j.key_source,
        'operation', j.operation, 'account', j.account, 'wire', j.wire, 'fallback_reason', j.fallback_reason,
        'reserved_nano_usd', granted[j.i], 'price', j.price_id))
    FROM inserted ins JOIN unnest(asked) j ON j.id = ins.id
  )
  -- Without a day: the same id is being inserted elsewhere at this moment. The caller asks again and finds it.
  SELECT a.id, CASE WHEN refusals[a.i] IS NOT NULL THEN 'refused' WHEN verdicts[a.i] = 'old' THEN 'ok' ELSE verdicts[a.i] END,
    coalesce(old_days[a.i], ins.day)::text,
    coalesce(ins.reserved_nano_usd,
      (SELECT q.reserved_nano_usd FROM requests q WHERE q.day = old_days[a.i] AND q.id = a.id)),
    remaining[a.i],
    (extract(epoch FROM coalesce((SELECT q.created_at FROM requests q WHERE q.day = old_days[a.i] AND q.id = a.id), moment))
      * 1000)::bigint,
    refusals[a.i]
  FROM unnest(asked) a LEFT JOIN inserted ins ON ins.id = a.id;
END $$;

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

REVOKE ALL ON FUNCTION reserve(jsonb), meet_caps(text, text, jsonb), clean_meters() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve(jsonb) TO ownkey_worker;
GRANT EXECUTE ON FUNCTION meet_caps(text, text, jsonb), clean_meters() TO ownkey_control;
