// Hints from the server: one socket for the whole browser, replayed from the database, polled when sockets are blocked.
//
// The tab that holds the Web Lock leads: it has the socket and passes frames to the others over a BroadcastChannel. A hint only
// says *what* changed; pages fetch the fragment, so permission is checked where it always is. Nothing is ever sent up.
import { word } from "./say.js";
import { connect, ENDS } from "./socket.js";

const WINDOW_MS = 150;
const SEEN = 2000;
const RECENT = 300;

const page = document.body.dataset;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("countersign-live") : null;
const seen = new Set();
const shown = Number(page.liveSince) || 0;
const gaps = new Set((page.liveGaps || "").split(" ").filter(Boolean).map(Number));
let last = shown;
let waiting = [];
let timer = 0;
let again = null;
let status = { state: "connecting" };
const recent = [];

const fire = (name, detail) => document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));

function receive(frame) {
  switch (frame.type) {
    case "hello":
      fire("live:clock", { now: frame.now });
      if (!last) last = frame.last;
      break;
    case "hint":
      take(frame);
      break;
    case "bye":
      show({ state: "offline", ...ENDS[frame.code] });
      break;
    case "resync":
      if (frame.last) last = Math.max(last, frame.last);
      fire("live:resync", {});
      break;
    default:
  }
}

// Sequence numbers may become visible out of order, so replays overlap. What was seen is dropped by id, not by being smaller;
// of those below where the page began, only the gaps it knew of are news.
function take(hint) {
  // Who looks at what is told with id 0: never stored, never replayed.
  if (hint.id === 0) {
    for (const name of [`live:${hint.object}`, `live:${hint.object}:${hint.object_id}`]) fire(name, { hints: [hint] });
    return;
  }
  if (seen.has(hint.id) || (hint.id <= shown && !gaps.has(hint.id))) return;
  seen.add(hint.id);
  if (seen.size > SEEN) seen.delete(seen.values().next().value);
  last = Math.max(last, hint.id);
  recent.push(hint);
  if (recent.length > RECENT) recent.shift();
  waiting.push(hint);
  timer ||= setTimeout(flush, WINDOW_MS);
}

function flush() {
  timer = 0;
  const groups = new Map();
  for (const hint of waiting) {
    for (const name of [`live:${hint.object}`, `live:${hint.object}:${hint.object_id}`]) {
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(hint);
    }
  }
  waiting = [];
  for (const [name, hints] of groups) fire(name, { hints });
}

function show(next) {
  status = next;
  const pill = document.getElementById("live-pill");
  if (pill) {
    pill.dataset.state = next.state;
    pill.querySelector("[data-live-text]").textContent = word(next.name ?? next.state, next.seconds);
  }
  fire("live:status", next);
}

function lead() {
  const share = (message) => channel?.postMessage(message);
  again = connect({
    url: page.liveUrl,
    catchup: page.catchupUrl,
    since: () => last,
    onFrame(frame) {
      receive(frame);
      share({ frame });
    },
    onStatus(next) {
      show(next);
      share({ status: next });
    },
  });
}

channel?.addEventListener("message", ({ data }) => {
  if (data.ask && again) {
    // Whoever opens a page is signed in: what ended this tab may be over.
    if (status.name) again();
    else channel.postMessage({ status, to: data.ask });
    for (const hint of recent) if (hint.id > data.since) channel.postMessage({ frame: hint });
  }
  if (again) return;
  if (data.frame) receive(data.frame);
  if (data.status) show(data.status);
});

if (page.liveUrl) {
  if (navigator.locks) {
    navigator.locks.request("countersign-live", () => {
      lead();
      return new Promise(() => {});
    });
  } else {
    lead();
  }
  channel?.postMessage({ ask: true, since: last });
}
