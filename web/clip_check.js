/* What is wrong with a clip before it is sent, so that it can be mended while the microphone is still warm. The bounds are
 * those of the server (clip_findings.c), which looks again, and closer. */
import { decibel } from "./clip.js";
import { number, translator } from "./i18n.js";

const t = translator({
  check_silent: ["Nothing in it is loud enough to be speech.", "其中没有足够响的语音。"],
  check_too_short: ["{n} s are too short: a voice needs at least 1 s of speech.", "{n} 秒太短：至少需要 1 秒语音。"],
  check_short: ["{n} s are short: from 3 s on a voice comes out more like its owner.", "{n} 秒偏短：3 秒以上更像本人。"],
  check_long: ["{n} s are long: the first 12 s are used. Cut it, and the words with it.", "{n} 秒偏长：只使用前 12 秒。请剪短，文字也要相应调整。"],
  check_length: ["{n} s: a good length.", "{n} 秒：长度合适。"],
  check_quiet: ["The speech is quiet ({n} dB): record closer to the microphone.", "声音太小（{n} dB）：请靠近麦克风。"],
  check_clipped: ["It is clipped: record again with less gain.", "录音削波：请降低增益后重录。"],
  check_loudness: ["The loudness is good ({n} dB).", "响度合适（{n} dB）。"],
  check_noise: ["Between words it is only {n} dB quieter: noise or music is cloned with the voice.", "词间只低 {n} dB：噪声或音乐会一并被复制。"],
  check_tail: ["It ends in the middle of sound: leave some silence at the end.", "结尾处声音被截断：请在末尾留一点静音。"],
  check_tail_good: ["It ends in silence.", "结尾是静音。"],
});

export const LONGEST = 12; /* seconds that a voice is made of */
const WINDOW = 0.02;
const TAIL = 3;            /* windows */

/* [{ verdict: "good" | "note" | "bad", text }] */
export function checkClip(samples, rate) {
  const seconds = samples.length / rate, n = number(seconds, 1);
  const step = Math.max(1, Math.round(rate * WINDOW));
  const levels = [];
  let clipped = 0;
  for (let from = 0; from + step <= samples.length; from += step) {
    let sum = 0;
    for (let i = from; i < from + step; i++) {
      sum += samples[i] * samples[i];
      if (Math.abs(samples[i]) >= 0.999) clipped++;
    }
    levels.push(decibel(Math.sqrt(sum / step)));
  }
  const sorted = levels.toSorted((a, b) => a - b);
  const speech = sorted[Math.floor(sorted.length * 0.9)] ?? -90, room = sorted[Math.floor(sorted.length * 0.1)] ?? -90;
  const found = [];
  const say = (verdict, key, values) => found.push({ verdict, text: t(key, values) });

  if (speech < -42) {
    say("bad", "check_silent");
    return found;
  }
  if (seconds < 1) say("bad", "check_too_short", { n });
  else if (seconds < 3) say("note", "check_short", { n });
  else if (seconds > LONGEST + 0.05) say("note", "check_long", { n });
  else say("good", "check_length", { n });
  if (clipped > 0.0003 * samples.length) say(clipped > 0.005 * samples.length ? "bad" : "note", "check_clipped");
  else if (speech < -32) say("note", "check_quiet", { n: number(speech) });
  else say("good", "check_loudness", { n: number(speech) });
  if (speech - room < 18) say("note", "check_noise", { n: number(speech - room) });
  const tail = Math.max(...levels.slice(-TAIL));
  if (tail > -42 && tail > speech - 18) say("note", "check_tail");
  else say("good", "check_tail_good");
  return found;
}
