// Keys that somebody moved: buttons show them. Loaded for whoever moved one.
export function show(map) {
  const moved = Object.fromEntries(Object.entries(map).filter(([, to]) => to).map(([from, to]) => [to, from]));
  const label = (root) => {
    for (const kbd of root.querySelectorAll?.("kbd:not(.fixed)") ?? []) {
      kbd.dataset.usual ??= kbd.textContent.toLowerCase();
      if (moved[kbd.dataset.usual]) kbd.textContent = moved[kbd.dataset.usual].toUpperCase();
    }
  };
  label(document);
  document.addEventListener("htmx:afterSettle", (event) => label(event.target));
}
