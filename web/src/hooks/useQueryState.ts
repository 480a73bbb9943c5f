// A filter that lives in the address, so that a list can be sent to somebody and survives going back.
import { useSearchParams } from "wouter";

export function useQueryState(name: string): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = (value: string) => {
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(name, value);
        else next.delete(name);
        // A choice of state replaces the short form.
        if (name === "state") next.delete("active");
        return next;
      },
      { replace: true },
    );
  };
  return [params.get(name) ?? "", set];
}
