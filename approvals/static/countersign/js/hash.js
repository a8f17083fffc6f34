// Hash chips copy the digest, an action its link: loaded when that is first wanted.
import { say, word } from "./say.js";

export async function copy(chip) {
  if (chip.dataset.copyLink) return copyLink(chip);
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
