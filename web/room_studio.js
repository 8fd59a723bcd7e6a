/* Text to speech with everything that can be set, heard as it is made; two settings against each other; and what was
 * made before. */
import { historyCard } from "./studio_history.js";
import { language, number, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { TEXT_MAX, emptySettings, requestOf, settingsOf } from "./speech_request.js";
import { settingsPanel } from "./studio_settings.js";
import { Take } from "./take.js";
import { takeView } from "./take_view.js";
import { attempt, button, el, icon, toast, toggle } from "./ui.js";

const t = translator({
  text: ["Text", "文本"],
  text_example: ["Thanks for the follow, and welcome to the stream!", "感谢关注，欢迎来到直播间！"],
  text_count: ["{n} of {max} characters", "{n} / {max} 个字符"],
  text_too_long: ["{n} characters too many", "超出 {n} 个字符"],
  speak: ["Speak", "合成"],
  speak_both: ["Speak both", "合成两者"],
  stop_making: ["Stop", "停止"],
  compare: ["Compare two settings", "比较两组设置"],
  blind: ["Hide which is which", "隐藏对应关系"],
  blind_help: ["The two come in any order, until you ask.", "两者顺序随机，直到你查看答案。"],
  result: ["Result", "结果"],
  result_none: ["Write something, and speak it.", "输入文本并合成。"],
  making: ["Speaking …", "正在合成……"],
  making_of: ["Speaking {n} of 2 …", "正在合成第 {n} 个，共 2 个……"],
  done: ["Done: {seconds} s of sound", "完成：{seconds} 秒音频"],
  first: ["1", "1"],
  second: ["2", "2"],
  alternate: ["Switch to the other", "切换到另一个"],
  in_turn: ["Play both in turn", "依次播放"],
  reveal: ["Which is which?", "查看答案"],
  revealed: ["{first} was settings {a}, {second} was settings {b}.", "{first} 是设置 {a}，{second} 是设置 {b}。"],
});

/* What stays when the room is left. */
const kept = {
  text: "", settings: [emptySettings(), emptySettings()], compare: false, blind: false,
  takes: [], order: [0, 1], revealed: true, /* order: which settings are shown first, which second */
};

export async function mount(root, { api, signal }) {
  root.append(el("h1", { class: "unseen" }, t("studio")));
  const voices = (await attempt(() => api.get("/api/voices"))) ?? [];
  if (signal.aborted) return;
  const tell = el("p", { class: "dim", role: "status" });
  let making = null; /* AbortController */
  let drawn = null;  /* of the takes that are shown */

  /* -------- what to say -------- */

  const text = el("textarea", { rows: 5, id: "studio-text", placeholder: t("text_example"), lang: language() });
  const count = el("small", { class: "number", id: "studio-count" });
  const go = el("button", { class: "primary" });
  text.value = kept.text;
  text.setAttribute("aria-describedby", count.id);

  function drawText() {
    const over = [...kept.text].length - TEXT_MAX;
    count.textContent = over > 0 ? t("text_too_long", { n: number(over) })
      : t("text_count", { n: number(over + TEXT_MAX), max: number(TEXT_MAX) });
    count.className = over > 0 ? "bad number" : "number";
    text.setAttribute("aria-invalid", String(over > 0));
    go.disabled = !making && (over > 0 || !kept.text.trim());
    const label = making ? "stop_making" : kept.compare ? "speak_both" : "speak";
    go.replaceChildren(icon(making ? "stop" : "play"), el("span", {}, t(label)));
  }
  text.addEventListener("input", () => {
    kept.text = text.value;
    drawText();
  });
  text.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) form.requestSubmit();
  });

  const compare = toggle(t("compare"), { id: "studio-compare" });
  const blind = toggle(t("blind"), { id: "studio-blind", help: t("blind_help") });
  compare.input.checked = kept.compare;
  blind.input.checked = kept.blind;
  compare.input.addEventListener("change", () => {
    kept.compare = compare.input.checked;
    drawPanels();
    drawText();
  });
  blind.input.addEventListener("change", () => { kept.blind = blind.input.checked; });

  const panels = el("div", { class: "panels" });
  function drawPanels() {
    blind.whole.hidden = !kept.compare;
    panels.replaceChildren(...kept.settings.slice(0, kept.compare ? 2 : 1)
      .map((s, i) => settingsPanel(s, kept.compare ? "AB"[i] : "", voices, () => {}).panel));
    panels.classList.toggle("two", kept.compare);
  }

  /* -------- what came of it -------- */

  const result = el("div", { class: "takes" });
  const nameOf = (place) => (kept.takes.length < 2 ? "" : kept.revealed ? "AB"[kept.order[place]] : t(place ? "second" : "first"));

  function drawTakes() {
    drawn?.abort();
    drawn = new AbortController();
    const until = AbortSignal.any([signal, drawn.signal]);
    const shown = kept.takes.length < 2 ? kept.takes : kept.order.map((i) => kept.takes[i]);
    const views = shown.map((take, place) => takeView(take, { which: nameOf(place), hidden: !kept.revealed, signal: until }));
    result.replaceChildren(...views.map((v, place) => el("article", {}, nameOf(place) ? el("h3", {}, nameOf(place)) : null, v.root)),
      ...(kept.takes.length < 2 ? [] : [comparison(shown)]));
    result.classList.toggle("two", kept.takes.length === 2);
    if (!kept.takes.length) result.append(el("p", { class: "empty" }, t("result_none")));
    return views;
  }

  /* Goes on with the other one where this one is. */
  function alternate([one, two]) {
    const now = sounder.playing();
    const from = now ? sounder.position(now) : 0;
    sounder.play(now === one.clip ? two.clip : one.clip, { from });
  }

  function comparison(shown) {
    return el("div", { class: "row compare" },
      button({ icon: "skip", label: t("alternate"), onclick: () => alternate(shown) }),
      button({ icon: "play", label: t("in_turn"), onclick: () =>
        sounder.play(shown[0].clip, { from: 0, onend: () => sounder.play(shown[1].clip, { from: 0 }) }) }),
      kept.revealed ? null : button({ label: t("reveal"), kind: "primary", onclick: () => {
        const [first, second] = [nameOf(0), nameOf(1)];
        kept.revealed = true;
        drawTakes();
        tell.textContent = t("revealed", { first, second, a: "AB"[kept.order[0]], b: "AB"[kept.order[1]] });
      } }));
  }

  async function make() {
    making = new AbortController();
    const until = AbortSignal.any([signal, making.signal]);
    const two = kept.compare;
    sounder.stop();
    kept.takes = kept.settings.slice(0, two ? 2 : 1).map((s) => new Take(requestOf(kept.text, s)));
    kept.revealed = !(two && kept.blind);
    kept.order = two && kept.blind && crypto.getRandomValues(new Uint8Array(1))[0] % 2 ? [1, 0] : [0, 1];
    const views = drawTakes();
    drawText();
    try {
      for (const [i, take] of kept.takes.entries()) {
        tell.textContent = two ? t("making_of", { n: i + 1 }) : t("making");
        await take.make({ signal: until, onfirst: two ? undefined : () => sounder.play(take.clip) });
      }
      tell.textContent = two ? "" : t("done", { seconds: number(kept.takes[0].clip.seconds, 1) });
    } catch (error) {
      tell.textContent = "";
      if (error.name !== "AbortError") toast(error.message, "bad");
    }
    making = null;
    if (signal.aborted) return;
    kept.takes = kept.takes.filter((take) => take.clip.length);
    if (kept.takes.length < (two ? 2 : 1)) drawTakes();
    else for (const v of views) v.draw();
    drawText();
    past.refresh();
  }

  const form = el("form", { class: "write", novalidate: true },
    el("div", { class: "field" }, el("label", { for: text.id }, t("text")), text, count), el("div", { class: "row" }, go, compare.whole, blind.whole), panels);
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    if (making) making.abort();
    else if (!go.disabled) make();
  });

  function use(item) {
    kept.text = text.value = item.text;
    kept.settings[0] = settingsOf(item);
    drawPanels();
    drawText();
    text.focus();
    text.scrollIntoView({ block: "center" });
  }

  const past = historyCard({ use, signal });
  drawPanels();
  drawText();
  root.append(el("section", { class: "card say", "aria-label": t("text") }, form),
    el("section", { class: "card made", "aria-labelledby": "made-title" },
      el("header", {}, el("h2", { id: "made-title" }, t("result"))), tell, result), past.root);
  drawTakes();
}

export function unmount() {
  sounder.stop();
}
