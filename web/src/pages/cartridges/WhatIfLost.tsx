// What if this cartridge is lost: every file on it is looked at, nothing is guessed.
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { get } from "../../api/client";
import type { CartridgeLossView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { Table } from "../../table/Table";
import type { Tone } from "../../ui/Lamp";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatBytes, plural } from "../../util/units";

export function lossTone(loss: CartridgeLossView): Tone {
  if (loss.files_lost > 0) return "bad";
  return loss.files_unproven > 0 ? "warn" : "good";
}

export function WhatIfLost({ barcode }: { barcode: string }) {
  const query = useQuery({
    queryKey: ["loss", barcode],
    queryFn: ({ signal }) => get<CartridgeLossView>(api.loss(barcode), { signal }),
    // Looking at a million files takes seconds: once, and not again while the page is open.
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Panel title="If this one is lost">
      <Loaded query={query} what="what only it holds">
        {(loss) => <Body loss={loss} />}
      </Loaded>
    </Panel>
  );
}

function Body({ loss }: { loss: CartridgeLossView }) {
  const more = loss.files_lost + loss.files_unproven - loss.items.length;
  return (
    <div className="stack">
      <Notice tone={lossTone(loss)}>
        <p>{loss.sentence}</p>
      </Notice>
      {loss.items.length > 0 && (
        <details>
          <summary>Which files</summary>
          <Table
            caption="Files of which no other proven copy would be left"
            items={loss.items}
            keyOf={(file) => `${file.run}:${file.path_b64 ?? file.path}`}
            columns={[
              {
                head: "File",
                className: "mono",
                cell: (file) => <Link href={to.file(file.path)}>{file.path}</Link>,
              },
              { head: "Size", isNumber: true, cell: (file) => formatBytes(file.size_bytes) },
              {
                head: "Other copies, none read back",
                label: "Other copies",
                cell: (file) =>
                  file.other_copies.length === 0
                    ? "none: it would be gone"
                    : file.other_copies.map((copy) => (
                        <CartridgeChip key={copy.volume} barcode={copy.barcode} />
                      )),
              },
            ]}
          />
          {more > 0 && <p className="small quiet-text">And {plural(more, "file")} more.</p>}
        </details>
      )}
    </div>
  );
}
