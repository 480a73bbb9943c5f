// Who has reserved a drive; and taking it from a host that is gone.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { get, post } from "../../api/client";
import type { ReservationView } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { api } from "../../util/path-builder";

export function Reservation({ serial }: { serial: string }) {
  const [isTaking, setIsTaking] = useState(false);
  const held = useQuery({
    queryKey: ["reservation", serial],
    queryFn: () => get<ReservationView>(api.reservation(serial)),
    // Asking is a command to the drive: only when a person wants to know.
    enabled: false,
  });
  return (
    <>
      <div className="actions">
        <Button look="small" isBusy={held.isFetching} onClick={() => void held.refetch()}>
          Who has reserved it?
        </Button>
      </div>
      {held.error && <ErrorBox error={held.error} />}
      {held.data && <Holder reservation={held.data} onTake={() => setIsTaking(true)} />}
      {isTaking && held.data?.key && (
        <TakeDrive serial={serial} holder={held.data.key} onClose={() => setIsTaking(false)} />
      )}
    </>
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
