/* Plays what the server sends over /api/danmaku/stream, on this page or in OBS, one clip after the other.
 *
 * Packets are u32 LE header length | header JSON | WAV; texts are controls, obeyed at once. Where no sound can or
 * shall be made, clips pass in silence for as long as they would have lasted, so that captions are right anyway.
 *
 * Browsers, and OBS more so, stop playing now and then without a word. A look every two seconds whether the clock of
 * the sound runs rebuilds what does not; and what has been idle for some minutes is made anew before anything can go
 * wrong. */
import { socket } from "./api.js";

const LOOK = 2000;               /* ms */
const FRESH = 5 * 60_000;        /* ms after which an idle context is made anew */
const PATIENCE = 3;              /* looks at a context that ran once and will not go on */
const WAITING_MAX = 8;           /* clips that wait here; the server sends one at a time, so more means trouble */
const FADE = 0.015;              /* seconds, so that stopping does not click */

export class Player {
  /* `wants(header)` says which clips are for here; onplay(header, seconds), onend(header, cut), onchange()
   * hear of it; `cut`: it was ended before its time. */
  constructor({ wants = () => true, onplay, onend, onchange, accessToken, audible = true }) {
    Object.assign(this, { wants, onplay, onend, onchange, accessToken });
    this.on = audible;
    this.volume = 1;
    this.paused = false;
    this.locked = false; /* the browser wants a click first */
    this.waiting = [];
    this.current = null; /* { header, buffer, from, seconds, source, timer } */
    this.turn = 0;
    this.arriving = Promise.resolve();
  }

  start() {
    this.#build();
    this.socket = socket("/api/danmaku/stream", {
      accessToken: this.accessToken,
      onbinary: (data) => this.#arrive(data),
      ontext: (message) => this.#obey(message),
    });
    this.look = setInterval(() => this.#look(), LOOK);
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.locked && this.unlock(), true);
  }

  restart() {
    this.socket?.restart();
  }

  turnOn(on) {
    this.on = on;
    if (on) this.unlock();
    this.#setGain();
    this.onchange?.();
  }

  /* To be called from a click or a key. */
  async unlock() {
    if (!this.context || this.context.state === "closed") this.#build();
    if (!this.paused) await this.context.resume().catch(() => {});
    this.#noticeLock();
  }

  /* Seconds into the clip that sounds. */
  position() {
    const c = this.current;
    if (!c) return 0;
    let gone = 0; /* neither of both during a pause */
    if (c.source) gone = this.context.currentTime - c.at;
    else if (c.timer) gone = (performance.now() - c.at) / 1000;
    return Math.min(c.seconds, c.from + gone);
  }

  /* -------- the context -------- */

  #build() {
    this.context?.close().catch(() => {});
    this.context = new AudioContext({ latencyHint: "balanced" });
    this.built = performance.now();
    this.resuming = null;
    this.stuck = 0;
    this.gain = this.context.createGain();
    this.gain.connect(this.context.destination);
    this.#setGain();
    const mine = this.context;
    mine.onstatechange = () => mine === this.context && this.#noticeLock();
    this.#noticeLock();
  }

  #setGain() {
    this.gain.gain.setTargetAtTime(this.on ? this.volume : 0, this.context.currentTime, FADE);
  }

  #noticeLock() {
    const locked = !this.paused && this.context.state === "suspended";
    if (locked === this.locked) return;
    this.locked = locked;
    this.onchange?.();
    /* what was waiting for a click is silent meanwhile, and goes on sounding after it */
    if (this.current && !this.paused) this.#play(this.current, this.position());
  }

  #look() {
    const now = this.context.currentTime;
    if (this.on && !this.paused) {
      if (this.context.state === "running") {
        this.ran = true;
        this.stuck = 0;
        if (now === this.seen || (!this.current && performance.now() - this.built > FRESH)) this.#heal();
      } else if (this.context.state === "closed" || (this.ran && ++this.stuck === PATIENCE)) {
        this.#heal();
      } else {
        this.#resume();
      }
    }
    this.seen = this.context.currentTime;
  }

  /* One try at a time: where a click is wanted first it stays open until there is one. */
  #resume() {
    const mine = this.context;
    this.resuming ??= mine.resume().catch(() => {}).finally(() => {
      if (mine === this.context) this.resuming = null;
    });
  }

  #heal() {
    const c = this.current, at = this.position();
    if (c) this.#silence(c);
    this.#build();
    this.seen = -1;
    if (c && !this.paused) this.#play(c, at);
  }

  /* -------- clips -------- */

  #arrive(data) {
    const length = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    if (!this.wants(header)) return;
    const turn = this.turn;
    this.arriving = this.arriving.then(async () => {
      let buffer = null;
      try {
        buffer = await this.context.decodeAudioData(data.slice(4 + length));
      } catch { /* the caption is shown even so */ }
      if (turn !== this.turn) return; /* skipped meanwhile */
      this.waiting.push({ header, buffer, from: header.offset ?? 0,
        seconds: buffer?.duration ?? header.duration ?? 3 });
      while (this.waiting.length > WAITING_MAX) this.waiting.shift();
      this.#next();
    });
  }

  #next() {
    if (this.current || this.paused || !this.waiting.length) return;
    const c = this.current = this.waiting.shift();
    this.onplay?.(c.header, c.seconds, c.from);
    this.#play(c, c.from);
  }

  #play(c, from) {
    this.#silence(c);
    c.from = from;
    if (c.buffer && !this.locked) {
      c.source = this.context.createBufferSource();
      c.source.buffer = c.buffer;
      c.source.connect(this.gain);
      c.at = this.context.currentTime;
      c.source.onended = () => this.#finish(c);
      c.source.start(0, from);
    } else {
      c.at = performance.now();
      c.timer = setTimeout(() => this.#finish(c), Math.max(0, c.seconds - from) * 1000);
    }
  }

  #silence(c) {
    clearTimeout(c.timer);
    c.timer = null;
    if (!c.source) return;
    c.source.onended = null;
    try {
      c.source.stop();
    } catch { /* its context is gone */ }
    c.source.disconnect();
    c.source = null;
  }

  #finish(c, cut = false) {
    if (c !== this.current) return;
    this.#silence(c);
    this.current = null;
    this.onend?.(c.header, cut);
    this.#next();
  }

  #obey(message) {
    const { type } = message;
    if (message.volume !== undefined && message.volume !== this.volume) {
      this.volume = message.volume;
      this.#setGain();
    }
    if (type === "skip" || type === "panic" || type === "replay") this.stop();
    this.#setPaused(message.paused ?? (type === "pause" || type === "panic" || (type !== "resume" && this.paused)));
    if (type === "clear") this.waiting = [];
    this.onchange?.();
  }

  /* What sounds and what is on its way here ends now. */
  stop() {
    this.turn++;
    this.waiting = [];
    if (this.current) this.#finish(this.current, true);
  }

  #setPaused(paused) {
    if (paused === this.paused) return;
    const c = this.current, at = this.position();
    this.paused = paused;
    if (c && paused) {
      this.#silence(c);
      c.from = at;
    } else if (c) {
      this.#play(c, at);
    }
    this.#next();
  }
}
