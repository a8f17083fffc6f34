// Loaded when somebody first stands in a form. A part that is drawn anew by itself gives them back their words, where they stood and
// what they had unfolded; where the new one has no such form the old one stays until they are done. Where what they write in is gone all the
// same, what they type next are words, which press nothing.
import { guard, hint } from "./decide.js";
import { say, word } from "./say.js";
import { asked } from "./trouble.js";
import { touched, writing, written } from "./coming.js";

const FIELDS = "input:not([type=hidden]), textarea, select, button";
const fields = (form) => [...form.querySelectorAll(FIELDS)];

const focused = (form) => form.contains(document.activeElement);
const atWork = (part) => [...part.querySelectorAll("form")].filter((form) => focused(form) || written(form));
const inWords = (form) => written(form) || (focused(form) && writing(document.activeElement));

// Forms that do the same: what a reader does not fill in is equal, but for what is another one at each drawing.
const ANEW = new Set(["csrfmiddlewaretoken", "key"]);
function does(form) {
  const fixed = [...form.querySelectorAll("input[type=hidden]")].filter(({ name }) => !ANEW.has(name)).map(({ name, value }) => `${name}=${value}`);
  return [form.getAttribute("action"), form.getAttribute("hx-post"), ...fixed].join("\n");
}

let composing = false;
document.addEventListener("compositionstart", () => { composing = true; });
document.addEventListener("compositionend", () => { composing = false; });

let kept = [];
const keep = (form) => ({ form, does: does(form), folds: foldsOf(form).map((fold) => fold.open), had: fields(form), stood: document.activeElement });

const foldsOf = (form) => {
  const found = [];
  for (let fold = form.closest("details"); fold; fold = fold.parentElement.closest("details")) found.push(fold);
  return found;
};

// Nobody pressed anything for it: a hint came, or it is looked at every few seconds.
const byItself = (event) => /live:|paced:|every /.test(event.detail.requestConfig.elt.getAttribute("hx-trigger") ?? "") && !asked(event);

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  if (!detail.shouldSwap || !detail.target || !byItself(event)) return;
  const forms = atWork(detail.target);
  if (!forms.length) return;
  const coming = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const same = new Set([...coming.querySelectorAll("form")].map(does));
  if (composing || forms.some((form) => inWords(form) && !same.has(does(form)))) detail.shouldSwap = false;
  else kept = forms.map(keep);
});

document.addEventListener("htmx:afterSwap", () => {
  for (const before of kept.splice(0)) {
    const form = before.form.isConnected ? null : [...document.forms].find((one) => does(one) === before.does);
    if (form) giveBack(form, before);
  }
});

function giveBack(form, { folds, had, stood }) {
  foldsOf(form).forEach((fold, at) => { if (folds[at]) fold.open = true; });
  const now = fields(form);
  had.forEach((old, at) => {
    const field = now[at];
    if (field?.name !== old.name || field.type !== old.type) return;
    if (touched(old)) {
      if (old.matches("[type=checkbox], [type=radio]")) field.checked = old.checked;
      else field.value = old.value;
    }
    if (old !== stood) return;
    field.focus({ preventScroll: true });
    if (old.selectionStart != null) field.setSelectionRange(old.selectionStart, old.selectionEnd);
  });
}

// The bar of a decision: with a sheet open in it everything else is drawn anew, and the sheet is not touched.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const bar = detail.target;
  const sheet = bar.matches("[data-bar]") ? bar.querySelector(".bar-sheet") : null;
  if (!sheet?.querySelector("form")) return;
  detail.shouldSwap = false;
  const rest = [...detail.fragment.querySelector("[data-bar]").children].filter((part) => !part.matches(".bar-sheet"));
  for (const part of [...bar.children]) if (part !== sheet) part.remove();
  bar.append(...rest);
  htmx.process(bar);
  guard(bar.closest("[data-action]"));
});

// Going elsewhere, pressing elsewhere, leaving by Esc and sending the form are the writer's own doing.
const GONE_MS = 3000;
const NEXT_MS = 1200;
let field = writing(document.activeElement);
let words = 0; // until when keys are words
const own = () => {
  field = null;
};
for (const comes of ["focusin", "pointerdown"]) document.addEventListener(comes, ({ target }) => { field = writing(target); });
document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.elt.contains(field) && own());
document.addEventListener("close", own, true); // a dialog

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") own();
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key.length === 1 || event.key === "Enter") || writing(event.target)) return;
  if (field && !field.isConnected) {
    own();
    words = Date.now() + GONE_MS;
    const pane = document.querySelector("[data-action]");
    if (pane) hint(pane, word("lost"));
    else say(word("lost"));
  }
  if (words < Date.now()) return;
  words = Math.max(words, Date.now() + NEXT_MS);
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
