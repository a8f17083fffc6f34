// The page of notifications: asking the browser for permission (only on a press), and the browser's own time zone as a suggestion.
const form = document.querySelector("[data-push]");
const said = form?.querySelector("[data-push-said]");
const button = form?.querySelector("[data-push-on]");

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function deviceName() {
  const agent = navigator.userAgent;
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`)) || "Browser";
  const on = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((name) => agent.includes(name)) || "";
  return `${{ Edg: "Edge", OPR: "Opera" }[browser] || browser}${on && ` on ${on}`}`;
}

async function call() {
  if ((await Notification.requestPermission()) !== "granted") return form.dataset.saidBlocked;
  const worker = await navigator.serviceWorker.register("/sw.js");
  await navigator.serviceWorker.ready;
  const key = bytes(form.dataset.pushKey);
  const had = await worker.pushManager.getSubscription();
  if (had && text(had.options.applicationServerKey) !== form.dataset.pushKey) await had.unsubscribe();
  const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const body = new URLSearchParams({
    csrfmiddlewaretoken: form.querySelector("[name=csrfmiddlewaretoken]").value,
    endpoint: subscription.endpoint,
    p256dh: text(subscription.getKey("p256dh")),
    auth: text(subscription.getKey("auth")),
    name: deviceName(),
  });
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!answer.ok) return (await answer.json()).detail;
  location.reload();
  return "";
}

if (form) {
  if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) button.disabled = false;
  else said.textContent = form.dataset.saidMissing;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      said.textContent = await call();
    } catch (error) {
      said.textContent = `${form.dataset.saidFailed} (${error.name})`;
    }
    button.disabled = false;
  });
}

const suggest = document.querySelector("[data-zone]");
const zone = document.getElementById("zone");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (suggest && own && zone.value !== own) {
  suggest.textContent = own;
  suggest.hidden = false;
  suggest.addEventListener("click", () => {
    zone.value = own;
    suggest.hidden = true;
    zone.focus();
  });
}
