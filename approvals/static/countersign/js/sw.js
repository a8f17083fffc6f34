// The service worker: shows what is pushed and opens the page. It keeps no page, answers no request and can decide nothing.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data?.json() ?? {};
  } catch {
    // Shown all the same: a browser takes the permission back from whoever stays silent.
  }
  const shown = self.registration.showNotification(String(said.title || "Countersign"), {
    body: String(said.body || ""),
    tag: String(said.tag || "countersign"),
    renotify: true,
    requireInteraction: said.level === "critical",
    icon: "/static/countersign/icon.svg",
    data: { url: String(said.url || "/") },
  });
  event.waitUntil(shown);
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const at = new URL(event.notification.data?.url || "/", self.location.origin);
  if (at.origin !== self.location.origin) return;
  event.waitUntil(
    (async () => {
      const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
      const same = open.find((client) => new URL(client.url).pathname === at.pathname);
      return same ? same.focus() : self.clients.openWindow(at.href);
    })(),
  );
});
