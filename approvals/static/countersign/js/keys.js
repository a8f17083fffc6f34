// Single keys. Inert in fields and dialogs, with modifiers, and when switched off; every key presses something that is visible.
import { closeSheet, pressTwice } from "./decide.js";
import { currentRow, focusRow, move, openRow } from "./inbox.js";

const GO_MS = 1200;
let goUntil = 0;

const off = () => {
  try {
    return localStorage.getItem("keys") === "off";
  } catch {
    return false;
  }
};

const writing = (node) => node.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const modal = () => document.querySelector("dialog[open]");

function press(key) {
  const target = [...document.querySelectorAll(`[data-key="${key}"]`)].find((node) => node.checkVisibility());
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else if (target.dataset.twice) pressTwice(target);
  else target.click();
  return true;
}

function go(key) {
  const link = document.querySelector(`[data-go="${key}"]`);
  link?.click();
  return Boolean(link);
}

function back() {
  const pane = document.querySelector("[data-action]");
  if (closeSheet(pane)) return true;
  const drop = document.querySelector("[data-esc]");
  if (drop) {
    drop.click();
    return true;
  }
  const link = document.querySelector("[data-back]");
  if (link) link.click();
  else focusRow(currentRow());
  return true;
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  enter: () => openRow(currentRow()),
  o: () => openRow(currentRow()),
  escape: back,
  "?": () => document.getElementById("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (modal()) return;
  const key = event.key.toLowerCase();
  if (key === "escape" && writing(event.target)) {
    event.target.blur();
    closeSheet(event.target.closest("[data-action]"));
    return;
  }
  if (off() || writing(event.target)) return;
  if (key === "enter" && event.target.closest("a, button, summary, label")) return;
  if (act(key)) event.preventDefault();
});

function act(key) {
  if (goUntil > Date.now()) {
    goUntil = 0;
    return go(key);
  }
  if (key === "g") {
    goUntil = Date.now() + GO_MS;
    return true;
  }
  if (KEYS[key]) {
    KEYS[key]();
    return true;
  }
  return key.length === 1 && /[a-z/]/.test(key) && press(key);
}

const box = document.querySelector("[data-keys-off]");
if (box) {
  box.checked = off();
  box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "off" : "on"));
}
