/** English text of the notice about money, which any room may show: small, since the first room may have to load it. */
export const noticeEn = {
  banner: {
    raise_cap: 'Raise cap',
    see: 'See spend',
    reached_company_day:
      "AI is paused: today's {{cap}} cap is reached. It resumes at {{when}} (in {{wait}}) or when an admin raises it.",
    reached_company_month:
      "AI is paused: this month's {{cap}} cap is reached. It resumes at {{when}} (in {{wait}}) or when an admin raises it.",
    reached_me_day:
      'AI is paused for you: your {{cap}} a day are used. It resumes at {{when}} (in {{wait}}) or when the cap is raised.',
    reached_me_month:
      'AI is paused for you: your {{cap}} a month are used. It resumes at {{when}} (in {{wait}}) or when the cap is raised.',
    zero_company_day: 'AI is paused: the cap of a day is $0. It resumes when an admin raises it.',
    zero_company_month: 'AI is paused: the cap of a month is $0. It resumes when an admin raises it.',
    zero_me_day: 'AI is paused for you: your cap of a day is $0. It resumes when it is raised.',
    zero_me_month: 'AI is paused for you: your cap of a month is $0. It resumes when it is raised.',
    near_day: "{{percent}} % of today's cap is used: {{used}} of {{cap}}.",
    near_month: "{{percent}} % of this month's cap is used: {{used}} of {{cap}}.",
    pace_day: 'At this pace it is reached around {{time}} UTC.',
    pace_month: 'At this pace it is reached on {{day}}.',
    credits_low: '{{left}} of {{granted}} credits left until {{until}}. Only requests on the shared key use them.',
    credits_out: "$t(word.host)'s credits are used up until {{until}}. Requests on your keys go on as before.",
  },
  when: {
    resets: 'resets {{when}}',
    reset: '{{utc}} ({{here}} here, in {{wait}})',
    reset_utc: '{{utc}} (in {{wait}})',
    utc: '{{time}} UTC',
    day_time: '{{day}}, {{time}}',
    minutes: '{{minutes}} min',
    hours: '{{hours}} h',
    hours_minutes: '{{hours}} h {{minutes}} min',
    days: '{{days}} days',
  },
} as const;
