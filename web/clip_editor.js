/* Where a clip comes from: a file that is dropped or chosen, or the microphone; then it is cut and looked at. */
import { LONGEST, checkClip } from "./clip_check.js";
import { decibel, decode, wavFile } from "./clip.js";
import { number, translator } from "./i18n.js";
import { record } from "./recorder.js";
import * as sounder from "./sounder.js";
import { trimmer } from "./trimmer.js";
import { button, el, icon, toast } from "./ui.js";

const t = translator({
  drop_here: ["Drop a clip here, 5 to 10 s of one person speaking", "把一段 5 到 10 秒的单人语音拖到这里"],
  choose: ["Choose a file", "选择文件"],
  record: ["Record", "录音"],
  stop_recording: ["Stop, {n} s left", "停止，剩余 {n} 秒"],
  recording: ["Recording. It stops by itself after {n} s.", "正在录音，{n} 秒后自动停止。"],
  level: ["Level of the microphone", "麦克风电平"],
  level_at: ["{n} dB", "{n} dB"],
  unreadable: ["The browser cannot read this file. It is sent as it is; the server may know it.", "浏览器无法读取此文件，将原样发送，由服务器判断。"],
  too_large: ["{name} is larger than 10 MB.", "{name} 超过 10 MB。"],
  play_part: ["Play the part", "播放选段"],
  stop_part: ["Stop", "停止"],
  discard: ["Take another", "换一段"],
  chosen: ["{seconds} s chosen", "已选 {seconds} 秒"],
  checks_title: ["How the clip is", "音频检查"],
});

const FILES = ".wav,.flac,.mp3,.ogg,.oga,.opus,.aif,.aiff,.au,.caf,.m4a,.aac,.mp4,.webm";
const BYTES_MAX = 10 << 20;
const RATE = 48_000;      /* Hz, of files that are cut here */
const QUIETEST = -60;     /* dB, where the meter begins */
const CHECK_REST = 150;   /* ms without a move of the handles before it is looked at */
const READ_BY_SERVER = /\.(wav|flac|ogg|oga|opus|mp3|aiff?|aifc|au|snd|caf)$/i;
const SIGNS = { good: "check", note: "info", bad: "warning" };

export const checksList = (checks) => el("ul", { class: "checks", "aria-label": t("checks_title") },
  checks.map((c) => el("li", { class: c.verdict }, icon(SIGNS[c.verdict] ?? "info"),
    el("span", {}, c.text, c.mend ? el("small", {}, ` ${c.mend}`) : null))));

