// Hash chips copy the whole digest.
import { say } from "./say.js";

document.addEventListener("click", async (event) => {
  const chip = event.target.closest("[data-copy]");
  if (!chip) return;
  try {
    await navigator.clipboard.writeText(chip.dataset.copy);
    chip.dataset.copied = "Copied";
    say("Copied");
  } catch {
    chip.dataset.copied = "Denied";
    say("The browser refused to copy");
  }
  setTimeout(() => delete chip.dataset.copied, 1200);
});
