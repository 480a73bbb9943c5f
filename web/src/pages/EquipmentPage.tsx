// Equipment: the drives and the changer, what they complain of, and who holds each drive.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { get, post } from "../api/client";
import { library } from "../api/queries";
import type { DriveView, LibraryView, ReservationView } from "../api/types";
import { CartridgeChip } from "../components/CartridgeChip";
import { ErrorBox } from "../components/ErrorBox";
import { Loaded } from "../components/Loaded";
import { PageHead } from "../components/PageHead";
import { DRIVE_STATE } from "../components/states";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Facts } from "../ui/Figure";
import { Lamp } from "../ui/Lamp";
import { Notice } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { api, to } from "../util/path-builder";

export function EquipmentPage() {
  const query = useLockAwareQuery(library());
  return (
    <>
      <PageHead
        title="Equipment"
        topic="equipment"
        lead="Drives are known by their serial number, whatever the system calls them today."
      />
      <Loaded query={query} what="the equipment">
        {(box) => (
          <div className="columns">
            {box.drives.map((drive) => (
              <DrivePanel key={drive.serial} drive={drive} />
            ))}
            <ChangerPanel box={box} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function ChangerPanel({ box }: { box: LibraryView }) {
  const { changer } = box;
  const count = (kind: string) => box.elements.filter((each) => each.kind === kind).length;
  if (!changer) {
    return (
      <Panel title="Changer">
        <p className="quiet-text">
          There is none: the drive stands alone, and cartridges are put in by hand.
        </p>
      </Panel>
    );
  }
  return (
    <Panel title="Changer" aside={<Link href={to.library()}>Library map</Link>}>
      <Facts
        rows={[
          [
            "Serial",
            <span key="s" className="mono">
              {changer.serial}
            </span>,
          ],
          ["Product", `${changer.vendor} ${changer.product}`],
          [
            "Firmware",
            <span key="f" className="mono">
              {changer.revision}
            </span>,
          ],
          ["Slots", count("slot")],
          ["Mail slots", count("mail_slot")],
          ["Drives", count("drive")],
        ]}
      />
    </Panel>
  );
}

function DrivePanel({ drive }: { drive: DriveView }) {
  const [isTaking, setIsTaking] = useState(false);
  const held = useQuery({
    queryKey: ["reservation", drive.serial],
    queryFn: () => get<ReservationView>(api.reservation(drive.serial)),
    enabled: false,
  });
  return (
    <Panel
      title={drive.number === null ? "Drive" : `Drive ${drive.number}`}
      aside={<Lamp state={DRIVE_STATE[drive.state]} />}
    >
      <div className="stack">
        {drive.alerts?.map((alert) => (
          <Notice key={alert} tone="warn">
            <p>{alert}</p>
          </Notice>
        ))}
        <Facts
          rows={[
            [
              "Serial",
              <span key="s" className="mono">
                {drive.serial}
              </span>,
            ],
            ["Product", `${drive.vendor} ${drive.product}`],
            [
              "Firmware",
              <span key="f" className="mono">
                {drive.revision}
              </span>,
            ],
            [
              "Writes",
              <span key="g" className="mono">
                {drive.generation ?? "not known"}
              </span>,
            ],
            [
              "Cartridge",
              drive.barcode ? <CartridgeChip key="c" barcode={drive.barcode} /> : "none",
            ],
            [
              "Job",
              drive.job === null ? (
                "none"
              ) : (
                <Link key="j" href={to.job(drive.job)}>
                  {drive.job}
                </Link>
              ),
            ],
          ]}
        />
        <div className="actions">
          <Button look="small" isBusy={held.isFetching} onClick={() => void held.refetch()}>
            Who has reserved it?
          </Button>
        </div>
        {held.error && <ErrorBox error={held.error} />}
        {held.data && <Holder reservation={held.data} onTake={() => setIsTaking(true)} />}
      </div>
      {isTaking && held.data?.key && (
        <TakeDrive
          serial={drive.serial}
          holder={held.data.key}
          onClose={() => setIsTaking(false)}
        />
      )}
    </Panel>
  );
}

const HOLDER: Record<ReservationView["holder"], string> = {
  nobody: "Nobody has reserved it.",
  this_appliance: "This appliance: a job uses it, or left a cartridge in it.",
  another_host: "Another host. It refuses this appliance until that host lets it go.",
};

function Holder({ reservation, onTake }: { reservation: ReservationView; onTake: () => void }) {
  const isForeign = reservation.holder === "another_host";
  return (
    <Notice tone={isForeign ? "warn" : "idle"}>
      <p>{HOLDER[reservation.holder]}</p>
      {reservation.key && (
        <p>
          Its key: <span className="mono">{reservation.key}</span>
        </p>
      )}
      {isForeign && (
        <div className="actions">
          <Button look={["danger", "small"]} onClick={onTake}>
            Take the drive from it
          </Button>
        </div>
      )}
    </Notice>
  );
}

function TakeDrive({
  serial,
  holder,
  onClose,
}: {
  serial: string;
  holder: string;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<unknown>();
  const notMine = useWhyNot("POST /api/library/drives/{serial}/reservation");
  const whyNot = notMine ?? (typed.trim() === holder ? undefined : "Type that host's key.");
  async function submit() {
    if (whyNot) return;
    try {
      await post<ReservationView>(api.reservation(serial), { take_from: holder });
      void client.invalidateQueries({ queryKey: ["library"] });
      onClose();
    } catch (refusal) {
      setError(refusal);
    }
  }
  return (
    <Dialog
      title={`Take drive ${serial}`}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button type="submit" look={["danger", "primary"]} whyNot={whyNot}>
            Take it
          </Button>
        </>
      }
    >
      <Notice tone="bad">
        <p>
          If that host is writing, its job fails and its cartridge may need repair. Do this only
          when you know that it is gone for good.
        </p>
      </Notice>
      <TextField label={`Type ${holder}`} value={typed} onChange={setTyped} isMono />
      {error !== undefined && <ErrorBox error={error} />}
    </Dialog>
  );
}
