import { describe, expect, test } from 'vitest';
import { renderMarkdown } from './markdown-page.ts';

const html = (source: string): string => renderMarkdown(source, (target) => (target === 'gone' ? null : target)).html;

describe('Markdown as a page', () => {
  test.each([
    ['# Errors of `x`', '<h1 id="errors-of-x">Errors of <code>x</code></h1>'],
    ['One\nline.', '<p>One line.</p>'],
    ['- a\n- b\n  c', '<ul><li>a</li><li>b c</li></ul>'],
    ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
    ['> said', '<blockquote><p>said</p></blockquote>'],
    ['<a id="key.missing"></a>', '<a id="key.missing"></a>'],
    ['<!-- made -->', ''],
    ['**b** and *i*', '<p><strong>b</strong> and <em>i</em></p>'],
    ['[`a`](#a) [b](gone)', '<p><a href="#a"><code>a</code></a> b</p>'],
    ['```sh run\nif a < b\n# no heading\n```', '<pre tabindex="0"><code>if a &lt; b\n# no heading</code></pre>'],
    ['`a *b* [c](d)`', '<p><code>a *b* [c](d)</code></p>'],
  ])('%j', (source, page) => {
    expect(html(source)).toBe(page);
  });

  test('a table keeps its columns, with a bar inside a cell too', () => {
    expect(html('| A | B |\n| --- | --- |\n| `x\\|y` | 2 |')).toContain(
      '<tbody><tr><td><code>x|y</code></td><td>2</td></tr></tbody>',
    );
  });

  test.each(['<script>alert(1)</script>', '<a id="x" onclick="y"></a>', '[x](")', '# <img src=x>', '`<b>`'])(
    'no markup of the text becomes markup of the page: %s',
    (source) => {
      expect(html(source)).not.toMatch(/<script|<img|<b>|onclick="|href=""/);
    },
  );

  test('the title is the first heading', () => {
    expect(renderMarkdown('# The `first`\n## Second', () => null).title).toBe('The first');
  });
});
