/* The keyboard: one map, shown by "?". Keys are letters and signs as typed; nothing happens while a field is written
 * in, in a dialog, or together with Ctrl, Alt or Meta. Space and Enter stay the focused button's own. */
import { el, dialog } from "./ui.js";
import { translator } from "./i18n.js";

const TWICE = 600; /* ms between two presses of Escape */
const map = []; /* { key, label(), run() } */
let escapedAt = 0;

const t = translator({
  keys_title: ["Keyboard", "键盘快捷键"],
  keys_help: ["This help", "显示此帮助"],
  key_space: ["Space", "空格"],
  key_escape_twice: ["Esc, twice", "连按两次 Esc"],
});
const names = { " ": "key_space", "Escape Escape": "key_escape_twice" };

/* bind("s", () => t("skip"), skip): the label is asked for when shown. */
export function bind(key, label, run) {
  map.push({ key, label, run });
}

const writes = (e) =>
  e.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])");
const acts = (e) => e.closest?.("button, a, summary, input, [role=button], [tabindex]:not(main)");

function press(e) {
  if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing || e.defaultPrevented) return;
  if (document.querySelector("dialog[open]") || (writes(e.target) && e.key !== "Escape")) return;
  let key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  if (key === "Escape") {
    const twice = e.timeStamp - escapedAt < TWICE;
    escapedAt = twice ? 0 : e.timeStamp;
    if (!twice) return;
    key = "Escape Escape";
  }
  if ((key === " " || key === "Enter") && acts(e.target)) return;
  const entry = map.findLast((m) => m.key === key);
  if (!entry || e.repeat) return;
  e.preventDefault();
  entry.run();
}

export function showHelp() {
  const rows = [...map].sort((a, b) => a.key.length - b.key.length).map((m) =>
    el("div", {}, el("dt", {}, el("kbd", {}, names[m.key] ? t(names[m.key]) : m.key.toUpperCase())),
      el("dd", {}, m.label())));
  dialog(t("keys_title"), [el("dl", { class: "keys" }, rows)]);
}

export function start() {
  addEventListener("keydown", press);
  bind("?", () => t("keys_help"), showHelp);
}
