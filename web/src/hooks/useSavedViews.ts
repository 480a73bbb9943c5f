// Views of a list that a user keeps under a name: they are kept in the appliance, for that user, so that
// they are there on the phone too.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { request } from "../api/client";
import { preferences } from "../api/queries";
import { api } from "../util/path-builder";
import { useLockAwareQuery } from "./useLockAwareQuery";

export interface SavedView {
  name: string;
  /** The filters as they stand in the address. */
  query: string;
}

function isView(value: unknown): value is SavedView {
  return typeof value === "object" && value !== null && "name" in value && "query" in value;
}

export function useSavedViews(list: string) {
  const client = useQueryClient();
  const { queryKey } = preferences();
  const { data } = useLockAwareQuery(preferences());
  const kept = data?.[list];
  const views = Array.isArray(kept) ? kept.filter(isView) : [];
  const { mutate: keep, error } = useMutation({
    mutationFn: (wanted: SavedView[]) =>
      request<Record<string, unknown>>("PUT", api.preferences(), { ...data, [list]: wanted }),
    onSuccess: (_, wanted) => client.setQueryData(queryKey, { ...data, [list]: wanted }),
  });
  return {
    views,
    error,
    save: (view: SavedView, onKept: () => void) =>
      keep([...views.filter((each) => each.name !== view.name), view], { onSuccess: onKept }),
    remove: (name: string) => keep(views.filter((each) => each.name !== name)),
  };
}
