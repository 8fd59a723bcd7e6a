/* The room a streamer has open: chats, what sounds, what waits, what was written. */
import { chatCard } from "./live_chat.js";
import { channelsCard } from "./live_channels.js";
import { queueCard } from "./live_queue.js";
import { stageCard } from "./live_stage.js";
import { testCard } from "./live_test.js";
import { translator } from "./i18n.js";
import { el } from "./ui.js";
import { voiceOptions } from "./voice_list.js";

const t = translator();

export async function mount(root, { go, signal }) {
  root.append(el("h1", { class: "unseen" }, t("live")));
  const voices = await voiceOptions();
  if (signal.aborted) return;
  const context = { voices, go, signal };
  const side = el("div", { class: "side" }, channelsCard(context)), test = testCard(context);
  root.append(side, el("div", { class: "middle" }, stageCard(context), queueCard(context)), chatCard(context));

  /* beside the stage where there is room, at the end where there is not; the keyboard goes the way that eyes go */
  const wide = matchMedia("(min-width: 56rem)");
  const place = () => (wide.matches ? side : root).append(test);
  wide.addEventListener("change", place, { signal });
  place();
}
