/* Records the microphone, without any of the browser's improvements: they change a voice. */
import { Clip } from "./clip.js";
import { translator } from "./i18n.js";

const t = translator({
  mic_insecure: ["Browsers let a page record only over HTTPS or on this machine itself.", "浏览器只允许通过 HTTPS 或本机页面录音。"],
  mic_refused: ["The browser was not allowed to use the microphone.", "浏览器未获准使用麦克风。"],
  mic_none: ["No microphone was found.", "没有找到麦克风。"],
});

/* Resolves when it records. onchunk(peak, seconds) comes ten times a second; stop() gives the Clip. It stops by itself
 * after `most` seconds, and calls onfull. */
export async function record({ most, onchunk, onfull }) {
  if (!navigator.mediaDevices) throw new Error(t("mic_insecure"));
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia(
      { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 } });
  } catch (error) {
    throw new Error(t(error.name === "NotFoundError" ? "mic_none" : "mic_refused"));
  }
  const context = new AudioContext();
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    context.close().catch(() => {});
  };
  try {
    await context.audioWorklet.addModule(new URL("recorder_worklet.js", import.meta.url));
  } catch (error) {
    end();
    throw error;
  }
  const clip = new Clip(context.sampleRate);
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  context.createMediaStreamSource(stream).connect(tap);
  tap.port.onmessage = ({ data }) => {
    if (clip.ended) return;
    clip.add(data);
    onchunk(data.reduce((top, x) => Math.max(top, Math.abs(x)), 0), clip.seconds);
    if (clip.seconds >= most) onfull();
  };
  return {
    stop() {
      end();
      if (!clip.ended) clip.end();
      return clip;
    },
  };
}
