/* In words: what became of a message, and why it is not said. */
import { translator } from "./i18n.js";

const t = translator({
  out_dropped: ["not said", "未播报"],
  out_merged: ["merged", "已合并"],
  out_queued: ["waiting", "排队中"],
  out_sounding: ["now", "播报中"],
  out_spoken: ["said", "已播报"],
  out_skipped: ["skipped", "已跳过"],
  out_removed: ["removed", "已移除"],
  out_cleared: ["cleared", "已清空"],
  out_panic: ["panic", "紧急停止"],
  out_full: ["queue was full", "队列已满"],
  out_muted: ["user muted", "用户已静音"],
  out_stopped: ["chat closed", "频道已断开"],
  out_failed: ["could not be spoken", "合成失败"],
  out_deleted: ["deleted in the chat", "已被撤回"],

  say: ["will be said", "会播报"],
  merge: ["the same as one before", "与之前的相同"],
  disabled: ["reading is off", "朗读已关闭"],
  kind: ["its template is empty", "该事件的模板为空"],
  shared: ["from another channel's chat", "来自其他频道的共享聊天"],
  user: ["blocked user", "已屏蔽的用户"],
  muted: ["muted user", "已静音的用户"],
  bot: ["bot", "机器人"],
  role: ["not this role", "身份不符"],
  mode: ["without command or mention", "没有命令或提及"],
  command: ["command", "命令"],
  word: ["blocked word", "屏蔽词"],
  pattern: ["blocked pattern", "屏蔽规则"],
  link: ["link", "含链接"],
  empty: ["nothing to say", "没有可读内容"],
  amount: ["paid too little", "金额不足"],
  cooldown: ["too soon after the last", "发言过于频繁"],
  rate: ["too many a second", "每秒消息过多"],
  flood: ["flood: only some are said", "消息刷屏，仅抽样播报"],
  full: ["the queue is full", "队列已满"],
  memory: ["out of memory", "内存不足"],
  because: ["{why}: {what}", "{why}：{what}"],
});

/* Verdicts and outcomes that a newer server might have are shown as they are. */
function say(key, fallback) {
  try {
    return t(key);
  } catch {
    return fallback;
  }
}

export const outcomeText = (outcome) => say(`out_${outcome}`, outcome);

/* "blocked word: xyz" */
export function verdictText(verdict, because = "") {
  const why = say(verdict, verdict);
  return because ? t("because", { why, what: because }) : why;
}
