// The one Trusted Types policy. Fragments from our own server may be parsed (htmx does that); text that carries a script, a
// frame or an event handler may not, and nothing may become a script or a script's address, but for our own service worker.
(() => {
  if (!window.trustedTypes) return;
  const unwanted = /<\s*(script|iframe|object|embed|base|meta)\b|<[^>]*\son[a-z]+\s*=/i;
  trustedTypes.createPolicy("default", {
    createHTML(html) {
      // What stands inside an attribute's quotes is a value, however it reads.
      if (unwanted.test(html.replace(/="[^"]*"/g, '=""'))) throw new TypeError("This fragment carries active content and was refused.");
      return html;
    },
    // One script may be registered: the worker that shows pushes.
    createScriptURL(address) {
      if (address !== "/sw.js") throw new TypeError("This address may not become a script.");
      return address;
    },
  });
})();
