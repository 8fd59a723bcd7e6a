/* The card with what sounds: waveform, caption, and the controls that must be found without looking. */
import * as live from "./live.js";
import * as player from "./player.js";
import { duration, number, translator } from "./i18n.js";
import { platformName } from "./platforms.js";
import { button, el, field, icon, select } from "./ui.js";

const t = translator({
  now: ["On stage", "正在播报"],
  idle: ["Nothing sounds. What chat says next is heard here.", "暂无播报，下一条弹幕会在这里播出。"],
  paused: ["Paused", "已暂停"],
  on_air: ["On air", "播报中"],
  quiet: ["Quiet", "空闲"],
  pause: ["Pause", "暂停"],
  resume: ["Resume", "继续"],
  skip: ["Skip", "跳过"],
  replay: ["Replay", "重播"],
  clear: ["Clear", "清空"],
  clear_help: ["Empties the queue, except what was paid for", "清空队列（付费除外）"],
  panic: ["Panic", "紧急停止"],
  panic_help: [
    "Stops all sound at once, empties the queue except what was paid for, and pauses",
    "立即停止所有声音，清空队列（付费除外）并暂停",
  ],
  volume: ["Volume for all listeners", "所有听众的音量"],
  voice: ["Voice", "音色"],
  listeners: ["{n} listening", "{n} 个收听端"],
  wave: ["Waveform of the clip", "音频波形"],
  position: ["{at} of {all}", "{at} / {all}"],
  times: ["×{n}", "×{n}"],
});

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 32;

/* Bars around the middle, one a peak, the highest as high as there is room. */
function bars(peaks) {
  const highest = Math.max(0.05, ...peaks);
  return peaks.map((p, i) => {
    const half = Math.max(0.6, (p / highest) * (HEIGHT / 2 - 1));
    return `M${i + 0.5} ${HEIGHT / 2 - half}v${2 * half}`;
  }).join("");
}

function waveform() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "wave");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", t("wave"));
  const all = document.createElementNS(SVG, "path"), done = document.createElementNS(SVG, "path");
  done.setAttribute("class", "done");
  svg.append(all, done);
  return {
    svg,
    draw(peaks) {
      svg.setAttribute("viewBox", `0 0 ${peaks.length} ${HEIGHT}`);
      for (const path of [all, done]) path.setAttribute("d", bars(peaks));
    },
    at(part) { done.style.setProperty("clip-path", `inset(0 ${100 * (1 - part)}% 0 0)`); },
  };
}

const FLAT = Array(64).fill(0);

export function stageCard({ voices, signal }) {
  const wave = waveform();
  const state = el("span", { class: "pill", role: "status" });
  const listeners = el("small", { class: "number" });
  const who = el("p", { class: "who" });
  const caption = el("p", { class: "caption" });
  const clock = el("small", { class: "number clock" });
  const pause = button({ label: t("pause"), kind: "primary big pause",
    onclick: () => live.control(live.state.paused ? "resume" : "pause") });
  const skip = button({ icon: "skip", label: t("skip"), onclick: () => live.control("skip") });
  const volume = el("input", { type: "range", min: 0, max: 100, step: 1, id: "stage-volume" });
  const volumeText = el("output", { class: "number", for: "stage-volume" });
  const voice = select([["", t("default_voice")], ...voices], live.state.voice, { id: "stage-voice" });
  const panic = button({ icon: "panic", label: t("panic"), kind: "danger big", title: t("panic_help"),
                         onclick: () => live.control("panic") });
  panic.append(el("span", { class: "unseen" }, `: ${t("panic_help")}`));

  volume.addEventListener("input", () => { volumeText.textContent = `${volume.value} %`; });
  volume.addEventListener("change", () => live.control("volume", { volume: volume.value / 100 }));
  voice.addEventListener("change", () => live.control("voice", { voice: voice.value }));

  const drawControls = () => {
    const { paused, playing } = live.state;
    pause.replaceChildren(icon(paused ? "play" : "pause"), el("span", {}, t(paused ? "resume" : "pause")));
    state.className = `pill ${paused ? "warn" : playing ? "good" : ""}`;
    state.textContent = t(paused ? "paused" : playing ? "on_air" : "quiet");
    if (document.activeElement !== volume) volume.value = Math.round(100 * live.state.volume);
    volumeText.textContent = `${volume.value} %`;
    if (document.activeElement !== voice) voice.value = live.state.voice;
    listeners.textContent = t("listeners", { n: number(live.state.listeners) });
    skip.disabled = !playing;
  };
  const drawClip = () => {
    const clip = live.state.playing;
    wave.draw(clip?.peaks?.length ? clip.peaks : FLAT);
    caption.classList.toggle("dim", !clip);
    caption.textContent = clip ? clip.text : t("idle");
    who.replaceChildren(...(clip ? [
      el("strong", { class: "user", style: clip.color ? { "--user": clip.color } : {} }, clip.user.name),
      el("small", {}, `${platformName(clip.platform)} ${clip.channel}`),
      clip.amount ? el("span", { class: "pill warn" }, clip.amount.text
        || `${clip.amount.value} ${clip.amount.currency}`) : "",
      clip.merged ? el("span", { class: "pill accent" }, t("times", { n: clip.merged + 1 })) : ""] : []));
    drawControls();
    drawClock();
  };
  const drawClock = () => {
    const clip = live.state.playing;
    const at = clip && player.state.number === clip.number ? player.state.position : live.position();
    wave.at(clip ? Math.min(1, at / clip.duration) : 0);
    clock.textContent = clip ? t("position", { at: duration(at), all: duration(clip.duration) }) : "";
  };

  /* Every frame while something sounds; four times a second for those who want little motion. */
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let last = 0;
  const frame = (now) => {
    if (signal.aborted) return;
    if (live.state.playing && (!calm.matches || now - last > 250)) {
      last = now;
      drawClock();
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  live.watch(["state", "playing"], drawClip, signal);
  live.watch(["control", "queue"], drawControls, signal);
  drawClip();

  return el("section", { class: "card stage", "aria-labelledby": "stage-title" },
    el("header", {}, el("h2", { id: "stage-title" }, t("now")), listeners, state),
    el("div", { class: "sounding" }, wave.svg, el("div", { class: "row" }, who, clock), caption),
    el("div", { class: "transport" }, pause, skip,
      button({ icon: "replay", label: t("replay"), onclick: () => live.control("replay") }),
      button({ icon: "clear", label: t("clear"), title: t("clear_help"), onclick: () => live.control("clear") }),
        panic),
    el("div", { class: "grid" },
      el("div", { class: "field" }, el("label", { for: "stage-volume" }, t("volume")),
        el("div", { class: "slider" }, volume, volumeText)),
      field(t("voice"), voice)));
}
