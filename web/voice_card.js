/* One voice: heard, renamed, deleted, and what it is made of, with other words or another clip laid over it. */
import * as api from "./api.js";
import { decode } from "./clip.js";
import { clipEditor } from "./clip_editor.js";
import { language, timeOfDay, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { degradedText, playButton } from "./take_view.js";
import { attempt, button, confirm, dialog, el, field, icon, toast } from "./ui.js";
import { languageName, send, wordsField } from "./voice_new.js";
import { waveform } from "./waveform.js";

const t = translator({
  kind_config: ["configured", "来自配置"],
  kind_upload: ["uploaded", "已上传"],
  kind_builtin: ["built in", "内置"],
  is_default: ["default", "默认"],
  is_overridden: ["overridden", "已覆盖"],
  engine_f5: ["F5 model", "F5 模型"],
  engine_builtin: ["built-in engine", "内置引擎"],
  preview: ["Preview", "试听"],
  preview_of: ["Preview {name}", "试听 {name}"],
  stop: ["Stop", "停止"],
  rename_of: ["Rename {name}", "重命名 {name}"],
  new_name: ["New name", "新名称"],
  renamed: ["Renamed", "已重命名"],
  delete_of: ["Delete {name}", "删除 {name}"],
  delete_text: ["The voice {name} and its clip are gone for good. What it has said stays in the history.",
                "音色 {name} 及其音频将被永久删除。已播报的内容保留在历史中。"],
  deleted: ["Deleted", "已删除"],
  made_of: ["What it is made of", "组成"],
  baseline: ["Baseline", "基线"],
  override: ["Override", "覆盖"],
  in_use: ["in use", "使用中"],
  since: ["since {when}", "自 {when}"],
  no_words: ["No words", "无文字"],
  no_clip: ["No clip of its own", "没有单独的音频"],
  play_clip: ["its clip: {which}", "音频：{which}"],
  load_clip: ["Play the clip: {which}", "播放音频：{which}"],
  change: ["Override words or clip", "覆盖文字或音频"],
  change_of: ["Override {name}", "覆盖 {name}"],
  changed: ["The override is in use", "覆盖已生效"],
  back: ["Back to baseline", "恢复基线"],
  back_of: ["Put {name} back to its baseline?", "将 {name} 恢复到基线？"],
  back_text: ["The words and the clip of the override are deleted.", "覆盖的文字和音频将被删除。"],
  is_back: ["Back to the baseline", "已恢复基线"],
  words_help_new: ["Exactly what is said in it. Without new words the old ones stay.", "与音频内容完全一致。不填则沿用原文字。"],
  change_clip: ["Another clip (or leave it)", "另一段音频（可不选）"],
});

const NAME_MAX = 100;
const path = (voice, rest = "") => `/api/voices/${encodeURIComponent(voice.id)}${rest}`;

/* `changed(id)` is called when the list may be another; the card of `id` gets the focus again. */
export function voiceCard(voice, changed, signal) {
  const name = voice.engine_label || voice.id;

  /* -------- hearing it -------- */

  let preview = null;
  const listen = button({ icon: "play", label: t("preview"), "aria-label": t("preview_of", { name }), onclick: hear });
  const drawListen = () => {
    const on = preview && sounder.playing() === preview;
    listen.replaceChildren(icon(on ? "stop" : "play"), el("span", {}, t(on ? "stop" : "preview")));
  };
  sounder.watch(drawListen, signal);

  async function hear() {
    if (preview) {
      sounder.toggle(preview);
      return;
    }
    listen.disabled = true;
    preview = await attempt(async () => {
      const response = await api.request("POST", path(voice, "/preview"), { json: {}, signal });
      const degraded = response.headers.get("x-ishow-degraded");
      if (degraded) toast(degradedText(degraded));
      return decode(await response.arrayBuffer());
    });
    listen.disabled = false;
    if (preview && !signal.aborted) {
      listen.focus();
      sounder.play(preview);
    }
  }

  /* -------- name and end -------- */

  async function rename() {
    const input = el("input", { value: name, maxlength: NAME_MAX, required: true, autocomplete: "off" });
    const form = el("form", {}, field(t("new_name"), input), el("footer", {}, el("button", { class: "primary" }, t("save"))));
    const d = dialog(t("rename_of", { name }), [form]);
    form.addEventListener("submit", async (e) => {
      e.preventDefault();
      if (!(await attempt(() => api.call("PATCH", path(voice), { json: { label: input.value.trim() } }), t("renamed")))) return;
      d.close("done");
      changed(voice.id);
    });
    input.select();
  }

  async function remove() {
    if (!(await confirm(t("delete_of", { name }), t("delete_text", { name }), t("delete")))) return;
    if (await attempt(() => api.del(path(voice)), t("deleted"))) changed("");
  }

  /* -------- what it is made of -------- */

  function clipPlayer(source, which) {
    const box = el("div", { class: "clip" });
    const load = button({ icon: "play", label: t("load_clip", { which }), kind: "small", onclick: async () => {
      load.disabled = true;
      const clip = await attempt(async () =>
        decode(await (await api.request("GET", path(voice, `/reference/audio?source=${source}`), { signal })).arrayBuffer()));
      load.disabled = false;
      if (!clip || signal.aborted) return;
      const play = playButton(clip, signal, { which: t("play_clip", { which }), kind: "small" });
      box.replaceChildren(play, ...waveform(clip, { label: which, signal }));
      play.focus();
      sounder.play(clip);
    } });
    box.append(load);
    return box;
  }

  const side = (source, which, words, clip, used, when) => el("div", { class: "side" },
    el("h3", { class: "row" }, which, used ? el("span", { class: "pill good" }, t("in_use")) : null,
      when ? el("small", {}, when) : null),
    el("p", { class: words ? "" : "dim" }, words || t("no_words")),
    clip ? clipPlayer(source, which) : el("p", { class: "dim" }, t("no_clip")));

  const parts = el("div", { class: "parts" });
  async function drawParts() {
    const r = await attempt(() => api.get(path(voice, "/reference"), { signal }));
    if (!r) return;
    const over = Boolean(r.override_updated_at);
    const day = new Date(r.override_updated_at ?? 0);
    const when = over ? t("since", { when: `${day.toLocaleDateString(language())} ${timeOfDay(day)}` }) : "";
    parts.replaceChildren(
      side("baseline", t("baseline"), r.baseline_reference_text, r.baseline_audio_available, !over, ""),
      ...(over ? [side("override", t("override"), r.override_reference_text, r.override_audio_available, true, when)] : []),
      el("div", { class: "row" },
        button({ icon: "edit", label: t("change"), kind: "small", onclick: () => override(r.active_reference_text) }),
        over ? button({ icon: "replay", label: t("back"), kind: "small", onclick: putBack }) : null));
  }

  function override(words) {
    const end = new AbortController();
    const until = AbortSignal.any([signal, end.signal]);
    const tell = el("div", { class: "row", role: "status" }), checks = el("div", { role: "status" });
    const text = wordsField("override-words", t("words_help_new"));
    const go = el("button", { class: "primary" }, t("save"));
    const editor = clipEditor(() => { go.disabled = editor.bad(); }, until);
    text.area.value = words ?? "";
    const form = el("form", {}, text.whole, el("h3", {}, t("change_clip")), editor.root, tell, checks, el("footer", {}, go));
    const d = dialog(t("change_of", { name }), [form], { wide: true });
    text.area.focus();
    d.done.then(() => {
      end.abort();
      sounder.stop();
    });
    form.addEventListener("submit", async (e) => {
      e.preventDefault();
      const data = new FormData();
      const file = editor.file();
      if (text.area.value.trim() && text.area.value.trim() !== words) data.append("text", text.area.value.trim());
      if (file) data.append("audio", file.blob, file.name);
      if (![...data.keys()].length) {
        d.close("");
        return;
      }
      go.disabled = true;
      const answer = await send(path(voice, "/reference"), data, { tell, checks, signal: until });
      go.disabled = false;
      if (!answer) return;
      toast(t("changed"), "good");
      d.close("done");
      changed(voice.id);
    });
  }

  async function putBack() {
    if (!(await confirm(t("back_of", { name }), t("back_text"), t("back")))) return;
    if (await attempt(() => api.del(path(voice, "/reference")), t("is_back"))) changed(voice.id);
  }

  const more = voice.kind === "builtin" ? null
    : el("details", { id: `voice-parts-${voice.id}` }, el("summary", {}, t("made_of")), parts);
  more?.addEventListener("toggle", () => more.open && !parts.children.length && drawParts());

  const title = el("h2", { id: `voice-title-${voice.id}`, tabindex: -1 }, name);
  return el("li", { class: "card voice", "aria-labelledby": title.id, dataset: { id: voice.id } },
    el("header", {}, el("div", { class: "name" }, title, el("code", { class: "dim" }, voice.id)), listen,
      voice.kind === "upload" ? [
        button({ icon: "edit", label: t("rename_of", { name }), only: true, kind: "ghost", onclick: rename }),
        button({ icon: "clear", label: t("delete_of", { name }), only: true, kind: "ghost", onclick: remove })] : null),
    el("p", { class: "row" }, voice.default ? el("span", { class: "pill good" }, t("is_default")) : null,
      el("span", { class: "pill" }, t(`kind_${voice.kind}`)), el("span", { class: "pill" }, t(`engine_${voice.engine}`)),
      voice.language ? el("span", { class: "pill" }, languageName(voice.language)) : null,
      voice.overridden ? el("span", { class: "pill accent" }, t("is_overridden")) : null), more);
}
