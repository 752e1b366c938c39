// Sets the colour scheme before the first paint; a file of its own because the policy of the page forbids inline scripts.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem('oky-theme');
  } catch {}
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
