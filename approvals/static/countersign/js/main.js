// What every page runs. Each module attaches its own listeners; none knows another except through DOM events.
import "./live.js";
import "./time.js";
import "./dialog.js";
import "./decide.js";
import "./looking.js";
import "./inbox.js";
import "./bulk.js";
import "./keys.js";
import "./badge.js";
import "./trouble.js";

// Only pages that are drawn again by themselves have these.
if (document.querySelector("[hx-trigger*='paced:']")) import("./pace.js");
if (document.querySelector("[data-keep-open]")) import("./keep.js");

document.addEventListener("click", async (event) => {
  const chip = event.target.closest("[data-copy], [data-copy-link]");
  if (chip) (await import("./hash.js")).copy(chip);
});

// The palette opens at once: what is typed next presses nothing. What fills it is loaded when first wanted.
function palette() {
  const dialog = document.getElementById("palette");
  if (dialog?.open) return dialog.close();
  if (!dialog || document.querySelector("dialog[open]")) return undefined;
  const box = dialog.querySelector("input");
  box.value = "";
  dialog.showModal();
  box.focus();
  return import("./palette.js").then(({ show }) => show());
}
document.addEventListener("click", (event) => event.target.closest("[data-palette]") && palette());
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  palette();
});
