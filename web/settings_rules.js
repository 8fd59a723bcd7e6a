/* The rules editor: those of a channel, or those of all that have none of their own. What is changed is a draft
 * until it is saved; the tester and the sentences' previews use the draft. */
import * as api from "./api.js";
import * as live from "./live.js";
import { GROUPS, ruleText } from "./rule_fields.js";
import { ruleInput } from "./rule_inputs.js";
import { templateEditor } from "./rule_templates.js";
import { ruleTester } from "./rule_tester.js";
import { translator } from "./i18n.js";
import { platformName } from "./platforms.js";
import { attempt, button, confirm, el, field, select, toast } from "./ui.js";

const t = translator({
  rules: ["What is said", "朗读规则"],
  whose: ["Rules of", "规则对象"],
  everyone: ["all chats without rules of their own", "所有未单独设置的频道"],
  own: ["{platform}: {channel}", "{platform}：{channel}"],
  unsaved: ["Not saved yet", "尚未保存"],
  saved: ["Saved", "已保存"],
  in_force: ["In force", "已生效"],
  save_rules: ["Save rules", "保存规则"],
  revert: ["Undo changes", "撤销更改"],
  export: ["Export", "导出"],
  import: ["Import", "导入"],
  import_title: ["Take these rules over?", "要导入这些规则吗？"],
  import_text: ["They replace the rules of: {names}", "将替换以下对象的规则：{names}"],
  import_word: ["Replace", "替换"],
  import_bad: ["This file has no rules in it", "文件中没有规则"],
  imported: ["Rules of {n} taken over", "已导入 {n} 项规则"],
  import_missing: ["Not connected, so left out: {names}", "未连接，已跳过：{names}"],
  leave_title: ["Leave these changes?", "放弃更改？"],
  leave_text: ["What was changed here has not been saved.", "这里的更改尚未保存。"],
  leave_word: ["Leave them", "放弃"],
  loading: ["asking the server …", "正在读取……"],
});

/* `wanted` of room_settings.js is read from it, also when the room is made anew. */
const hashOf = (key) => {
  const at = key.indexOf("/");
  return key ? `#settings/${key.slice(0, at)}/${encodeURIComponent(key.slice(at + 1))}` : "#settings";
};
const keyOf = (c) => (c ? `${c.platform}/${c.channel}` : "");
const pathOf = (key) => {
  const at = key.indexOf("/");
  return `/api/live/rules${key ? `?platform=${encodeURIComponent(key.slice(0,
    at))}&channel=${encodeURIComponent(key.slice(at + 1))}` : ""}`;
};

/* Kept here, so that a switch of the language does not lose it. */
const work = { key: "", saved: null, draft: null };
const isChanged = () => work.draft && JSON.stringify(work.draft) !== JSON.stringify(work.saved);

const mayLeave = async () => !isChanged() || confirm(t("leave_title"), t("leave_text"), t("leave_word"));

async function exportRules() {
  const all = { rules: {} };
  for (const key of ["", ...live.state.channels.map(keyOf)]) all.rules[key] = await api.get(pathOf(key));
  const link = el("a", { href: URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)],
    { type: "application/json" })),
                         download: "ishowtts-rules.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function importRules(file, done) {
  let all = null;
  try {
    all = JSON.parse(await file.text()).rules;
  } catch { /* told below */ }
  if (!all || typeof all !== "object" || !Object.keys(all).length) return toast(t("import_bad"), "bad");
  const here = new Set(["", ...live.state.channels.map(keyOf)]);
  const keys = Object.keys(all).filter((k) => here.has(k)), missing = Object.keys(all).filter((k) => !here.has(k));
  const names = keys.map((k) => k || t("everyone")).join(", ");
  if (!keys.length || !(await confirm(t("import_title"), t("import_text", { names }),
    t("import_word")))) return undefined;
  if (keys.includes(work.key) && !(await mayLeave())) return undefined;
  const taken = [];
  await attempt(async () => {
    for (const key of keys) {
      await api.put(pathOf(key), all[key]);
      taken.push(key);
    }
    toast(t("imported", { n: keys.length }), "good");
    if (missing.length) toast(t("import_missing", { names: missing.join(", ") }));
  });
  return done(taken);
}

