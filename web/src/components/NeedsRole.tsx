// A page that only some roles may read: the others learn which role it needs, and nothing is asked.
import type { ReactNode } from "react";
import { type Act, useWhyNot } from "../hooks/useWhyNot";
import { Empty } from "../ui/Notice";

export function NeedsRole({ act, children }: { act: Act; children: ReactNode }) {
  const whyNot = useWhyNot(act);
  if (whyNot === undefined) return children;
  return (
    <Empty title="Not with your role">
      <p>{whyNot}</p>
    </Empty>
  );
}
