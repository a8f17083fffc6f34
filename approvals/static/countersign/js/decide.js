// Deciding: what must be looked at first, the double key of high risk, sheets, and the row while the answer is under way.
import { standAgain } from "./coming.js";
import { say, word } from "./say.js";

const TWICE_MS = 1500;

document.addEventListener("toggle", (event) => event.target.matches?.("[data-must-open]") && opened(event.target), true);
document.addEventListener("htmx:afterSettle", (event) => ready(event.target));
document.addEventListener("DOMContentLoaded", () => ready(document));

// Whatever decides, or begins to.
const DECIDES = "[data-bar] .btn:not(.bar-more, [data-sheet-close], [data-copy-link]), [data-edit] [type=submit], :is(.row-undo, .receipt-undo) .btn, form.bulk [type=submit]";

function opened(fold) {
  if (!fold.open || fold.dataset.opened !== undefined) return;
  const pane = fold.closest("[data-action]");
  fold.dataset.opened = "";
  if (fold.closest("[data-what]")) tell(pane, fold.dataset.mustOpen);
  guard(pane);
}

// High and critical: the server keeps who opened what, and refuses to approve the rest. What is lost here is named with the decision.
function tell(pane, part) {
  const { openedUrl, digest } = pane.dataset;
  if (!openedUrl) return;
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const body = new URLSearchParams({ csrfmiddlewaretoken: token, seen_digest: digest, opened: part });
  fetch(openedUrl, { method: "POST", body, keepalive: true }).catch(() => {});
}

function ready(root) {
  shut();
  for (const pane of new Set([root.closest?.("[data-action]"), ...root.querySelectorAll("[data-action]")])) {
    if (pane) guard(pane);
  }
  const focus = root.querySelector("[data-autofocus]") || root.querySelector("[data-focus]");
  focus?.focus({ preventScroll: false });
  // What had the focus is gone: a key goes on from here.
  if (root.id === "pane" && document.activeElement === document.body) root.querySelector(".pane-title")?.focus({ preventScroll: true });
  const edit = root.querySelector("[data-edit]");
  if (edit && !edit.contains(document.activeElement)) {
    edit.querySelector("[aria-invalid=true], .field .input, .field input")?.focus({ preventScroll: true });
    edit.scrollIntoView({ block: "start" });
  }
  typed(root);
}

// For high and critical the last argument must have been on the screen (looking.js sees it).
document.addEventListener("seen", ({ target }) => {
  if (target.dataset.unseen === undefined) return;
  delete target.dataset.unseen;
  const pane = target.closest("[data-action]");
  tell(pane, "all");
  guard(pane);
});

export function guard(pane) {
  const folds = pane.querySelectorAll("[data-what] [data-must-open]:not([data-opened])").length;
  const unseen = pane.querySelector("[data-unseen]");
  const guarded = pane.querySelectorAll("[data-guarded]");
  const reason = guarded.length ? away() || (folds ? word("unfold", folds) : unseen ? word("scroll") : "") : "";
  for (const button of guarded) {
    button.setAttribute("aria-disabled", String(Boolean(reason)));
    if (!reason) button.removeAttribute("aria-disabled");
  }
  const hint = pane.querySelector("[data-guard-text]");
  if (hint) {
    hint.dataset.usual ??= hint.textContent;
    hint.textContent = hint.dataset.said || reason || hint.dataset.usual;
  }
}

// Why nothing can be decided here now.
function away() {
  const { offline } = document.body.dataset;
  if (offline === "gone") return word("undecidableGone");
  if (offline === "roleless") return word("undecidableRoleless");
  return offline ? word("undecidable") : "";
}

function shut() {
  const now = Boolean(away());
  for (const button of document.querySelectorAll(now ? DECIDES : "[data-shut]")) {
    button.toggleAttribute("data-shut", now);
    if (now) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-shut]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  say(away());
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-guarded][aria-disabled=true]");
  if (button) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const pane = button.closest("[data-action]");
    const next = pane.querySelector("[data-what] [data-must-open]:not([data-opened]) > summary, [data-unseen]");
    for (let around = next?.parentElement.parentElement.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
    next?.scrollIntoView({ block: "center" });
    next?.focus?.();
    say(pane.querySelector("[data-guard-text]").textContent);
  }
}, true);

