// On an action's own page: the ones before and after it in the list one came from.
const place = document.querySelector("[data-neighbours]");
let order = [];
try {
  order = JSON.parse(sessionStorage.getItem("order") || "[]");
} catch {
  // somebody else's words under our name: no list is known
}
const at = order.indexOf(location.pathname);
for (const link of place.querySelectorAll("[data-neighbour]")) {
  const to = at < 0 ? undefined : order[at + Number(link.dataset.neighbour)];
  if (to) link.href = to;
  link.hidden = !to;
  if (to) place.hidden = false;
}
