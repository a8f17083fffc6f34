// Ctrl or Cmd with K: everything that can be pressed here, by name. It presses what is on the page.
import { word } from "./say.js";

const dialog = document.getElementById("palette");
const box = document.getElementById("palette-q");
const list = document.getElementById("palette-list");
const none = dialog?.querySelector(".palette-none");
const MOST = 60;
const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("../css/palette.css", import.meta.url);
document.head.append(style);
let found = [];
let at = 0;

const text = (node) => {
  const copy = node.cloneNode(true);
  for (const part of copy.querySelectorAll("kbd, svg, .rail-count, .sr")) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
};
const named = (name, node) => word(name).replace("{what}", text(node));
const key = (node) => [...node.querySelectorAll("kbd")].map((part) => part.textContent).join(" ");

function gather() {
  const all = [];
  const add = (label, run, keys = "") => label && !all.some((item) => item.label === label) && all.push({ label, run, keys });
  for (const node of document.querySelectorAll("[data-bar] [data-key], [data-palette-command]")) {
    if (node.checkVisibility() && !node.matches("input")) add(text(node), () => node.click(), key(node));
  }
  for (const node of document.querySelectorAll("[data-go]")) add(named("goTo", node), () => node.click(), `G ${node.dataset.go.toUpperCase()}`);
  for (const node of document.querySelectorAll("[data-command]")) add(node.dataset.command, () => node.click());
  for (const node of document.querySelectorAll(".rail [data-theme-set]")) add(named("themeAs", node), () => node.click());
  const halt = document.querySelector(".btn-halt");
  if (halt) add(text(halt), () => halt.click());
  add(word("keys"), () => document.getElementById("help").showModal(), "?");
  for (const node of document.querySelectorAll("[data-row-link]")) add(named("open", node), () => node.click());
  return all;
}

export function show() {
  const asked = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  found = gather().filter((item) => asked.every((word) => item.label.toLowerCase().includes(word))).slice(0, MOST);
  at = 0;
  list.replaceChildren(
    ...found.map((item, i) => {
      const row = document.createElement("li");
      row.id = `palette-${i}`;
      row.setAttribute("role", "option");
      const name = document.createElement("span");
      name.textContent = item.label;
      row.append(name);
      for (const part of item.keys.split(" ").filter(Boolean)) {
        const kbd = document.createElement("kbd");
        kbd.className = "fixed";
        kbd.textContent = part;
        row.append(kbd);
      }
      row.addEventListener("click", () => choose(i));
      return row;
    }),
  );
  none.hidden = found.length > 0;
  mark();
}

function mark() {
  [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
  const row = list.children[at];
  if (row) box.setAttribute("aria-activedescendant", row.id);
  else box.removeAttribute("aria-activedescendant");
  row?.scrollIntoView({ block: "nearest" });
}

function choose(i) {
  const item = found[i];
  dialog.close();
  item?.run();
}

box?.addEventListener("input", show);
box?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && found.length) {
    at = (at + step + found.length) % found.length;
    mark();
  } else if (event.key === "Enter") choose(at);
  else return;
  event.preventDefault();
});
dialog?.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
