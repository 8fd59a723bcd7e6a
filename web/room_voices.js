/* The voices there are, and where one more is made. */
import { number, translator } from "./i18n.js";
import * as sounder from "./sounder.js";
import { attempt, el } from "./ui.js";
import { voiceCard } from "./voice_card.js";
import { newVoiceCard } from "./voice_new.js";

const t = translator({
  voices_count: ["{n} to choose from", "共 {n} 个"],
});

export async function mount(root, { api, signal }) {
  const list = el("ul", { class: "voices-list" });
  const count = el("small", { role: "status" });
  let drawn = null;

  async function refresh(focusId = null) {
    const voices = await attempt(() => api.get("/api/voices", { signal }));
    if (!voices || signal.aborted) return;
    const open = new Set([...list.querySelectorAll("details[open]")].map((d) => d.id));
    drawn?.abort();
    drawn = new AbortController();
    const until = AbortSignal.any([signal, drawn.signal]);
    list.replaceChildren(...voices.map((v) => voiceCard(v, refresh, until)));
    for (const details of list.querySelectorAll("details")) details.open = open.has(details.id);
    count.textContent = t("voices_count", { n: number(voices.length) });
    if (focusId === null) return;
    const card = [...list.children].find((c) => c.dataset.id === focusId) ?? list.firstElementChild;
    card?.querySelector("h2").focus();
  }

  root.append(el("header", { class: "row" }, el("h1", {}, t("voices")), count));
  await refresh();
  if (signal.aborted) return;
  root.append(list, newVoiceCard((voice) => refresh(voice.id), signal));
}

export function unmount() {
  sounder.stop();
}
