/* Rules of what is said, the overlay's address, and what belongs to this browser. #settings/twitch/someone opens the
 * rules of that channel. */
import { overlayCard, pageCard } from "./settings_page.js";
import { rulesPart } from "./settings_rules.js";
import { translator } from "./i18n.js";
import { el } from "./ui.js";
import { voiceOptions } from "./voice_list.js";

const t = translator();

export async function mount(root, { signal }) {
  root.append(el("h1", {}, t("settings")));
  const voices = await voiceOptions();
  if (signal.aborted) return;
  const [, platform, channel] = location.hash.split("/");
  const wanted = channel ? `${platform}/${decodeURIComponent(channel)}` : "";
  const rules = rulesPart({ voices, wanted, signal });
  root.append(rules.node,
    el("div", { class: "page" }, overlayCard({ signal }), pageCard()));
  await rules.ready;
}
