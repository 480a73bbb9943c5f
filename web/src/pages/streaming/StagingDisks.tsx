// The disks of the appliance: which of them can be taken for staging, and taking one, which erases it.
import { useState } from "react";
import { stagingDisks } from "../../api/queries";
import type { StagingDisk } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { Words } from "../../ui/Words";
import { api } from "../../util/path-builder";
import { formatBytes } from "../../util/units";

export function StagingDisks() {
  const query = useLockAwareQuery(stagingDisks());
  const [taking, setTaking] = useState<StagingDisk>();
  const notMine = useWhyNot("POST /api/streaming/disks/{disk}/format");
  return (
    <Panel title="A disk for staging">
      <Loaded query={query} what="the disks">
        {({ is_managed_here: isHere, instead, disks }) =>
          isHere ? (
            <Table
              caption="Disks of this appliance"
              items={disks}
              keyOf={(disk: StagingDisk) => disk.name}
              columns={[
                { head: "Disk", cell: (disk) => <span className="mono">{disk.name}</span> },
                { head: "Size", isNumber: true, cell: (disk) => formatBytes(disk.size_bytes) },
                { head: "Model", cell: (disk) => disk.model ?? "–" },
                { head: "On it", cell: (disk) => disk.content ?? "nothing that is known" },
              ]}
              actions={(disk) => (
                <Button
                  look="small"
                  label={`Take ${disk.name}`}
                  whyNot={notMine ?? (disk.why_not ? `Not now: ${disk.why_not}.` : undefined)}
                  onClick={() => setTaking(disk)}
                >
                  Take it
                </Button>
              )}
            />
          ) : (
            <Notice tone="idle">
              <p>
                <Words text={instead ?? "Name a folder above."} />
              </p>
            </Notice>
          )
        }
      </Loaded>
      {taking && <TakeDisk disk={taking} onClose={() => setTaking(undefined)} />}
    </Panel>
  );
}

function TakeDisk({ disk, onClose }: { disk: StagingDisk; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const phrase = `erase ${disk.name}`;
  return (
    <AskDialog
      title={`Take ${disk.name} for staging`}
      act="Erase it and stage on it"
      isDanger
      whyNot={typed.trim() === phrase ? undefined : `Type "${phrase}".`}
      sending={{ path: api.formatStagingDisk(disk.name), body: { typed: typed.trim() } }}
      renews={["streaming", "staging-disks", "approvals"]}
      done={`${disk.name} is the staging disk from the next job on.`}
      onClose={onClose}
    >
      <p>
        Everything on {disk.name} ({disk.model ?? "a disk"}, {formatBytes(disk.size_bytes)}
        {disk.content ? `, with ${disk.content}` : ""}) is erased.
      </p>
      <TextField label={`Type "${phrase}"`} value={typed} onChange={setTyped} isMono />
    </AskDialog>
  );
}
