// A classic script, so that it runs before the first paint: a module would run after it and the page would flash.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("fanfare.theme");
  } catch {
    // Storage can be blocked; the theme then follows the system.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
