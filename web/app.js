/* The shell: which room is open (the address's #name), the bar with what must be at hand everywhere, theme,
 * language, token, keyboard. Rooms are modules that are loaded when they are first opened; README.md says how one is
 * written. */
import * as api from "./api.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as player from "./player.js";
import * as prefs from "./prefs.js";
import { language, translator } from "./i18n.js";
import { button, dialog, el, field, icon, toast, toggle } from "./ui.js";

const ROOMS = ["live", "studio", "voices", "insight", "settings"];
const THEMES = ["", "light", "dark"];

const t = translator({
  skip_link: ["Skip to content", "跳到主要内容"],
  rooms: ["Rooms", "页面"],
  tools: ["Controls", "控制"],
  theme_: ["Theme: system", "主题：跟随系统"],
  theme_light: ["Theme: light", "主题：浅色"],
  theme_dark: ["Theme: dark", "主题：深色"],
  other_language: ["中文", "English"],
  keyboard: ["Keyboard", "键盘快捷键"],
  pause: ["Pause", "暂停"],
  resume: ["Resume", "继续"],
  skip: ["Skip what sounds", "跳过当前播报"],
  panic: ["Panic: stop all sound", "紧急停止所有声音"],
  clear: ["Clear the queue", "清空队列"],
  mute: ["Sound on this page on or off", "开启或关闭本页声音"],
  sound_on: ["Sound on this page is on", "本页声音已开启"],
  sound_off: ["Sound on this page is off", "本页声音已关闭"],
  enable_sound: ["Enable sound", "启用声音"],
  go_to: ["Go to {room}", "前往{room}"],
  focus_write: ["To the test message", "转到测试消息"],
  connection_open: ["Connected", "已连接"],
  connection_connecting: ["Connecting", "连接中"],
  connection_waiting: ["No connection, trying again", "连接断开，正在重试"],
  connection_refused: ["Refused", "被拒绝"],
  token_title: ["This server asks for a token", "此服务器需要令牌"],
  token: ["Token", "令牌"],
  token_keep: ["Remember it in this browser", "在此浏览器中记住"],
  token_use: ["Use it", "使用"],
  room_failed: ["This room could not be opened: {why}", "无法打开此页面：{why}"],
});

const main = document.getElementById("main");
let open = null; /* { name, room, end } */
let turn = 0;

/* -------- rooms -------- */

function wantedRoom() {
  const name = location.hash.slice(1).split("/")[0];
  return ROOMS.includes(name) ? name : ROOMS[0];
}

/* What a room gets beside its place: see README.md. */
const contextOf = (signal) => ({ api, live, player, prefs, signal, go: (name) => { location.hash = name; } });

async function show(name, { focus = false } = {}) {
  const mine = ++turn;
  try {
    const room = await import(`./room_${name}.js`);
    if (mine !== turn) return; /* somebody was faster */
    await enter(name, room, focus);
  } catch (error) {
    if (mine === turn) toast(t("room_failed", { why: error.message }), "bad");
  }
  if (mine === turn) main.removeAttribute("aria-busy");
}

async function enter(name, room, focus) {
  leave();
  const end = new AbortController();
  const root = el("div", { class: `room ${name}` });
  main.replaceChildren(root);
  open = { name, room, end };
  document.title = `${t(name)} · iShowTTS`;
  for (const a of document.querySelectorAll("#rooms a"))
    if (a.hash === `#${name}`) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  main.setAttribute("aria-busy", "true");
  const ready = room.mount(root, contextOf(end.signal));
  if (focus) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  await ready;
}

function leave() {
  open?.end.abort();
  open?.room.unmount?.();
  open = null;
}

/* Fields that say what is kept elsewhere: the draft of the rules, what the server has set. */
const KEPT = /^(field|rule|template|stage)-|^rules-whose$/;

/* In another language the room is made anew; what was typed into fields with an id stays, and the room hears of it
 * as if it were typed again. Not of a token, which may just have been forgotten, nor of what the page itself wrote. */
