/* What belongs to this browser: theme, language, token. And the address of the overlay for OBS, put together. */
import * as api from "./api.js";
import * as live from "./live.js";
import * as prefs from "./prefs.js";
import { LANGUAGES, language, translator } from "./i18n.js";
import { button, el, field, select, toast, toggle } from "./ui.js";

const t = translator({
  page: ["This page", "本页面"],
  theme: ["Theme", "主题"],
  theme_: ["as the system", "跟随系统"],
  theme_light: ["light", "浅色"],
  theme_dark: ["dark", "深色"],
  language: ["Language", "语言"],
  token: ["Token", "令牌"],
  token_help: [
    "Where the server asks for one. It is sent in a header; only sound and the overlay have it in their address.",
    "仅在服务器要求时填写。通过请求头发送，仅音频流与叠加层会放在地址中。",
  ],
  token_keep: ["Remember it when the tab is closed", "关闭标签页后仍记住"],
  token_save: ["Use token", "使用令牌"],
  token_forget: ["Forget token", "清除令牌"],
  token_saved: ["The token is in use", "令牌已启用"],
  token_gone: ["The token is forgotten", "令牌已清除"],
  overlay: ["Overlay for OBS", "OBS 叠加层"],
  overlay_help: [
    "Add a browser source with this address: captions and sound on a transparent ground.",
    "在 OBS 中添加浏览器源并填入此地址：透明背景的字幕与声音。",
  ],
  overlay_channel: ["Chat", "频道"],
  overlay_all: ["all", "全部"],
  overlay_theme: ["Look", "外观"],
  overlay_dark: ["dark", "深色"],
  overlay_light: ["light", "浅色"],
  overlay_outline: ["outline", "描边"],
  overlay_position: ["Place", "位置"],
  position_bottom: ["bottom", "底部"],
  position_top: ["top", "顶部"],
  position_center: ["middle", "居中"],
  "position_bottom-left": ["bottom left", "左下"],
  "position_bottom-right": ["bottom right", "右下"],
  "position_top-left": ["top left", "左上"],
  "position_top-right": ["top right", "右上"],
  overlay_size: ["Size of the text, px", "字号（像素）"],
  overlay_max: ["Captions at a time", "同时显示条数"],
  overlay_font: ["Font", "字体"],
  overlay_sound: ["With sound", "播放声音"],
  overlay_token: ["With the token of this page", "包含本页令牌"],
  overlay_token_help: [
    "Whoever sees the address can then use the server. A token with scope read alone is enough.",
    "看到地址的人即可使用服务器。只需 read 权限的令牌。",
  ],
  address: ["Address", "地址"],
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  open: ["Open", "打开"],
});

const POSITIONS = ["bottom", "top", "center", "bottom-left", "bottom-right", "top-left", "top-right"];

function choice(legend, name, options, value, change) {
  return el("fieldset", { class: "choice" }, el("legend", {}, legend),
    el("div", { class: "segments" }, options.map(([code, label]) => {
    const input = el("input", { type: "radio", name, value: code, id: `${name}-${code || "system"}`, class: "unseen" });
    input.checked = code === value;
    input.addEventListener("change", () => change(code));
    return [input, el("label", { for: input.id }, label)];
  })));
}

export function pageCard() {
  const input = el("input", { type: "password", id: "settings-token", autocomplete: "off", value: api.token() });
  const keep = toggle(t("token_keep"));
  keep.input.checked = api.token() !== "" && !prefs.isSession("token");
  const use = (value) => {
    input.value = value; /* before others hear of it: the room is made anew then */
    prefs.set("token", value, { session: !keep.input.checked });
    toast(t(value ? "token_saved" : "token_gone"), "good");
  };
  const form = el("form", { class: "token" }, field(t("token"), input, t("token_help")), keep.whole,
    el("div", { class: "row" }, el("button", { class: "primary" }, t("token_save")),
      button({ label: t("token_forget"), onclick: () => use("") })));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    use(input.value.trim());
  });
  return el("section", { class: "card", "aria-labelledby": "page-title" },
    el("header", {}, el("h2", { id: "page-title" }, t("page"))),
    choice(t("theme"), "theme", ["", "light", "dark"].map((c) => [c, t(`theme_${c}`)]), prefs.get("theme"),
      (c) => prefs.set("theme", c)),
    choice(t("language"), "language", LANGUAGES, language(), (c) => prefs.set("language", c)), form);
}

export function overlayCard({ signal }) {
  const channel = select([], "", { id: "overlay-channel" });
  const theme = select(["dark", "light", "outline"].map((c) => [c, t(`overlay_${c}`)]), "dark",
    { id: "overlay-theme" });
  const position = select(POSITIONS.map((c) => [c, t(`position_${c}`)]), "bottom", { id: "overlay-position" });
  const size = el("input", { type: "number", id: "overlay-size", min: 12, max: 200, value: 32 });
  const most = el("input", { type: "number", id: "overlay-max", min: 1, max: 10, value: 1 });
  const font = el("input", { id: "overlay-font", placeholder: "Noto Sans CJK SC", autocomplete: "off" });
  const sound = toggle(t("overlay_sound"), { id: "overlay-sound", checked: true });
  const withToken = toggle(t("overlay_token"), { id: "overlay-token", help: t("overlay_token_help") });
  const address = el("input", { id: "overlay-address", readonly: true, spellcheck: "false" });
  const open = el("a", { class: "button", target: "_blank", rel: "noopener" }, t("open"));
  withToken.whole.hidden = !api.token();

  const draw = () => {
    const u = new URL(api.url("/overlay"));
    const wishes = { channel: channel.value, theme: theme.value === "dark" ? "" : theme.value,
      position: position.value === "bottom" ? "" : position.value,
                     size: size.value === "32" ? "" : size.value, max: most.value === "1" ? "" : most.value,
                       font: font.value.trim(),
                     lang: language() === "zh" ? "zh-CN" : "", audio: sound.input.checked ? "" : "0",
                     access_token: withToken.input.checked ? api.token() : "" };
    for (const [name, value] of Object.entries(wishes)) if (value) u.searchParams.set(name, value);
    address.value = open.href = u.href;
  };
  const drawChannels = () => {
    const value = channel.value;
    channel.replaceChildren(el("option", { value: "" }, t("overlay_all")),
      ...live.state.channels.map((c) => el("option", { value: `${c.platform}/${c.channel}` },
        `${c.platform}/${c.channel}`)));
    channel.value = value;
    draw();
  };
  const copy = button({ icon: "copy", label: t("copy"), kind: "primary", onclick: async () => {
    address.select();
    try {
      await navigator.clipboard.writeText(address.value);
    } catch {
      document.execCommand("copy"); /* where the page is not https */
    }
    toast(t("copied"), "good");
  } });
  const card = el("section", { class: "card", "aria-labelledby": "overlay-title" },
    el("header", {}, el("h2", { id: "overlay-title" }, t("overlay"))), el("p", { class: "dim" }, t("overlay_help")),
    el("div", { class: "grid" }, field(t("overlay_channel"), channel), field(t("overlay_theme"), theme),
      field(t("overlay_position"), position),
      field(t("overlay_size"), size), field(t("overlay_max"), most), field(t("overlay_font"), font)),
    sound.whole, withToken.whole, field(t("address"), address), el("div", { class: "row" }, copy, open));
  card.addEventListener("input", draw);
  live.watch(["state", "channel"], drawChannels, signal);
  prefs.watch("token", () => {
    withToken.whole.hidden = !api.token();
    draw();
  }, signal);
  drawChannels();
  return card;
}
