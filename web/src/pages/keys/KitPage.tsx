// Makes a recovery kit: the one page that shows its secret, to be printed, and the groups typed back.
import { useState } from "react";
import type { PrintedKit } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { PageHead } from "../../components/PageHead";
import { KitConfirm } from "../../forms/kit-confirm";
import { useUiLock } from "../../hooks/ui-lock";
import { useSend } from "../../hooks/useAct";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button, ButtonLink } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { QrCode } from "../../ui/QrCode";
import { api, to } from "../../util/path-builder";

export function KitPage() {
  const whyNot = useWhyNot("POST /api/kits/print");
  const make = useSend<PrintedKit>(["kits"]);
  const [isTyping, setIsTyping] = useState(false);
  const [isConfirmed, setIsConfirmed] = useState(false);
  const kit = make.data;
  // What is shown is shown once: nothing may take it away.
  useUiLock(kit !== undefined);
  return (
    <>
      <PageHead
        title="Recovery kit"
        crumb={{ href: to.pools(), text: "Pools and keys" }}
        topic="keys"
        actions={
          kit && (
            <Button icon="print" look="primary" onClick={() => window.print()}>
              Print
            </Button>
          )
        }
      />
      <div className="stack">
        {kit ? <Paper kit={kit} /> : <Before whyNot={whyNot} make={make} />}
        {kit && (
          <div className="no-print stack">
            {isConfirmed ? (
              <Notice tone="good">
                <strong>The paper is right.</strong>
                <p>Keep it away from the tapes, in two places.</p>
                <p>
                  <ButtonLink href={to.pools()}>Pools and keys</ButtonLink>
                </p>
              </Notice>
            ) : (
              <Notice tone="warn">
                <strong>It does not count yet.</strong>
                <p>
                  Print it, or write it down, and type groups {kit.asked_groups.join(", ")} back
                  from the paper. It is not shown again.
                </p>
                <p>
                  <Button look="primary" onClick={() => setIsTyping(true)}>
                    Type back from the paper
                  </Button>
                </p>
              </Notice>
            )}
          </div>
        )}
      </div>
      {kit && isTyping && (
        <KitConfirm
          groups={kit.asked_groups}
          onDone={() => setIsConfirmed(true)}
          onClose={() => setIsTyping(false)}
        />
      )}
    </>
  );
}

interface BeforeProps {
  whyNot: string | undefined;
  make: ReturnType<typeof useSend<PrintedKit>>;
}

function Before({ whyNot, make }: BeforeProps) {
  return (
    <Panel title="Before you begin">
      <div className="stack">
        <p>
          A kit opens every encrypted tape of this machine, without it. Have a printer or a pen at
          hand: it is shown once. Whoever has it reads the tapes; without it and without the machine
          nobody does.
        </p>
        <div className="actions">
          <Button
            look="primary"
            icon="print"
            whyNot={whyNot}
            isBusy={make.isPending}
            onClick={() => make.mutate({ path: api.printKit() })}
          >
            Make a kit and show it
          </Button>
        </div>
        {make.error && <ErrorBox error={make.error} />}
      </div>
    </Panel>
  );
}

/** The groups of a kit as its page for a printer has them, in order. */
export function groupsOf(html: string): string[] {
  const page = new DOMParser().parseFromString(html, "text/html");
  return [...page.querySelectorAll("td")].map((cell) => cell.textContent ?? "");
}

function Paper({ kit }: { kit: PrintedKit }) {
  const groups = groupsOf(kit.html);
  return (
    <Panel title={`Recovery kit ${kit.kit_id}`}>
      <div className="paper">
        <QrCode text={groups.join("-")} label="The same groups, to be scanned" />
        <ol className="groups mono" aria-label="Groups">
          {groups.map((group, index) => (
            <li key={`${index}-${group}`}>{group}</li>
          ))}
        </ol>
        <pre className="mono small">{kit.text}</pre>
      </div>
    </Panel>
  );
}
