// Asks before something is done that somebody may regret: what it does, the button that does it, and
// its refusal in place.
import type { ReactNode } from "react";
import { type Sending, useSend } from "../hooks/useAct";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { ErrorBox } from "./ErrorBox";

interface Props {
  title: string;
  /** What the button that does it says. */
  act: string;
  isDanger?: boolean;
  whyNot?: string | undefined;
  sending: Sending;
  /** Names of the questions whose answers it changes. */
  renews: readonly string[];
  /** What is said when it is done. */
  done: string;
  onClose: () => void;
  children: ReactNode;
}

export function AskDialog(props: Props) {
  const { title, act, isDanger, whyNot, sending, renews, done, onClose, children } = props;
  const send = useSend(renews, {
    onDone: () => {
      announce(done);
      onClose();
    },
  });
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => whyNot === undefined && send.mutate(sending)}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button
            type="submit"
            look={isDanger ? ["danger", "primary"] : "primary"}
            whyNot={whyNot}
            isBusy={send.isPending}
          >
            {act}
          </Button>
        </>
      }
    >
      {children}
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}
