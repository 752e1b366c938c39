/** The style sheet and the script of the sandbox's page; both inline, allowed by hash in the page's policy. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #fafafb; --surface: #fff; --sunken: #f3f4f6; --text: #16181d; --text-2: #4a515d; --border: #e1e4e9; --strong: #868d99; }
@media (prefers-color-scheme: dark) { :root { --bg: #0e1116; --surface: #161a21; --sunken: #1e232c; --text: #eceff4; --text-2: #b4bcc9; --border: #2c333f; --strong: #788294; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 14px/20px ui-sans-serif, system-ui, sans-serif; }
main, header { max-width: 72rem; margin: 0 auto; padding: 16px; }
h1 { font-size: 24px; line-height: 32px; margin: 16px 0 8px; }
h2 { font-size: 18px; line-height: 24px; margin: 32px 0 8px; }
h3 { font-size: 16px; line-height: 24px; margin: 0 0 4px; }
p { margin: 0 0 8px; color: var(--text-2); max-width: 48rem; }
a { color: inherit; }
a:focus-visible, button:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
section.card { background: var(--surface); border: 1px solid var(--border); border-radius: 10px; padding: 16px; margin: 0 0 16px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 8px 12px 8px 0; border-top: 1px solid var(--border); }
thead th { border-top: 0; color: var(--text-2); font-weight: 500; }
th code { white-space: nowrap; }
code { font: 13px/20px ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
pre { background: var(--sunken); padding: 12px; border-radius: 6px; overflow-x: auto; }
button { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--strong); border-radius: 6px; min-height: 32px; min-width: 64px; padding: 0 12px; cursor: pointer; }
button:hover { background: var(--sunken); }
@media (pointer: coarse) { button { min-height: 44px; } }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; padding: 0; margin: 0; }
nav a { display: inline-block; padding: 4px 0; min-height: 24px; }
html:not(.js) button { display: none; }
`;

export const SCRIPT = `
document.documentElement.classList.add('js');
document.addEventListener('click', async (event) => {
  const button = event.target.closest('button[data-copy]');
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  const said = document.getElementById('said');
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = 'Copied.';
    button.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    said.textContent = 'Selected: press Ctrl C or Command C.';
    button.textContent = 'Selected';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
});
`;
