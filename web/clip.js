/* Sound in memory, whole or still arriving: mono, -1..1. */
const RATE = 24000; /* Hz, of what the server says */

export class Clip {
  #chunks = [];
  #watchers = new Set();

  constructor(rate = RATE, samples = null) {
    this.rate = rate;
    this.length = 0;
    this.ended = samples !== null;
    this.cue = 0; /* seconds: where the next playing begins */
    if (samples) this.add(samples);
  }

  get seconds() {
    return this.length / this.rate;
  }

  add(samples) {
    if (!samples.length) return;
    this.#chunks.push(samples);
    this.length += samples.length;
    this.#tell();
  }

  end() {
    this.ended = true;
    this.#tell();
  }

  /* All that has arrived, in one piece. Not to be written to. */
  samples() {
    if (this.#chunks.length !== 1) {
      const whole = new Float32Array(this.length);
      let at = 0;
      for (const chunk of this.#chunks) {
        whole.set(chunk, at);
        at += chunk.length;
      }
      this.#chunks = [whole];
    }
    return this.#chunks[0];
  }

  watch(run, signal) {
    this.#watchers.add(run);
    signal?.addEventListener("abort", () => this.#watchers.delete(run));
  }

  #tell() {
    for (const run of [...this.#watchers]) run();
  }
}

/* Turns bytes that arrive in any portions into samples of 16 bit, little-endian. */
export function pcmReader() {
  let odd = null;
  return (bytes) => {
    if (odd !== null) {
      const joined = new Uint8Array(bytes.length + 1);
      joined[0] = odd;
      joined.set(bytes, 1);
      bytes = joined;
    }
    odd = bytes.length % 2 ? bytes[bytes.length - 1] : null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length & ~1);
    const samples = new Float32Array(view.byteLength / 2);
    for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
    return samples;
  };
}

/* A file that the browser can read, channels mixed; rejects when it cannot. */
export async function decode(bytes, rate = RATE) {
  const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  const mixed = new Float32Array(buffer.length);
  for (let c = 0; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < mixed.length; i++) mixed[i] += channel[i] / buffer.numberOfChannels;
  }
  return new Clip(rate, mixed);
}

function pcmBytes(samples, into, at) {
  const view = new DataView(into, at);
  for (let i = 0; i < samples.length; i++)
    view.setInt16(2 * i, Math.round(Math.max(-1, Math.min(1, samples[i])) * 32767), true);
}

/* 16 bit, as a file without and with a header. */
export function pcmFile(samples) {
  const bytes = new ArrayBuffer(2 * samples.length);
  pcmBytes(samples, bytes, 0);
  return new Blob([bytes], { type: "audio/pcm" });
}

export function wavFile(samples, rate) {
  const bytes = new ArrayBuffer(44 + 2 * samples.length);
  const view = new DataView(bytes);
  const name = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  name(0, "RIFF");
  view.setUint32(4, bytes.byteLength - 8, true);
  name(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); /* PCM */
  view.setUint16(22, 1, true); /* mono */
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  name(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  pcmBytes(samples, bytes, 44);
  return new Blob([bytes], { type: "audio/wav" });
}

/* Gives `blob` to the browser's downloads. */
export function save(blob, name) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
}

export const decibel = (amplitude) => (amplitude > 0 ? Math.max(-90, 20 * Math.log10(amplitude)) : -90);
