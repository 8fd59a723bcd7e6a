/* What went other than asked for since the page was opened: counters that should stay still and do not, and batches. */
import { number, translator } from "./i18n.js";
import * as metrics from "./metrics.js";

const t = translator({
  event_fallback: ["The built-in voice stood in for the model", "内置语音代替了模型"],
  event_nfe: ["Spoken with fewer evaluations: many wait", "等待较多，减少了求值步数"],
  event_seed: ["Spoken with another seed", "换用了其他种子"],
  event_retry: ["Spoken again: {label}", "重新合成：{label}"],
  event_error: ["Failed: {label}", "失败：{label}"],
  event_rejected: ["Turned away: {label}", "被拒绝：{label}"],
  event_batch: ["Spoken in one go: {label}", "合并合成：{label}"],
  event_restart: ["The server began anew", "服务器已重启"],
});

const EVENTS_MAX = 50;

const WATCHED = [
  ["tts_fallbacks_total", null, () => t("event_fallback"), "warn"],
  ["tts_degraded_total", "step", (label) => (label === "nfe" || label === "seed" ? t(`event_${label}`) : ""), "warn"],
  ["tts_retries_total", "reason", (label) => t("event_retry", { label }), "warn"],
  ["tts_errors_total", "reason", (label) => t("event_error", { label }), "bad"],
  ["tts_rejected_total", "reason", (label) => t("event_rejected", { label }), "bad"],
];
export const events = []; /* newest first: { time, text(), kind, n } */
let seen = null;

function lookForEvents() {
  const last = metrics.state.samples.at(-1);
  if (!last || last === seen) return;
  const before = seen;
  seen = last;
  if (!before) return;
  const add = (text, kind, n) => events.unshift({ time: last.time, text, kind, n });
  if (metrics.gauge(last, "process_start_time_seconds") !== metrics.gauge(before, "process_start_time_seconds"))
    add(() => t("event_restart"), "", 1);
  for (const [name, label, text, kind] of WATCHED)
    for (const value of label ? metrics.labelValues(name, label) : [""]) {
      const n = metrics.growth(before, last, name, label ? { [label]: value } : {});
      if (n && text(value)) add(() => text(value), kind, n);
    }
  const batches = metrics.growth(before, last, "tts_batch_size_count");
  const spoken = metrics.growth(before, last, "tts_batch_size_sum");
  if (spoken > batches) add(() => t("event_batch", { label: number(spoken / batches, 1) }), "accent", batches);
  events.length = Math.min(events.length, EVENTS_MAX);
}
metrics.watch(lookForEvents);
