// The theme before the first paint. A classic script on purpose: modules run too late and the page would flash.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  const read = () => {
    // What a person chose for their account comes with the page; the browser's copy is for pages without one.
    if ("themeKept" in root.dataset) return root.dataset.theme;
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system";
    }
  };
  const show = (theme) => {
    root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-set]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === theme));
    }
  };
  show(read());
  addEventListener("DOMContentLoaded", () => show(read()));
  addEventListener("storage", (event) => event.key === "theme" && show(event.newValue || "system"));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-set]");
    if (!button) return;
    try {
      localStorage.setItem("theme", button.dataset.themeSet);
    } catch {
      // A browser without storage keeps the choice for this page.
    }
    show(button.dataset.themeSet);
  });
})();
