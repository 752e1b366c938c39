import { createScrubber } from '@ownkey/guard/scrub';
import { expect, test } from 'vitest';
import { type ReportLine, writeReportLine } from './report.ts';

const LINE: ReportLine = {
  line: 2,
  id: '7',
  company: 'acme',
  provider: 'p',
  keyId: 'key_1',
  last4: 'wxyz',
  result: 'stored',
  code: null,
  reason: 'Fine.',
};
const write = (over: Partial<ReportLine>): string => writeReportLine({ ...LINE, ...over }, createScrubber());

test('a line is CSV that a spreadsheet shows and never runs', () => {
  expect(write({})).toBe('2,7,acme,p,key_1,wxyz,stored,,Fine.\n');
  expect(write({ company: 'a "b", c' })).toBe('2,7,"a ""b"", c",p,key_1,wxyz,stored,,Fine.\n');
  for (const formula of ['=cmd()', '+1', '-1', '@x'])
    expect(write({ id: formula })).toBe(`2,'${formula},acme,p,key_1,wxyz,stored,,Fine.\n`);
});

test('a key in the wrong column is not printed', () => {
  const key = `sk-ant-api03-${'Z9y8X7w6'.repeat(12)}AA`;
  const line = write({ company: key, id: `the ${key}`, provider: key });
  expect(line).not.toContain(key.slice(13, 25));
  expect(line.length).toBeLessThan(300);
});
