// Hash chips copy the digest, an action its link, a decision its reason: loaded when that is first wanted.
import { say, word } from "./say.js";

export async function copy(chip) {
  if (chip.dataset.copyLink) return copyLink(chip);
  if (chip.dataset.reason) again(chip);
  try {
    await navigator.clipboard.writeText(chip.dataset.copy);
    say((chip.dataset.copied = word("copied")));
  } catch {
    chip.dataset.copied = word("denied");
    say(word("uncopied"));
  }
  return setTimeout(() => delete chip.dataset.copied, 1200);
}

// Where pages may not copy, the link is there, selected.
async function copyLink(button) {
  const field = button.parentElement.querySelector("[data-link-field]");
  const link = new URL(button.dataset.copyLink, location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    field.hidden = true;
    say((button.dataset.copied = word("link")));
    setTimeout(() => delete button.dataset.copied, 1200);
  } catch {
    field.value = link;
    field.hidden = false;
    field.focus();
    field.select();
    say(word("chosenLink"));
  }
}

// A reason of an earlier decision goes into the reason that is being written, too.
function again(button) {
  const field = button.closest("[data-action]")?.querySelector(".bar-sheet textarea[name=reason]");
  if (!field) return;
  field.value = button.dataset.reason;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}
