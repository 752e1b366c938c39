SET LOCAL search_path = ownkey, pg_temp;

-- reserve() with money. A meter's row is made and locked by one statement in key order, here and in settle(), so two groups that
-- touch the same rows cannot wait for each other in a circle.

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

REVOKE ALL ON FUNCTION reserve(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve(jsonb) TO ownkey_worker;
