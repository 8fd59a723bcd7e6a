/* "This message would be": a message tried against the rules as they stand in the editor, while either is typed. */
import * as api from "./api.js";
import { duration, translator } from "./i18n.js";
import { ruleText } from "./rule_fields.js";
import { verdictText } from "./verdicts.js";
import { button, el, field, select } from "./ui.js";

const WAIT = 200; /* ms after the last key */

const t = translator({
  tester: ["This message would be", "这条消息会怎样"],
  message: ["Message", "消息"],
  name: ["From", "用户名"],
  role: ["As", "身份"],
  role_viewer: ["viewer", "观众"],
  role_member: ["member", "会员"],
  role_vip: ["VIP", "VIP"],
  role_moderator: ["moderator", "房管"],
  role_owner: ["streamer", "主播"],
  role_paid: ["who pays €5", "付费 €5"],
  said: ["said", "会播报"],
  not_said: ["not said", "不播报"],
  text: ["Words", "内容"],
  voice: ["Voice", "音色"],
  lang: ["Language", "语言"],
  seconds: ["About", "约"],
  priority: ["Priority", "优先级"],
  priority_paid: ["paid", "付费"],
  priority_moderator: ["moderator", "房管"],
  priority_mention: ["mention", "提及"],
  priority_normal: ["normal", "普通"],
  cut: ["shortened", "已截短"],
  alone: ["Pauses between messages and merging are not part of this.", "不考虑发言间隔与合并。"],
  examples: ["Examples", "示例"],
  example_link: ["link", "链接"],
  example_long: ["long", "超长"],
  example_repeat: ["repeated", "重复"],
  example_command: ["command", "命令"],
  example_emoji: ["emoji", "Emoji"],
});

const EXAMPLES = {
  link: "look at https://example.com/clip?id=42 哈哈",
  long: "this is a story that goes on and on ".repeat(12).trim(),
  repeat: "哈哈哈哈哈哈哈哈哈哈 loooooool go go go go go",
  command: "!tts hello everybody",
  emoji: "nice 🔥🔥🔥🔥🔥🔥 😂😂😂",
};

/* `rules()` are the editor's, `channel()` is { platform, channel } or null. Gives { node, retry }. */
export function ruleTester({ rules, channel, signal }) {
  const text = el("textarea", { id: "tester-text", rows: 2, maxlength: 2000 });
  const name = el("input", { id: "tester-name", value: "Ann", maxlength: 60, autocomplete: "off" });
  const role = select(["viewer", "member", "vip", "moderator", "owner", "paid"].map((r) => [r, t(`role_${r}`)]),
    "viewer", { id: "tester-role" });
  const result = el("div", { class: "verdict", role: "status" });
  let timer = 0, running = null;

  const row = (label, value) => (value ? el("div", {}, el("dt", {}, label), el("dd", {}, value)) : null);
  function show(d) {
    const said = d.verdict === "say";
    result.replaceChildren(...[
      el("p", { class: "row" }, el("span", { class: `pill ${said ? "good" : "bad"}` }, t(said ? "said" : "not_said")),
        d.cut ? el("span", { class: "pill warn" }, t("cut")) : null,
        said ? el("span", { class: "dim number" }, `${t("seconds")} ${duration(d.seconds)}`)
          : el("span", {}, verdictText(d.verdict, d.because))),
      said ? el("blockquote", {}, d.text) : null,
      said ? el("dl", {}, row(t("voice"), d.voice || t("default_voice")),
        row(t("lang"), d.lang ? langName(d.lang) : ""),
        row(t("priority"), t(`priority_${d.priority}`))) : null].filter(Boolean));
  }
  const langName = (code) => {
    try {
      return ruleText(`lang_${code}`);
    } catch {
      return code;
    }
  };

  async function run() {
    running?.abort();
    running = new AbortController();
    const c = channel(), who = name.value.trim() || "Ann";
    const roles = ["viewer", "paid"].includes(role.value) ? [] : [role.value];
    const message = { id: "test", platform: c?.platform ?? "other", channel: c?.channel ?? "test", text: text.value,
                      user: { id: who, name: who, login: who, roles },
                      ...(role.value === "paid" ? { amount: { micros: 5_000_000, currency: "EUR", text: "€5.00" } }
                        : {}) };
    try {
      show(await api.post("/api/live/rules/test", { rules: rules(), message }, { signal: running.signal }));
    } catch (error) {
      if (error.name !== "AbortError") result.replaceChildren(el("p", { class: "bad" }, error.message));
    }
  }
  const retry = () => {
    clearTimeout(timer);
    if (signal.aborted) return;
    if (text.value.trim()) timer = setTimeout(run, WAIT);
    else result.replaceChildren();
  };
  for (const input of [text, name, role]) input.addEventListener("input", retry);
  text.value = EXAMPLES.repeat;
  queueMicrotask(retry);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    running?.abort();
  });
  const node = el("section", { class: "card tester", "aria-labelledby": "tester-title" },
    el("header", {}, el("h2", { id: "tester-title" }, t("tester"))),
    field(t("message"), text),
    el("div", { class: "row", role: "group", "aria-label": t("examples") },
      Object.entries(EXAMPLES).map(([key, example]) =>
      button({ label: t(`example_${key}`), kind: "small", onclick: () => {
        text.value = example;
        retry();
      } }))),
    el("div", { class: "pair" }, field(t("name"), name), field(t("role"), role)), result, el("small", {}, t("alone")));
  return { node, retry };
}
