// Leaving a form in which something was written. Loaded when first wanted.
import { say, word } from "./say.js";
import { standAgain, written } from "./coming.js";

// By Esc: with nothing new in it at once, else when it is pressed again.
export function leave(form) {
  const drop = form.querySelector("[data-esc]");
  if (written(form) && document.activeElement !== drop) {
    drop.focus();
    say(word("dropping"));
    return;
  }
  const pane = form.closest("[data-action]");
  const back = (event) => {
    if (!event.target.id?.startsWith("what-")) return;
    document.removeEventListener("htmx:afterSettle", back);
    setTimeout(standAgain, 0, pane);
  };
  document.addEventListener("htmx:afterSettle", back);
  drop.click();
}

// It waits for nobody any more: what was written stays to be read and copied, and nothing of it can be sent.
export function unsent(pane, url) {
  const forms = [...pane.querySelectorAll("form")].filter(written);
  if (!forms.length) return false;
  for (const button of forms.flatMap((form) => [...form.querySelectorAll("[type=submit]")])) button.disabled = true;
  const place = pane.querySelector("[id^=changed-]");
  const note = document.getElementById("unsent").content.cloneNode(true);
  const link = note.querySelector("a");
  link.href = url;
  link.setAttribute("hx-get", url);
  place.replaceChildren(note);
  htmx.process(place);
  place.scrollIntoView({ block: "nearest" });
  return true;
}