export function rulesPart({ voices, wanted, signal }) {
  const groups = el("div", { class: "groups" });
  const state = el("span", { class: "pill", role: "status" });
  const save = button({ icon: "check", label: t("save_rules"), kind: "primary" });
  const revert = button({ icon: "replay", label: t("revert") });
  const bar = el("div", { class: "card save-bar", hidden: true }, el("strong", {}, t("unsaved")), revert, save);
  const whose = select([], "", { id: "rules-whose" });
  const file = el("input", { type: "file", accept: "application/json,.json", hidden: true });
  const channel = () => live.state.channels.find((c) => keyOf(c) === work.key) ?? null;
  const tester = ruleTester({ rules: () => work.draft ?? {}, channel, signal });
  const unfit = new Set(); /* rules whose field has what cannot be a value, and so is not in the draft */
  let inputs = new Map(), templates = null, usual = null, turn = 0;

  const drawState = () => {
    const changed = isChanged();
    state.className = `pill ${changed ? "warn" : "good"}`;
    state.textContent = t(changed ? "unsaved" : "in_force");
    bar.hidden = !changed;
    save.disabled = false;
  };
  const change = (key, value) => {
    const { input } = inputs.get(key) ?? {};
    input?.setAttribute("aria-invalid", String(value === undefined));
    if (value === undefined) unfit.add(key);
    else unfit.delete(key);
    if (value === undefined) return;
    work.draft = { ...work.draft, [key]: value };
    drawState();
    tester.retry();
    if (key === "words") templates?.redraw();
  };
  const show = (input) => {
    input.closest("details").open = true;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  const draw = () => {
    inputs = new Map();
    unfit.clear();
    groups.replaceChildren(...GROUPS.map(([name, fields], i) => el("details", { class: "card", open: i === 0 },
      el("summary", {}, el("h3", {}, ruleText(`group_${name}`))),
      el("div", { class: name === "templates" ? "" : "grid" },
        fields.filter((rule) => rule.key in work.draft).map((rule) => {
        if (rule.kind === "templates") {
          templates = templateEditor({ usual, rules: () => work.draft, change: (v) => change("templates", v), signal });
          return templates.node;
        }
        const made = ruleInput(rule, work.draft[rule.key], (value) => change(rule.key, value), { voices });
        inputs.set(rule.key, made);
        return made.node;
      })))));
    drawState();
    tester.retry();
  };
  const load = async (key, { keep = false } = {}) => {
    const mine = ++turn;
    if (!keep) groups.replaceChildren(el("p", { class: "empty" }, t("loading")));
    const rules = keep ? work.saved : await attempt(() => api.get(pathOf(key), { signal }));
    usual ??= await attempt(() => api.get("/api/live/rules/templates", { signal }));
    if (mine !== turn || !rules || !usual) return;
    if (!keep) Object.assign(work, { key, saved: rules, draft: rules });
    draw();
  };
  const drawWhose = () => {
    const options = [["", t("everyone")], ...live.state.channels.map((c) =>
      [keyOf(c), t("own", { platform: platformName(c.platform), channel: c.channel })])];
    whose.replaceChildren(...options.map(([value, label]) => el("option", { value }, label)));
    whose.value = options.some(([v]) => v === work.key) ? work.key : "";
  };

  whose.addEventListener("change", async () => {
    const key = whose.value;
    if (!(await mayLeave())) {
      whose.value = work.key;
      return;
    }
    history.replaceState(null, "", hashOf(key));
    load(key);
  });
  save.addEventListener("click", async () => {
    const [wrong] = unfit;
    if (wrong) return show(inputs.get(wrong).input); /* or it would say "Saved" and lose what is written there */
    save.disabled = true;
    try {
      work.saved = work.draft = await api.put(pathOf(work.key), work.draft);
      document.getElementById("alerts").replaceChildren(); /* what was wrong before is mended */
      toast(t("saved"), "good");
      draw();
    } catch (error) {
      toast(error.message, "bad");
      const bad = inputs.get(/^"(\w+)"/.exec(error.message)?.[1])?.input; /* the sentence begins with the rule's name */
      if (bad) show(bad);
      drawState();
    }
    return undefined;
  });
  revert.addEventListener("click", () => {
    work.draft = work.saved;
    draw();
  });
  file.addEventListener("change", () => {
    if (file.files[0]) importRules(file.files[0], (taken) => {
      if (taken.includes(work.key) || !isChanged()) load(work.key);
    });
    file.value = "";
  });
  live.watch(["state", "channel"], drawWhose, signal);
  addEventListener("beforeunload", (e) => isChanged() && e.preventDefault(), { signal });

  drawWhose();
  const begin = async () => {
    let first = wanted || work.key;
    if (first !== work.key && !(await mayLeave())) {
      first = work.key;
      if (!signal.aborted) history.replaceState(null, "", hashOf(first));
    }
    await load(first, { keep: isChanged() && first === work.key });
    drawWhose();
  };
  const ready = begin();
  const node = el("section", { class: "rules", "aria-labelledby": "rules-title" },
    el("div", { class: "card head" }, el("header", {}, el("h2", { id: "rules-title" }, t("rules")), state),
      el("div", { class: "row whose" }, field(t("whose"), whose),
        button({ icon: "download", label: t("export"), kind: "small", onclick: () => attempt(exportRules) }),
        button({ icon: "upload", label: t("import"), kind: "small", onclick: () => file.click() }), file)),
    el("div", { class: "editor" }, groups, tester.node), bar);
  return { node, ready };
}
