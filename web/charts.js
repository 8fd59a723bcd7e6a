/* Lines over time, as a picture and as a table of the same numbers. Lines differ by dashes as well as by colour. */
import { timeOfDay, translator } from "./i18n.js";
import { el } from "./ui.js";

const t = translator({
  time: ["Time", "时间"],
  no_data: ["Nothing yet", "暂无数据"],
  chart_line: ["{name}: now {now}, at most {most}", "{name}：当前 {now}，最高 {most}"],
});

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600, HEIGHT = 150; /* units of the drawing, which is stretched */
const ROWS_MAX = 15;             /* of the table */

function svg(tag, attributes) {
  const e = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

/* The next of 1, 2, 5 × 10^n from a number up. */
function roundUp(value) {
  if (value <= 0) return 1;
  const ten = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= value * 0.999);
}

/* `series` are names, `format` makes a number a text, `mark` draws a line at a value when it is in sight, `most` is the
 * axis' end at least. update([{ time, values: [number or null] }], [from, to]) draws anew. */
export function chart({ title, series, format, mark, most = 0 }) {
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const top = el("span", { class: "top number", "aria-hidden": "true" });
  const bottom = el("span", { class: "bottom number", "aria-hidden": "true" });
  const begin = el("span", {}), end = el("span", {});
  const cursor = el("span", { class: "cursor", hidden: true });
  const values = series.map(() => el("b", { class: "number" }));
  const legend = el("ul", { class: "legend" }, series.map((name, i) => {
    const dash = svg("svg", { viewBox: "0 0 24 8", class: "dash", "aria-hidden": "true" });
    dash.append(svg("path", { d: "M0 4H24", class: `line s${i}` }));
    return el("li", {}, dash, el("span", {}, name), values[i]);
  }));
  const plot = el("div", { class: "plot" }, picture, top, bottom, cursor);
  const when = el("div", { class: "when number", "aria-hidden": "true" }, begin, end);
  const body = el("tbody", {});
  const heads = [t("time"), ...series].map((s) => el("th", { scope: "col" }, s));
  const table = el("div", { class: "numbers", tabindex: 0, role: "region", "aria-label": title, hidden: true },
    el("table", {}, el("caption", { class: "unseen" }, title), el("thead", {}, el("tr", {}, heads)), body));
  const root = el("section", { class: "card chart", "aria-label": title },
    el("header", {}, el("h2", {}, title)), legend, plot, when, table);
  let shown = [], range = [0, 1], asTable = false;

  const text = (value) => (value === null || value === undefined ? "–" : format(value));
  const x = (time) => ((time - range[0]) / (range[1] - range[0])) * WIDTH;

  /* The newest value of each line, or those at the pointer. */
  function tell(at = null) {
    values.forEach((b, i) => {
      const newest = shown.findLast((p) => p.values[i] !== null)?.values[i];
      b.textContent = text(at ? at.values[i] : newest);
    });
    cursor.hidden = !at;
    if (at) cursor.style.setProperty("--at", x(at.time) / WIDTH);
    end.textContent = shown.length ? timeOfDay((at ?? shown.at(-1)).time) : "";
  }

  plot.addEventListener("pointermove", (e) => {
    const box = plot.getBoundingClientRect();
    const at = range[0] + ((e.clientX - box.left) / box.width) * (range[1] - range[0]);
    const near = shown.reduce((best, p) => (!best || Math.abs(p.time - at) < Math.abs(best.time - at) ? p : best), null);
    tell(near);
  });
  plot.addEventListener("pointerleave", () => tell());

  function drawPicture() {
    const peak = shown.reduce((m, p) => Math.max(m, ...p.values.map((v) => v ?? 0)), 0);
    const high = roundUp(Math.max(peak, most));
    const y = (v) => HEIGHT - 2 - (v / high) * (HEIGHT - 6);
    const parts = [0.25, 0.5, 0.75, 1].map((f) => svg("path", { class: "grid-line", d: `M0 ${y(f * high)}H${WIDTH}` }));
    if (mark !== undefined && mark <= high) parts.push(svg("path", { class: "mark", d: `M0 ${y(mark)}H${WIDTH}` }));
    series.forEach((name, i) => {
      let d = "", pen = false;
      for (const { time, values: v } of shown) {
        if (v[i] === null) {
          if (pen) d += "h.01"; /* a lone value is a dot */
          pen = false;
          continue;
        }
        d += `${pen ? "L" : "M"}${x(time).toFixed(1)} ${y(v[i]).toFixed(1)}`;
        pen = true;
      }
      if (d) parts.push(svg("path", { class: `line s${i}`, d: `${d}h.01` }));
    });
    picture.replaceChildren(...parts);
    top.textContent = format(high);
    bottom.textContent = "0";
    begin.textContent = timeOfDay(range[0]);
    const lines = series.map((name, i) => {
      const known = shown.map((p) => p.values[i]).filter((v) => v !== null);
      return t("chart_line", { name, now: text(known.at(-1)), most: text(known.length ? Math.max(...known) : null) });
    });
    picture.setAttribute("aria-label", `${title}. ${peak || shown.length ? lines.join("; ") : t("no_data")}`);
  }

  function drawTable() {
    const step = Math.max(1, Math.ceil(shown.length / ROWS_MAX));
    const rows = shown.filter((_, i) => (shown.length - 1 - i) % step === 0).reverse();
    body.replaceChildren(...rows.map((p) => el("tr", {}, el("th", { scope: "row", class: "number" }, timeOfDay(p.time)),
      p.values.map((v) => el("td", { class: "number" }, text(v))))));
  }

  return {
    root,
    showTable(on) {
      asTable = on;
      table.hidden = !on;
      plot.hidden = when.hidden = on;
      if (on) drawTable();
    },
    update(points, span) {
      shown = points;
      range = span;
      drawPicture();
      tell();
      if (asTable) drawTable();
    },
  };
}
