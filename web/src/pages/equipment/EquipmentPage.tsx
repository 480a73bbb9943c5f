// Equipment: the drives and the changer.
import { Link } from "wouter";
import { library } from "../../api/queries";
import type { LibraryView } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Facts } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { Calibration } from "./Calibration";
import { DrivePanel } from "./DrivePanel";

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
          <div className="stack">
            <div className="columns">
              {box.drives.map((drive) => (
                <DrivePanel key={drive.serial} drive={drive} />
              ))}
              <ChangerPanel box={box} />
            </div>
            {box.changer && <Calibration />}
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
