// The server's own sentence for what it refused. Loaded when something first is.
import { word } from "./say.js";
import { asked, drop, plain, show, shown } from "./trouble.js";

// What makes everything on this page fail is said whoever asked.
const ALWAYS = new Set(["signed_out", "old_form"]);

export function refused(event) {
  const { status, responseText } = event.detail.xhr;
  const found = sentence(responseText);
  const code = found?.dataset.problem;
  const again = shown?.isConnected && shown.dataset.problem === code;
  if (asked(event) || (ALWAYS.has(code) && !again)) show(found ? document.adoptNode(found) : plain(word("answered", status)));
}

// A whole page, as something before our server may answer, is not taken in (trust.js).
function sentence(text) {
  try {
    return new DOMParser().parseFromString(text, "text/html").querySelector("[data-problem]");
  } catch {
    return null;
  }
}

// Signed in again, in another tab.
const back = () => shown?.dataset.problem === "signed_out" && drop();
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && back());
document.addEventListener("live:status", (event) => event.detail.state === "live" && back());
