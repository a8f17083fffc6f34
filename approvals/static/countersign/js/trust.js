// The one Trusted Types policy. Fragments from our own server may be parsed (htmx does that); text that carries a script, a
// frame or an event handler may not, and nothing may ever become a script or a script's address.
(() => {
  if (!window.trustedTypes) return;
  const unwanted = /<\s*(script|iframe|object|embed|base|meta)\b|<[^>]*\son[a-z]+\s*=/i;
  trustedTypes.createPolicy("default", {
    createHTML(html) {
      // What stands inside an attribute's quotes is a value, however it reads.
      if (unwanted.test(html.replace(/="[^"]*"/g, '=""'))) throw new TypeError("This fragment carries active content and was refused.");
      return html;
    },
  });
})();
