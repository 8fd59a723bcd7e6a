/* A take as it is shown: play, waveform, spectrogram, figures, and the sound in any format. */
import { save } from "./clip.js";
import { number, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { spectrogram } from "./spectrogram.js";
import { FORMATS, curlOf, pythonOf } from "./speech_request.js";
import { attempt, button, el, icon, select, toast } from "./ui.js";
import { waveform } from "./waveform.js";

const t = translator({
  play: ["Play", "播放"],
  stop: ["Stop", "停止"],
  play_which: ["Play {which}", "播放 {which}"],
  stop_which: ["Stop {which}", "停止 {which}"],
  wave_of: ["Position in {which}", "{which} 的播放位置"],
  the_sound: ["the sound", "音频"],
  figure_heard: ["First sound", "首个音频"],
  figure_made: ["made after {ms} ms", "{ms} 毫秒后生成"],
  figure_rtf: ["RTF", "RTF"],
  figure_whole: ["All of it", "全部完成"],
  figure_length: ["Length", "时长"],
  figure_queue: ["Waited", "排队"],
  figure_engine: ["Spoken by", "引擎"],
  figure_seed: ["Seed", "随机种子"],
  figure_nfe: ["NFE", "NFE"],
  ms: ["{n} ms", "{n} 毫秒"],
  degraded_nfe: ["Fewer evaluations than asked for: many wait", "等待较多，求值步数已减少"],
  degraded_seed: ["Another seed: the first result was no speech", "首次结果不是语音，已换种子"],
  degraded_builtin: ["The built-in voice stood in for the model", "模型不可用，由内置语音代替"],
  format: ["Format", "格式"],
  download: ["Download", "下载"],
  copy_curl: ["Copy as curl", "复制为 curl"],
  copy_python: ["Copy as Python", "复制为 Python"],
  copied: ["Copied", "已复制"],
});

export const degradedSteps = (text) => (text ?? "").split(/[ ,]+/).filter(Boolean);
export const degradedText = (step) => (["nfe", "seed", "builtin"].includes(step) ? t(`degraded_${step}`) : step);

/* Plays and stops a clip, and says which of the two it will do. `which` names it among several. */
export function playButton(clip, signal, { which = "", kind = "", only = false } = {}) {
  const b = button({ icon: "play", label: t("play"), kind, only, onclick: () => sounder.toggle(clip) });
  const draw = () => {
    const on = sounder.playing() === clip;
    const label = which ? t(on ? "stop_which" : "play_which", { which }) : t(on ? "stop" : "play");
    b.replaceChildren(icon(on ? "stop" : "play"), ...(only ? [] : [el("span", {}, label)]));
    if (only) b.setAttribute("aria-label", b.title = label);
  };
  sounder.watch(draw, signal);
  draw();
  return b;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { /* not on a page without TLS: the old way */
    const area = el("textarea", { class: "unseen", value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(t("copied"), "good");
}

const copier = (label, text) => button({ icon: "copy", label, kind: "ghost", onclick: () => copy(text()) });

/* Choose a format, take the file: `fileOf(format)` gives a Blob. */
export function downloads(fileOf, name, { formats = FORMATS, id, more = [] }) {
  const format = select(formats.map((f) => [f, f.toUpperCase()]), formats[0], { id, "aria-label": t("format"), class: "format" });
  const b = button({ icon: "download", label: t("download"), onclick: async () => {
    b.disabled = true;
    const blob = await attempt(() => fileOf(format.value));
    b.disabled = false;
    if (blob) save(blob, `${name}.${format.value}`);
  } });
  return el("div", { class: "row" }, el("div", { class: "joined" }, format, b), more.map((make) => make(format)));
}

function figuresList({ figures: f, clip }) {
  const ms = (n) => t("ms", { n: number(n) });
  const rows = [
    ["figure_heard", f.heard_ms !== undefined && ms(f.heard_ms),
     f.first_audio_seconds !== undefined && t("figure_made", { ms: number(f.first_audio_seconds * 1000) })],
    ["figure_rtf", f.rtf !== undefined && number(f.rtf, 3)],
    ["figure_whole", f.whole_ms !== undefined && ms(f.whole_ms)],
    ["figure_length", clip.ended && `${number(clip.seconds, 2)} s`],
    ["figure_queue", f.queue_ms !== undefined && ms(f.queue_ms)],
    ["figure_engine", f.engine],
    ["figure_nfe", f.nfe && number(f.nfe)],
    ["figure_seed", f.seed],
  ].filter(([, value]) => value);
  return [el("dl", { class: "figures" }, rows.map(([key, value, more]) =>
    el("div", {}, el("dt", {}, t(key)), el("dd", { class: "number" }, value, more && el("small", {}, ` ${more}`))))),
  ...degradedSteps(f.degraded).map((step) => el("p", { class: "pill warn" }, icon("warning"), degradedText(step)))];
}

/* `hidden`: which is which shall not be told yet, so neither are figures nor the request. Gives { root, draw }. */
export function takeView(take, { which = "", hidden = false, signal }) {
  const [wave, looks] = waveform(take.clip, { label: t("wave_of", { which: which || t("the_sound") }), signal });
  const figures = el("div", { class: "taken" });
  const id = `take-${which || "one"}`;
  const exports = el("div", {}, downloads((format) => take.file(format), "speech", { id: `${id}-format`, more: [
    (format) => copier(t("copy_curl"), () => curlOf(take.request, format.value)),
    (format) => copier(t("copy_python"), () => pythonOf(take.request, format.value)),
  ] }));
  const root = el("div", { class: "take" },
    el("div", { class: "row" }, playButton(take.clip, signal, { which, kind: "primary" })), wave, looks,
    spectrogram(take.clip, { signal }), hidden ? null : [figures, exports]);
  const draw = () => {
    figures.replaceChildren(...figuresList(take));
    exports.hidden = !take.clip.ended || !take.clip.length;
  };
  take.clip.watch(draw, signal);
  draw();
  return { root, draw };
}
