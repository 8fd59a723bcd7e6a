/* One column of settings: voice, engine, and every number that POST /api/tts takes. */
import { translator } from "./i18n.js";
import { NUMBERS } from "./speech_request.js";
import { button, el, field, select, toggle } from "./ui.js";

const t = translator({
  settings_of: ["Settings {which}", "设置 {which}"],
  settings_one: ["Settings", "设置"],
  voice: ["Voice", "音色"],
  engine: ["Engine", "引擎"],
  engine_own: ["The voice's own", "音色自带"],
  engine_f5: ["F5 model", "F5 模型"],
  engine_builtin: ["Built-in voice", "内置语音"],
  set_speed: ["Speed", "语速"],
  set_speed_help: ["1 is the voice's own pace.", "1 为音色原本的语速。"],
  set_nfe_step: ["Evaluations (NFE)", "求值步数（NFE）"],
  set_nfe_step_help: ["More take longer and sound better.", "越多越慢，音质越好。"],
  set_cfg_strength: ["Guidance (CFG)", "引导强度（CFG）"],
  set_cfg_strength_help: ["How closely text and voice are followed; 0 halves the work.", "贴合文本与音色的程度；0 时计算量减半。"],
  set_sway_sampling_coef: ["Sway", "摇摆采样"],
  set_sway_sampling_coef_help: ["Where the evaluations lie.", "求值点的分布。"],
  set_target_rms: ["Loudness (RMS)", "响度（RMS）"],
  set_target_rms_help: ["Of the clip before it is copied.", "参考音频的目标响度。"],
  set_cross_fade_duration: ["Cross-fade, s", "交叉淡化，秒"],
  set_cross_fade_duration_help: ["How long pieces run into each other.", "片段之间重叠的时长。"],
  set_fix_duration: ["Fixed duration, s", "固定时长，秒"],
  set_fix_duration_help: ["Of clip and speech together; 0 estimates it.", "参考音频与语音合计；0 为自动估计。"],
  set_seed: ["Seed", "随机种子"],
  set_seed_help: ["The same seed gives the same sound; -1 another each time.", "相同种子得到相同声音；-1 为每次不同。"],
  remove_silence: ["Take out long pauses", "去除长停顿"],
  remove_silence_help: ["The sound then comes all at once.", "此时音频一次性返回。"],
  for_model: ["Of the model", "模型参数"],
  builtin_note: ["The built-in voice hears the speed alone.", "内置语音只受语速影响。"],
  reset: ["Reset", "重置"],
});

/* The slider's 0..1 for a value, and back. */
function scaleOf({ min, max, scale }) {
  const low = Math.log(Math.max(min, 1e-3)), high = Math.log(max);
  return scale === "log"
    ? { to: (v) => (Math.log(Math.max(v, 1e-3)) - low) / (high - low), from: (x) => Math.exp(low + x * (high - low)) }
    : { to: (v) => (v - min) / (max - min), from: (x) => min + x * (max - min) };
}

const rounded = (value, { step, min, max }) => {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Number(Math.min(max, Math.max(min, Math.round(value / step) * step)).toFixed(digits));
};

/* A number, empty for what the server does by itself, with a slider for the hand; the keyboard has the number. */
function dial(spec, id, settings, changed) {
  const { name, min, max, usual, slider } = spec;
  const input = el("input", { type: "number", id: `${id}-${name}`, min, max, step: "any", placeholder: String(usual),
                              inputmode: "decimal", value: settings[name] });
  const scale = scaleOf(spec);
  const range = slider === false ? null
    : el("input", { type: "range", min: 0, max: 1, step: 0.001, tabindex: -1, "aria-hidden": "true" });
  const follow = () => {
    if (range) range.value = scale.to(input.value === "" ? usual : Number(input.value));
  };
  input.addEventListener("input", () => {
    settings[name] = input.checkValidity() ? input.value : settings[name];
    input.setAttribute("aria-invalid", String(!input.checkValidity()));
    follow();
    changed();
  });
  input.addEventListener("keydown", (e) => {
    if (e.key !== "ArrowUp" && e.key !== "ArrowDown") return;
    e.preventDefault();
    const now = input.value === "" ? usual : Number(input.value);
    input.value = rounded(now + (e.key === "ArrowUp" ? spec.step : -spec.step), spec);
    input.dispatchEvent(new Event("input"));
  });
  range?.addEventListener("input", () => {
    input.value = rounded(scale.from(Number(range.value)), spec);
    input.dispatchEvent(new Event("input"));
  });
  follow();
  const whole = field(t(`set_${name}`), input, t(`set_${name}_help`));
  const dial = el("div", { class: "dial" });
  input.replaceWith(dial);
  dial.append(input, range ?? "");
  return whole;
}

/* `which` is "A", "B", or "" when there is one; `changed` is called when something was set. */
export function settingsPanel(settings, which, voices, changed) {
  const id = `studio-${which || "A"}`;
  const panel = el("fieldset", { class: "settings" });

  function draw() {
    const voice = select([["", t("default_voice")], ...voices.map((v) => [v.id, v.engine_label || v.id])], settings.voice_id,
      { id: `${id}-voice` });
    const engine = select([["", t("engine_own")], ["f5", t("engine_f5")], ["builtin", t("engine_builtin")]], settings.engine,
      { id: `${id}-engine` });
    if (voice.selectedIndex < 0) voice.value = settings.voice_id = "";
    const silence = toggle(t("remove_silence"), { id: `${id}-silence`, help: t("remove_silence_help") });
    silence.input.checked = settings.remove_silence;
    const note = el("p", { class: "dim", role: "status" });
    const drawNote = () => {
      const chosen = voices.find((v) => (settings.voice_id ? v.id === settings.voice_id : v.default));
      note.textContent = chosen?.engine === "builtin" ? t("builtin_note") : "";
    };
    const keep = (name, read) => (e) => {
      settings[name] = read(e.target);
      drawNote();
      changed();
    };
    voice.addEventListener("change", keep("voice_id", (f) => f.value));
    engine.addEventListener("change", keep("engine", (f) => f.value));
    silence.input.addEventListener("change", keep("remove_silence", (f) => f.checked));
    drawNote();
    const dials = (model) => NUMBERS.filter((n) => Boolean(n.model) === model).map((n) => dial(n, id, settings, changed));
    panel.replaceChildren(
      el("legend", {}, which ? t("settings_of", { which }) : t("settings_one")),
      el("div", { class: "grid" }, field(t("voice"), voice), field(t("engine"), engine), dials(false)),
      el("details", { open: NUMBERS.some((n) => n.model && settings[n.name] !== "") || undefined },
        el("summary", {}, t("for_model")), note, el("div", { class: "grid" }, dials(true))),
      el("div", { class: "row" }, silence.whole,
        button({ icon: "replay", label: t("reset"), kind: "ghost small", onclick: reset })));
  }

  function reset() {
    for (const { name } of NUMBERS) settings[name] = "";
    settings.remove_silence = false;
    draw();
    changed();
  }

  draw();
  return { panel, draw };
}
