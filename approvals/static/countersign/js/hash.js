// Hash chips copy the digest.
import { say, word } from "./say.js";

document.addEventListener("click", async (event) => {
  const chip = event.target.closest("[data-copy]");
  if (!chip) return;
  try {
    await navigator.clipboard.writeText(chip.dataset.copy);
    say((chip.dataset.copied = word("copied")));
  } catch {
    chip.dataset.copied = word("denied");
    say(word("uncopied"));
  }
  setTimeout(() => delete chip.dataset.copied, 1200);
});
