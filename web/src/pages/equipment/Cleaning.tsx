// Cleans a drive with a cleaning cartridge of the library: a job, as everything that moves the robot.
import { useState } from "react";
import type { DriveView } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { useJobAct } from "../../hooks/useAct";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { api } from "../../util/path-builder";

export function Cleaning({ drive }: { drive: DriveView }) {
  const [isOpen, setIsOpen] = useState(false);
  const act = useJobAct({ onDone: () => setIsOpen(false) });
  const notMine = useWhyNot("POST /api/library/drives/{serial}/clean");
  const standsAlone = drive.number === null ? "It stands alone: put the cartridge in." : undefined;
  return (
    <div className="actions">
      <Button
        look="small"
        icon="clean"
        whyNot={notMine ?? standsAlone}
        onClick={() => setIsOpen(true)}
      >
        Clean it
      </Button>
      {isOpen && (
        <Dialog
          title={`Clean drive ${drive.number}`}
          onClose={() => setIsOpen(false)}
          onSubmit={() => act.mutate({ path: api.cleanDrive(drive.serial) })}
          footer={
            <>
              <Button onClick={() => setIsOpen(false)}>Leave it as it is</Button>
              <Button type="submit" look="primary" isBusy={act.isPending}>
                Clean it
              </Button>
            </>
          }
        >
          <p>
            A cleaning cartridge is brought to the drive, which takes some minutes, and put back.
            Each cleaning uses it up a little and wears the heads a little: clean when the drive
            asks for it.
          </p>
          {act.error && <ErrorBox error={act.error} />}
        </Dialog>
      )}
    </div>
  );
}
