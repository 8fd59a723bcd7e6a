/* A clip as it looks, with where it sounds: a slider that is dragged or moved by the arrow keys. */
import { inksOf, keepDrawn } from "./canvas.js";
import { decibel } from "./clip.js";
import { number, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { el } from "./ui.js";

const t = translator({
  wave_position: ["{at} of {all} seconds", "第 {at} 秒，共 {all} 秒"],
  wave_looks: ["{seconds} s of sound, peak {peak} dB, {silence} % silence.", "时长 {seconds} 秒，峰值 {peak} dB，静音占 {silence}%。"],
  wave_empty: ["No sound yet.", "还没有声音。"],
});

const STEP = 0.25;         /* seconds an arrow key goes */
const SILENT = 0.008;      /* amplitude: about -42 dB, as the server has it */
const WINDOW = 0.02;       /* seconds */

/* The loudest amplitude in each of n portions. */
export function peaksOf(samples, n) {
  const peaks = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const end = Math.floor(((i + 1) * samples.length) / n);
    let top = 0;
    for (let k = Math.floor((i * samples.length) / n); k < end; k++) top = Math.max(top, Math.abs(samples[k]));
    peaks[i] = top;
  }
  return peaks;
}

/* A bar a peak, of 2 of 3 pixels. */
export function drawPeaks(context, peaks, height, scale, ink) {
  const step = 3 * scale, bar = 2 * scale;
  context.fillStyle = ink;
  peaks.forEach((peak, i) => {
    const tall = Math.max(scale, Math.sqrt(peak) * height * 0.96); /* soft speech can be seen, too */
    context.fillRect(i * step, (height - tall) / 2, bar, tall);
  });
}

/* For those who do not see it. */
function describeWave(clip) {
  if (!clip.length) return t("wave_empty");
  const windows = peaksOf(clip.samples(), Math.max(1, Math.floor(clip.seconds / WINDOW)));
  const silent = windows.filter((p) => p < SILENT).length / windows.length;
  return t("wave_looks", { seconds: number(clip.seconds, 1), peak: number(decibel(Math.max(...windows)), 0),
                           silence: number(silent * 100) });
}

/* Nodes: the slider, and its description. */
export function waveform(clip, { label, signal }) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const looks = el("span", { class: "unseen", id: `wave-${Math.random().toString(36).slice(2)}` });
  const slider = el("div", { class: "waveform", role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": 0,
                             "aria-describedby": looks.id }, canvas);
  let peaks = null, columns = 0;

  const soon = keepDrawn(canvas, (context, width, height, scale) => {
    const [ink, played] = inksOf(canvas);
    const wanted = Math.floor(width / (3 * scale));
    if (!peaks || columns !== wanted) peaks = peaksOf(clip.samples?.() ?? [], columns = wanted);
    const at = clip.seconds ? (sounder.position(clip) / clip.seconds) * width : 0;
    drawPeaks(context, peaks, height, scale, ink);
    context.save();
    context.beginPath();
    context.rect(0, 0, at, height);
    context.clip();
    drawPeaks(context, peaks, height, scale, played);
    context.restore();
    context.fillStyle = played;
    if (at > 0) context.fillRect(at - scale, 0, 2 * scale, height);
    if (sounder.playing() === clip) soon();
    tellPosition();
  }, signal);

  function tellPosition() {
    const at = sounder.position(clip).toFixed(1), all = clip.seconds.toFixed(1);
    if (slider.getAttribute("aria-valuenow") === at && slider.getAttribute("aria-valuemax") === all) return;
    slider.setAttribute("aria-valuemax", all);
    slider.setAttribute("aria-valuenow", at);
    slider.setAttribute("aria-valuetext", t("wave_position", { at: number(Number(at), 1), all: number(clip.seconds, 1) }));
  }

  const arrived = () => {
    peaks = null;
    if (clip.ended) looks.textContent = describeWave(clip);
    soon();
  };
  const seekTo = (e) => {
    const box = canvas.getBoundingClientRect();
    sounder.seek(clip, ((e.clientX - box.left) / box.width) * clip.seconds);
  };
  slider.addEventListener("pointerdown", (e) => {
    if (e.button || !clip.ended) return;
    slider.setPointerCapture(e.pointerId);
    seekTo(e);
  });
  slider.addEventListener("pointermove", (e) => slider.hasPointerCapture(e.pointerId) && seekTo(e));
  slider.addEventListener("keydown", (e) => {
    const at = sounder.position(clip);
    const to = { ArrowLeft: at - STEP, ArrowDown: at - STEP, ArrowRight: at + STEP, ArrowUp: at + STEP, Home: 0,
                 PageDown: at - 1, PageUp: at + 1, End: clip.seconds }[e.key];
    if (e.key === " " || e.key === "Enter") sounder.toggle(clip);
    else if (to === undefined) return;
    else sounder.seek(clip, to);
    e.preventDefault();
  });
  clip.watch(arrived, signal);
  sounder.watch(soon, signal);
  arrived();
  tellPosition();
  return [slider, looks];
}
