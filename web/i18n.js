/* Texts in both languages. A room has a table { key: ["English", "中文"] }, so that no key can lack a language, and
 * asks for them by the function that translator(table) returns: t("merged", { n: 12 }) puts 12 in the place of {n}.
 *
 * The language is the browser's until one is chosen; when it changes the shell mounts the room anew. */
import * as prefs from "./prefs.js";

export const LANGUAGES = [["en", "English"], ["zh", "中文"]];

export function language() {
  const chosen = prefs.get("language");
  if (chosen) return chosen === "zh" ? "zh" : "en";
  for (const wanted of navigator.languages ?? [])
    for (const [code] of LANGUAGES)
      if (wanted.toLowerCase().startsWith(code)) return code;
  return "en";
}

export function translator(...tables) {
  const all = Object.assign({}, common, ...tables);
  return (key, values = {}) => {
    const text = all[key]?.[language() === "zh" ? 1 : 0];
    if (text === undefined) throw new Error(`there is no text "${key}"`);
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  };
}

export const number = (value, digits = 0) =>
  value.toLocaleString(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits });

/* 7 → "7 s" or "7 秒", 75 → "1:15" */
export function duration(seconds) {
  const s = Math.max(0, seconds);
  if (s < 60) return `${number(s, s < 10 && !Number.isInteger(s) ? 1 : 0)} ${language() === "zh" ? "秒" : "s"}`;
  const whole = Math.round(s);
  const clock = [Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, "0"));
  return whole < 3600 ? `${Number(clock[0])}:${clock[1]}` : `${Math.floor(whole / 3600)}:${clock.join(":")}`;
}

export const timeOfDay = (ms) =>
  new Date(ms).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23" });

/* What more than one room says. */
const common = {
  live: ["Live", "直播"],
  studio: ["Studio", "工作室"],
  voices: ["Voices", "音色"],
  insight: ["Insight", "洞察"],
  settings: ["Settings", "设置"],
  ok: ["OK", "确定"],
  cancel: ["Cancel", "取消"],
  close: ["Close", "关闭"],
  save: ["Save", "保存"],
  delete: ["Delete", "删除"],
  retry: ["Try again", "重试"],
  default_voice: ["Default voice", "默认音色"],
  offline: ["The server does not answer", "服务器没有响应"],
  answer_status: ["The server answered {status}", "服务器返回 {status}"],
};
