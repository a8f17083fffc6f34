// A request that failed says so at the top of the page (of the dialog, if one is open).
import { word } from "./say.js";

const messages = document.getElementById("messages");
export let shown = null;

export function show(note) {
  drop();
  shown = note;
  const dialog = document.querySelector("dialog[open]");
  if (dialog) dialog.prepend(note);
  else messages.append(note);
  note.scrollIntoView({ block: "nearest" });
}

export function drop() {
  shown?.remove();
  shown = null;
}

export function plain(sentence) {
  const note = document.createElement("div");
  note.className = "note note-bad";
  note.dataset.problem = "";
  note.setAttribute("role", "alert");
  note.textContent = sentence;
  return note;
}

// A failed refresh of a fragment nobody asked for is not news: the pill says that the server is away.
export const asked = (event) => /^(click|submit)$/.test(event.detail.requestConfig?.triggeringEvent?.type || "");

document.addEventListener("htmx:responseError", (event) => import("./refused.js").then(({ refused }) => refused(event)));
// What a proxy or a captive portal answered in our place is not taken in, whatever its status.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  if (detail.xhr.getResponseHeader("X-Answered-By") === "Countersign") return;
  detail.shouldSwap = detail.isError = false;
  if (asked(event)) show(plain(word("answered", detail.xhr.status)));
});
const unanswered = (event) => asked(event) && show(plain(word("unreached")));
for (const what of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(what, unanswered);
document.addEventListener("htmx:beforeRequest", (event) => asked(event) && drop());
