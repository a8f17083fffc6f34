// Who else has this open: told while it is looked at, heard when somebody comes or goes.
const BEAT_MS = 15000;

function beat() {
  const form = document.querySelector("[data-viewing]");
  if (form && !document.hidden) htmx.trigger(form, "beat");
}

setInterval(beat, BEAT_MS);
document.addEventListener("visibilitychange", beat);
let heard = 0;
document.body.addEventListener("live:presence", (event) => {
  const form = document.querySelector("[data-viewing]");
  if (!form || !event.detail.hints.some((hint) => hint.object_id === form.dataset.viewing)) return;
  clearTimeout(heard);
  heard = setTimeout(beat, 300);
});

// A reason of an earlier decision: copied, and put into the reason that is being written.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reason]");
  const field = button?.closest("[data-action]")?.querySelector(".bar-sheet textarea[name=reason]");
  if (!field) return;
  field.value = button.dataset.reason;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
