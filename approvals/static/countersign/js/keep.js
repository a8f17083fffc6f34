// What a reader opened or closed stays so when the part around it is drawn again.
const folds = new Map();

document.addEventListener("htmx:beforeSwap", (event) => {
  const area = event.detail.target?.closest?.("[data-keep-open]");
  if (!area) return;
  folds.set(area.id, new Map([...area.querySelectorAll("details[data-fold]")].map((fold) => [fold.dataset.fold, fold.open])));
});

document.addEventListener("htmx:afterSwap", (event) => {
  const area = event.detail.target?.closest?.("[data-keep-open]");
  const before = folds.get(area?.id);
  if (!before) return;
  for (const fold of area.querySelectorAll("details[data-fold]")) {
    if (before.has(fold.dataset.fold)) fold.open = before.get(fold.dataset.fold);
  }
});
