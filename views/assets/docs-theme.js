// Swagger UI is dark by a class: the theme that was chosen on the pages, or else the system's. Before anything is drawn, so that nothing flashes.
const chosen = /(?:^|; )tidings_theme=(light|dark)/.exec(document.cookie)?.[1];
const system = matchMedia('(prefers-color-scheme: dark)');
const follow = () =>
  document.documentElement.classList.toggle('dark-mode', chosen ? chosen === 'dark' : system.matches);

system.addEventListener('change', follow);
follow();
