// Times tick by the server's clock: the difference is measured when the socket says hello.
import { say, word } from "./say.js";

let offset = 0;
const announced = new Map();
const { lang } = document.documentElement;
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

document.addEventListener("live:clock", (event) => {
  offset = Date.parse(event.detail.now) - Date.now();
  tick();
});

const now = () => Date.now() + offset;

function ago(seconds) {
  if (seconds > -45 && seconds <= 0) return word("now");
  const size = Math.abs(seconds);
  const [unit, one] = size < 60 ? ["second", 1] : size < 3600 ? ["minute", 60] : size < 86400 ? ["hour", 3600] : ["day", 86400];
  return relative.format(Math.round(seconds / one), unit);
}

function left(seconds) {
  if (seconds <= 0) return "0:00";
  const s = Math.floor(seconds);
  const pad = (n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${pad(s % 60)}`;
  if (s < 86400) return word("hours", Math.floor(s / 3600)).replace("{m}", pad(Math.floor((s % 3600) / 60)));
  return word("days", Math.floor(s / 86400)).replace("{m}", Math.floor((s % 86400) / 3600));
}

function announce(node, seconds) {
  const item = node.closest("[data-action]");
  if (!item) return;
  for (const minutes of [1, 5]) {
    if (seconds > minutes * 60 || seconds < minutes * 60 - 5) continue;
    const key = `${item.dataset.action}:${minutes}`;
    if (announced.has(key)) continue;
    announced.set(key, true);
    say(word("expires", minutes));
  }
}

function words(node) {
  const moment = Date.parse(node.dateTime);
  const seconds = (moment - now()) / 1000;
  switch (node.dataset.time) {
    case "left":
      node.toggleAttribute("data-urgent", seconds < 600);
      announce(node, seconds);
      return left(seconds);
    case "ago":
      return ago(seconds);
    case "clock":
      return Math.abs(seconds) > 43200 ? day.format(moment) : clock.format(moment);
    default:
      return node.textContent;
  }
}

export function tick(root = document) {
  for (const node of root.querySelectorAll("time[data-time]")) {
    const text = words(node);
    if (node.textContent !== text) node.textContent = text;
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("htmx:afterSettle", (event) => tick(event.target));
