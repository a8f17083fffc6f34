// Words in the reader's language (_words.html), and one polite sentence for people who listen to the page.
const region = document.getElementById("say");
const words = document.querySelector("[data-words]").dataset;
const plural = new Intl.PluralRules(document.documentElement.lang);

export function word(name, n) {
  const form = plural.select(n ?? 1) === "one" ? name : `${name}Many`;
  return (words[form] ?? words[name]).replace("{n}", n);
}

export function say(text) {
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
