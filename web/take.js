/* One request for speech and what came of it: the sound while it arrives, and the figures. */
import * as api from "./api.js";
import { Clip, pcmFile, pcmReader, wavFile } from "./clip.js";
import { translator } from "./i18n.js";
import { PIECE } from "./speech_request.js";

const t = translator({
  cut_off: ["The sound was cut off: the server failed half way.", "音频中断：服务器中途出错。"],
});

const TYPES = { wav: "audio/wav", mp3: "audio/mpeg", opus: "audio/ogg", ogg: "audio/ogg", flac: "audio/flac" };
const HISTORY_LOOK = 20; /* generations among which ours must be by then */

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

/* `figures`: { engine, nfe, seed, degraded, queue_ms } from the headers; heard_ms, what passed here until the first sound
 * came; whole_ms; and from the history, if the server keeps one, first_audio_seconds and rtf. */
export class Take {
  constructor(request) {
    this.request = request;
    this.clip = new Clip();
    this.figures = {};
  }

  /* onfirst is called when there is something to hear. Rejects when it failed; what has come by then stays. */
  async make({ signal, onfirst } = {}) {
    const began = performance.now();
    const id = newId();
    try {
      const response = await api.request("POST", "/api/tts",
        { json: { ...this.request, format: PIECE, stream: true }, signal, more: { "x-request-id": id } });
      const header = (name) => response.headers.get(`x-ishow-${name}`);
      this.figures = { engine: header("engine"), nfe: Number(header("nfe") ?? 0), seed: header("seed"),
                       degraded: header("degraded") ?? "", queue_ms: Number(header("queue-ms") ?? 0) };
      const reader = response.body.getReader();
      const samplesOf = pcmReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const first = !this.clip.length;
        this.clip.add(samplesOf(value));
        if (first && this.clip.length) {
          this.figures.heard_ms = performance.now() - began;
          onfirst?.();
        }
      }
      this.figures.whole_ms = performance.now() - began;
    } catch (error) {
      if (error.name === "AbortError" || error instanceof api.ApiError) throw error;
      throw new api.ApiError(t("cut_off"));
    } finally {
      this.clip.end();
    }
    await this.#lookUp(id, signal);
  }

  async #lookUp(id, signal) {
    try {
      const { items } = await api.get(`/api/history?limit=${HISTORY_LOOK}`, { signal });
      const mine = items.find((i) => i.request_id === id);
      if (mine) Object.assign(this.figures, { first_audio_seconds: mine.first_audio_seconds, rtf: mine.rtf });
    } catch { /* no history: the page's own figures must do */ }
  }

  /* The request that gives this very sound again. */
  sameAgain() {
    const { seed, nfe } = this.figures;
    return { ...this.request, ...(seed ? { seed: Number(seed) } : {}), ...(nfe ? { nfe_step: nfe } : {}) };
  }

  file(format) {
    if (format === "wav") return wavFile(this.clip.samples(), this.clip.rate);
    if (format === "pcm") return pcmFile(this.clip.samples());
    return speechFile(this.sameAgain(), format);
  }
}

/* The sound of a request as a file. */
export async function speechFile(request, format) {
  const { audio_base64 } = await api.post("/api/tts", { ...request, format });
  const bytes = Uint8Array.from(atob(audio_base64), (c) => c.charCodeAt(0));
  return new Blob([bytes], { type: TYPES[format] });
}
