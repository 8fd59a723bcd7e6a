/* On the sound's own thread: hands on what the microphone hears, a tenth of a second at a time. */
class Tap extends AudioWorkletProcessor {
  #kept = new Float32Array(Math.round(sampleRate / 10));
  #filled = 0;

  process([[channel]]) {
    if (!channel) return true;
    for (const sample of channel) {
      this.#kept[this.#filled++] = sample;
      if (this.#filled === this.#kept.length) {
        this.port.postMessage(this.#kept.slice());
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
