// The recovery kits: which there are, whether each was confirmed and when it was last proven.
import { useState } from "react";
import { kits } from "../../api/queries";
import type { KitsView, KitView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { KitConfirm } from "../../forms/kit-confirm";
import { KitDrill } from "../../forms/kit-drill";
import { KitTyped } from "../../forms/kit-typed";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button, ButtonLink } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Lamp, type State } from "../../ui/Lamp";
import { Empty, Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatTime, plural } from "../../util/units";

type Open =
  | { is: "drill" }
  | { is: "tape" }
  | { is: "open" }
  | { is: "confirm" | "retire"; kit: KitView };

function kitState(kit: KitView): State {
  if (!kit.confirmed)
    return { tone: "warn", icon: "queued", text: "Not confirmed: does not count" };
  if (!kit.drilled) return { tone: "good", icon: "good", text: "Confirmed" };
  return { tone: "good", icon: "good", text: "Proven" };
}

export function KitsPanel() {
  const query = useLockAwareQuery(kits());
  const [open, setOpen] = useState<Open | null>(null);
  const whyNotDrilled = useWhyNot("POST /api/kits/drill");
  const close = () => setOpen(null);
  return (
    <Panel
      title="Recovery kits"
      aside={
        <>
          <Button look="small" whyNot={whyNotDrilled} onClick={() => setOpen({ is: "drill" })}>
            Prove a kit
          </Button>
          <Button look="small" whyNot={whyNotDrilled} onClick={() => setOpen({ is: "tape" })}>
            Prove it on a tape
          </Button>
          <ButtonLink look="small" href={to.kit()}>
            Make a recovery kit
          </ButtonLink>
        </>
      }
      isFlush
    >
      <Loaded query={query} what="the kits">
        {(view) => <Kits view={view} onOpen={setOpen} />}
      </Loaded>
      {open?.is === "drill" && (
        <KitTyped
          title="Prove a recovery kit"
          act="Prove it"
          text="Type the whole kit from the paper. It must open every data key that is here; that it did is noted. Once a year is often enough."
          path={api.drillKit()}
          said="The kit opens"
          onClose={close}
        />
      )}
      {open?.is === "tape" && <KitDrill onClose={close} />}
      {open?.is === "open" && (
        <KitTyped
          title="Open keys with a kit"
          act="Open them"
          text="Type the whole kit from the paper. The data keys that were found on tapes are opened and kept here."
          path={api.openKeys()}
          said="The kit has opened"
          onClose={close}
        />
      )}
      {open?.is === "confirm" && <KitConfirm groups={open.kit.asked_groups} onClose={close} />}
      {open?.is === "retire" && <Retire kit={open.kit} onClose={close} />}
    </Panel>
  );
}

function Kits({ view, onOpen }: { view: KitsView; onOpen: (open: Open) => void }) {
  const whyNotOpened = useWhyNot("POST /api/kits/open");
  return (
    <>
      {view.keys_waiting.length > 0 && (
        <Notice tone="warn">
          <strong>
            {plural(view.keys_waiting.length, "data key")} of tapes wait for their kit.
          </strong>
          <div className="actions">
            <Button look="small" whyNot={whyNotOpened} onClick={() => onOpen({ is: "open" })}>
              Open them with a kit
            </Button>
          </div>
        </Notice>
      )}
      {view.kits.length === 0 ? (
        <Empty title="There is no kit">
          <p>
            Encrypted pools cannot be used before one is on paper.{" "}
            {plural(view.keys.length, "data key")} {view.keys.length === 1 ? "is" : "are"} here.
          </p>
        </Empty>
      ) : (
        <KitTable kits={view.kits} onOpen={onOpen} />
      )}
    </>
  );
}

function KitTable({
  kits: items,
  onOpen,
}: {
  kits: readonly KitView[];
  onOpen: (open: Open) => void;
}) {
  const whyNotConfirmed = useWhyNot("POST /api/kits/confirm");
  const whyNotRetired = useWhyNot("POST /api/kits/{kit}/retire");
  return (
    <Table
      items={items}
      keyOf={(kit) => kit.kit_id}
      columns={[
        { head: "Kit", className: "mono", cell: (kit) => kit.kit_id },
        { head: "State", cell: (kit) => <Lamp state={kitState(kit)} /> },
        { head: "Made", cell: (kit) => formatTime(kit.made) },
        { head: "Last proven", cell: (kit) => (kit.drilled ? <Ago at={kit.drilled} /> : "never") },
        {
          head: "On a tape",
          cell: (kit) =>
            kit.proven ? (
              <>
                <Ago at={kit.proven.at} /> <span className="mono">{kit.proven.barcode}</span>
              </>
            ) : (
              "never"
            ),
        },
      ]}
      actions={(kit) => (
        <div className="actions">
          {!kit.confirmed && (
            <Button
              look="small"
              label={`Confirm kit ${kit.kit_id}`}
              whyNot={whyNotConfirmed}
              onClick={() => onOpen({ is: "confirm", kit })}
            >
              Confirm
            </Button>
          )}
          <Button
            look={["small", "quiet"]}
            label={`Retire kit ${kit.kit_id}`}
            whyNot={whyNotRetired}
            onClick={() => onOpen({ is: "retire", kit })}
          >
            Retire
          </Button>
        </div>
      )}
    />
  );
}

function Retire({ kit, onClose }: { kit: KitView; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  return (
    <AskDialog
      title="Retire a kit"
      act="Retire it"
      isDanger
      whyNot={typed.trim() === kit.kit_id ? undefined : "Type the name of the kit."}
      sending={{ path: api.retireKit(kit.kit_id) }}
      renews={["kits", "pools"]}
      done="The kit is retired."
      onClose={onClose}
    >
      <p>
        Tapes that are written from now on do not open to it. Those that it opens stay open to it:
        if the paper was seen by somebody, their files are not secret any more.
      </p>
      <TextField label={`Type ${kit.kit_id}`} value={typed} onChange={setTyped} isMono />
    </AskDialog>
  );
}
