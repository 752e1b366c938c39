/** English text of the operator's room Shared keys, loaded with it. */
export const sharedKeysEn = {
  shared_keys: {
    title: 'Shared keys',
    lead: 'These keys pay for everyone without an own key, and for fallbacks.',
    empty: 'No shared key yet. Without one, requests of companies without an own key fail with key.missing.',
    everyone: 'Everyone',
    used_by_none: 'No company used it in the last 30 days.',
    used_by_one: '{{count}} company used it in the last 30 days.',
    used_by_other: '{{count}} companies used it in the last 30 days.',
    retention: 'Keeps nothing',
    retention_label: 'The provider keeps nothing of what this key sends',
    retention_hint:
      'Your word. Companies that require zero data retention use this key only while it is given; a wrong word breaks their promise to their customers.',
    yes: 'yes',
    no: 'no',
    retention_on: '{{name}} counts as zero retention.',
    retention_off: '{{name}} no longer counts as zero retention.',
    remove_uses_none: 'No company used it in the last 30 days.',
    remove_uses_one: '{{count}} company uses it.',
    remove_uses_other: '{{count}} companies use it.',
    remove_next: 'After that, {{provider}} requests use the shared key {{name}}.',
    remove_fails_none: 'All of them have an own key for {{provider}}; fallbacks end.',
    remove_fails_one: '{{count}} has no own key and will fail with',
    remove_fails_other: '{{count}} have no own key and will fail with',
    removed: '{{name}} removed.',
  },
} as const;
