// Dialogs: what the server puts into #dialog opens as a modal; menus close when one looks elsewhere.
const dialog = document.getElementById("dialog");
const help = document.getElementById("help");

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialog && dialog.firstElementChild && !dialog.open) {
    dialog.showModal();
    haltForm(dialog);
  } else if (dialog?.contains(event.target)) {
    haltForm(dialog);
  }
});
dialog?.addEventListener("close", () => dialog.replaceChildren());
document.addEventListener("dialog:close", () => dialog?.close());

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) dialog.close();
  if (event.target.closest("[data-help]")) help.showModal();
  if (event.target === dialog || event.target === help) event.target.close();
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Where something is halted, or asked to be. Loaded when first wanted.
async function haltForm(root) {
  if (root.querySelector("[data-halt-word]")) (await import("./halt.js")).haltForm(root);
}
haltForm(document);
