// A whole recovery kit, typed from the paper: to prove it, or to open keys that were found on tapes.
import { useState } from "react";
import type { OpenedKeys } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { useSend } from "../hooks/useAct";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { plural } from "../util/units";

interface Props {
  title: string;
  act: string;
  text: string;
  path: string;
  /** What is said of the keys that it opened. */
  said: string;
  onClose: () => void;
}

export function KitTyped({ title, act, text, path, said, onClose }: Props) {
  const [kit, setKit] = useState("");
  const send = useSend<OpenedKeys>(["kits", "pools"]);
  const opened = send.data;
  const whyNot = kit.trim() === "" ? "Type the kit." : undefined;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => {
        if (opened) onClose();
        else if (!whyNot) send.mutate({ path, body: { kit: kit.trim() } });
      }}
      footer={
        <>
          {!opened && <Button onClick={onClose}>Not now</Button>}
          <Button
            type="submit"
            look="primary"
            whyNot={opened ? undefined : whyNot}
            isBusy={send.isPending}
          >
            {opened ? "Good" : act}
          </Button>
        </>
      }
    >
      {opened ? (
        <div role="status">
          <Notice tone="good">
            <strong>
              {said} {plural(opened.keys.length, "data key")}.
            </strong>
            {opened.keys.map((key) => (
              <p key={key} className="mono small">
                {key}
              </p>
            ))}
          </Notice>
        </div>
      ) : (
        <>
          <p>{text}</p>
          <TextField
            label="The kit"
            hint="All groups in order; blanks, dashes and lines do not matter."
            value={kit}
            onChange={setKit}
            rows={4}
            isMono
          />
        </>
      )}
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}
