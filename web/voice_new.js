/* The card where a voice is made: its clip, the words in it, and the word of the person whose it is. */
import { checksList, clipEditor } from "./clip_editor.js";
import { language, number, translator } from "./i18n.js";
import { el, field, select, toast, toggle } from "./ui.js";
import { upload } from "./upload.js";

const t = translator({
  new_voice: ["New voice", "新音色"],
  voice_name: ["Name", "名称"],
  words: ["Words of the clip", "音频中的文字"],
  words_help: ["Exactly what is said in it, with its punctuation.", "与音频内容完全一致，包括标点。"],
  language: ["Language", "语言"],
  language_open: ["Not said", "未指定"],
  consent: ["Whoever speaks in this clip has agreed to being cloned", "音频中的说话人已同意复制其声音"],
  consent_help: ["A voice is a person's. Without their word, do not make one.", "声音属于本人。未经同意请勿制作。"],
  consent_who: ["Who agreed, and when (kept with the voice)", "谁在何时同意（随音色保存）"],
  consent_word: ["agreed to being cloned", "已同意复制声音"],
  make_voice: ["Make the voice", "制作音色"],
  sending: ["Sending, {n} %", "正在发送，{n}%"],
  looking: ["The server looks at the clip …", "服务器正在检查音频……"],
  checks_none: ["The server has looked at it and found nothing wrong.", "服务器已检查，没有发现问题。"],
  made: ["The voice {name} is there.", "音色 {name} 已可用。"],
  known: ["This clip is the voice {name} already.", "这段音频已是音色 {name}。"],
  need_clip: ["A clip is missing.", "还缺少音频。"],
  need_good: ["The clip is not good enough: see above.", "音频不合格，请看上面的提示。"],
  need_name: ["A name is missing.", "还缺少名称。"],
  need_words: ["The words are missing.", "还缺少文字。"],
  need_consent: ["The consent is missing.", "还缺少同意声明。"],
});

const TEXT_BYTES_MAX = 2000;
const NAME_MAX = 100, CONSENT_MAX = 500;
const LANGUAGES = ["en", "zh", "yue", "ja", "ko", "de", "fr", "es", "it", "pt", "ru", "hi"];

export function languageName(tag) {
  try {
    return new Intl.DisplayNames(language(), { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}

/* Sends a form while a line tells how far it is. Gives the answer, or null after a message; `checks` are shown either way. */
export async function send(path, form, { tell, checks, signal }) {
  const bar = el("progress", { max: 1, value: 0 });
  const words = el("span", { class: "number" });
  tell.replaceChildren(bar, words);
  try {
    const answer = await upload(path, form, { signal, onprogress: (part) => {
      bar.value = part;
      words.textContent = part < 1 ? t("sending", { n: number(part * 100) }) : t("looking");
    } });
    checks.replaceChildren(checksList(answer.checks?.length ? answer.checks : [{ verdict: "good", text: t("checks_none") }]));
    return answer;
  } catch (error) {
    if (error.name === "AbortError") return null;
    checks.replaceChildren(error.checks?.length ? checksList(error.checks) : "");
    toast(error.message, "bad");
    return null;
  } finally {
    tell.replaceChildren();
  }
}

export const wordsField = (id, help = t("words_help")) => {
  const area = el("textarea", { id, rows: 3, maxlength: TEXT_BYTES_MAX });
  return { area, whole: field(t("words"), area, help) };
};

/* `made(voice)` is called when there is one more. */
export function newVoiceCard(made, signal) {
  const name = el("input", { id: "voice-name", maxlength: NAME_MAX, autocomplete: "off" });
  const words = wordsField("voice-words");
  const tongue = select([["", t("language_open")], ...LANGUAGES.map((l) => [l, languageName(l)])], language(),
    { id: "voice-language" });
  const who = el("input", { id: "voice-consent-who", maxlength: CONSENT_MAX, autocomplete: "off" });
  const consent = toggle(t("consent"), { id: "voice-consent", help: t("consent_help"), required: true });
  const missing = el("p", { class: "dim", id: "voice-missing", role: "status" });
  const tell = el("div", { class: "row", role: "status" });
  const checks = el("div", { role: "status" });
  const go = el("button", { class: "primary", "aria-describedby": "voice-missing" }, t("make_voice"));
  const editor = clipEditor(() => draw(), signal);
  let sending = false;

  function lack() {
    if (!editor.file()) return "need_clip";
    if (editor.bad()) return "need_good";
    if (!name.value.trim()) return "need_name";
    if (!words.area.value.trim()) return "need_words";
    return consent.input.checked ? "" : "need_consent";
  }
  function draw() {
    const key = lack();
    missing.textContent = key ? t(key) : "";
    go.disabled = Boolean(key) || sending;
  }

  async function submit() {
    const { blob, name: fileName } = editor.file();
    const form = new FormData();
    form.append("name", name.value.trim());
    form.append("text", words.area.value.trim());
    if (tongue.value) form.append("language", tongue.value);
    form.append("consent", [who.value.trim(), t("consent_word")].filter(Boolean).join(": "));
    form.append("audio", blob, fileName);
    sending = true;
    draw();
    const voice = await send("/api/voices", form, { tell, checks, signal });
    sending = false;
    if (voice) {
      toast(t(voice.created ? "made" : "known", { name: voice.engine_label }), "good");
      for (const input of [name, words.area, who]) input.value = "";
      consent.input.checked = false;
      editor.clear();
      made(voice);
    }
    draw();
  }

  const form = el("form", { novalidate: true, class: "new-form" }, editor.root, field(t("voice_name"), name), words.whole,
    field(t("language"), tongue), consent.whole, field(t("consent_who"), who), tell, el("div", { class: "row" }, go, missing), checks);
  form.addEventListener("input", draw);
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    if (!go.disabled) submit();
  });
  draw();
  return el("section", { class: "card new", "aria-labelledby": "new-title" },
    el("header", {}, el("h2", { id: "new-title" }, t("new_voice"))), form);
}
