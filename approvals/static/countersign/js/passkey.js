// Passkeys: adding one, signing in with one, confirming with one, and signing one decision. The server says what is to be signed.
import { word } from "./say.js";

const WORDS = { NotAllowedError: "keyUnused", InvalidStateError: "keyKnown", SecurityError: "keyAddress" };

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function read(options) {
  const asked = { ...options, challenge: bytes(options.challenge) };
  if (options.user) asked.user = { ...options.user, id: bytes(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) asked[list] = options[list].map((one) => ({ ...one, id: bytes(one.id) }));
  }
  return asked;
}

function written(credential) {
  const { response } = credential;
  const parts = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

const get = async (publicKey) => written(await navigator.credentials.get({ publicKey: read(publicKey) }));

async function create(publicKey, passwordless) {
  const selection = { ...publicKey.authenticatorSelection, residentKey: passwordless ? "required" : "discouraged", requireResidentKey: passwordless };
  if (passwordless) selection.userVerification = "required";
  return written(await navigator.credentials.create({ publicKey: read({ ...publicKey, authenticatorSelection: selection }) }));
}

async function asked(url, init) {
  const answer = await fetch(url, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" }, ...init });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.detail || word("silent"));
  return data;
}

function tell(form, error) {
  const place = form.querySelector("[data-passkey-error]");
  if (!place) return;
  place.hidden = false;
  place.textContent = globalThis.PublicKeyCredential ? (WORDS[error.name] ? word(WORDS[error.name]) : error.message) : word("keyless");
}

const forms = {
  create: (form) => create(given(form), form.querySelector("[data-passwordless]")?.checked ?? false),
  get: (form) => get(given(form)),
  login: async (form) => get((await asked(form.action)).request_options.publicKey),
};
const given = () => JSON.parse(document.getElementById("passkey-options").textContent).publicKey;

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form) return;
  event.preventDefault();
  try {
    form.elements.credential.value = await forms[form.dataset.passkey](form);
    form.submit();
  } catch (error) {
    tell(form, error);
  }
});

// A critical decision: before the form is sent (decide.js), the passkey signs the digest and the verdict it carries.
export async function sign(form) {
  try {
    const body = new URLSearchParams();
    for (const name of ["csrfmiddlewaretoken", "verdict", "seen_digest"]) body.set(name, form.elements[name].value);
    const found = await asked(form.dataset.challenge, { method: "POST", body });
    form.elements.nonce.value = found.nonce;
    form.elements.assertion.value = await get(found.publicKey);
    return true;
  } catch (error) {
    tell(form, error);
    return false;
  }
}
