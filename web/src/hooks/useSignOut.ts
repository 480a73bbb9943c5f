// Ends the session and forgets everything that was seen in it.
import { useQueryClient } from "@tanstack/react-query";
import { request } from "../api/client";
import { addToast } from "../stores/toasts";
import { api } from "../util/path-builder";

export function useSignOut(): () => void {
  const client = useQueryClient();
  return () => {
    request("DELETE", api.session(), undefined, { keepalive: true })
      .then(() => client.resetQueries())
      .catch((error: Error) => addToast({ tone: "bad", text: `Not signed out: ${error.message}` }));
  };
}
