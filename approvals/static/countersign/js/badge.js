// How much waits: in the title, on the phone's tab, on the tab's icon (a number and a shape, not only a colour).
const base = document.title;
const icon = document.querySelector("link[rel=icon]");
const plain = icon?.href;

function drawn(text) {
  return (
    "data:image/svg+xml," +
    encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="1" y="1" width="26" height="26" rx="6" fill="#0B5F7D"/>` +
        `<rect x="9" y="11" width="22" height="20" rx="5" fill="#B33F0C" stroke="#fff" stroke-width="2"/>` +
        `<text x="20" y="26.5" font-family="sans-serif" font-size="${text.length > 2 ? 11 : 14}" font-weight="700" fill="#fff" text-anchor="middle">${text}</text></svg>`,
    )
  );
}

function badge() {
  const text = document.querySelector("[data-count]")?.textContent.trim() || "";
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  document.title = count ? `(${text}) ${base}` : base;
  for (const copy of document.querySelectorAll("[data-count-copy]")) copy.textContent = text;
  navigator.setAppBadge?.(count).catch(() => {});
  if (icon) icon.href = count ? drawn(count > 99 ? "99+" : String(count)) : plain;
}

document.addEventListener("htmx:afterSettle", (event) => event.target.matches?.("[data-count]") && badge());
badge();
