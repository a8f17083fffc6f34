// Loaded with the first decision. Its answer may come when whoever made it has gone on, or has begun to write: what is open stays, and the row says what became of it.
import { chosen, pane } from "./inbox.js";
import { word } from "./say.js";
import { plain, show } from "./trouble.js";
import { written } from "./coming.js";

const left = new Set();

document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
  const { elt } = detail.requestConfig;
  const id = elt.dataset?.decide;
  const open = pane();
  if (!id || !open || (target.id !== "pane" && open.contains(target))) return;
  const gone = open.dataset.action !== id || (chosen() ?? id) !== id;
  const forms = [...open.querySelectorAll("form")].filter((one) => !one.contains(elt) && (one.matches("[data-edit], .bar-sheet form") || written(one)));
  const form = forms.find(written) ?? forms[0];
  if (!gone && !form) return;
  left.add(id); // nothing opens by itself
  if (!gone && !written(form)) return;
  if (detail.xhr.status < 400) detail.swapOverride = "none";
  else detail.shouldSwap = false;
  if (!gone) import("./leaving.js").then(({ unsent }) => unsent(open, document.querySelector(`#row-${id} [data-row-link]`)?.href ?? location.href));
});

document.addEventListener("decided", ({ detail }) => {
  if (left.delete(detail.id)) detail.stay = true;
}, true);

// An answer that stands on the page, as what it was decided otherwise, was heard.
const heard = new WeakSet();
document.addEventListener("htmx:afterSwap", ({ detail }) => heard.add(detail.xhr));

// Of one that failed nobody would hear: its form is not there any more, or what it would be shown in is not.
document.addEventListener("htmx:beforeRequest", ({ target, detail: { xhr } }) => {
  const id = target.dataset?.decide;
  const row = document.querySelector(`#row-${id} [data-row-link]`);
  if (!id || !row) return;
  const what = row.textContent.trim();
  xhr.addEventListener("loadend", () => {
    const well = xhr.status >= 200 && xhr.status < 400;
    if (!well && !heard.has(xhr) && (left.delete(id) || !target.isConnected)) show(plain(word("undecided", what)));
  });
});
