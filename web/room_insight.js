/* How the server does, over time, from the counters of /metrics; what it is; and what went other than asked for. */
import { chart } from "./charts.js";
import { number, timeOfDay, translator } from "./i18n.js";
import * as metrics from "./metrics.js";
import * as prefs from "./prefs.js";
import { button, el, icon, select, toggle } from "./ui.js";

const t = translator({
  range: ["Time range", "时间范围"],
  range_120: ["2 minutes", "2 分钟"],
  range_600: ["10 minutes", "10 分钟"],
  range_3600: ["1 hour", "1 小时"],
  tables: ["As tables", "以表格显示"],
  pause: ["Pause", "暂停"],
  go_on: ["Go on", "继续"],
  since_open: ["Collected by this page, every {n} s.", "由本页每 {n} 秒采集。"],
  no_metrics: ["The figures cannot be read: {why}", "无法读取指标：{why}"],
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
  health: ["Server", "服务器"],
  health_ok: ["answers", "正常"],
  status: ["Status", "状态"],
  version: ["Version", "版本"],
  engine: ["Engine", "引擎"],
  kernels: ["Kernels", "内核"],
  precision: ["Precision", "精度"],
  uptime: ["Running for", "已运行"],
  workers: ["Workers", "工作线程"],
  capacity: ["Queue's room", "队列容量"],
  voices_n: ["Voices", "音色"],
  connections: ["Connections", "连接"],
  audio_made: ["Sound made", "已合成音频"],
  requests_all: ["Requests", "请求"],
  days: ["{d} d {h} h", "{d} 天 {h} 小时"],
  hours: ["{h} h {m} min", "{h} 小时 {m} 分"],
  minutes: ["{m} min {s} s", "{m} 分 {s} 秒"],
  events: ["Events", "事件"],
  no_events: ["Nothing out of the ordinary since this page was opened.", "自打开本页以来没有异常。"],
  event_fallback: ["The built-in voice stood in for the model", "内置语音代替了模型"],
  event_nfe: ["Spoken with fewer evaluations: many wait", "等待较多，减少了求值步数"],
  event_seed: ["Spoken with another seed", "换用了其他种子"],
  event_retry: ["Spoken again: {label}", "重新合成：{label}"],
  event_error: ["Failed: {label}", "失败：{label}"],
  event_rejected: ["Turned away: {label}", "被拒绝：{label}"],
  event_batch: ["Spoken in one go: {label}", "合并合成：{label}"],
  event_restart: ["The server began anew", "服务器已重启"],
});

const POINTS = 60;
const EVENTS_MAX = 50;
const HEALTH_EVERY = 10_000; /* ms */

const seconds = (n) => (n < 1 ? `${number(n * 1000, n < 0.01 ? 1 : 0)} ms` : `${number(n, 2)} s`);
const bytes = (n) => (n < 1e9 ? `${number(n / 1e6)} MB` : `${number(n / 1e9, 1)} GB`);
const percent = (n) => `${number(n)} %`;
const few = (n) => number(n, n && n < 10 ? 1 : 0);

function uptimeText(s) {
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  return d ? t("days", { d, h }) : h ? t("hours", { h, m }) : t("minutes", { m, s: Math.floor(s % 60) });
}

/* -------- charts: what each shows of two samples -------- */

const quantiles = (name) => [0.5, 0.95].map((q) => (a, b) => metrics.quantile(a, b, name, q));
const now = (name, wanted, scale = 1) => (a, b) => {
  const value = metrics.gauge(b, name, wanted);
  return value === null ? null : value * scale;
};
const rate = (name, wanted = {}, per = 1) => (a, b) => {
  const n = metrics.growth(a, b, name, wanted);
  return n === null ? null : (n * per * 1000) / (b.time - a.time);
};

function chartsThere() {
  const halves = [t("p50"), t("p95")];
  const gpus = metrics.labelValues("gpu_utilization_percent", "gpu"), memories = metrics.labelValues("gpu_memory_used_bytes", "gpu");
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
    { title: t("chart_batch"), series: [t("batch_mean")], format: few, most: 2, of: [(a, b) => metrics.mean(a, b, "tts_batch_size")] },
    { title: t("chart_chat"), series: [t("chat_said"), t("chat_dropped")], format: few, most: 1,
      of: [/^say$/, /^(?!say$)/].map((verdict) => (a, b) => rate("tts_chat_messages_total", { verdict }, 60)(a, b) ?? 0) },
    { title: t("chart_latency"), series: halves, format: seconds, of: quantiles("tts_chat_latency_seconds") },
    { title: t("chart_memory"), series: [t("resident")], format: bytes, of: [now("process_resident_memory_bytes")] },
    { title: t("chart_cpu"), series: [t("cpu_used")], format: percent, most: 100, of: [rate("process_cpu_seconds_total", {}, 100)] },
  ];
  const gpuNames = (list) => list.slice(0, 4).map((n) => t("gpu", { n }));
  if (gpus.length)
    all.push({ title: t("chart_gpu"), series: gpuNames(gpus), format: percent, most: 100,
               of: gpus.slice(0, 4).map((gpu) => now("gpu_utilization_percent", { gpu })) });
  if (memories.length)
    all.push({ title: t("chart_gpu_memory"), series: gpuNames(memories), format: bytes,
               of: memories.slice(0, 4).map((gpu) => now("gpu_memory_used_bytes", { gpu })) });
  return all;
}

/* -------- events: counters that should not grow, and batches -------- */

