/**
 * What the field says, in its own words. A page chooses the label alone: who words the promise could word a lie. Placeholders in
 * braces.
 */
export const texts = {
  form: {
    ok: 'Looks like a key of {provider}.',
    trimmed: 'Quotes or line breaks around the key were removed.',
    unknown: 'The form of this key cannot be checked here; the test will tell.',
    other_provider: 'This looks like a key of {other}.',
    ownkey_token: 'This is an Ownkey token, not a provider key.',
    cut_off: 'This key looks cut off: {length} characters, those of {provider} have {min} or more. Copy it again.',
    bad_character: 'There is a character here that keys do not contain. Copy it again.',
    too_long: 'Far too long for a key. Nothing was read.',
    empty: 'Paste the key first.',
    cleared: 'Cleared for safety. Paste again.',
    moved: 'Cleared, because what it would be sealed for has changed. Read what stands above and paste again.',
  },
  place: {
    company: 'Sealed for {company}; sent only to {host}.',
    personal: 'Sealed for one person of {company}; sent only to {host}.',
    platform: 'Sealed as a key that all companies share; sent only to {host}.',
    none: 'Say first where the key belongs: it is sealed for that address alone.',
    unknown: 'The gateway does not know what this key would be for, so nothing can be pasted.',
  },
  vault: 'Vault {fingerprint}',
  sight: {
    covered: 'Something on the page covers or dims this field, so nothing can be pasted. Close what lies over it.',
    clipped: 'A part of this field is out of sight, so nothing can be pasted. Scroll until all of it shows.',
  },
  failed: 'The gateway did not answer. Nothing was sealed.',
  no_sealing: 'This browser does not encrypt here, so nothing can be pasted.',
} as const;

/** A text with its placeholders filled in. */
export function fill(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replace(/\{([a-z]+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