document.addEventListener("click", (event) => {
  const preset = event.target.closest("[data-preset]");
  if (preset) {
    const field = preset.closest("form").querySelector("textarea[name=reason]");
    field.value = field.value.trim() ? `${field.value.trim()}. ${preset.dataset.preset}` : preset.dataset.preset;
    field.focus();
  }
  const close = event.target.closest("[data-sheet-close]");
  if (close) closeSheet(close.closest("[data-action]"));
  if (event.target.closest("a")) event.target.closest(".bar-rest:popover-open")?.hidePopover();
});

export function closeSheet(pane) {
  const sheet = pane?.querySelector(".bar-sheet");
  if (!sheet?.firstElementChild) return false;
  sheet.replaceChildren();
  standAgain(pane);
  return true;
}

// High risk: the first A arms, the second within a moment approves; a click opens the sheet instead.
let armed = null;
export function pressTwice(button) {
  const form = document.getElementById(button.dataset.twice);
  if (button.getAttribute("aria-disabled") === "true") return button.click();
  if (armed?.form === form && Date.now() - armed.at < TWICE_MS) {
    armed = null;
    form.requestSubmit();
    return undefined;
  }
  armed = { form, at: Date.now() };
  button.classList.add("armed");
  hint(button, word("again"));
  setTimeout(() => button.classList.remove("armed"), TWICE_MS);
  return undefined;
}

// For a moment, the bar says what a key did not do.
export function hint(button, words) {
  const pane = button.closest("[data-action]");
  const line = pane.querySelector("[data-guard-text]");
  say(words);
  if (!line) return;
  line.dataset.said = words; // other parts that come meanwhile leave it there
  guard(pane);
  setTimeout(() => {
    delete line.dataset.said;
    guard(pane);
  }, TWICE_MS);
}

// Critical: shut until the name is typed exactly.
function typed(root) {
  for (const input of root.querySelectorAll("[data-must-equal]")) {
    const submit = input.form.querySelector("[type=submit]");
    const check = () => {
      submit.disabled = input.value !== input.dataset.mustEqual;
    };
    input.addEventListener("input", check);
    check();
  }
}

// What is done with the answer is there before the first decision goes out. Critical, by somebody with a passkey: it signs first.
let after = false;
document.addEventListener("htmx:confirm", async (event) => {
  const form = event.target.closest?.("form[data-decide]");
  const signs = form?.dataset.challenge;
  if (!form || (after && !signs)) return;
  event.preventDefault();
  after ||= await import("./after.js").catch(() => false);
  if (!signs || (await (await import("./passkey.js")).sign(form))) event.detail.issueRequest(true);
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const id = event.target.dataset?.decide;
  if (!id) return;
  document.getElementById(`row-${id}`)?.classList.add("recording");
  say(word("recording"));
});

// The answer may have replaced the form.
document.addEventListener("htmx:afterRequest", (event) => {
  const id = event.detail.requestConfig.elt.dataset?.decide;
  if (!id) return;
  document.getElementById(`row-${id}`)?.classList.remove("recording");
  if (!event.detail.successful) say("");
});

// The decision says which folded parts were opened; the server knows which there are.
document.addEventListener("htmx:configRequest", (event) => {
  const { formData } = event.detail;
  if (!event.target.dataset?.decide || !["approve", "respond"].includes(formData.get("verdict"))) return;
  formData.delete("opened");
  const pane = event.target.closest("[data-action]");
  for (const part of pane.querySelectorAll("[data-what] [data-must-open][data-opened]")) formData.append("opened", part.dataset.mustOpen);
  if (pane.querySelector("[data-seen-mark]:not([data-unseen])")) formData.append("opened", "all");
});

// Offline, all deciding is switched off rather than queued.
document.addEventListener("live:status", (event) => {
  const { state, name } = event.detail;
  const now = state === "offline" ? name ?? "offline" : undefined;
  if (document.body.dataset.offline === now) return;
  if (now) document.body.dataset.offline = now;
  else delete document.body.dataset.offline;
  shut();
  for (const pane of document.querySelectorAll("[data-action]")) guard(pane);
});