async function rebuild() {
  const typed = [...main.querySelectorAll("input[id], textarea[id], select[id]")]
    .filter((f) => !KEPT.test(f.id) && !["file", "password"].includes(f.type) && !f.readOnly)
    .map((f) => [f.id, f.type === "checkbox", f.value, f.checked]);
  const at = scrollY;
  buildShell();
  await show(wantedRoom());
  for (const [id, box, value, checked] of typed) {
    const f = document.getElementById(id);
    if (!f || (box ? f.checked === checked : f.value === value)) continue;
    if (box) f.checked = checked;
    else f.value = value;
    for (const kind of ["input", "change"]) f.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  scrollTo(0, at);
}

/* -------- the bar -------- */

const status = el("span", { class: "pill connection", role: "status" });
const tools = {};

function buildShell() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  document.getElementById("skip-link").textContent = t("skip_link");
  const nav = document.getElementById("rooms");
  nav.setAttribute("aria-label", t("rooms"));
  nav.replaceChildren(...ROOMS.map((name) => el("a", { href: `#${name}` }, icon(name), el("span", {}, t(name)))));

  tools.pause = button({ icon: "pause", label: t("pause"), only: true, kind: "ghost at-hand", onclick: togglePause });
  tools.panic = button({ icon: "panic", label: t("panic"), only: true, kind: "danger at-hand",
    onclick: () => live.control("panic") });
  tools.enable = button({ icon: "sound", label: t("enable_sound"), kind: "primary enable",
    onclick: () => player.unlock() });
  tools.sound = button({ icon: "sound", label: t("sound_on"), only: true, kind: "ghost", onclick: toggleSound });
  tools.theme = button({ icon: "system", label: t("theme_"), only: true, kind: "ghost wide-only", onclick: nextTheme });
  const box = document.getElementById("tools");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", t("tools"));
  box.replaceChildren(tools.enable, tools.pause, tools.panic, status, tools.sound, tools.theme,
    button({ icon: "language", label: t("other_language"), kind: "ghost language", lang: language() === "zh" ? "en"
      : "zh-CN",
             "aria-label": t("other_language"), /* narrow, the icon is all there is */
             onclick: () => prefs.set("language", language() === "zh" ? "en" : "zh") }),
    button({ icon: "keyboard", label: t("keyboard"), only: true, kind: "ghost wide-only", onclick: keys.showHelp }));
  showTheme();
  showSound();
  showLive();
}

function rename(b, name, label) {
  b.replaceChildren(icon(name));
  b.setAttribute("aria-label", label);
  b.title = label;
}

function showTheme() {
  const theme = prefs.get("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  rename(tools.theme, { dark: "moon", light: "sun" }[theme] ?? "system", t(`theme_${theme}`));
}

const nextTheme = () => prefs.set("theme", THEMES[(THEMES.indexOf(prefs.get("theme")) + 1) % THEMES.length]);

function showSound() {
  const { on, locked } = player.state;
  rename(tools.sound, on ? "sound" : "mute", t(on ? "sound_on" : "sound_off"));
  tools.sound.setAttribute("aria-pressed", String(on));
  tools.enable.hidden = !(on && locked);
}

const toggleSound = () => player.turn(!player.state.on);

function showLive() {
  const { paused, connection } = live.state;
  rename(tools.pause, paused ? "play" : "pause", t(paused ? "resume" : "pause"));
  status.dataset.state = connection;
  status.title = t(`connection_${connection}`);
  status.replaceChildren(el("span", { class: "dot", "aria-hidden": "true" }),
    el("span", { class: "label" }, t(`connection_${connection}`)));
}

const togglePause = () => live.control(live.state.paused ? "resume" : "pause");

/* -------- token -------- */

let asking = false;

async function askToken(message) {
  if (asking) return;
  asking = true;
  const input = el("input", { type: "password", autocomplete: "off", required: true });
  const kept = toggle(t("token_keep"));
  const form = el("form", { method: "dialog", onsubmit: () => {
    prefs.set("token", input.value.trim(), { session: !kept.input.checked });
  } }, message ? el("p", {}, message) : null, field(t("token"), input), kept.whole,
  el("footer", {}, el("button", { class: "primary" }, t("token_use"))));
  const d = dialog(t("token_title"), [form]);
  input.focus();
  await d.done;
  asking = false;
}

/* -------- start -------- */

function bindKeys() {
  keys.bind(" ", () => `${t("pause")} / ${t("resume")}`, togglePause);
  keys.bind("s", () => t("skip"), () => live.control("skip"));
  keys.bind("c", () => t("clear"), () => live.control("clear"));
  keys.bind("m", () => t("mute"), toggleSound);
  keys.bind("p", () => t("panic"), () => live.control("panic"));
  keys.bind("Escape Escape", () => t("panic"), () => live.control("panic"));
  keys.bind("/", () => t("focus_write"), async () => {
    if (wantedRoom() !== "live") {
      history.replaceState(null, "", "#live");
      await show("live");
    }
    document.getElementById("test-text")?.focus();
  });
  ROOMS.forEach((name, i) => keys.bind(String(i + 1), () => t("go_to", { room: t(name) }),
    () => { location.hash = name; }));
  keys.start();
}

document.getElementById("skip-link").addEventListener("click", (e) => {
  e.preventDefault();
  main.focus();
});
/* After a click a button gives the focus back, so that Space pauses and does not click it again; by keyboard it
 * keeps it. */
addEventListener("click", (e) => {
  if (e.detail > 0) e.target.closest?.("button.at-hand, .transport button")?.blur();
});
addEventListener("hashchange", () => show(wantedRoom(), { focus: true }));
addEventListener("ishow-token", (e) => askToken(e.detail));
prefs.watch("language", rebuild);
prefs.watch("token", rebuild); /* another one may see more */
prefs.watch("theme", showTheme);
player.watch(showSound);
live.watch(["connection", "control", "state"], showLive);

buildShell();
bindKeys();
live.start();
player.start();
show(wantedRoom());
