// A form that was asked for and is on its way: what is typed meanwhile is meant for it and presses nothing here, and whoever closes it
// stands again where they stood.
const SETTLE_MS = 300;

let coming = null;
let before = null;

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, xhr } = event.detail;
  if (!elt.matches("a[data-key]")) return;
  const stood = document.activeElement;
  before = stood?.matches("a, button, summary, [tabindex]") ? stood : elt;
  const form = { xhr, typed: "" };
  coming = form;
  // Another action may have come up meanwhile: it was asked of the one before, and what it would stand in is gone.
  elt.addEventListener("htmx:beforeOnLoad", (loaded) => elt.isConnected || loaded.preventDefault(), { once: true });
  xhr.addEventListener("loadend", () => setTimeout(arrived, SETTLE_MS, form)); // it failed, or there was nothing to show
});
// After everybody else has made the new form ready, its field focused.
document.addEventListener("htmx:afterSettle", (event) => event.detail.xhr === coming?.xhr && setTimeout(arrived, 0, coming));

function arrived(form) {
  if (coming !== form) return;
  coming = null;
  const field = document.activeElement;
  const takes = field?.matches("textarea") || (field?.matches("input[type=text], input:not([type])") && !field.value);
  if (!form.typed || !takes || !field.closest("[data-action]")) return;
  field.value += form.typed;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// Whether this key is kept for a form that is on its way.
export function keptFor(event) {
  if (!coming || event.key === "Tab" || event.key === "Shift") return false;
  if (event.key === "Escape") {
    coming.xhr.abort();
    coming = null;
  } else if (event.key === "Backspace") coming.typed = coming.typed.slice(0, -1);
  else if (event.key.length === 1 && !event.repeat) coming.typed += event.key;
  return true;
}

// Never on the button that approves, unless that is where they stood.
export function standAgain(pane) {
  const visible = [before, pane.querySelector(".bar-more")].find((node) => node?.isConnected && node.checkVisibility());
  visible?.focus({ preventScroll: true });
  before = null;
}

// Whether something was written in a form. What keeps that from being lost is loaded when somebody begins (carry.js).
export function touched(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
  return field.matches("input, textarea") && field.value !== field.defaultValue;
}

export const written = (form) => [...form.elements].some(touched);

export const writing = (node) => node.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

document.addEventListener("focusin", ({ target }) => target.closest("form") && import("./carry.js"));
