// Follows the engine's live events, and asks after it while it does not answer. On its return each
// question on the screen is asked once, one after the other.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { get } from "../api/client";
import { followJobs } from "../api/events";
import { useIsUiLocked } from "../hooks/ui-lock";
import { announce } from "../stores/announce";
import { useConnection } from "../stores/connection";
import { api } from "../util/path-builder";

const PROBE_MS = 3000;
/** Between two questions after a return: ten of them take a second. */
const APART_MS = 100;

export function ConnectionWatch() {
  const client = useQueryClient();
  const { isLost } = useConnection();
  const isLocked = useIsUiLocked();
  const locked = useRef(isLocked);
  locked.current = isLocked;
  const wasLost = useRef(false);

  useEffect(() => followJobs(client, () => locked.current), [client]);

  useEffect(() => {
    if (!isLost) return;
    announce("The appliance does not answer. Jobs go on without the console.");
    // A failing probe is the expected case here; the store learns of a success by itself.
    const timer = setInterval(() => void get(api.version()).catch(() => undefined), PROBE_MS);
    return () => clearInterval(timer);
  }, [isLost]);

  useEffect(() => {
    if (isLost === wasLost.current) return;
    wasLost.current = isLost;
    if (isLost) return;
    announce("The appliance answers again.");
    const active = client.getQueryCache().findAll({ type: "active" });
    const timers = active.map((query, index) =>
      setTimeout(() => {
        const refetchType = locked.current ? "none" : "active";
        void client.invalidateQueries({ queryKey: query.queryKey, exact: true, refetchType });
      }, index * APART_MS),
    );
    return () => timers.forEach(clearTimeout);
  }, [isLost, client]);

  return null;
}
