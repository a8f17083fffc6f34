// One polite sentence for people who listen to the page.
const region = document.getElementById("say");

export function say(text) {
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
