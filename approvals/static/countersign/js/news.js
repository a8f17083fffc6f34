// The pill over the list for what came since it was drawn. Loaded when something first does.
import { all } from "./inbox.js";
import { say, word } from "./say.js";

const waiting = new Map();

export function heard(hints) {
  for (const hint of hints) {
    if (hint.kind === "action.opened" && !document.getElementById(`row-${hint.object_id}`)) waiting.set(hint.object_id, hint);
    else if (hint.kind !== "action.opened") waiting.delete(hint.object_id);
  }
  showPill();
}

let asking = 0;
async function showPill() {
  const pill = document.getElementById("new-pill");
  const label = pill.querySelector("[data-new-text]");
  const asked = ++asking;
  let text = "";
  if (waiting.size) {
    const url = new URL(pill.dataset.newsUrl, location.href);
    url.searchParams.set("ids", [...waiting.keys()].slice(-100).join(","));
    const answer = await fetch(url, { redirect: "error" }).catch(() => null);
    if (asked !== asking) return;
    text = answer?.ok ? (await answer.text()).trim() : word("new", waiting.size);
  }
  if (text && label.textContent !== text) say(text);
  label.textContent = text;
  pill.hidden = !text;
  // Nobody is reading an empty list: there it may fill by itself.
  if (text && !all().length) loadNew();
}

export async function loadNew() {
  waiting.clear();
  showPill();
  const list = document.getElementById("list");
  await htmx.ajax("GET", list.dataset.listUrl, { target: "#list", swap: "innerHTML" });
}
