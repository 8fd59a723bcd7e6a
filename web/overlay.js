/* Captions and sound for OBS. What it shows is told by its address:
 *
 *   channel   only of this channel ("someone" or "twitch/someone"); all without it
 *   theme     dark, light or outline
 *   size      of the text, px (12 to 200)
 *   position  bottom, top, center, bottom-left, …
 *   max       captions at a time (1 to 10)
 *   audio     0: no sound
 *   font      a font of this machine
 *   lang      of the texts, for the right shape of Chinese characters
 *   access_token  where the server asks for one
 *
 * It comes back by itself, whatever happens to server or sound (sound.js), and says nothing of its own on the stream. */
import { Player } from "./sound.js";

const HOLD = 1500; /* ms that a caption stays after its clip */
const GONE = 400;  /* ms of its going */
const POSITIONS = ["bottom", "top", "center", "bottom-left", "bottom-right", "top-left", "top-right"];

const wishes = new URLSearchParams(location.search);
const page = document.documentElement;
const captions = document.getElementById("captions");
const oneOf = (value, list) => (list.includes(value) ? value : list[0]);
const within = (value, low, high, usual) => (value !== null && value !== "" && Number.isFinite(Number(value))
  ? Math.min(high, Math.max(low, Number(value))) : usual);

page.dataset.theme = oneOf(wishes.get("theme"), ["dark", "light", "outline"]);
page.dataset.position = oneOf(wishes.get("position"), POSITIONS);
page.style.setProperty("--size", `${within(wishes.get("size"), 12, 200, 32)}px`);
if (wishes.get("lang")) page.lang = wishes.get("lang");
if (wishes.get("font")) page.style.setProperty("--font",
  `${JSON.stringify(wishes.get("font"))}, system-ui, sans-serif`);
const most = within(wishes.get("max"), 1, 10, 1);

const channel = (wishes.get("channel") ?? "").toLowerCase();
const wants = (header) => !channel || [header.channel, `${header.platform}/${header.channel}`].some((c) =>
  c.toLowerCase() === channel);

const shown = new Map(); /* header → element */

function show(header, seconds, from) {
  const text = header.display_text ?? "", name = header.username ?? "";
  const own = /^#[0-9a-f]{6}$/i.test(header.color ?? "");
  const box = document.createElement("div"), p = document.createElement("p"), line = document.createElement("div");
  box.className = `caption ${header.priority === "paid" ? "paid" : ""}`;
  box.style.setProperty("--seconds", `${seconds}s`);
  box.style.setProperty("--already", `${-from}s`);
  line.className = "line";
  if (name && text.startsWith(name)) {
    const who = document.createElement("span");
    who.className = `name ${own ? "own" : ""}`;
    if (own) who.style.setProperty("--user", header.color);
    who.textContent = name;
    p.append(who, text.slice(name.length));
  } else {
    p.append(text);
  }
  box.append(p, line);
  captions.append(box);
  shown.set(header, box);
  while (captions.children.length > most) captions.firstElementChild.remove();
}

function hide(header, cut) {
  const box = shown.get(header);
  if (!box) return;
  shown.delete(header);
  if (cut) {
    box.remove();
    return;
  }
  setTimeout(() => {
    box.classList.add("over");
    setTimeout(() => box.remove(), GONE);
  }, HOLD);
}

const player = new Player({
  wants,
  audible: wishes.get("audio") !== "0",
  accessToken: wishes.get("access_token") ?? "",
  onplay: show,
  onend: hide,
  onchange: () => page.classList.toggle("paused", player.paused),
});
player.start();
