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

// The strip of figures stays in sight below the bar of the page, which is higher while something is halted; what is jumped to stands below both.
const bar = document.getElementById("top");

function heights() {
  const root = document.documentElement.style;
  root.setProperty("--top-height", `${bar.offsetHeight}px`);
  root.setProperty("--strip-height", `${document.querySelector(".run-strip")?.offsetHeight ?? 0}px`);
}

document.addEventListener("htmx:afterSettle", heights);
new ResizeObserver(heights).observe(bar);
addEventListener("resize", heights);

// A part of a run's time, chosen on the picture of all of it: by dragging, or with the keyboard. The two fields beside the filter hold it,
// and their form asks for the page: without this script they do the same.
const percent = (value) => Math.min(100, Math.max(0, value));

function scaleOf(brush) {
  return brush.dataset.scale.split(" ").map((edge) => edge.split(":").map(Number));
}

function between(edges, value, from, to) {
  for (let i = 1; i < edges.length; i += 1) {
    const [a, b] = [edges[i - 1], edges[i]];
    if (value <= b[from] || i === edges.length - 1) {
      const share = b[from] === a[from] ? 0 : (value - a[from]) / (b[from] - a[from]);
      return a[to] + Math.min(1, Math.max(0, share)) * (b[to] - a[to]);
    }
  }
  return 0;
}

const seconds = (edges, place) => between(edges, place, 0, 1);
const place_of = (edges, time) => between(edges, time, 1, 0);

function partOf(brush) {
  const edges = scaleOf(brush);
  const [from, to] = ["run-t0", "run-t1"].map((id) => document.getElementById(id).value.trim());
  return [from ? place_of(edges, Number(from)) : 0, to ? place_of(edges, Number(to)) : 100];
}

function mark(brush, [a, b]) {
  const part = brush.querySelector("[data-brush-part]");
  const whole = a <= 0 && b >= 100;
  part.setAttribute("x", `${a}%`);
  part.setAttribute("width", whole ? "0" : `${b - a}%`);
}

function ask(brush, [a, b]) {
  const edges = scaleOf(brush);
  const text = (place) => String(Number(seconds(edges, place).toFixed(3)));
  const [from, to] = ["run-t0", "run-t1"].map((id) => document.getElementById(id));
  from.value = a <= 0 ? "" : text(a);
  to.value = b >= 100 ? "" : text(b);
  from.form.requestSubmit();
}

let drag = null;
document.addEventListener("pointerdown", (event) => {
  const area = event.target.closest("[data-brush-area]");
  if (!area || event.button !== 0) return;
  const box = area.getBoundingClientRect();
  drag = { area, brush: area.closest("[data-brush]"), box, begin: percent((100 * (event.clientX - box.left)) / box.width), id: event.pointerId };
  area.setPointerCapture(event.pointerId);
});

const reach = (event) => {
  const here = percent((100 * (event.clientX - drag.box.left)) / drag.box.width);
  return [Math.min(drag.begin, here), Math.max(drag.begin, here)];
};

document.addEventListener("pointermove", (event) => {
  if (drag?.id === event.pointerId) mark(drag.brush, reach(event));
});

document.addEventListener("pointerup", (event) => {
  if (drag?.id !== event.pointerId) return;
  const [brush, part] = [drag.brush, reach(event)];
  drag = null;
  if (part[1] - part[0] < 0.5) mark(brush, partOf(brush)); // a click chooses nothing
  else ask(brush, part);
});

document.addEventListener("pointercancel", () => {
  if (drag) mark(drag.brush, partOf(drag.brush));
  drag = null;
});

const moves = {
  ArrowLeft: ([a, b]) => (a <= 0 ? [a, b] : [Math.max(0, a - (b - a) / 4), Math.max(0, a - (b - a) / 4) + (b - a)]),
  ArrowRight: ([a, b]) => (b >= 100 ? [a, b] : [Math.min(100, b + (b - a) / 4) - (b - a), Math.min(100, b + (b - a) / 4)]),
  "+": ([a, b]) => (b - a < 0.5 ? [a, b] : [a + (b - a) / 4, b - (b - a) / 4]),
  "-": ([a, b]) => [percent(a - (b - a) / 2), percent(b + (b - a) / 2)],
  0: () => [0, 100],
};
moves["="] = moves["+"];

let soon = 0;
document.addEventListener("keydown", (event) => {
  const area = event.target.closest?.("[data-brush-area]");
  if (!area || event.ctrlKey || event.metaKey || event.altKey || !moves[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  const brush = area.closest("[data-brush]");
  const part = moves[event.key](brush.chosen ?? partOf(brush));
  brush.chosen = part;
  mark(brush, part);
  clearTimeout(soon);
  soon = setTimeout(() => ask(brush, part), 250);
});

let held = false;
document.addEventListener("htmx:beforeSwap", () => {
  held = Boolean(document.activeElement?.closest?.("[data-brush-area]"));
});

// What is drawn anew keeps its place under the keyboard, and becomes something to act on only where this script runs.
function ready() {
  for (const area of document.querySelectorAll("[data-brush-area]:not([tabindex])")) {
    area.setAttribute("tabindex", "0");
    area.setAttribute("role", "group");
    area.setAttribute("aria-labelledby", "brush-help");
    area.id = "run-brush";
    area.closest("[data-brush]").querySelector(".brush-how").hidden = false;
    if (held) area.focus({ preventScroll: true });
  }
}

document.addEventListener("htmx:afterSettle", ready);
ready();

// A link to one step of a run opens that step.
if (location.hash.startsWith("#step-")) {
  const step = document.getElementById(location.hash.slice(1));
  for (const fold of step?.querySelectorAll("details") ?? []) fold.open = true;
  step?.setAttribute("data-target", "");
  step?.scrollIntoView({ block: "center" });
}
