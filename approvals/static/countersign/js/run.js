// A run's page: updates held back while somebody reads, counted, and made up for in one go.

let paused = false;
let waiting = 0;

const place = () => document.querySelector("[data-pausing]");

function show() {
  const area = place();
  if (!area) return;
  area.hidden = false;
  area.querySelector("[data-pause-updates]").setAttribute("aria-pressed", String(paused));
  const count = area.querySelector("[data-paused-count]");
  const words = waiting === 1 ? count.dataset.one : waiting ? count.dataset.many : count.dataset.none;
  count.textContent = paused ? words.replace("{n}", waiting) : "";
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-pause-updates]")) return;
  paused = !paused;
  if (!paused && waiting) document.getElementById("run-look").dispatchEvent(new CustomEvent("look:again"));
  waiting = 0;
  show();
});

// Every hint reaches this page once however many parts of it would be drawn anew: what is counted are hints, not requests.
const seen = new Set();
document.addEventListener("htmx:beforeRequest", (event) => {
  const cause = event.detail.requestConfig?.triggeringEvent;
  if (!paused || event.detail.target?.id !== "run-look" || !cause?.type.startsWith("live:")) return;
  event.preventDefault();
  const hints = cause.detail?.hints ?? [{}];
  for (const hint of hints) {
    if (hint.id && seen.has(hint.id)) continue;
    if (hint.id) seen.add(hint.id);
    waiting += 1;
  }
  show();
});

document.addEventListener("htmx:afterSettle", show);
show();
