// A request that failed says so at the top of the page, in the server's sentence when it sent one.
import { word } from "./say.js";

const place = document.getElementById("messages");

function show(note) {
  place.querySelector("[data-problem]")?.remove();
  place.append(note);
  note.scrollIntoView({ block: "nearest" });
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
  if (!asked(event)) return;
  const found = new DOMParser().parseFromString(responseText, "text/html").querySelector("[data-problem]");
  show(found ? document.adoptNode(found) : plain(word("answered", status)));
});

document.addEventListener("htmx:sendError", (event) => {
  if (asked(event)) show(plain(word("unreached")));
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (asked(event)) place?.querySelector("[data-problem]")?.remove();
});
