/* Which frequencies a clip has when: from left to right time, upwards pitch on the mel scale, the ink's strength loudness. */
import { inksOf, keepDrawn } from "./canvas.js";
import { number, translator } from "./i18n.js";
import { el } from "./ui.js";

const t = translator({
  spectrum_label: ["Spectrogram, 0 to {top} kHz. The strongest part is at about {peak} Hz; 95 % of the energy is below {edge} kHz.",
                   "频谱图，0 到 {top} kHz。最强成分约在 {peak} Hz，95% 的能量低于 {edge} kHz。"],
});

const SIZE = 1024;       /* samples a transform */
const RANGE = 75;        /* dB from the loudest to no ink */
const COLUMNS_MAX = 900;
const TOP = 12_000;      /* Hz */

/* In place, radix 2: re and im of a length that is a power of 2. */
function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let half = 1; half < n; half *= 2) {
    for (let k = 0; k < half; k++) {
      const c = Math.cos((-Math.PI * k) / half), s = Math.sin((-Math.PI * k) / half);
      for (let i = k; i < n; i += 2 * half) {
        const j = i + half;
        const x = re[j] * c - im[j] * s, y = re[j] * s + im[j] * c;
        re[j] = re[i] - x;
        im[j] = im[i] - y;
        re[i] += x;
        im[i] += y;
      }
    }
  }
}

/* [columns][SIZE / 2] energies. */
function energiesOf(samples, columns) {
  const window = Float64Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
  return Array.from({ length: columns }, (_, c) => {
    const from = Math.round(((c + 0.5) * samples.length) / columns - SIZE / 2);
    const re = new Float64Array(SIZE), im = new Float64Array(SIZE);
    for (let i = 0; i < SIZE; i++) re[i] = (samples[from + i] ?? 0) * window[i];
    fft(re, im);
    return Float64Array.from({ length: SIZE / 2 }, (_, i) => re[i] * re[i] + im[i] * im[i]);
  });
}

const mel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
const hertz = (m) => 700 * (10 ** (m / 2595) - 1);

function describe(energies, rate) {
  const sum = new Float64Array(SIZE / 2);
  for (const column of energies) column.forEach((e, i) => { sum[i] += e; });
  const all = sum.reduce((a, b) => a + b, 0);
  let edge = 0;
  for (let part = 0; edge < sum.length - 1 && part < 0.95 * all; edge++) part += sum[edge];
  const bin = rate / SIZE;
  const peak = Math.round((sum.indexOf(Math.max(...sum)) * bin) / 10) * 10;
  return t("spectrum_label", { top: number(Math.min(TOP, rate / 2) / 1000), peak: number(peak),
                               edge: number((edge * bin) / 1000, 1) });
}

/* The ink's alpha of each pixel, one column a transform. */
function pictureOf(energies, rate, height) {
  const top = Math.max(1e-12, ...energies.map((column) => column.reduce((a, b) => Math.max(a, b), 0)));
  const image = new ImageData(energies.length, height);
  const highest = mel(Math.min(TOP, rate / 2));
  for (let y = 0; y < height; y++) {
    const bin = (k) => Math.min(SIZE / 2 - 1, (hertz((k / height) * highest) * SIZE) / rate);
    const low = Math.floor(bin(height - 1 - y)), high = Math.max(low, Math.ceil(bin(height - y)) - 1);
    energies.forEach((column, x) => {
      let e = 0;
      for (let k = low; k <= high; k++) e = Math.max(e, column[k]);
      const level = 1 + (10 * Math.log10(e / top + 1e-12)) / RANGE;
      image.data[4 * (y * energies.length + x) + 3] = 255 * Math.max(0, level) ** 1.5;
    });
  }
  return image;
}

export function spectrogram(clip, { signal }) {
  const canvas = el("canvas", { class: "spectrogram", role: "img" });
  let energies = null, made = 0;
  const soon = keepDrawn(canvas, (context, width, height) => {
    if (!clip.ended || !clip.length) return;
    const columns = Math.min(COLUMNS_MAX, width);
    if (!energies || made !== columns) {
      energies = energiesOf(clip.samples(), made = columns);
      canvas.setAttribute("aria-label", describe(energies, clip.rate));
    }
    const image = pictureOf(energies, clip.rate, Math.min(height, 256));
    const small = new OffscreenCanvas(image.width, image.height);
    small.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, width, height);
    context.globalCompositeOperation = "source-in";
    [context.fillStyle] = inksOf(canvas);
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "source-over";
  }, signal);
  canvas.setAttribute("aria-label", "");
  canvas.hidden = !clip.ended;
  clip.watch(() => {
    canvas.hidden = !clip.ended;
    soon();
  }, signal);
  return canvas;
}
