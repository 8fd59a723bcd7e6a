/* What was said last, by anybody: found by its words, heard, taken, used again, deleted. */
import * as api from "./api.js";
import { Clip, decode, pcmReader, wavFile } from "./clip.js";
import { language, number, timeOfDay, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { FORMATS, requestOf, settingsOf } from "./speech_request.js";
import { speechFile } from "./take.js";
import { degradedSteps, degradedText, downloads, playButton } from "./take_view.js";
import { attempt, button, confirm, dialog, el, field } from "./ui.js";

const t = translator({
  history: ["History", "历史"],
  search: ["Search the texts", "搜索文本"],
  none: ["Nothing has been said yet.", "还没有播报过内容。"],
  none_found: ["Nothing with these words.", "没有包含这些文字的内容。"],
  history_count: ["{n} kept, {size}", "共 {n} 条，{size}"],
  older: ["Older", "更早"],
  newer: ["Newer", "更新"],
  use_again: ["Use again", "再次使用"],
  take_file: ["Download “{text}”", "下载“{text}”"],
  take_note: ["{kept} and WAV are what was kept. Other formats are spoken anew, with the same settings and seed.",
              "{kept} 和 WAV 为保存的音频。其他格式会以相同设置和种子重新合成。"],
  delete_one: ["Delete this one?", "删除这一条？"],
  delete_all: ["Delete all", "全部删除"],
  delete_all_ask: ["Delete the whole history?", "删除全部历史？"],
  delete_all_text: ["{n} generations and their sound are gone for good.", "将永久删除 {n} 条记录及其音频。"],
  deleted: ["Deleted", "已删除"],
  first_audio: ["first {ms} ms", "首音 {ms} 毫秒"],
  rtf: ["RTF {n}", "RTF {n}"],
  play_text: ["Play {text}", "播放 {text}"],
  no_sound: ["without sound", "无音频"],
});

const PAGE = 10;
const TYPING = 250; /* ms of rest before it is searched */

const sizeText = (bytes) => (bytes < 1e6 ? `${number(bytes / 1e3)} kB` : `${number(bytes / 1e6, 1)} MB`);
const dayText = (ms) => {
  const day = new Date(ms), today = new Date();
  return day.toDateString() === today.toDateString() ? timeOfDay(ms) : `${day.toLocaleDateString(language())} ${timeOfDay(ms)}`;
};

async function clipOf(item) {
  const bytes = await (await api.request("GET", `/api/history/${item.id}/audio`)).arrayBuffer();
  return item.format === "pcm" ? new Clip(undefined, pcmReader()(new Uint8Array(bytes))) : decode(bytes);
}

async function fileOf(item, format) {
  if (format === item.format) return (await api.request("GET", `/api/history/${item.id}/audio`)).blob();
  if (format === "wav") {
    const clip = await clipOf(item);
    return wavFile(clip.samples(), clip.rate);
  }
  return speechFile(requestOf(item.text, settingsOf(item)), format);
}

/* `use(item)` puts a generation back into the studio. Gives { root, refresh }. */
export function historyCard({ use, signal }) {
  const search = el("input", { type: "search", id: "history-search", maxlength: 200, autocomplete: "off" });
  const list = el("ol", { class: "history" });
  const count = el("small", { role: "status", class: "number" });
  const newer = button({ label: t("newer"), kind: "small", onclick: () => turn(-1) });
  const older = button({ label: t("older"), kind: "small", onclick: () => turn(1) });
  const clear = button({ icon: "clear", label: t("delete_all"), kind: "ghost small", onclick: deleteAll });
  let pages = [null], next = null, total = 0, asked = 0;

  function row(item) {
    const sound = el("span", {});
    if (item.audio_bytes) {
      const first = button({ icon: "play", label: t("play_text", { text: item.text }), only: true, onclick: async () => {
        const clip = await attempt(() => clipOf(item));
        if (!clip || signal.aborted) return;
        const b = playButton(clip, signal, { which: item.text, only: true });
        sound.replaceChildren(b);
        b.focus();
        sounder.play(clip);
      } });
      sound.append(first);
    }
    const changed = Object.entries(settingsOf(item)).filter(([k, v]) => v && k !== "voice_id").map(([k, v]) => `${k} ${v}`);
    const degraded = degradedSteps(item.params.degraded);
    return el("li", {}, sound, el("div", { class: "what" }, el("p", {}, item.text),
      el("p", { class: "row dim number" }, el("time", { datetime: new Date(item.time_ms).toISOString() }, dayText(item.time_ms)),
        el("span", {}, item.voice_id), el("span", {}, `${number(item.audio_seconds, 1)} s`),
        el("span", {}, t("first_audio", { ms: number(item.first_audio_seconds * 1000) })),
        el("span", {}, t("rtf", { n: number(item.rtf, 3) })),
        item.audio_bytes ? el("span", {}, `${item.format} ${sizeText(item.audio_bytes)}`) : el("span", {}, t("no_sound")),
        changed.map((c) => el("span", { class: "chip" }, c)),
        degraded.map((d) => el("span", { class: "pill warn" }, degradedText(d))))),
    el("div", { class: "acts" },
      button({ icon: "edit", label: t("use_again"), only: true, kind: "ghost", onclick: () => use(item) }),
      button({ icon: "download", label: t("take_file", { text: item.text }), only: true, kind: "ghost",
               onclick: () => offerFile(item) }),
      button({ icon: "clear", label: t("delete"), only: true, kind: "ghost", onclick: () => deleteOne(item) })));
  }

  function offerFile(item) {
    const kept = item.audio_bytes ? [item.format, ...(item.format === "wav" ? [] : ["wav"])] : [];
    const formats = [...kept, ...FORMATS.filter((f) => !kept.includes(f) && f !== "pcm")];
    dialog(t("take_file", { text: item.text.slice(0, 60) }), [
      kept.length ? el("p", {}, t("take_note", { kept: item.format.toUpperCase() })) : null,
      downloads((format) => fileOf(item, format), `speech-${item.id}`, { id: "history-format", formats })].filter(Boolean));
  }

  async function deleteOne(item) {
    if (!(await confirm(t("delete_one"), item.text, t("delete")))) return;
    if (await attempt(() => api.del(`/api/history/${item.id}`), t("deleted"))) await refresh();
    search.focus();
  }

  async function deleteAll() {
    if (!(await confirm(t("delete_all_ask"), t("delete_all_text", { n: number(total) }), t("delete_all")))) return;
    if (await attempt(() => api.del("/api/history"), t("deleted"))) await first();
  }

  function turn(by) {
    if (by > 0) pages.push(next);
    else pages.pop();
    return refresh();
  }

  const first = () => {
    pages = [null];
    return refresh();
  };

  async function refresh() {
    const mine = ++asked;
    const query = new URLSearchParams({ limit: PAGE });
    if (search.value) query.set("q", search.value);
    if (pages.at(-1)) query.set("before", pages.at(-1));
    let page;
    try {
      page = await api.get(`/api/history?${query}`, { signal });
    } catch (error) {
      if (error.name !== "AbortError") list.replaceChildren(el("li", { class: "empty bad" }, error.message));
      return;
    }
    if (mine !== asked) return;
    ({ next, total } = page);
    list.replaceChildren(...page.items.map(row));
    if (!page.items.length) list.append(el("li", { class: "empty" }, t(search.value ? "none_found" : "none")));
    count.textContent = t("history_count", { n: number(total), size: sizeText(page.total_bytes) });
    newer.disabled = pages.length < 2;
    older.disabled = next === null;
    clear.disabled = !total;
  }

  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(first, TYPING);
  });
  refresh();
  return { refresh: () => (pages.length === 1 ? refresh() : undefined),
    root: el("section", { class: "card past", "aria-labelledby": "history-title" },
      el("header", {}, el("h2", { id: "history-title" }, t("history")), clear), field(t("search"), search), list,
      el("div", { class: "row turn" }, newer, count, older)) };
}
