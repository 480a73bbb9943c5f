// Sends a large file as it is, with how far it is: `fetch` does not tell that.
import { csrfToken } from "../stores/session";
import { ApiError, ConnectionError } from "./client";
import type { Problem } from "./types";

/** Resolves with the API's answer; `onShare` is told the share that was sent, 0 to 1. */
export function upload<T>(path: string, file: Blob, onShare: (share: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    const token = csrfToken();
    if (token) request.setRequestHeader("X-CSRF-Token", token);
    request.upload.onprogress = (event) =>
      onShare(event.total > 0 ? event.loaded / event.total : 0);
    request.onerror = () => reject(new ConnectionError());
    request.onload = () => {
      if (request.status < 400) resolve(request.response as T);
      else
        reject(
          request.response ? new ApiError(request.response as Problem) : new ConnectionError(),
        );
    };
    request.send(file);
  });
}
