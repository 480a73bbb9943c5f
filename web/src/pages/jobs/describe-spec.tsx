// What a job was asked to do, as rows for people.
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { BackupSpec, JobSpec, JobView, Place } from "../../api/types";
import { CartridgeChip, CartridgeChips } from "../../components/CartridgeChip";
import { to } from "../../util/path-builder";
import { placeText } from "../../util/places";
import { formatTime } from "../../util/units";

type Row = readonly [string, ReactNode];

function compressionText(spec: BackupSpec): string {
  const { compression } = spec;
  return !compression || compression === "none" ? "none" : `zstd, level ${compression.zstd.level}`;
}

function paths(list: readonly string[]): ReactNode {
  if (list.length === 0) return "everything";
  return (
    <ul>
      {list.map((path) => (
        <li key={path} className="mono">
          {path}
        </li>
      ))}
    </ul>
  );
}

const place = (at: Place) => placeText(at);

function rowsOf(spec: JobSpec): readonly Row[] {
  switch (spec.kind) {
    case "format":
      return [["Cartridge", <CartridgeChip key="c" barcode={spec.barcode} />]];
    case "inventory":
      return [["Task", "look at every place of the library"]];
    case "move":
      return [
        ["From", place(spec.from)],
        ["To", place(spec.to)],
      ];
    case "backup":
      return [
        [
          "Set",
          <Link key="s" href={to.set(spec.set)}>
            {spec.set}
          </Link>,
        ],
        ["Paths", paths(spec.paths)],
        ["Mode", spec.mode ?? "incremental"],
        ["Copies", spec.copies ?? "as many as the set has"],
        ["Compression", compressionText(spec)],
        ...(spec.hooks?.before ? [["Script before", spec.hooks.before] as const] : []),
        ...(spec.hooks?.after ? [["Script after", spec.hooks.after] as const] : []),
        ...(spec.exclude?.length ? [["Left out", paths(spec.exclude)] as const] : []),
      ];
    case "verify": {
      const { scope } = spec;
      if ("set" in scope)
        return [
          [
            "Set",
            <Link key="s" href={to.set(scope.set)}>
              {scope.set}
            </Link>,
          ],
        ];
      if ("run" in scope)
        return [
          [
            "Run",
            <Link key="r" href={to.run(scope.run)}>
              {scope.run}
            </Link>,
          ],
        ];
      return [["Cartridge", <CartridgeChip key="c" barcode={scope.cartridge} />]];
    }
    case "restore":
      return [
        [
          "Run",
          <Link key="r" href={to.run(spec.selection.run)} className="mono">
            {spec.selection.run}
          </Link>,
        ],
        ["Paths", paths(spec.selection.paths)],
        [
          "To",
          <span key="d" className="mono">
            {spec.destination}
          </span>,
        ],
        ["Files already there", spec.existing === "replace" ? "are replaced" : "are kept"],
        ["A missing cartridge", spec.missing === "skip" ? "is skipped" : "is waited for"],
      ];
    case "rebuild":
      return [
        [
          "Cartridges",
          spec.barcodes.length > 0 ? <CartridgeChips key="c" barcodes={spec.barcodes} /> : "all",
        ],
      ];
    case "catalog_backup":
      return [
        [
          "Folder",
          <span key="f" className="mono">
            {spec.folder}
          </span>,
        ],
        ["Backups that are kept", String(spec.keep)],
      ];
    case "clean":
      return [
        [
          "Drive",
          <span key="d" className="mono">
            {spec.drive}
          </span>,
        ],
      ];
    case "kit_drill":
      return [
        [
          "Kit",
          <span key="k" className="mono">
            {spec.kit}
          </span>,
        ],
        ["Cartridge", spec.cartridge ?? "the one that was written last"],
      ];
    case "self_test":
      return [["Cartridge", spec.cartridge ?? "none: no tape is written"]];
    case "calibrate":
      return [["Cartridge", spec.cartridge]];
    default:
      return whatElse(spec);
  }
}

/** A kind of job that this console is too old for: the types know of none. */
function whatElse(spec: never): readonly Row[] {
  return [["Task", JSON.stringify(spec)]];
}

export function describeSpec(job: JobView): readonly Row[] {
  return [
    ...rowsOf(job.spec),
    ["Accepted", formatTime(job.created)],
    ["Begun", job.started ? formatTime(job.started) : "not yet"],
    ["Ended", job.ended ? formatTime(job.ended) : "not yet"],
  ];
}
