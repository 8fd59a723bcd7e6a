/* A clip of which a part is chosen: two handles on its waveform, dragged or moved by the arrow keys. */
import { inksOf, keepDrawn } from "./canvas.js";
import { number, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { el } from "./ui.js";
import { drawPeaks, peaksOf } from "./waveform.js";

const t = translator({
  trim_start: ["Start", "起点"],
  trim_end: ["End", "终点"],
  trim_at: ["{n} seconds", "第 {n} 秒"],
  trim_help: ["Arrow keys move by 0.05 s, with Shift by 0.5 s.", "方向键每次移动 0.05 秒，按住 Shift 为 0.5 秒。"],
});

const STEP = 0.05, FAR = 0.5, LEAST = 0.2; /* seconds */

/* `range` is { from, to } in seconds and is written to; `changed` is called after that. */
export function trimmer(clip, range, changed, signal) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const help = el("small", { id: `trim-help-${Math.random().toString(36).slice(2)}`, class: "dim" }, t("trim_help"));
  const handle = (end) => el("div", { class: `handle ${end}`, role: "slider", tabindex: 0,
    "aria-label": t(end === "from" ? "trim_start" : "trim_end"), "aria-orientation": "horizontal",
    "aria-describedby": help.id, "aria-valuemin": 0, "aria-valuemax": clip.seconds.toFixed(2) });
  const handles = { from: handle("from"), to: handle("to") };
  const box = el("div", { class: "trimmer" }, canvas, handles.from, handles.to);
  let peaks = null, columns = 0;

  const soon = keepDrawn(canvas, (context, width, height, scale) => {
    const [ink, chosen] = inksOf(canvas);
    const wanted = Math.floor(width / (3 * scale));
    if (!peaks || columns !== wanted) peaks = peaksOf(clip.samples(), columns = wanted);
    const x = (seconds) => (seconds / clip.seconds) * width;
    drawPeaks(context, peaks, height, scale, ink);
    context.save();
    context.beginPath();
    context.rect(x(range.from), 0, x(range.to) - x(range.from), height);
    context.clip();
    context.clearRect(0, 0, width, height);
    drawPeaks(context, peaks, height, scale, chosen);
    context.restore();
    if (sounder.playing() === clip) {
      context.fillStyle = chosen;
      context.fillRect(x(sounder.position(clip)) - scale, 0, 2 * scale, height);
      soon();
    }
  }, signal);

  function draw() {
    for (const [end, e] of Object.entries(handles)) {
      e.style.setProperty("--at", range[end] / clip.seconds);
      e.setAttribute("aria-valuenow", range[end].toFixed(2));
      e.setAttribute("aria-valuetext", t("trim_at", { n: number(range[end], 2) }));
    }
    soon();
  }

  function move(end, seconds) {
    const low = end === "from" ? 0 : range.from + LEAST, high = end === "from" ? range.to - LEAST : clip.seconds;
    range[end] = Math.min(high, Math.max(low, seconds));
    clip.cue = range.from;
    draw();
    changed();
  }

  for (const [end, e] of Object.entries(handles)) {
    e.addEventListener("keydown", (k) => {
      const by = k.shiftKey ? FAR : STEP;
      const to = { ArrowLeft: range[end] - by, ArrowDown: range[end] - by, ArrowRight: range[end] + by, ArrowUp: range[end] + by,
                   PageDown: range[end] - 1, PageUp: range[end] + 1, Home: 0, End: clip.seconds }[k.key];
      if (to === undefined) return;
      k.preventDefault();
      move(end, to);
    });
  }
  const secondsAt = (e) => {
    const { left, width } = canvas.getBoundingClientRect();
    return ((e.clientX - left) / width) * clip.seconds;
  };
  let held = null;
  box.addEventListener("pointerdown", (e) => {
    if (e.button) return;
    const at = secondsAt(e);
    held = Math.abs(at - range.from) <= Math.abs(at - range.to) ? "from" : "to";
    box.setPointerCapture(e.pointerId);
    handles[held].focus({ preventScroll: true });
    e.preventDefault();
    move(held, at);
  });
  box.addEventListener("pointermove", (e) => held && move(held, secondsAt(e)));
  for (const kind of ["pointerup", "pointercancel"]) box.addEventListener(kind, () => { held = null; });
  sounder.watch(soon, signal);
  draw();
  return [box, help];
}
