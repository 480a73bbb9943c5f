// What stands in place of the console until somebody may use it: a mark, a title, a few fields, one
// button. First run, signing in and choosing a password are all of this form.
import { type ReactNode, useState } from "react";
import { ErrorBox } from "../../components/ErrorBox";
import { Button } from "../../ui/Button";
import { Mark } from "../../ui/Icon";

interface Props {
  title: string;
  lead?: ReactNode;
  /** What the button says. */
  act: string;
  whyNot?: string | undefined;
  /** Sends it; a refusal that it throws is shown above the button. */
  onSend: () => Promise<void>;
  /** Another way to the same. */
  other?: ReactNode;
  foot?: ReactNode;
  children: ReactNode;
}

export function AccessForm({ title, lead, act, whyNot, onSend, other, foot, children }: Props) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);

  async function send() {
    if (whyNot !== undefined || isBusy) return;
    setIsBusy(true);
    setError(undefined);
    try {
      await onSend();
    } catch (refusal) {
      setError(refusal);
    }
    setIsBusy(false);
  }

  return (
    <main className="center" id="main">
      <form
        className="panel stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div className="brand">
          <Mark />
          FossilSafe
        </div>
        <div>
          <h1>{title}</h1>
          {lead && <p className="quiet-text">{lead}</p>}
        </div>
        {children}
        {error !== undefined && <ErrorBox error={error} />}
        <Button look="primary" type="submit" isBusy={isBusy} whyNot={whyNot}>
          {act}
        </Button>
        {other}
        {foot && <div className="small quiet-text">{foot}</div>}
      </form>
    </main>
  );
}
