// Leaving an edit form by Esc: with nothing new in it at once, else when it is pressed again. Loaded when first wanted.
import { standAgain } from "./coming.js";
import { say, word } from "./say.js";

const touched = (field) =>
  field.matches("[type=checkbox], [type=radio]")
    ? field.checked !== field.defaultChecked
    : field.matches("select")
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.matches("input, textarea") && field.value !== field.defaultValue;

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
