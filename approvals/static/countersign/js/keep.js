// What a reader opened stays open when the part around it is drawn again.
const open = new Map();

document.addEventListener("htmx:beforeSwap", (event) => {
  const area = event.detail.target?.closest?.("[data-keep-open]");
  if (!area) return;
  open.set(area.id, [...area.querySelectorAll("details[data-fold][open]")].map((fold) => fold.dataset.fold));
});

document.addEventListener("htmx:afterSwap", (event) => {
  const area = event.detail.target?.closest?.("[data-keep-open]");
  for (const key of open.get(area?.id) ?? []) {
    const fold = area.querySelector(`details[data-fold="${CSS.escape(key)}"]`);
    if (fold) fold.open = true;
  }
});
