// How long an action was shown, and whether the end of its arguments was on the screen ("seen"): sent with the verdict, for review quality.
const since = new Map();
const ended = new Set();
const watched = new WeakSet();
const name = (pane) => `${pane.dataset.action} ${pane.dataset.version}`;

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const above = entry.rootBounds && entry.boundingClientRect.bottom < entry.rootBounds.top;
    const pane = entry.target.closest("[data-action]");
    if (!pane || !(entry.isIntersecting || above)) continue;
    ended.add(name(pane));
    entry.target.dispatchEvent(new Event("seen", { bubbles: true }));
  }
});

function look() {
  for (const pane of document.querySelectorAll("[data-action][data-version]")) {
    if (!since.has(name(pane))) since.set(name(pane), performance.now());
    const mark = pane.querySelector("[data-seen-mark]");
    if (mark && !watched.has(mark)) {
      watched.add(mark);
      observer.observe(mark);
    }
  }
}

document.addEventListener("DOMContentLoaded", look);
document.addEventListener("htmx:afterSettle", look);
look();

document.addEventListener("htmx:configRequest", (event) => {
  const pane = event.target.dataset?.decide && event.target.closest("[data-action][data-version]");
  if (!pane) return;
  event.detail.formData.set("looked_ms", String(Math.round(performance.now() - (since.get(name(pane)) ?? performance.now()))));
  event.detail.formData.set("saw_all", ended.has(name(pane)) ? "1" : "0");
});

// Who else has this open: told while it is looked at, heard when somebody comes or goes.
const BEAT_MS = 15000;

function beat() {
  const form = document.querySelector("[data-viewing]");
  if (form && !document.hidden) htmx.trigger(form, "beat");
}

setInterval(beat, BEAT_MS);
document.addEventListener("visibilitychange", beat);
let heard = 0;
document.body.addEventListener("live:presence", (event) => {
  const form = document.querySelector("[data-viewing]");
  if (!form || !event.detail.hints.some((hint) => hint.object_id === form.dataset.viewing)) return;
  clearTimeout(heard);
  heard = setTimeout(beat, 300);
});