const WATCHED = [
  ["tts_fallbacks_total", null, () => t("event_fallback"), "warn"],
  ["tts_degraded_total", "step", (label) => (label === "nfe" || label === "seed" ? t(`event_${label}`) : ""), "warn"],
  ["tts_retries_total", "reason", (label) => t("event_retry", { label }), "warn"],
  ["tts_errors_total", "reason", (label) => t("event_error", { label }), "bad"],
  ["tts_rejected_total", "reason", (label) => t("event_rejected", { label }), "bad"],
];
const events = []; /* newest first: { time, text(), kind, n } */
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
  const batches = metrics.growth(before, last, "tts_batch_size_count"), spoken = metrics.growth(before, last, "tts_batch_size_sum");
  if (spoken > batches) add(() => t("event_batch", { label: few(spoken / batches) }), "accent", batches);
  events.length = Math.min(events.length, EVENTS_MAX);
}
metrics.watch(lookForEvents);

/* -------- the room -------- */

export function mount(root, { api, signal }) {
  const range = select([120, 600, 3600].map((s) => [String(s), t(`range_${s}`)]), prefs.get("range", "120"), { id: "insight-range", "aria-label": t("range") });
  const tables = toggle(t("tables"), { id: "insight-tables" });
  const run = button({ icon: "pause", label: t("pause"), onclick: () => {
    if (metrics.state.running) metrics.stop();
    else metrics.start();
    drawRun();
  } });
  const drawRun = () => run.replaceChildren(icon(metrics.state.running ? "pause" : "play"), el("span", {}, t(metrics.state.running ? "pause" : "go_on")));
  const trouble = el("p", { class: "bad", role: "alert" });
  const facts = el("dl", { class: "facts" });
  const list = el("ol", { class: "events" });
  const grid = el("div", { class: "charts" });
  let shown = [], kinds = "", health = null;

  function drawCharts() {
    const specs = chartsThere();
    const titles = specs.map((s) => s.title + s.series).join();
    if (titles !== kinds) {
      kinds = titles;
      shown = specs.map((spec) => ({ spec, chart: chart(spec) }));
      for (const { chart: c } of shown) c.showTable(tables.input.checked);
      grid.replaceChildren(...shown.map((s) => s.chart.root));
    }
    const whole = Number(range.value);
    const ends = metrics.spans(whole, POINTS);
    const last = ends.at(-1)?.time ?? Date.now();
    for (const { spec, chart: c } of shown)
      c.update(ends.slice(1).map((b, i) => ({ time: b.time, values: spec.of.map((f) => f(ends[i], b)) })), [last - whole * 1000, last]);
  }

  function drawFacts() {
    const last = metrics.state.samples.at(-1);
    const made = last && metrics.gauge(last, "tts_audio_seconds_total");
    const rows = [
      ["status", health && (health.status === "ok" ? t("health_ok") : health.status)],
      ["version", health?.version], ["engine", health?.engine], ["kernels", health?.kernels], ["precision", health?.precision],
      ["uptime", health && uptimeText(health.uptime_seconds)], ["workers", health && number(health.queue.workers)],
      ["capacity", health && number(health.queue.capacity)], ["voices_n", health && number(health.voices)],
      ["connections", last && number(metrics.gauge(last, "http_connections") ?? 0)],
      ["requests_all", last && number(metrics.gauge(last, "tts_requests_total") ?? 0)],
      ["audio_made", made !== null && made !== undefined && uptimeText(made)],
    ].filter(([, value]) => value);
    facts.replaceChildren(...rows.map(([key, value]) => el("div", {}, el("dt", {}, t(key)), el("dd", { class: "number" }, value))),
      ...(health?.trouble ? [el("div", { class: "trouble" }, el("dt", { class: "unseen" }, t("status")), el("dd", { class: "bad" }, health.trouble))] : []));
  }

  function drawEvents() {
    list.replaceChildren(...events.map((e) => el("li", { class: "row" }, el("time", { class: "number dim", datetime: new Date(e.time).toISOString() }, timeOfDay(e.time)),
      el("span", { class: `pill ${e.kind}` }, e.text()), e.n > 1 ? el("span", { class: "number dim" }, `× ${number(e.n)}`) : null)));
    if (!events.length) list.append(el("li", { class: "empty" }, t("no_events")));
  }

  function draw() {
    trouble.textContent = metrics.state.trouble ? t("no_metrics", { why: metrics.state.trouble.message }) : "";
    drawCharts();
    drawFacts();
    drawEvents();
  }

  async function askHealth() {
    try {
      health = await api.get("/api/health", { signal });
    } catch { /* the figures say that nobody answers */ }
    if (!signal.aborted) drawFacts();
  }

  range.addEventListener("change", () => {
    prefs.set("range", range.value === "120" ? "" : range.value);
    drawCharts();
  });
  tables.input.addEventListener("change", () => {
    for (const { chart: c } of shown) c.showTable(tables.input.checked);
  });
  root.append(
    el("header", { class: "row head" }, el("h1", {}, t("insight")), el("small", {}, t("since_open", { n: metrics.EVERY / 1000 })),
      el("div", { class: "row controls" }, range, tables.whole, run)),
    trouble,
    el("section", { class: "card server", "aria-labelledby": "server-title" }, el("header", {}, el("h2", { id: "server-title" }, t("health"))), facts),
    grid,
    el("section", { class: "card", "aria-labelledby": "events-title" }, el("header", {}, el("h2", { id: "events-title" }, t("events"))), list));

  metrics.start();
  metrics.watch(draw, signal);
  const timer = setInterval(askHealth, HEALTH_EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  drawRun();
  draw();
  askHealth();
}
