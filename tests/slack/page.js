// The page of the demo's chat: draws blocks as Slack's documentation describes them, and sends what a person does.
"use strict";
const $ = (id) => document.getElementById(id);
let user = new URLSearchParams(location.search).get("as") || "", channel = "", drawn = "", modalDrawn = "", now = {};

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null && (value !== "" || name === "value")) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const unescaped = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

// mrkdwn, a little of it: links, dates, people, bold, italics, code. Everything else is text.
function mrkdwn(text) {
  const out = make("span");
  const pattern = /```([\s\S]+?)```|`([^`\n]+)`|<!date\^(\d+)\^[^|>]*\|([^>]*)>|<@(\w+)>|<(https?:[^|>]+)(?:\|([^>]*))?>|\*([^*\n]+)\*|_([^_\n]+)_|\n/g;
  let last = 0, found;
  while ((found = pattern.exec(text))) {
    out.append(unescaped(text.slice(last, found.index)));
    last = pattern.lastIndex;
    const [, pre, code, date, , person, url, label, bold, italic] = found;
    if (pre != null) out.append(make("pre", {}, unescaped(pre)));
    else if (code != null) out.append(make("code", {}, unescaped(code)));
    else if (date) out.append(new Date(date * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
    else if (person) out.append(make("b", {}, "@" + (now.names[person] || person)));
    else if (url) out.append(make("a", { href: url, target: "_blank", rel: "noreferrer" }, unescaped(label || url)));
    else if (bold != null) out.append(make("b", {}, unescaped(bold)));
    else if (italic != null) out.append(make("i", {}, unescaped(italic)));
    else out.append(make("br"));
  }
  out.append(unescaped(text.slice(last)));
  return out;
}

const textOf = (object) => (object.type === "mrkdwn" ? mrkdwn(object.text) : make("span", {}, ...lines(object.text)));
const lines = (text) => text.split("\n").flatMap((line, i) => (i ? [make("br"), line] : [line]));

function block(one, where) {
  const kind = one.type;
  const box = make("div", { class: `block ${kind} ${one.level || ""}`, "data-block": one.block_id });
  if (kind === "header") box.append(one.text.text);
  else if (kind === "divider") box.append(make("hr"));
  else if (kind === "context") for (const e of one.elements) box.append(textOf(e), " ");
  else if (kind === "section" || kind === "alert") {
    if (one.text) box.append(textOf(one.text));
    if (one.fields) box.append(make("div", { class: "fields" }, ...one.fields.map((f) => make("div", {}, textOf(f)))));
    if (one.accessory) box.append(" ", control(one.accessory, one, where));
  } else if (kind === "actions") for (const e of one.elements) box.append(control(e, one, where));
  else if (kind === "input") {
    const id = `in-${one.block_id}`;
    box.append(make("label", { for: id }, one.label.text + (one.optional ? " (optional)" : "")), control(one.element, one, where, id));
    if (one.hint) box.append(make("div", { class: "hint" }, one.hint.text));
    box.append(make("div", { class: "error", role: "alert", "data-error": one.block_id }));
  }
  return box;
}

function control(e, parent, where, id) {
  const data = { "data-action": e.action_id, "data-in": parent.block_id, "data-type": e.type, id };
  const acts = parent.type !== "input" || parent.dispatch_action;
  const chosen = (more) => () => (acts ? where.act(e, more ? more() : {}) : null);
  if (e.type === "button") {
    if (e.url) return make("a", { class: "link-button", href: e.url, target: "_blank", rel: "noreferrer", onclick: () => where.act(e, {}) }, e.text.text);
    return make("button", { type: "button", class: e.style, onclick: () => (!e.confirm || confirm(e.confirm.text.text)) && where.act(e, e.value ? { value: e.value } : {}) }, e.text.text);
  }
  if (e.type === "timepicker") {
    const input = make("input", { ...data, type: "time", value: e.initial_time, "aria-label": e.placeholder ? e.placeholder.text : "Time" });
    input.addEventListener("change", () => acts && where.act(e, { selected_time: input.value }));
    return input;
  }
  if (e.type === "static_select" || e.type === "external_select") {
    const initial = e.initial_option && e.initial_option.value;
    const select = make("select", { ...data, onchange: chosen(() => ({ selected_option: option(select) })) }, make("option", { value: "" }, e.placeholder ? e.placeholder.text : "—"));
    const fill = (options) => options.forEach((o) => select.append(make("option", { value: o.value, selected: o.value === initial }, o.text.text)));
    if (e.options) fill(e.options);
    else if (where.options) where.options(e).then(fill);
    return select;
  }
  if (e.type === "radio_buttons" || e.type === "checkboxes") {
    const initial = (e.initial_options || (e.initial_option ? [e.initial_option] : [])).map((o) => o.value);
    const kind = e.type === "checkboxes" ? "checkbox" : "radio";
    const group = { ...data, role: kind === "radio" ? "radiogroup" : "group", "aria-label": parent.label ? parent.label.text : null };
    return make("div", group, ...e.options.map((o) => {
      const input = make("input", { type: kind, name: parent.block_id, value: o.value, checked: initial.includes(o.value), "data-label": o.text.text, onchange: chosen(() => ({ selected_option: { value: o.value, text: o.text } })) });
      return make("label", { class: "radio" }, input, o.text.text);
    }));
  }
  if (e.multiline) { const area = make("textarea", { ...data, rows: 4, maxlength: e.max_length }); area.value = e.initial_value || ""; return area; }
  const input = make("input", { ...data, type: "text", maxlength: e.max_length, placeholder: e.placeholder && e.placeholder.text, inputmode: e.type === "number_input" ? "decimal" : null });
  input.value = e.initial_value || "";
  return input;
}

const option = (select) => (select.value ? { value: select.value, text: { type: "plain_text", text: select.selectedOptions[0].textContent } } : null);

function values(form) {
  const found = {};
  for (const element of form.querySelectorAll("[data-in][data-type]")) {
    const type = element.dataset.type, value = { type };
    if (type.endsWith("_select")) value.selected_option = option(element);
    else if (type === "radio_buttons" || type === "checkboxes") {
      const picked = [...element.querySelectorAll("input:checked")].map((i) => ({ value: i.value, text: { type: "plain_text", text: i.dataset.label } }));
      if (type === "checkboxes") value.selected_options = picked; else value.selected_option = picked[0] || null;
    } else value.value = element.value === "" ? null : element.value;
    (found[element.dataset.in] ||= {})[element.dataset.action] = value;
  }
  return found;
}

async function post(what, said) {
  const answer = await fetch(`/page/${what}`, { method: "POST", body: JSON.stringify({ user, channel, ...said }) });
  setTimeout(look, 30);
  return answer.json();
}

function message(m, all) {
  const where = { act: (e, action) => post("press", { ts: m.ts, action_id: e.action_id, action }) };
  const box = make("article", { class: "message" + (m.private ? " private" : ""), "data-ts": m.ts });
  const who = m.private ? "Only visible to you" : m.bot_id ? "Countersign (app)" : now.names[m.user] || m.user;
  box.append(make("span", { class: "who" }, who), make("span", { class: "at" }, new Date(m.ts * 1000).toLocaleTimeString() + (m.edited ? " (edited)" : "")));
  if ((m.blocks || []).length) m.blocks.forEach((b) => box.append(block(b, where)));
  else box.append(make("div", { class: "block" }, mrkdwn(m.text)));
  if (m.thread_ts && m.user === user && !m.private) { // what one wrote oneself can be edited and deleted, as in Slack
    const rewrite = () => { const text = prompt("What should it say?", m.text); if (text && text !== m.text) post("rewrite", { ts: m.ts, text }); };
    box.append(make("button", { type: "button", onclick: rewrite }, "Edit"), " ", make("button", { type: "button", onclick: () => post("delete", { ts: m.ts }) }, "Delete"));
  }
  if (m.private || m.thread_ts) return box;
  const thread = make("div", { class: "thread" });
  all.filter((r) => r.thread_ts === m.ts && r.ts !== m.ts && !r.private).forEach((r) => thread.append(message(r, [])));
  if (m.bot_id) {
    const input = make("input", { placeholder: "Reply in the thread", "aria-label": "Reply in the thread", "data-reply": m.ts });
    thread.append(make("form", { onsubmit: (event) => { event.preventDefault(); post("reply", { thread: m.ts, text: input.value }); input.value = ""; } }, input));
  }
  box.append(thread);
  return box;
}

function drawModal(view) {
  const dialog = $("modal"), form = $("modal-form"), key = view ? view.id + view.hash + JSON.stringify(view.blocks) : "";
  if (key === modalDrawn) return;
  const kept = view && modalDrawn.startsWith(view.id) ? values(form) : {};
  modalDrawn = key;
  form.replaceChildren();
  if (!view) { if (dialog.open) dialog.close(); return; }
  const where = {
    act: (e, action) => post("choose", { action_id: e.action_id, action, values: values(form) }),
    options: async (e) => (await post("options", { action_id: e.action_id })).options || [],
  };
  form.append(make("div", { class: "top" }, make("h2", { id: "modal-title" }, view.title.text)));
  form.append(make("div", { class: "body" }, ...view.blocks.map((b) => block(b, where))));
  const foot = make("div", { class: "foot" }, make("button", { type: "button", onclick: () => post("close", { view_id: view.id }) }, view.close ? view.close.text : "Close"));
  if (view.submit) foot.append(make("button", { type: "submit", class: "primary" }, view.submit.text));
  form.append(foot);
  for (const [name, actions] of Object.entries(kept)) for (const [action, value] of Object.entries(actions)) {
    const field = form.querySelector(`[data-in="${CSS.escape(name)}"][data-action="${CSS.escape(action)}"]`);
    if (field && "value" in value && value.value && "value" in field) field.value = value.value; // what was typed stays, as in Slack
  }
  if (!dialog.open) dialog.showModal();
}

async function submit(event) {
  event.preventDefault();
  const form = $("modal-form");
  const answer = await post("submit", { values: values(form) });
  for (const spot of form.querySelectorAll("[data-error]")) spot.textContent = (answer.errors || {})[spot.dataset.error] || "";
}

function drawSide() {
  const select = $("who");
  if (select.options.length !== now.people.length) select.replaceChildren(...now.people.map((p) => make("option", { value: p.id }, p.name)));
  select.value = user;
  const places = [...now.channels.map((c) => [c.id, (c.direct ? "● " : "# ") + c.name]), ["home", "⌂ Home of the app"]];
  $("places").replaceChildren(...places.map(([id, name]) => make("li", {}, make("button", { type: "button", "aria-current": id === channel ? "page" : null, onclick: () => go(id) }, name))));
  $("place").textContent = (places.find(([id]) => id === channel) || ["", ""])[1];
}

function go(id) {
  channel = id;
  drawn = "";
  if (id === "home") post("home", {});
  look();
}

async function look() {
  let found;
  try { found = await (await fetch(`/page/state?user=${user}&channel=${channel}`)).json(); } catch { return; }
  now = found;
  user = found.user;
  if (channel !== "home") channel = found.channel;
  drawModal(found.modal);
  const key = JSON.stringify([user, channel, found.messages, found.home, found.channels, found.people]);
  if (key === drawn || (document.activeElement && document.activeElement.value && document.activeElement.dataset.reply)) return;
  drawn = key;
  drawSide();
  const place = $("messages");
  if (channel === "home") {
    const where = { act: (e, action) => post("home-press", { action_id: e.action_id, action }) };
    place.replaceChildren(...(found.home ? found.home.blocks.map((b) => block(b, where)) : [make("p", {}, "Nothing here yet.")]));
  } else {
    place.replaceChildren(...found.messages.filter((m) => m.private || !m.thread_ts || m.thread_ts === m.ts).map((m) => message(m, found.messages)));
    place.scrollTop = place.scrollHeight;
  }
}

$("who").addEventListener("change", () => { user = $("who").value; drawn = ""; if (channel === "home" || channel.startsWith("D")) channel = ""; look(); });
$("say").addEventListener("submit", (event) => { event.preventDefault(); post("say", { text: $("text").value }); $("text").value = ""; });
$("modal-form").addEventListener("submit", submit);
$("modal").addEventListener("cancel", (event) => { event.preventDefault(); if (now.modal) post("close", { view_id: now.modal.id }); });
document.querySelector("[data-shortcut]").addEventListener("click", (event) => post("shortcut", { callback_id: event.target.dataset.shortcut }));
look();
setInterval(look, 500);
