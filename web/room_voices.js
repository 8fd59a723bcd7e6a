import { translator } from "./i18n.js";
import { el } from "./ui.js";

const t = translator();

export function mount(root) {
  root.append(el("h1", {}, t("voices")));
}
