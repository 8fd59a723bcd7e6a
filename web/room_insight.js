/* How the server does, over time, from the counters of /metrics; what it is; and what went other than asked for. */
import { chart } from "./charts.js";
import { number, timeOfDay, translator } from "./i18n.js";
import { chartsThere } from "./insight_charts.js";
import { events } from "./insight_events.js";
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
});

const POINTS = 60;
const HEALTH_EVERY = 10_000; /* ms */

function uptimeText(s) {
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  return d ? t("days", { d, h }) : h ? t("hours", { h, m }) : t("minutes", { m, s: Math.floor(s % 60) });
}

export function mount(root, { api, signal }) {
  const range = select(["120", "600", "3600"].map((s) => [s, t(`range_${s}`)]), prefs.get("range", "120"),
    { id: "insight-range", "aria-label": t("range") });
  const tables = toggle(t("tables"), { id: "insight-tables" });
  const run = button({ icon: "pause", label: t("pause"), onclick: () => {
    if (metrics.state.running) metrics.stop();
    else metrics.start();
    drawRun();
  } });
  const drawRun = () => {
    const { running } = metrics.state;
    run.replaceChildren(icon(running ? "pause" : "play"), el("span", {}, t(running ? "pause" : "go_on")));
  };
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
    for (const { spec, chart: c } of shown) {
      const points = ends.slice(1).map((b, i) => ({ time: b.time, values: spec.of.map((f) => f(ends[i], b)) }));
      c.update(points, [last - whole * 1000, last]);
    }
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
    facts.replaceChildren(...rows.map(([key, value]) => el("div", {}, el("dt", {}, t(key)), el("dd", { class: "number" }, value))));
    if (health?.trouble)
      facts.append(el("div", { class: "trouble" }, el("dt", { class: "unseen" }, t("status")), el("dd", { class: "bad" }, health.trouble)));
  }

  function drawEvents() {
    list.replaceChildren(...events.map((e) => el("li", { class: "row" },
      el("time", { class: "number dim", datetime: new Date(e.time).toISOString() }, timeOfDay(e.time)),
      el("span", { class: `pill ${e.kind}` }, e.text()),
      e.n > 1 ? el("span", { class: "number dim" }, `× ${number(e.n)}`) : null)));
    if (!events.length) list.append(el("li", { class: "empty" }, t("no_events")));
  }

  function draw() {
    trouble.textContent = metrics.state.trouble ? t("no_metrics", { why: metrics.state.trouble.message }) : "";
    drawRun();
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
  const card = (id, title, content) => el("section", { class: "card", "aria-labelledby": id },
    el("header", {}, el("h2", { id }, title)), content);
  root.append(
    el("header", { class: "row head" }, el("h1", {}, t("insight")),
      el("small", {}, t("since_open", { n: metrics.EVERY / 1000 })), el("div", { class: "row controls" }, range, tables.whole, run)),
    trouble, card("server-title", t("health"), facts), grid, card("events-title", t("events"), list));

  metrics.start();
  metrics.watch(draw, signal);
  const timer = setInterval(askHealth, HEALTH_EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  drawRun();
  draw();
  askHealth();
}
