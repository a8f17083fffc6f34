// What every page runs. Each module attaches its own listeners; none knows another except through DOM events.
import "./live.js";
import "./time.js";
import "./hash.js";
import "./dialog.js";
import "./decide.js";
import "./looking.js";
import "./inbox.js";
import "./bulk.js";
import "./keys.js";
import "./keep.js";
import "./presence.js";
import "./badge.js";
import "./trouble.js";

// The palette is loaded when it is first wanted.
const palette = () => import("./palette.js").then(({ togglePalette }) => togglePalette());
document.addEventListener("click", (event) => event.target.closest("[data-palette]") && palette());
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  palette();
});
