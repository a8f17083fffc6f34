// Single keys: inert in fields and dialogs, with modifiers, and when off; each presses something visible.
import { closeSheet, hint, pressTwice } from "./decide.js";
import { currentRow, fetchAgain, focusRow, move, openRow, rows, unopened } from "./inbox.js";
import { word } from "./say.js";
import { keptFor, writing, written } from "./coming.js";

const GO_MS = 1200;
const EARLY_MS = 3000;
let goUntil = 0;
let muteUntil = 0;
// The second A of a pair, meant for the action before, must not decide the next.
const SHOWN_MS = 1500;
let wanted = true;
let last;
let shown = {};

const chosen = JSON.parse(document.body.dataset.keys || "{}");
const off = () => Boolean(chosen.off);
// A moved key stands for the usual one; the usual one of a moved command for nothing.
const usual = (key) => chosen.map?.[key] ?? key;

const modal = () => document.querySelector("dialog[open]");

// Another page was asked for: what a key means is on that.
const LEAVING_MS = 5000;
let leavingUntil = 0;
addEventListener("beforeunload", () => {
  leavingUntil = Date.now() + LEAVING_MS;
});
addEventListener("pageshow", () => {
  leavingUntil = 0;
});

// What is under "More" counts as seen.
const inSight = (node) => (node.closest(".bar-rest")?.parentElement ?? node).checkVisibility();

const withKey = (key) => [...document.querySelectorAll(`[data-key="${key}"]`)].filter(inSight);

// A key means what was chosen: until that is there it does nothing to what is still shown.
function tooEarly(key) {
  const pane = document.querySelector("[data-action]");
  const target = withKey(key)[0];
  const ofPane = key !== "u" && (target ? target.closest("[data-action]") : "arectq".includes(key));
  const leaving = leavingUntil > Date.now();
  if (!pane || !ofPane || !(leaving || unopened())) return false;
  hint(pane, word("unopened"));
  if (key !== "a") muteUntil = Date.now() + EARLY_MS; // it opens a form: whoever types on means words
  if (!leaving) fetchAgain();
  return true;
}

function press(key) {
  const seen = withKey(key);
  const target = key === "u" ? undo(seen) : seen[0];
  if (!target) return false;
  if (secondOfPair(target)) return true;
  if (target.matches("input")) target.focus();
  else if (target.dataset.twice) pressTwice(target);
  else target.click();
  if (target.matches("summary")) intoView(target);
  return true;
}

// What is open is meant; where that came by itself, what was decided just before.
function undo(seen) {
  const open = document.querySelector("[data-action]");
  if (!open) return seen[0];
  return seen.find((node) => open.contains(node) || (!wanted && node.closest("[data-row]")?.dataset.row === last));
}

// What unfolds may be far below.
function intoView(summary) {
  const field = summary.parentElement.open && summary.parentElement.querySelector("form :is(input:not([type=hidden]), select, button)");
  const at = field || summary;
  at.focus({ preventScroll: true });
  at.scrollIntoView({ block: "center" });
}

// What came by itself is decided by a key only once it was there long enough.
function secondOfPair(target) {
  if (!target.matches("[data-guarded]") || wanted || Date.now() - shown.at > SHOWN_MS) return false;
  hint(target, word("settling"));
  return true;
}

function came() {
  const id = document.querySelector("[data-action]")?.id;
  if (id !== shown.id) shown = { id, at: Date.now() };
}

// Whoever goes to an action means that one; what comes after a decision came by itself.
function meant() {
  wanted = true;
}
document.addEventListener("htmx:afterSwap", came);
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (!target.dataset?.decide) return;
  wanted = false;
  last = target.dataset.decide;
});
document.addEventListener("pointerdown", meant);
document.addEventListener("advanced", () => {
  wanted = false;
});
came();

// What opens with a field in it is there to be filled: letters belong to it.
document.addEventListener("toggle", ({ target }) => {
  const field = target.open && target.firstElementChild === document.activeElement && target.querySelector("form :is(input:not([type=hidden]), textarea, select)");
  if (field) field.focus();
}, true);

function leave(edit) {
  import("./leaving.js").then((module) => module.leave(edit));
  return true;
}

function go(key) {
  const link = document.querySelector(`[data-go="${key}"]`);
  link?.click();
  return Boolean(link);
}

// With something written in it only when it is pressed again.
function shutSheet(pane) {
  const form = pane?.querySelector(".bar-sheet form");
  const close = form?.querySelector("[data-sheet-close]");
  if (close && written(form) && document.activeElement !== close) {
    close.focus();
    hint(pane, word("dropping"));
    return true;
  }
  return closeSheet(pane);
}

function back() {
  const pane = document.querySelector("[data-action]");
  if (shutSheet(pane)) return true;
  const edit = document.querySelector("[data-edit]");
  if (edit) return leave(edit);
  const link = document.querySelector("[data-back]");
  if (link) link.click();
  else focusRow(currentRow());
  return true;
}

// In the desk the rows; on a page of its own those of the list one came from.
function neighbour(step) {
  if (document.querySelector("[data-desk]")) return move(step);
  return document.querySelector(`[data-neighbour="${step}"][href]`)?.click();
}

const KEYS = {
  "]": () => neighbour(1),
  "[": () => neighbour(-1),
  arrowdown: () => move(1),
  arrowup: () => move(-1),
  j: () => move(1),
  k: () => move(-1),
  enter: () => openRow(currentRow()),
  o: () => openRow(currentRow()),
  escape: back,
  "?": () => document.getElementById("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (modal()) return;
  if ((!writing(event.target) || event.target.closest(".sheet")) && keptFor(event)) {
    event.preventDefault();
    return;
  }
  if (event.repeat) return;
  const key = event.key.toLowerCase();
  if (key === "escape" && writing(event.target)) {
    const edit = event.target.closest("[data-edit]");
    if (edit) return leave(edit);
    if (event.target.type === "search") {
      event.preventDefault(); // it is not emptied: the list is still that of these words
      event.target.value = event.target.defaultValue;
    }
    if (shutSheet(event.target.closest("[data-action]"))) return undefined;
    event.target.blur();
    return event.target.closest("[data-menu]") || focusRow(currentRow() || rows()[0]);
  }
  if (off() || writing(event.target) || event.target.closest("[data-menu][open]")) return;
  if (key === "enter" && event.target.closest("a, button, summary, label")) return;
  if (key.startsWith("arrow") && !event.target.closest("[data-row]")) return;
  if (act(goUntil > Date.now() ? key : usual(key))) event.preventDefault();
});

function act(key) {
  if (muteUntil > Date.now() && key.length === 1) {
    muteUntil = Math.max(muteUntil, Date.now() + GO_MS);
    return true;
  }
  if (goUntil > Date.now()) {
    goUntil = 0;
    return go(key);
  }
  if (key === "g") {
    goUntil = Date.now() + GO_MS;
    return true;
  }
  if (KEYS[key]) {
    meant();
    KEYS[key]();
    return true;
  }
  return key.length === 1 && /[a-z0-9/]/.test(key) && (tooEarly(key) || press(key) || lacks(key));
}

// This action has no such verb (any more): whoever types on means words.
function lacks(key) {
  const pane = document.querySelector("[data-action]");
  if (!pane || !"arectqu".includes(key)) return false;
  hint(pane, key === "u" ? word("kept") : pane.dataset.state === "PENDING" ? word("lacking") : word("over"));
  muteUntil = Date.now() + GO_MS;
  return true;
}

// Buttons show the key that works.
document.body.toggleAttribute("data-keys-off", off());
if (chosen.map) import("./moved.js").then(({ show }) => show(chosen.map));
