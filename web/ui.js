/* Few helpers for building a page: elements, messages that a screen reader hears, dialogs. No text ever becomes
 * markup. */
import { icon } from "./icons.js";
import { translator } from "./i18n.js";

export { icon };
const t = translator();

/* el("button", { class: "primary", onclick: f, disabled: true, style: { "--at": 3 } }, "text", child, null)
 * on… are listeners, true and false set and leave out an attribute, objects go to style and dataset. */
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) e.style.setProperty(k, v);
    else if (name === "dataset") Object.assign(e.dataset, value);
    else if (name === "value") e.value = value;
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

/* A button; `label` is its name, shown unless it has an icon alone: button({ icon: "skip", label: "Skip", only: true
 * }). */
export function button({ label, icon: name, only = false, kind = "", onclick, ...rest }) {
  return el("button", { type: "button", class: `${kind} ${only ? "only" : ""}`.trim() || undefined, onclick,
    ...(only ? { "aria-label": label, title: label } : {}), ...rest },
  name ? icon(name) : null, only ? null : el("span", {}, label));
}

let fields = 0;

/* A control under its label, with a sentence of help: field("Voice", select, "Who speaks"). Gives the whole;
 * `control` gets an id if it has none. */
export function field(label, control, help = "", kind = "") {
  control.id ||= `field-${++fields}`;
  const note = help ? el("small", { id: `${control.id}-help` }, help) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return el("div", { class: `field ${kind}`.trim() }, el("label", { for: control.id }, label), control, note);
}

/* A checkbox that looks like a switch, with its label beside it. */
export function toggle(label, { help = "", ...attributes } = {}) {
  const input = el("input", { type: "checkbox", role: "switch", ...attributes });
  input.id ||= `field-${++fields}`;
  const note = help ? el("small", { id: `${input.id}-help` }, help) : null;
  if (note) input.setAttribute("aria-describedby", note.id);
  return { input, whole: el("div", { class: "field switch" }, input, el("label", { for: input.id }, label), note) };
}

export function select(options, value, attributes = {}) {
  const e = el("select", attributes, options.map(([code, label]) => el("option", { value: code }, label)));
  e.value = value;
  return e;
}

/* -------- messages -------- */

/* Said aloud by screen readers and shown for a while; kind "bad" at once and longer. */
export function toast(text, kind = "") {
  const box = document.getElementById(kind === "bad" ? "alerts" : "toasts");
  const note = el("div", { class: `toast ${kind}` }, icon(kind === "bad" ? "warning" : kind === "good" ? "check"
    : "info"),
    el("span", {}, text), button({ icon: "close", label: t("close"), only: true, kind: "ghost",
      onclick: () => note.remove() }));
  for (const old of [...box.children].slice(0, -2)) old.remove(); /* three at a time */
  box.append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 12_000 : 5_000);
}

/* Runs what talks to the server; an error becomes a message. Gives the result, or undefined. */
export async function attempt(work, done = "") {
  try {
    const result = await work();
    if (done) toast(done, "good");
    return result;
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, "bad");
    return undefined;
  }
}

/* -------- dialogs -------- */

/* Modal: the focus stays inside and goes back where it was, Escape closes. `content` are nodes; gives { dialog,
 * close, done }, done resolving with what close was given ("" by Escape). */
export function dialog(title, content, { wide = false } = {}) {
  const before = document.activeElement;
  const id = `dialog-${++fields}`;
  const box = el("dialog", { class: wide ? "wide" : undefined, "aria-labelledby": id },
    el("header", {}, el("h2", { id }, title),
      button({ icon: "close", label: t("close"), only: true, kind: "ghost", onclick: () => box.close("") })), content);
  const done = new Promise((resolve) => box.addEventListener("close", () => {
    box.remove();
    before?.focus?.();
    resolve(box.returnValue);
  }));
  document.body.append(box);
  box.showModal();
  return { dialog: box, close: (value = "") => box.close(value), done };
}

/* A question that is answered by a word for doing it ("Delete") or by leaving. */
export async function confirm(title, text, word) {
  const yes = button({ label: word, kind: "danger", onclick: () => d.close("yes") });
  const no = button({ label: t("cancel"), onclick: () => d.close("") });
  const d = dialog(title, [el("p", {}, text), el("footer", {}, no, yes)]);
  no.focus();
  return (await d.done) === "yes";
}
