// Pools and keys: which pools are encrypted, and the recovery kits on paper that open their tapes.
import { useState } from "react";
import { kits, pools } from "../../api/queries";
import type { Encryption, KeyPlace, PoolView } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { ENCRYPTION } from "../../components/states";
import { PoolRetention } from "../../forms/pool-retention";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button, ButtonLink } from "../../ui/Button";
import { Choices, TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty, Notice } from "../../ui/Notice";
import { api, to } from "../../util/path-builder";
import { formatTime, plural } from "../../util/units";
import { ExpiredPanel } from "./ExpiredPanel";
import { KitsPanel } from "./KitsPanel";

export function PoolsPage() {
  const query = useLockAwareQuery(pools());
  const [isAdding, setIsAdding] = useState(false);
  const [rotated, setRotated] = useState<PoolView | null>(null);
  const [retained, setRetained] = useState<PoolView | null>(null);
  const whyNot = useWhyNot("POST /api/pools");
  return (
    <>
      <PageHead
        title="Pools and keys"
        topic="keys"
        lead="A pool says for its sets whether files are sealed before they reach a drive. Only a recovery kit on paper opens sealed tapes when this machine is gone."
        actions={
          <Button icon="lock" look="primary" whyNot={whyNot} onClick={() => setIsAdding(true)}>
            Make a pool
          </Button>
        }
      />
      <div className="stack">
        <TableFrame label="Pools">
          <Loaded query={query} what="the pools">
            {(items) =>
              items.length === 0 ? (
                <Empty title="There is no pool">
                  <p>Sets without a pool are written as they are: any LTFS software reads them.</p>
                </Empty>
              ) : (
                <PoolTable items={items} onRotate={setRotated} onRetain={setRetained} />
              )
            }
          </Loaded>
        </TableFrame>
        {query.data
          ?.filter((pool) => pool.retention)
          .map((pool) => (
            <ExpiredPanel key={pool.name} pool={pool} />
          ))}
        <KitsPanel />
      </div>
      {isAdding && <MakePool onClose={() => setIsAdding(false)} />}
      {retained && <PoolRetention pool={retained} onClose={() => setRetained(null)} />}
      {rotated && (
        <AskDialog
          title={`A new data key for ${rotated.name}`}
          act="Make a new key"
          sending={{ path: api.rotate(rotated.name) }}
          renews={["pools", "kits"]}
          done={`${rotated.name} has a new data key.`}
          onClose={() => setRotated(null)}
        >
          <p>
            Runs that begin from now on are encrypted with it. What is on tape stays as it is, and
            its keys stay here. Every confirmed kit opens the new key too: it is wrapped for them at
            once.
          </p>
        </AskDialog>
      )}
    </>
  );
}

interface TableProps {
  items: readonly PoolView[];
  onRotate: (pool: PoolView) => void;
  onRetain: (pool: PoolView) => void;
}

function PoolTable({ items, onRotate, onRetain }: TableProps) {
  const whyNot = useWhyNot("POST /api/pools/{pool}/rotate");
  const whyNotRetained = useWhyNot("PUT /api/pools/{pool}/retention");
  return (
    <Table
      items={items}
      keyOf={(pool) => pool.name}
      columns={[
        { head: "Pool", cell: (pool) => <strong>{pool.name}</strong> },
        {
          head: "Encryption",
          cell: (pool) =>
            pool.blocked ? (
              <>
                <Lamp state={{ tone: "warn", icon: "warn", text: "Blocked" }} />
                <p className="small quiet-text">{pool.blocked}</p>
              </>
            ) : (
              <Lamp state={ENCRYPTION[pool.encryption]} />
            ),
        },
        {
          head: "Data key",
          cell: (pool) => (
            <>
              <span className="mono small">{pool.key_id ?? "–"}</span>
              {pool.key_place === "vault" && <p className="small quiet-text">by the key server</p>}
            </>
          ),
        },
        { head: "Runs are kept", cell: (pool) => keptText(pool.retention) },
        { head: "Made", cell: (pool) => formatTime(pool.created) },
      ]}
      actions={(pool) => (
        <div className="actions">
          <Button
            look="small"
            label={`How long runs of ${pool.name} are kept`}
            whyNot={whyNotRetained}
            onClick={() => onRetain(pool)}
          >
            How long
          </Button>
          {pool.key_id && (
            <Button
              look="small"
              label={`A new data key for ${pool.name}`}
              whyNot={whyNot}
              onClick={() => onRotate(pool)}
            >
              New data key
            </Button>
          )}
        </div>
      )}
    />
  );
}

function keptText(retention: PoolView["retention"]): string {
  if (!retention) return "for ever";
  const newest = retention.runs_min === 1 ? "the newest" : `the newest ${retention.runs_min}`;
  return `${plural(retention.days, "day")}, and ${newest} for ever`;
}

function MakePool({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [encryption, setEncryption] = useState<Encryption>("sealed");
  const [keyPlace, setKeyPlace] = useState<KeyPlace>("appliance");
  const query = useLockAwareQuery(kits());
  const hasKit = query.data?.kits.some((kit) => kit.confirmed !== null) ?? true;
  return (
    <AskDialog
      title="Make a pool"
      act="Make the pool"
      whyNot={name.trim() === "" ? "It needs a name." : undefined}
      sending={{
        path: api.pools(),
        body: {
          name: name.trim(),
          encryption,
          key_place: encryption === "none" ? "appliance" : keyPlace,
        },
      }}
      renews={["pools", "kits"]}
      done={`Pool ${name.trim()} was made.`}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} autoFocus />
      <Choices
        legend="Encryption, for ever"
        name="encryption"
        value={encryption}
        onChange={setEncryption}
        options={[
          {
            value: "sealed",
            title: "Sealed",
            text: "Files are encrypted before they reach a drive. Without the machine and without a kit nobody reads them; with a kit, any drive and LTFS software will do.",
          },
          {
            value: "drive",
            title: "By the drive",
            text: "The drive encrypts, so the machine works less and the drive can still compress. Names stay readable. Other software reads the files only in a drive that encrypts and was given the key, which the kit opens. A drive that does not do it is not written to.",
          },
          {
            value: "none",
            title: "As they are",
            text: "Any LTFS software reads them, and so does anybody who has the tape.",
          },
        ]}
      />
      {encryption !== "none" && (
        <Choices
          legend="Its data keys are kept, for ever"
          name="key-place"
          value={keyPlace}
          onChange={setKeyPlace}
          options={[
            {
              value: "appliance",
              title: "On this machine",
              text: "Jobs need nobody. Who takes the machine has its keys, unless a passphrase seals them.",
            },
            {
              value: "vault",
              title: "By the key server",
              text: "No disk here has them. Jobs wait while the server, which is set in Settings, is away.",
            },
          ]}
        />
      )}
      {encryption !== "none" && !hasKit && (
        <Notice tone="warn">
          <p>It can be used as soon as a recovery kit is on paper and confirmed.</p>
          <p>
            <ButtonLink href={to.kit()} look="small">
              Make a recovery kit
            </ButtonLink>
          </p>
        </Notice>
      )}
    </AskDialog>
  );
}
