/* The voices there are, for menus. */
import * as api from "./api.js";

/* [[id, label]]; none while the server does not tell. */
export async function voiceOptions() {
  try {
    return (await api.get("/api/voices")).map((v) => [v.id, v.engine_label || v.id]);
  } catch {
    return [];
  }
}
