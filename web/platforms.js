/* The sites whose chats are read: names, and which one a pasted link belongs to. */
import { translator } from "./i18n.js";

const t = translator({
  twitch: ["Twitch", "Twitch"],
  youtube: ["YouTube", "YouTube"],
  bilibili: ["Bilibili", "哔哩哔哩"],
  other: ["WebSocket", "WebSocket"],
  any: ["Test", "测试"],
});

export const PLATFORMS = ["twitch", "youtube", "bilibili", "other"];
export const platformName = (platform) => t(PLATFORMS.includes(platform) ? platform : "any");

const HOSTS = [[/(^|\.)twitch\.tv$/, "twitch"], [/(^|\.)(youtube\.com|youtu\.be)$/, "youtube"],
  [/(^|\.)bilibili\.com$/, "bilibili"]];

/* "https://www.twitch.tv/someone" → "twitch"; "" for what is no link to one of them. */
export function platformOf(text) {
  if (/^wss?:\/\//i.test(text)) return "other";
  let host;
  try {
    host = new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`).hostname;
  } catch {
    return "";
  }
  return HOSTS.find(([pattern]) => pattern.test(host))?.[1] ?? "";
}
