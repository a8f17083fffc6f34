// A request that failed says so at the top of the page (of the dialog, if one is open), in the server's sentence when it sent one.
import { word } from "./say.js";

// What makes everything on this page fail is said whoever asked.
const ALWAYS = new Set(["signed_out", "old_form"]);
const messages = document.getElementById("messages");
let shown = null;

function show(note) {
  drop();
  shown = note;
  const dialog = document.querySelector("dialog[open]");
  if (dialog) dialog.prepend(note);
  else messages.append(note);
  note.scrollIntoView({ block: "nearest" });
}

function drop(code) {
  if (code && shown?.dataset.problem !== code) return;
  shown?.remove();
  shown = null;
}

function plain(sentence) {
  const note = document.createElement("div");
  note.className = "note note-bad";
  note.dataset.problem = "";
  note.setAttribute("role", "alert");
  note.textContent = sentence;
  return note;
}

// A failed refresh of a fragment nobody asked for is not news: the pill says that the server is away.
const asked = (event) => /^(click|submit)$/.test(event.detail.requestConfig?.triggeringEvent?.type || "");

document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  const found = new DOMParser().parseFromString(responseText, "text/html").querySelector("[data-problem]");
  const code = found?.dataset.problem;
  const again = shown?.isConnected && shown.dataset.problem === code;
  if (asked(event) || (ALWAYS.has(code) && !again)) show(found ? document.adoptNode(found) : plain(word("answered", status)));
});

document.addEventListener("htmx:sendError", (event) => {
  if (asked(event)) show(plain(word("unreached")));
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (asked(event)) drop();
});

// Signed in again, in another tab.
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && drop("signed_out"));
document.addEventListener("live:status", (event) => event.detail.state === "live" && drop("signed_out"));
