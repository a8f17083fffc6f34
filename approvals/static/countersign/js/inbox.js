// The list beside the pane: opening rows, and where the focus goes after a decision.
import { say, word } from "./say.js";
import { written } from "./coming.js";

const desk = document.querySelector("[data-desk]");
const wide = matchMedia("(min-width: 1024px)");

// A nest is the header of several rows; rows of a closed one are passed over.
export const all = () => [...document.querySelectorAll("[data-rows] [data-row]")];
export const rows = () => [...document.querySelectorAll("[data-rows] :is([data-row], [data-nest])")].filter((row) => row.checkVisibility());
export function currentRow() {
  const focused = document.activeElement?.closest?.("[data-row], [data-nest]");
  return focused?.matches("[data-nest]") ? focused : document.querySelector("[data-row][aria-current]") || focused;
}

export function focusRow(row) {
  if (!row) return;
  row.querySelector("[data-row-link], [data-nest-link]")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

export function openRow(row) {
  const link = row?.querySelector("[data-row-link], [data-nest-link]");
  if (!link) return;
  if (!desk || !wide.matches || row.matches("[data-nest]")) {
    location.assign(link.href);
    return;
  }
  stand(row.dataset.row);
  showPane(link.href);
}

export const pane = () => desk && document.querySelector("#pane > [data-action]");
export const chosen = () => new URL(location.href).searchParams.get("item");

// What was chosen is not what the pane shows: it is on its way, or could not be fetched, or is the header of several.
export function unopened() {
  if (!wide.matches || !pane()) return false;
  return pane().dataset.action !== (chosen() ?? pane().dataset.action) || Boolean(currentRow()?.matches("[data-nest]"));
}

// Nor is it decided by anything else than a key.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.target.dataset?.decide || !event.target.closest("#pane") || !unopened()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  say(word("unopened"));
}, true);

function stand(id) {
  const place = new URL(location.href);
  place.searchParams.set("item", id);
  history.replaceState(null, "", place);
  mark();
}

// One request at a time fills the pane; of others only the last is made.
let wanted = "";
let filling = false;

async function showPane(url) {
  wanted = url;
  if (filling) return;
  filling = true;
  while (wanted) {
    const next = wanted;
    wanted = "";
    await htmx.ajax("GET", next, { target: "#pane", swap: "innerHTML" }).catch(() => {});
  }
  filling = false;
}

// It could not be fetched, perhaps.
export function fetchAgain() {
  const row = currentRow();
  if (!filling && row?.dataset.row) openRow(row);
}

// Somebody decided what is open here: it becomes the receipt, unless it is being decided right here.
document.addEventListener("settled", (event) => {
  const open = document.querySelector("[data-action]");
  if (open?.dataset.action !== event.detail.id || open.dataset.state !== "PENDING") return;
  if (open.querySelector("[data-decide].htmx-request")) return;
  if (![...open.querySelectorAll("form")].some(written)) return showPane(event.detail.url);
  import("./leaving.js").then(({ unsent }) => unsent(open, event.detail.url) || showPane(event.detail.url));
});

// Somebody took the approval back that is open here: it is asked again.
document.addEventListener("reopened", (event) => {
  const open = document.querySelector("[data-action]");
  if (open?.dataset.action === event.detail.id && ![...open.querySelectorAll("form")].some(written)) showPane(event.detail.url);
});

function mark() {
  const open = new URL(location.href).searchParams.get("item");
  for (const row of all()) {
    if (row.dataset.row === open) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

export function move(step) {
  const stops = rows();
  if (!stops.length) return;
  const at = stops.indexOf(currentRow());
  const row = stops[Math.max(0, Math.min(stops.length - 1, at < 0 ? 0 : at + step))];
  focusRow(row);
  if (desk && wide.matches && row.dataset.row) openRow(row);
}

if (desk) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-row-link]");
    if (!link || !wide.matches || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openRow(link.closest("[data-row]"));
  });

  // Rows are swapped under the reader: the one named in the address stays the open one. What was taken back came up by itself.
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    // What is fetched for a chosen row is not: another may have been chosen since.
    const shown = target.id === "pane" && !filling && pane();
    if (shown) stand(shown.dataset.action);
    else mark();
  });

  // What came meanwhile, when anything did.
  const news = () => import("./news.js");
  document.addEventListener("live:action", ({ detail }) => news().then(({ heard }) => heard(detail.hints)));
  for (const [on, what] of [[document, "live:resync"], [document.getElementById("new-pill"), "click"]]) on.addEventListener(what, () => news().then(({ loadNew }) => loadNew()));
}

// After a decision the next waiting row opens and takes the focus; the last one leaves the focus on the receipt.
document.addEventListener("decided", (event) => {
  const { id, sentence, stay } = event.detail;
  if (sentence) say(sentence);
  if (stay || !desk || !wide.matches) return;
  const stops = rows();
  const at = stops.findIndex((row) => row.dataset.row === id);
  const open = (row) => row.dataset.row !== id && !row.classList.contains("row-decided");
  const next = stops.slice(at + 1).find(open) || stops.slice(0, Math.max(at, 0)).reverse().find(open);
  if (!next) return;
  document.dispatchEvent(new Event("advanced"));
  focusRow(next);
  if (next.dataset.row) openRow(next);
});

// The order of the list goes along to an action's own page, where [ and ] and the two arrows step through it.
function keepOrder() {
  if (desk) sessionStorage.setItem("order", JSON.stringify(all().filter((row) => !row.classList.contains("row-decided")).map((row) => row.querySelector("[data-row-link]").pathname)));
}
keepOrder();
if (document.querySelector("[data-neighbours]")) import("./neighbours.js");
document.addEventListener("htmx:afterSettle", keepOrder);
