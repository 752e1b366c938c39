/** What one error code means, for people and for clients. The only place where codes, statuses and sentences are written. */
export interface ErrorEntry {
  status: number;
  /** Public sentence: what happened. `{name}` is filled from the error's facts; `{name|words}` says what stands for a missing one. */
  message: string;
  /** What the caller can do. */
  action: string;
  /** Whether the same request may succeed later without anybody changing anything. */
  retryable: boolean;
}

const entry = (status: number, message: string, action: string, retryable = false): ErrorEntry => ({
  status,
  message,
  action,
  retryable,
});

export const ERRORS = {
  // Who is calling
  'auth.missing': entry(401, 'No credentials were sent.', 'Send `Authorization: Bearer oky_…` or `x-api-key: oky_…`.'),
  'auth.invalid': entry(401, 'These credentials are not valid.', 'Check the token, or create a new one under Tokens.'),
  'auth.scope': entry(
    403,
    'This token may not do this: it lacks the scope {scope}.',
    'Create a token with that scope.',
  ),
  'auth.role': entry(403, 'Only admins of the company may do this.', 'Ask an admin of your company.'),
  'auth.act_as_user': entry(403, 'This token may not name a user.', 'Create a token with the scope act_as_user.'),
  'auth.company_required': entry(
    400,
    'This token belongs to the host: the company is not named.',
    'Send the header x-ownkey-company.',
  ),
  'auth.too_many_tries': entry(429, 'Too many tries.', 'Wait {seconds} s or reset your password.', true),
  'auth.too_many_failures': entry(
    429,
    'Too many wrong tokens from this address.',
    'Check the token, then wait {seconds} s. A valid token is not held up.',
    true,
  ),
  'auth.wrong_password': entry(401, 'Email or password is not right.', 'Try again, or reset your password.'),
  'auth.csrf': entry(403, 'This request did not come from the console.', 'Reload the page and try again.'),
  // What is asked
  'request.invalid_json': entry(400, 'The body is not valid JSON: {problem}.', 'Send one JSON object in UTF-8.'),
  'request.duplicate_key': entry(400, 'The body names {param} more than once.', 'Send each field once.'),
  'request.too_deep': entry(400, 'The body is nested deeper than {limit} levels.', 'Send a flatter body.'),
  'request.invalid': entry(400, '{problem}', 'Correct {param} and send again.'),
  'request.too_large': entry(413, 'The body is larger than {limit_bytes} bytes.', 'Send a smaller body.'),
  'request.unsupported_media_type': entry(
    415,
    'The body must be application/json.',
    'Set content-type: application/json.',
  ),
  'request.unsupported': entry(400, '{problem}', 'Use a model whose provider supports it, or change {param}.'),
  'request.time_out': entry(408, 'The request did not arrive in time.', 'Send it again.', true),
  not_found: entry(404, 'There is nothing here.', 'Check the address and the id.'),
  method_not_allowed: entry(405, 'This address does not take {method}.', 'See the API reference.'),
  'conflict.changed': entry(
    409,
    '{who} changed this at {at}. Your change was not saved.',
    'Read the newest state and apply your change again.',
  ),
  'conflict.exists': entry(409, '{what} exists already.', 'Use another name, or change the existing one.'),
  'conflict.in_use': entry(409, '{what} is in use by {count}.', 'Move them first.'),
  'rate.limited': entry(429, 'More requests than the plan allows in a minute ({limit}).', 'Wait {seconds} s.', true),
  'rate.concurrency': entry(
    429,
    'More requests at once than the plan allows ({limit}).',
    'Wait for a running request to end.',
    true,
  ),
  // Models and providers
  'provider.unknown': entry(
    400,
    'There is no provider or endpoint called {provider}.',
    'See GET /api/providers for the names.',
  ),
  'model.unknown': entry(
    400,
    'No connected provider has a model called {model}.',
    'Name it as provider/model; GET /v1/models lists what can be used.',
  ),
  'model.ambiguous': entry(
    400,
    'More than one connected provider has a model called {model}: {providers}.',
    'Name it as provider/model.',
  ),
  'model.not_chosen': entry(
    400,
    'The model is `auto`, and none was chosen for {operation|calls without an operation}.',
    'Choose one under Models, or name a model.',
  ),
  'model.not_allowed': entry(
    403,
    'The key for {provider} may not be used with {model}.',
    'Choose an allowed model, or ask an admin to allow this one.',
  ),
  // Keys
  'key.missing': entry(424, 'No key for {provider} can be used.', 'Connect a key for {provider} under Model keys.'),
  'key.rejected': entry(
    422,
    '{provider} rejected this key, so it was not saved: {provider_message}',
    'Paste it again, or create a new key at {provider}.',
  ),
  'key.undecryptable': entry(
    424,
    'The stored key for {provider} cannot be opened any more. It was not sent anywhere.',
    'Replace the key.',
  ),
  'key.shape': entry(400, '{problem}', "Copy the key again from the provider's page."),
  'key.other_provider': entry(
    400,
    'This looks like a key of {other}, not of {provider}.',
    'Connect {other} instead, or copy the right key.',
  ),
  'key.destination_changed': entry(
    424,
    'The address of this endpoint changed after its key was stored. Nothing was sent.',
    'Paste the key again for the new address.',
  ),
  'key.removed': entry(424, 'The key was removed while the answer was running.', 'Send the request again.', true),
  'seal.invalid': entry(400, 'The sealed key cannot be opened: {problem}.', 'Reload the page and paste the key again.'),
  'seal.expired': entry(400, 'The sealed key has expired.', 'Reload the page and paste the key again.'),
  'seal.replayed': entry(409, 'This sealed key was used already.', 'Paste the key again.'),
  'slug.taken': entry(409, 'An endpoint or provider called {slug} exists already.', 'Choose another name.'),
  'base_url.refused': entry(
    400,
    'This base URL cannot be used.',
    'Use the https address of a public host, without user name, query or fragment.',
  ),
  'webhook.refused': entry(
    400,
    'This address cannot be called.',
    'Use the https address of a public host, without user name or fragment.',
  ),
  'webhook.too_many': entry(409, 'There are {limit} webhooks, the most a company may have.', 'Remove one first.'),
  'source.too_many': entry(
    409,
    'There are {limit} choices for accounts and operations, the most a company may have.',
    'Remove one first.',
  ),
  'invitation.too_many': entry(
    409,
    '{limit} invitations are open, the most a company may have.',
    'Withdraw some, or wait until they are accepted.',
  ),
  'probe.limited': entry(429, 'Too many key tests in a minute.', 'Wait {seconds} s.', true),
  'clear_keys.off': entry(404, 'There is nothing here.', 'Seal the key with the SDK or the CLI.'),
  // Plan, consent, money: refusals a retry cannot change
  'plan.upgrade_required': entry(
    402,
    'Your own key for {provider} is not part of the plan {plan}.',
    'Upgrade the plan: {upgrade_url|ask your administrator.}',
  ),
  'plan.model_not_included': entry(
    402,
    'The model {model} is not part of the plan {plan}.',
    'Upgrade the plan, or connect your own key.',
  ),
  'policy.fixed': entry(
    403,
    'What happens when a key fails is the same for every company here: {fixed}.',
    'Leave {param} out, or ask whoever runs the product.',
  ),
  'ai.consent_off': entry(403, 'AI is turned off for this company.', 'An admin can turn it on under Settings.'),
  'spend.request_cap_reached': entry(
    402,
    'Not sent: this request could cost up to {cost_usd} USD, more than the {cap_usd} USD allowed for one request.',
    'Ask for a shorter answer, or have the cap raised.',
  ),
  'spend.day_cap_reached': entry(
    402,
    "Not sent: this request could cost up to {cost_usd} USD, and {remaining_usd} USD is left of today's cap of {cap_usd} USD.",
    'Ask for a shorter answer, have the cap raised, or wait until {until}.',
  ),
  'spend.month_cap_reached': entry(
    402,
    "Not sent: this request could cost up to {cost_usd} USD, and {remaining_usd} USD is left of this month's cap of {cap_usd} USD.",
    'Ask for a shorter answer, have the cap raised, or wait until {until}.',
  ),
  'spend.unbounded_feature': entry(
    402,
    'Not sent: what {feature} costs cannot be bounded, and a cap applies.',
    'Leave {feature} out, or have the operator declare a ceiling for it.',
  ),
  'credits.exhausted': entry(
    402,
    "Not sent: this request could draw up to {cost_usd} USD, and {remaining_usd} USD is left of this month's credits of {cap_usd} USD.",
    '{remedy|Ask your administrator for a larger plan}. Credits come back at {resets_at}.',
  ),
  'price.unknown': entry(
    402,
    'Not sent: there is no known price for {model}.',
    'Use a model with a price, or set a price for this one.',
  ),
  // Providers' failures, where the provider gave no error of its own to pass on
  'provider.unreachable': entry(502, '{provider} could not be reached.', 'Try again.', true),
  'provider.time_out': entry(504, '{provider} did not answer in time.', 'Try again.', true),
  'provider.cut': entry(502, '{provider} ended the answer in the middle.', 'Try again.', true),
  'provider.unreadable': entry(502, '{provider} sent an answer that cannot be read.', 'Try again.', true),
  'provider.answer_too_large': entry(
    502,
    '{provider} sent an answer larger than is accepted.',
    'Ask for a shorter answer.',
  ),
  'provider.error': entry(
    502,
    '{provider} answered with an error: {provider_message}',
    "See the provider's message.",
    true,
  ),
  // Ourselves
  'ledger.unavailable': entry(
    503,
    'The ledger cannot be reached, so nothing was sent.',
    'Try again in a moment.',
    true,
  ),
  busy: entry(503, 'The gateway is at its limit.', 'Try again in a moment.', true),
  'worker.unavailable': entry(
    503,
    'No worker took the job in time. Nothing was changed unless the status says so.',
    'Try again in a moment.',
    true,
  ),
  stopping: entry(503, 'This process is stopping.', 'Try again.', true),
  'embed.origin': entry(
    403,
    'This page may not show these settings.',
    "The host must list this page's origin in the session.",
  ),
  internal: entry(500, 'Something went wrong here.', 'Try again; if it stays, report the request id.', true),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorFacts = Readonly<Record<string, string | number | null>>;

/** Every failure of ours: a code of the table, facts for its sentence, and a text for the log alone. Never holds bodies or keys. */
export class OwnkeyError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  /** The request field at fault, where there is one. */
  readonly param: string | null;

  /** `internal` goes to the log only. */
  constructor(code: ErrorCode, facts: ErrorFacts = {}, internal?: string, options?: ErrorOptions) {
    super(internal ?? code, options);
    this.name = 'OwnkeyError';
    this.code = code;
    this.facts = facts;
    this.param = typeof facts.param === 'string' ? facts.param : null;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

function fill(template: string, facts: ErrorFacts): string {
  return template.replace(/\{(\w+)(?:\|([^}]*))?\}/g, (_, name: string, otherwise: string | undefined) =>
    String(facts[name] ?? otherwise ?? '–'),
  );
}

/** The public sentence of an error, with its facts filled in. */
export function errorMessage(code: ErrorCode, facts: ErrorFacts = {}): string {
  return fill(ERRORS[code].message, facts);
}

/** What the reader can do about it. */
export function errorAction(code: ErrorCode, facts: ErrorFacts = {}): string {
  return fill(ERRORS[code].action, facts);
}
