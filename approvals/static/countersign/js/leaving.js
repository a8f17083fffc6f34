// Leaving a form in which something was written. Loaded when first wanted.
import { standAgain } from "./coming.js";
import { say, word } from "./say.js";

const touched = (field) =>
  field.matches("[type=checkbox], [type=radio]")
    ? field.checked !== field.defaultChecked
    : field.matches("select")
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.matches("input, textarea") && field.value !== field.defaultValue;

// By Esc: with nothing new in it at once, else when it is pressed again.
export function leave(form) {
  const drop = form.querySelector("[data-esc]");
  if ([...form.elements].some(touched) && document.activeElement !== drop) {
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

// Somebody else decided meanwhile: what was written stays to be read and copied, and nothing of it can be sent.
export function unsent(pane, url) {
  const form = [...pane.querySelectorAll("[data-edit], .bar-sheet form")].find((one) => [...one.elements].some(touched));
  if (!form) return false;
  for (const button of form.querySelectorAll("[type=submit]")) button.disabled = true;
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
