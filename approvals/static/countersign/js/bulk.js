// Choosing several rows: X and the boxes, Shift+J and Shift+K extend. A row that is drawn anew keeps its box ticked.
import { currentRow, focusRow, move, rows } from "./inbox.js";
import { say, word } from "./say.js";

const bar = document.querySelector("[data-bulk]");
const chosen = new Set();
// A nest has the boxes of all its rows.
const boxes = (row) => [...(row?.querySelectorAll("[data-pick]") ?? [])];

function pick(row, on) {
  const found = boxes(row);
  if (!found.length) return say(word("alone"));
  const to = on ?? !found.every((input) => input.checked);
  for (const input of found) {
    input.checked = to;
    keep(input);
  }
  return undefined;
}

function keep(input) {
  if (input.checked) chosen.add(input.value);
  else chosen.delete(input.value);
  show();
}

function show() {
  const count = document.querySelectorAll("[data-pick]:checked").length;
  bar.querySelector("[data-bulk-go]").disabled = count < 1;
  const text = count ? word("chosen", count) : "";
  const label = bar.querySelector("[data-bulk-count]");
  if (label.textContent !== text) label.textContent = text;
}

if (bar) {
  document.addEventListener("change", (event) => event.target.matches("[data-pick]") && keep(event.target));
  bar.querySelector("[data-bulk-pick]").addEventListener("click", () => {
    if (!currentRow()) focusRow(rows()[0]);
    pick(currentRow());
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const input of document.querySelectorAll("[data-pick]")) input.checked = chosen.has(input.value);
    show();
  });
  document.addEventListener("keydown", (event) => {
    const step = { J: 1, K: -1 }[event.key];
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
    if (!step || !event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || typing || document.body.hasAttribute("data-keys-off")) return;
    event.preventDefault();
    pick(currentRow() || rows()[0], true);
    move(step);
    pick(currentRow(), true);
  });
  show();
}
