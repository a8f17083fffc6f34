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

// Stopping everything asks for the word; the other scopes do not.
function haltForm(root) {
  const word = root.querySelector("[data-halt-word]");
  if (!word) return;
  const update = () => {
    const everything = root.querySelector("input[name=scope]:checked")?.dataset.haltAll === "1";
    word.hidden = !everything;
    const input = word.querySelector("input");
    input.required = everything;
    root.querySelector("[data-halt-submit]").disabled = everything && input.value.trim() !== "HALT";
  };
  root.addEventListener("input", update);
  root.addEventListener("change", update);
  update();
}
haltForm(document);
