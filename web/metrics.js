/* What /metrics has said since this page was opened: samples of all its numbers, and what follows from two of them. Counters
 * and histograms only grow, so what happened between two samples is their difference; a smaller number means that the
 * server began anew, and counts from 0. */
import * as api from "./api.js";
import * as prefs from "./prefs.js";

export const EVERY = 2000; /* ms */
const SAMPLES_MAX = 3600_000 / EVERY + 1; /* an hour */
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;

const slots = new Map();   /* 'name{labels}' → place in a sample's values */
const families = new Map(); /* name → [{ labels, slot }] */
const samples = [];        /* { time: ms, values: Float64Array, "NaN" where there is none } */
const watchers = new Set();
let timer = 0, trouble = null;

function labelsOf(text) {
  const labels = {};
  for (const [, name, value] of (text ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value.replace(/\\(.)/g, "$1");
  return labels;
}

/* Adds a sample; `text` is Prometheus' format. */
function addSample(text, time) {
  const read = [];
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : LINE.exec(line);
    if (!found) continue;
    const key = `${found[1]}{${found[2] ?? ""}}`;
    if (!slots.has(key)) {
      slots.set(key, slots.size);
      if (!families.has(found[1])) families.set(found[1], []);
      families.get(found[1]).push({ labels: labelsOf(found[2]), slot: slots.get(key) });
    }
    read.push([slots.get(key), found[3] === "+Inf" ? Infinity : Number(found[3])]);
  }
  const values = new Float64Array(slots.size).fill(NaN);
  for (const [slot, value] of read) values[slot] = value;
  samples.push({ time, values });
  if (samples.length > SAMPLES_MAX) samples.shift();
}

const matches = (labels, wanted) =>
  Object.entries(wanted).every(([k, v]) => (v instanceof RegExp ? v.test(labels[k] ?? "") : labels[k] === v));

/* The sum of what has this name and these labels; null when there is none. */
export function gauge(sample, name, wanted = {}) {
  let sum = null;
  for (const { labels, slot } of families.get(name) ?? [])
    if (!Number.isNaN(sample.values[slot] ?? NaN) && matches(labels, wanted)) sum = (sum ?? 0) + sample.values[slot];
  return sum;
}

/* How much a counter grew from one sample to another; `from` null: since the server began. */
export function growth(from, to, name, wanted = {}) {
  const end = gauge(to, name, wanted), begin = from ? gauge(from, name, wanted) ?? 0 : 0;
  if (end === null) return null;
  return end < begin ? end : end - begin;
}

/* The q-quantile of a histogram's values between two samples; null when there were none. Within a bucket they are taken to
 * lie evenly. */
export function quantile(from, to, name, q, wanted = {}) {
  const bounds = new Map();
  for (const { labels, slot } of families.get(`${name}_bucket`) ?? []) {
    if (!matches(labels, wanted)) continue;
    const end = to.values[slot] || 0, begin = from?.values[slot] || 0;
    bounds.set(labels.le, (bounds.get(labels.le) ?? 0) + (end < begin ? end : end - begin));
  }
  const sorted = [...bounds].map(([le, n]) => [le === "+Inf" ? Infinity : Number(le), n]).sort((a, b) => a[0] - b[0]);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (!all) return null;
  let below = 0, low = 0;
  for (const [bound, n] of sorted) {
    if (n >= q * all) return bound === Infinity ? low : low + ((bound - low) * (q * all - below)) / (n - below || 1);
    below = n;
    low = bound;
  }
  return low;
}

/* The mean of a histogram's values between two samples. */
export function mean(from, to, name) {
  const n = growth(from, to, `${name}_count`);
  return n ? growth(from, to, `${name}_sum`) / n : null;
}

export const labelValues = (name, label) => [...new Set((families.get(name) ?? []).map((f) => f.labels[label]))];

export const state = {
  get samples() { return samples; },
  get trouble() { return trouble; },
  get running() { return timer !== 0; },
};

/* The samples at the ends of `n` equal spans of the last `seconds`, oldest first; those without a sample are left out. */
export function spans(seconds, n) {
  const last = samples.at(-1);
  if (!last) return [];
  const step = (seconds * 1000) / n;
  const ends = [];
  let i = 0;
  for (let k = 0; k <= n; k++) {
    const end = last.time - (n - k) * step;
    while (i + 1 < samples.length && samples[i + 1].time <= end + EVERY / 4) i++;
    if (samples[i].time <= end + EVERY / 4 && ends.at(-1) !== samples[i]) ends.push(samples[i]);
  }
  return ends;
}

export function watch(run, signal) {
  watchers.add(run);
  signal?.addEventListener("abort", () => watchers.delete(run));
}

async function take() {
  try {
    addSample(await (await api.request("GET", "/metrics")).text(), Date.now());
    trouble = null;
  } catch (error) {
    trouble = error;
    if (error.status === 401 || error.status === 403) stop(); /* another token starts it again */
  }
  for (const run of [...watchers]) run();
}

/* Goes on when the room is left, so that it has something to show when one comes back. */
export function start() {
  if (timer) return;
  timer = setInterval(take, EVERY);
  take();
}

export function stop() {
  clearInterval(timer);
  timer = 0;
}

prefs.watch("token", () => trouble && start());
