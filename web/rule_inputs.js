/* One control for each kind of rule (rule_fields.js). Each is { node, input }: `change(value)` is called with the
 * rule's new value, undefined for one that cannot be a value yet. */
import { LANGUAGES, ruleText as t } from "./rule_fields.js";
import { translator } from "./i18n.js";
import { button, el, field, select, toggle } from "./ui.js";

const w = translator({
  seconds: ["{label}, seconds", "{label}（秒）"],
  as_default: ["as without a rule", "不指定"],
  add_user: ["Add a user", "添加用户"],
  user: ["User", "用户"],
  nickname: ["Said as", "读作"],
  voice: ["Voice", "音色"],
  remove_user: ["Remove {name}", "移除 {name}"],
});

const lines = (text) => text.split("\n").map((l) => l.trim()).filter(Boolean);

const kinds = {
  flag({ key }, value, change) {
    const { input, whole } = toggle(t(key), { id: `rule-${key}`, help: t(`${key}_help`) });
    input.checked = value;
    input.addEventListener("change", () => change(input.checked));
    return { node: whole, input };
  },
  choice({ key, of }, value, change) {
    const input = select(of.map((o) => [o, t(`${key}_${o}`)]), value, { id: `rule-${key}` });
    input.addEventListener("change", () => change(input.value));
    return { node: field(t(key), input, t(`${key}_help`)), input };
  },
  text({ key, max }, value, change) {
    const input = el("input", { id: `rule-${key}`, maxlength: max, value, autocomplete: "off", spellcheck: "false" });
    input.addEventListener("input", () => change(input.value));
    return { node: field(t(key), input, t(`${key}_help`)), input };
  },
  number({ key, max, whole, unit }, value, change) {
    const input = el("input", { id: `rule-${key}`, type: "number", min: 0, max, step: whole ? 1 : "any", value,
      required: true });
    input.addEventListener("input", () => change(input.validity.valid ? input.valueAsNumber : undefined));
    return { node: field(unit ? w("seconds", { label: t(key) }) : t(key), input, t(`${key}_help`)), input };
  },
  list({ key }, value, change) {
    const input = el("textarea", { id: `rule-${key}`, rows: 4, value: value.join("\n"), spellcheck: "false" });
    input.addEventListener("input", () => change(lines(input.value)));
    return { node: field(`${t(key)} (${value.length})`, input, t(`${key}_help`)), input };
  },
  amounts({ key }, value, change) {
    const input = el("textarea", { id: `rule-${key}`, rows: 2,
      value: Object.entries(value).map(([c, n]) => `${c} ${n}`).join("\n"), spellcheck: "false" });
    input.addEventListener("input", () => {
      const pairs = lines(input.value).map((l) => /^([A-Za-z]+)\s+(\d+(?:\.\d+)?)$/.exec(l));
      change(pairs.every(Boolean) ? Object.fromEntries(pairs.map(([, c, n]) =>
        [c === "bits" ? c : c.toUpperCase(), Number(n)])) : undefined);
    });
    return { node: field(t(key), input, t(`${key}_help`)), input };
  },
  pool({ key }, value, change, { voices }) {
    const all = value.reduce(known, voices);
    const boxes = all.map(([id, label]) => {
      const { input, whole } = toggle(label, { id: `rule-${key}-${id}` });
      input.checked = value.includes(id);
      input.addEventListener("change", () => change(all.map(([v]) => v).filter((v, i) => boxes[i].input.checked)));
      return { input, whole };
    });
    return { node: el("fieldset", { class: "whole" }, el("legend", {}, t(key)), el("small", {}, t(`${key}_help`)),
                      el("div", { class: "grid" }, boxes.map((b) => b.whole))) };
  },
  voice({ key }, value, change, { voices }) {
    const input = select([["", w("default_voice")], ...known(voices, value)], value, { id: `rule-${key}` });
    input.addEventListener("change", () => change(input.value));
    return { node: field(t(key), input, t(`${key}_help`)), input };
  },
  languages({ key }, value, change, { voices }) {
    const now = { ...value };
    const rows = LANGUAGES.map((code) => {
      const input = select([["", w("as_default")], ...known(voices, now[code] ?? "")], now[code] ?? "",
        { id: `rule-${key}-${code}` });
      input.addEventListener("change", () => {
        if (input.value) now[code] = input.value;
        else delete now[code];
        change({ ...now });
      });
      return field(t(`lang_${code}`), input);
    });
    return { node: el("fieldset", { class: "whole" }, el("legend", {}, t(key)), el("small", {}, t(`${key}_help`)),
      el("div", { class: "grid" }, rows)) };
  },
  users({ key }, value, change, { voices }) {
    const now = value.map((u) => ({ ...u }));
    const list = el("div", { class: "users" });
    const tell = () => change(now.filter((u) => u.user));
    const draw = () => list.replaceChildren(...now.map((u, i) => el("div", { class: "user-row" },
      input(u, "user"), input(u, "nickname"),
      field(w("voice"), voiceOf(u)),
      button({ icon: "close", label: w("remove_user", { name: u.user }), only: true, kind: "ghost", onclick: () => {
        now.splice(i, 1);
        draw();
        add.focus();
        tell();
      } }))));
    const input = (u, name) => {
      const e = el("input", { value: u[name] ?? "", maxlength: 60, autocomplete: "off" });
      e.addEventListener("input", () => {
        u[name] = e.value;
        tell();
      });
      return field(w(name), e);
    };
    const voiceOf = (u) => {
      const e = select([["", w("as_default")], ...known(voices, u.voice ?? "")], u.voice ?? "");
      e.addEventListener("change", () => {
        u.voice = e.value;
        tell();
      });
      return e;
    };
    const add = button({ icon: "plus", label: w("add_user"), kind: "small", onclick: () => {
      now.push({ user: "", nickname: "", voice: "" });
      draw();
      list.lastElementChild.querySelector("input").focus();
    } });
    draw();
    return { node: el("fieldset", { class: "whole" }, el("legend", {}, t(key)), el("small", {}, t(`${key}_help`)), list,
      el("div", {}, add)) };
  },
};

/* A voice that is not there any more stays choosable, or it would be lost by looking. */
function known(voices, value) {
  return value && !voices.some(([id]) => id === value) ? [...voices, [value, value]] : voices;
}

export const ruleInput = (rule, value, change, context) => kinds[rule.kind](rule, value, change, context);
