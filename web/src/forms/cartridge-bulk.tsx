// The dialog that does one thing with many cartridges: a job each, in order; what is left out, and why, is
// said before.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { post } from "../api/client";
import { library as askLibrary } from "../api/queries";
import type { CartridgeView, JobView, LibraryView } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { addToast } from "../stores/toasts";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Notice } from "../ui/Notice";
import { type BulkAct, type BulkStep, planBulk } from "../util/bulk";
import { api, to } from "../util/path-builder";
import { plural } from "../util/units";

interface Props {
  act: BulkAct;
  items: readonly CartridgeView[];
  onClose: () => void;
}

const WORDS: Record<BulkAct, { title: string; act: string }> = {
  format: { title: "Format what is blank", act: "Format" },
  export: { title: "Take out through the mail slots", act: "Take out" },
  import: { title: "Take in from the mail slots", act: "Take in" },
  verify: { title: "Verify", act: "Verify" },
};

const NEEDS = {
  format: "POST /api/cartridges/{barcode}/format",
  export: "POST /api/library/moves",
  import: "POST /api/library/moves",
  verify: "POST /api/verify",
} as const;

function send(act: BulkAct, step: BulkStep): Promise<JobView> {
  if (act === "format") return post<JobView>(api.format(step.barcode), {});
  if (act === "verify") {
    return post<JobView>(api.verify(), { scope: { cartridge: step.barcode } });
  }
  return post<JobView>(api.moves(), { from: step.from, to: step.to });
}

export function CartridgeBulk(props: Props) {
  const { data } = useLockAwareQuery(askLibrary());
  return data ? <BulkDialog {...props} library={data} /> : null;
}

function BulkDialog({ act, items, onClose, library }: Props & { library: LibraryView }) {
  const client = useQueryClient();
  const { steps, leftOut } = planBulk(act, items, library);
  const words = WORDS[act];
  const notMine = useWhyNot(NEEDS[act]);
  const whyNot = notMine ?? (steps.length === 0 ? "It can be done with none of them." : undefined);
  const start = useMutation({
    mutationFn: async () => {
      // One after the other, so that jobs stand in the order that is shown; a refusal ends it.
      for (const step of steps) await send(act, step);
    },
    onSuccess: () => {
      const link = { href: to.jobs({ active: true }), text: "Jobs" };
      addToast({ tone: "good", text: `${plural(steps.length, "job")} accepted.`, link });
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
  return (
    <Dialog
      title={words.title}
      onClose={onClose}
      onSubmit={() => whyNot === undefined && start.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Leave them as they are</Button>
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={start.isPending}>
            {steps.length > 0 ? `${words.act} ${steps.length}` : words.act}
          </Button>
        </>
      }
    >
      {steps.length > 0 && (
        <ul className="bulk">
          {steps.map((step) => (
            <li key={step.barcode}>
              <span className="mono">{step.barcode}</span> {step.text}
            </li>
          ))}
        </ul>
      )}
      {leftOut.length > 0 && (
        <Notice tone="warn">
          <strong>{plural(leftOut.length, "cartridge")} left out:</strong>
          <ul className="bulk">
            {leftOut.map(({ barcode, why }) => (
              <li key={barcode}>
                <span className="mono">{barcode}</span> {why}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {start.error && <ErrorBox error={start.error} />}
    </Dialog>
  );
}
