// One drive: what it is, what is in it, how it is.
import { Link } from "wouter";
import type { DriveView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CartridgeChip } from "../../components/CartridgeChip";
import { DRIVE_STATE } from "../../components/states";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { Cleaning } from "./Cleaning";
import { DriveHealth } from "./DriveHealth";
import { Reservation } from "./Reservation";

export function DrivePanel({ drive }: { drive: DriveView }) {
  return (
    <Panel
      title={drive.number === null ? "Drive" : `Drive ${drive.number}`}
      aside={<Lamp state={DRIVE_STATE[drive.state]} />}
    >
      <div className="stack">
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
                <span key="j">
                  <Link href={to.job(drive.job)}>{drive.job}</Link>
                  {drive.held_since && (
                    <>
                      , began <Ago at={drive.held_since} />
                    </>
                  )}
                </span>
              ),
            ],
          ]}
        />
        <DriveHealth serial={drive.serial} />
        <Cleaning drive={drive} />
        <Reservation serial={drive.serial} />
      </div>
    </Panel>
  );
}
