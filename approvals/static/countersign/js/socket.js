// The leading tab's connection: heartbeat, back-off with jitter, and polling while sockets do not get through.
const SILENCE_MS = 60000;
const POLL_MS = 15000;
const FIRST_MS = 1000;
const MOST_MS = 30000;
const TRIES_BEFORE_POLLING = 3;
// What the server closes with when there is no point in trying again, and the word for it.
export const ENDS = { 4401: { name: "gone" }, 4403: { name: "roleless" } };

export function connect({ url, catchup, since, onFrame, onStatus }) {
  let socket = null;
  let tries = 0;
  let quiet = 0;
  let retry = 0;
  let counting = 0;
  let polling = 0;

  function open() {
    clearTimeout(retry);
    clearInterval(counting);
    const at = new URL(url, location.href);
    at.protocol = at.protocol.replace("http", "ws");
    at.searchParams.set("since", since());
    try {
      socket = new WebSocket(at);
    } catch {
      lost();
      return;
    }
    socket.onmessage = ({ data }) => heard(JSON.parse(data));
    socket.onclose = ({ code }) => (ENDS[code] ? ended(code) : lost());
    listen();
  }

  function listen() {
    clearTimeout(quiet);
    quiet = setTimeout(() => socket?.close(), SILENCE_MS);
  }

  function heard(frame) {
    listen();
    if (frame.type === "hello") {
      const again = tries > 0;
      tries = 0;
      clearInterval(polling);
      polling = 0;
      onStatus({ state: "live" });
      if (again) poll();
    }
    onFrame(frame);
  }

  function ended(code) {
    socket = null;
    clearTimeout(quiet);
    onStatus({ state: "offline", ...ENDS[code] });
  }

  function lost() {
    clearTimeout(quiet);
    if (socket) socket.onclose = null;
    socket = null;
    tries += 1;
    if (!navigator.onLine) {
      onStatus({ state: "offline" });
      return;
    }
    const wait = Math.min(MOST_MS, FIRST_MS * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
    retry = setTimeout(open, wait);
    if (tries >= TRIES_BEFORE_POLLING) startPolling();
    else countDown(Date.now() + wait);
  }

  function countDown(until) {
    const show = () => {
      const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
      onStatus({ state: "reconnecting", seconds });
    };
    show();
    counting = setInterval(show, 1000);
  }

  function startPolling() {
    if (polling) return;
    poll();
    polling = setInterval(poll, POLL_MS);
  }

  async function poll() {
    try {
      const answer = await fetch(`${catchup}?since=${since()}`, { headers: { Accept: "application/json" }, redirect: "error" });
      if (answer.status === 401) return onStatus({ state: "offline", ...ENDS[4401] });
      if (!answer.ok) throw new Error(answer.status);
      const body = await answer.json();
      onFrame({ type: "hello", last: body.last, now: body.now });
      if (body.resync) onFrame({ type: "resync", last: body.last });
      for (const hint of body.hints) onFrame({ type: "hint", ...hint });
      if (polling) onStatus({ state: "polling" });
    } catch {
      if (polling) onStatus({ state: "offline" });
    }
  }

  // Also after the server had ended it: somebody may have signed in again, in another tab.
  function again() {
    if (!socket && navigator.onLine) open();
  }

  addEventListener("online", open);
  addEventListener("offline", () => (socket ? socket.close() : lost()));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) again();
  });
  open();
  return again;
}
