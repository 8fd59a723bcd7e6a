/* Sends a form and tells how far it is, which fetch cannot. */
import * as api from "./api.js";
import { translator } from "./i18n.js";

const t = translator();

/* The answer's JSON, and as `created` whether something is there that was not. What was refused is an ApiError, with the
 * answer's `checks` if it has any. onprogress(0..1). */
export function upload(path, form, { onprogress, signal }) {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open("POST", api.url(path));
    x.responseType = "json";
    if (api.token()) x.setRequestHeader("Authorization", `Bearer ${api.token()}`);
    x.upload.onprogress = (e) => onprogress(e.total ? e.loaded / e.total : 0);
    x.onload = () => {
      if (x.status < 300) {
        resolve({ ...x.response, created: x.status === 201 });
        return;
      }
      const details = x.response?.error ?? {};
      const error = new api.ApiError(details.message ?? t("answer_status", { status: x.status }), x.status, details);
      error.checks = x.response?.checks ?? [];
      if (x.status === 401) dispatchEvent(new CustomEvent("ishow-token", { detail: error.message }));
      reject(error);
    };
    x.onerror = () => reject(new api.ApiError(t("offline")));
    x.onabort = () => reject(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => x.abort());
    x.send(form);
  });
}
