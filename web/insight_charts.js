/* What is drawn over time, and how it follows from the counters. */
import { number, translator } from "./i18n.js";
import * as metrics from "./metrics.js";

const t = translator({
  p50: ["half (p50)", "中位数（p50）"],
  p95: ["95 % (p95)", "95%（p95）"],
  chart_rtf: ["Work a second of sound (RTF)", "实时率（RTF）"],
  chart_first: ["First audio", "首个音频"],
  chart_queue: ["Queue", "队列"],
  waiting: ["waiting", "等待"],
  speaking: ["being spoken", "合成中"],
  chart_wait: ["Wait in the queue", "排队时间"],
  chart_requests: ["Requests a second, by status", "每秒请求数（按状态）"],
  status_2: ["2xx", "2xx"],
  status_4: ["4xx", "4xx"],
  status_5: ["5xx", "5xx"],
  status_0: ["left", "已离开"],
  chart_errors: ["Failed a minute", "每分钟失败数"],
  errors: ["errors", "错误"],
  rejected: ["turned away", "拒绝"],
  cancelled: ["hung up", "取消"],
  chart_degraded: ["Less than asked for, a minute", "每分钟降级数"],
  step_nfe: ["fewer evaluations", "减少步数"],
  step_seed: ["another seed", "更换种子"],
  fallbacks: ["built-in voice (fallback)", "内置语音（后备）"],
  retries: ["spoken again", "重新合成"],
  chart_batch: ["Requests in one go", "批大小"],
  batch_mean: ["mean", "平均"],
  chart_chat: ["Chat messages a minute", "每分钟聊天消息"],
  chat_said: ["to be said", "播报"],
  chat_dropped: ["not said", "未播报"],
  chart_latency: ["From message to sound", "消息到声音的延迟"],
  chart_memory: ["Memory", "内存"],
  resident: ["resident", "常驻"],
  chart_cpu: ["Processor", "处理器"],
  cpu_used: ["of one core", "单核占比"],
  chart_gpu: ["GPU load", "GPU 负载"],
  chart_gpu_memory: ["GPU memory", "显存"],
  gpu: ["GPU {n}", "GPU {n}"],
});

const GPUS_MAX = 4; /* lines of a chart */

const seconds = (n) => (n < 1 ? `${number(n * 1000, n < 0.01 ? 1 : 0)} ms` : `${number(n, 2)} s`);
const bytes = (n) => (n < 1e9 ? `${number(n / 1e6)} MB` : `${number(n / 1e9, 1)} GB`);
const percent = (n) => `${number(n)} %`;
const few = (n) => number(n, n && n < 10 ? 1 : 0);

const quantiles = (name) => [0.5, 0.95].map((q) => (a, b) => metrics.quantile(a, b, name, q));
const now = (name, wanted, scale = 1) => (a, b) => {
  const value = metrics.gauge(b, name, wanted);
  return value === null ? null : value * scale;
};
const rate = (name, wanted = {}, per = 1) => (a, b) => {
  const n = metrics.growth(a, b, name, wanted);
  return n === null ? null : (n * per * 1000) / (b.time - a.time);
};

/* What there is to draw of the samples so far: [{ title, series, format, of }] with what chart() takes, and `of` a function of
 * two samples for each line. */
export function chartsThere() {
  const halves = [t("p50"), t("p95")];
  const gpus = metrics.labelValues("gpu_utilization_percent", "gpu").slice(0, GPUS_MAX);
  const memories = metrics.labelValues("gpu_memory_used_bytes", "gpu").slice(0, GPUS_MAX);
  const all = [
    { title: t("chart_rtf"), series: halves, format: (n) => number(n, n < 1 ? 3 : 1), mark: 1, of: quantiles("tts_rtf") },
    { title: t("chart_first"), series: halves, format: seconds, of: quantiles("tts_time_to_first_audio_seconds") },
    { title: t("chart_queue"), series: [t("waiting"), t("speaking")], format: (n) => number(n), most: 4,
      of: [now("tts_queue_depth"), now("tts_requests_in_flight")] },
    { title: t("chart_wait"), series: halves, format: seconds, of: quantiles("tts_queue_wait_seconds") },
    { title: t("chart_requests"), series: [t("status_2"), t("status_4"), t("status_5"), t("status_0")], format: few,
      of: [/^[123]/, /^4/, /^5/, /^0/].map((status) => (a, b) => rate("tts_requests_total", { status })(a, b) ?? 0) },
    { title: t("chart_errors"), series: [t("errors"), t("rejected"), t("cancelled")], format: few, most: 1,
      of: [rate("tts_errors_total", {}, 60), rate("tts_rejected_total", {}, 60), rate("tts_cancelled_total", {}, 60)] },
    { title: t("chart_degraded"), series: [t("step_nfe"), t("step_seed"), t("fallbacks"), t("retries")], format: few, most: 1,
      of: [...["nfe", "seed"].map((step) => rate("tts_degraded_total", { step }, 60)), rate("tts_fallbacks_total", {}, 60),
           rate("tts_retries_total", {}, 60)] },
    { title: t("chart_batch"), series: [t("batch_mean")], format: few, most: 2,
      of: [(a, b) => metrics.mean(a, b, "tts_batch_size")] },
    { title: t("chart_chat"), series: [t("chat_said"), t("chat_dropped")], format: few, most: 1,
      of: [/^say$/, /^(?!say$)/].map((verdict) => (a, b) => rate("tts_chat_messages_total", { verdict }, 60)(a, b) ?? 0) },
    { title: t("chart_latency"), series: halves, format: seconds, of: quantiles("tts_chat_latency_seconds") },
    { title: t("chart_memory"), series: [t("resident")], format: bytes, of: [now("process_resident_memory_bytes")] },
    { title: t("chart_cpu"), series: [t("cpu_used")], format: percent, most: 100,
      of: [rate("process_cpu_seconds_total", {}, 100)] },
  ];
  const gpuNames = (list) => list.map((n) => t("gpu", { n }));
  if (gpus.length)
    all.push({ title: t("chart_gpu"), series: gpuNames(gpus), format: percent, most: 100,
               of: gpus.map((gpu) => now("gpu_utilization_percent", { gpu })) });
  if (memories.length)
    all.push({ title: t("chart_gpu_memory"), series: gpuNames(memories), format: bytes,
               of: memories.map((gpu) => now("gpu_memory_used_bytes", { gpu })) });
  return all;
}