/* { root, file(), bad() }: file() is { blob, name } or null; `changed` is called when either may be another. */
export function clipEditor(changed, signal) {
  const root = el("div", { class: "clip-editor" });
  let state = null; /* { clip, range, file, found } */
  let recording = null;
  let view = new AbortController();

  const renew = () => {
    view.abort();
    view = new AbortController();
    return AbortSignal.any([signal, view.signal]);
  };

  /* -------- nothing yet -------- */

  function drawEmpty() {
    state = null;
    renew();
    const input = el("input", { type: "file", accept: FILES, hidden: true });
    input.addEventListener("change", () => input.files[0] && take(input.files[0]));
    const drop = el("div", { class: "drop" }, icon("upload"), el("p", {}, t("drop_here")),
      el("div", { class: "row" }, button({ icon: "upload", label: t("choose"), onclick: () => input.click() }),
        button({ icon: "record", label: t("record"), onclick: startRecording })), input);
    drop.addEventListener("dragover", (e) => {
      e.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (e) => {
      e.preventDefault();
      drop.classList.remove("over");
      if (e.dataTransfer.files[0]) take(e.dataTransfer.files[0]);
    });
    root.replaceChildren(drop);
  }

  function empty() {
    drawEmpty();
    changed();
  }

  async function take(file) {
    if (file.size > BYTES_MAX) {
      toast(t("too_large", { name: file.name }), "bad");
      return;
    }
    let clip = null;
    try {
      clip = await decode(await file.arrayBuffer(), RATE);
    } catch { /* AIFF and the like: the server reads more than browsers do */ }
    if (signal.aborted) return;
    if (clip?.length) show(clip, file);
    else showUnread(file);
  }

  function showUnread(file) {
    state = { file, found: [] };
    root.replaceChildren(el("p", {}, file.name), el("p", { class: "dim" }, t("unreadable")), again());
    changed();
  }

  const again = () => button({ icon: "replay", label: t("discard"), kind: "ghost", onclick: () => {
    sounder.stop();
    empty();
    root.querySelector("button").focus();
  } });

  /* -------- the microphone -------- */

  async function startRecording() {
    sounder.stop();
    const until = renew();
    const level = el("div", { class: "level", role: "meter", "aria-label": t("level"), "aria-valuemin": QUIETEST, "aria-valuemax": 0 });
    const left = (seconds) => t("stop_recording", { n: number(Math.max(0, Math.ceil(LONGEST - seconds))) });
    const words = el("span", {}, left(0));
    const end = el("button", { type: "button", class: "danger" }, icon("stop"), words);
    try {
      recording = await record({ most: LONGEST, onfull: finish, onchunk: (peak, seconds) => {
        const dB = Math.max(QUIETEST, decibel(peak));
        level.style.setProperty("--level", 1 - dB / QUIETEST);
        level.classList.toggle("hot", peak > 0.95);
        level.setAttribute("aria-valuenow", dB.toFixed(0));
        level.setAttribute("aria-valuetext", t("level_at", { n: number(dB) }));
        words.textContent = left(seconds);
      } });
    } catch (error) {
      toast(error.message, "bad");
      return;
    }
    if (until.aborted) {
      recording.stop();
      return;
    }
    until.addEventListener("abort", () => recording?.stop());
    end.addEventListener("click", finish);
    root.replaceChildren(el("p", { role: "status" }, t("recording", { n: number(LONGEST) })), level, end);
    end.focus();
  }

  function finish() {
    const clip = recording?.stop();
    recording = null;
    if (clip?.length) show(clip, null);
    else empty();
    root.querySelector("[tabindex]")?.focus({ preventScroll: true });
  }

  /* -------- cutting -------- */

  function show(clip, file) {
    const until = renew();
    const range = { from: 0, to: Math.min(clip.seconds, LONGEST) };
    state = { clip, range, file, found: [] };
    const findings = el("div", { role: "status" });
    const length = el("span", { class: "number dim" });
    const play = button({ icon: "play", label: t("play_part"), onclick: () =>
      (sounder.playing() === clip ? sounder.stop() : sounder.play(clip, { from: range.from, to: range.to })) });
    const drawPlay = () => {
      const on = sounder.playing() === clip;
      play.replaceChildren(icon(on ? "stop" : "play"), el("span", {}, t(on ? "stop_part" : "play_part")));
    };
    sounder.watch(drawPlay, until);
    let timer = 0;
    const look = () => {
      state.found = checkClip(part(), clip.rate);
      findings.replaceChildren(checksList(state.found));
      changed();
    };
    const moved = () => {
      length.textContent = t("chosen", { seconds: number(range.to - range.from, 2) });
      clearTimeout(timer);
      timer = setTimeout(() => !until.aborted && look(), CHECK_REST);
    };
    root.replaceChildren(...trimmer(clip, range, moved, until), el("div", { class: "row" }, play, length, again()), findings);
    moved();
    look();
  }

  const part = () => {
    const { clip, range } = state;
    return clip.samples().subarray(Math.round(range.from * clip.rate), Math.round(range.to * clip.rate));
  };

  drawEmpty();
  return {
    root,
    clear: empty,
    bad: () => state?.found.some((f) => f.verdict === "bad") ?? false,
    file() {
      if (!state) return null;
      const { clip, range, file } = state;
      const whole = !clip || (range.from === 0 && range.to >= clip.seconds && READ_BY_SERVER.test(file?.name));
      if (file && whole) return { blob: file, name: file.name };
      return { blob: wavFile(part(), clip.rate), name: "clip.wav" };
    },
  };
}
