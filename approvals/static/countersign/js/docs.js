// The list of the API, drawn by Swagger UI out of our own document; it asks no validator elsewhere, and follows our theme.
const place = document.getElementById("swagger-ui");
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  const chosen = root.dataset.theme;
  root.classList.toggle("dark-mode", chosen === "dark" || (chosen !== "light" && dark.matches));
}

// Its tables and code are wider than a phone and scroll in themselves: whoever has only keys scrolls them, too.
function reachable() {
  for (const node of place.querySelectorAll(".opblock-body :is(pre, .table-container)")) node.tabIndex = 0;
}

theme();
dark.addEventListener("change", theme);
new MutationObserver(theme).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
new MutationObserver(reachable).observe(place, { childList: true, subtree: true });

window.SwaggerUIBundle({
  url: place.dataset.document,
  dom_id: "#swagger-ui",
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: false, // its links stand inside of buttons
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
  validatorUrl: null,
  // "Try it out" is a request of the session: it carries what our own forms carry.
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = place.dataset.csrf;
    return request;
  },
});
