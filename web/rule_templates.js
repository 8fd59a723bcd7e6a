/* The sentences of a channel: for each event a template, what the server usually says, and how it sounds now. */
import * as api from "./api.js";
import { EVENTS, ruleText as t } from "./rule_fields.js";
import { translator } from "./i18n.js";
import { button, el } from "./ui.js";

const WAIT = 250; /* ms after the last key */

const w = translator({
  own: ["Own words", "自定义"],
  usual: ["Usual words", "恢复默认"],
  says: ["says: {text}", "播报：{text}"],
  silent: ["says nothing", "不播报"],
  example_text: ["what a game", "太精彩了"],
});

/* What the event says under those rules; "" for nothing. */
async function preview(name, rules, signal) {
  const message = { id: `preview-${name}`, platform: "other", channel: "test",
    user: { id: "Ann", name: "Ann", login: "Ann" },
                    text: w("example_text"), ...EVENTS[name] };
  const only = { enabled: true, words: rules.words, say_names: true, templates: rules.templates };
  return (await api.post("/api/live/rules/test", { rules: only, message }, { signal })).text;
}

/* `usual`: GET /api/live/rules/templates. */
export function templateEditor({ usual, rules, change, signal }) {
  const draw = [];
  const node = el("fieldset", { class: "whole templates" }, el("legend", { class: "unseen" }, t("templates")),
    el("small", {}, t("templates_help")),
    Object.keys(EVENTS).map((name) => {
      const input = el("input", { id: `template-${name}`, maxlength: 400, autocomplete: "off", spellcheck: "false" });
      const result = el("small", { id: `template-${name}-result` });
      const back = button({ icon: "replay", label: w("usual"), only: true, kind: "ghost small" });
      const own = el("span", { class: "pill accent" }, w("own"));
      input.setAttribute("aria-describedby", result.id);
      let timer = 0;
      const show = () => {
        const mine = rules().templates[name];
        back.hidden = own.hidden = mine === undefined;
        clearTimeout(timer);
        timer = setTimeout(async () => {
          try {
            const text = await preview(name, rules(), signal);
            result.className = "";
            result.textContent = text ? w("says", { text }) : w("silent");
          } catch (error) {
            if (signal.aborted) return;
            result.className = "bad";
            result.textContent = error.message;
          }
        }, WAIT);
      };
      const set = (value) => {
        const templates = { ...rules().templates };
        if (value === undefined || value === usual[rules().words][name]) delete templates[name];
        else templates[name] = value;
        change(templates);
        show();
      };
      const fill = () => {
        input.value = rules().templates[name] ?? usual[rules().words][name];
        show();
      };
      input.addEventListener("input", () => set(input.value));
      back.addEventListener("click", () => {
        set(undefined);
        fill();
        input.focus();
      });
      draw.push(fill);
      fill();
      return el("div", { class: "field template" }, el("div", { class: "row" },
        el("label", { for: input.id }, t(`event_${name}`)), own, back), input, result);
    }));
  return { node, redraw: () => draw.forEach((f) => f()) };
}
