// Groups of a recovery kit, typed back from the paper: only then it counts.
import { useState } from "react";
import type { KitsView } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { useSend } from "../hooks/useAct";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { api } from "../util/path-builder";

interface Props {
  /** Which groups, counted from 1. */
  groups: readonly number[];
  onDone?: () => void;
  onClose: () => void;
}

export function KitConfirm({ groups, onDone, onClose }: Props) {
  const [typed, setTyped] = useState<Record<number, string>>({});
  const send = useSend<KitsView>(["kits", "pools"], {
    onDone: () => {
      announce("The kit is confirmed.");
      onDone?.();
      onClose();
    },
  });
  const answers = groups.map((group) => (typed[group] ?? "").trim().toUpperCase());
  const whyNot = answers.some((answer) => answer === "") ? "Type each group." : undefined;
  return (
    <Dialog
      title="Type back from the paper"
      onClose={onClose}
      onSubmit={() => {
        if (!whyNot) send.mutate({ path: api.confirmKit(), body: { groups: answers } });
      }}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Confirm the kit
          </Button>
        </>
      }
    >
      <p>From the paper, not from the screen: so that it is certain that the paper can be read.</p>
      <div className="pair">
        {groups.map((group, index) => (
          <TextField
            key={group}
            label={`Group ${group}`}
            value={typed[group] ?? ""}
            onChange={(value) => setTyped((before) => ({ ...before, [group]: value }))}
            isMono
            autoFocus={index === 0}
          />
        ))}
      </div>
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}
