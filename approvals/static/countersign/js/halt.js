// Stopping everything asks for the word; the other scopes do not.
export function haltForm(root) {
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
