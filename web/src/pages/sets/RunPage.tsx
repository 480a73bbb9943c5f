// One run: how it stands, what is proven of it, what was left out.
import { Link } from "wouter";
import { run as askRun } from "../../api/queries";
import type { RunView } from "../../api/types";
import { CartridgeChips } from "../../components/CartridgeChip";
import { ErrorBox } from "../../components/ErrorBox";
import { EvidencePanel } from "../../components/EvidencePanel";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { RUN_STATE } from "../../components/states";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button, ButtonLink } from "../../ui/Button";
import { Facts, Figure, Figures } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatCount, formatTime, splitBytes } from "../../util/units";

export function RunPage({ id }: { id: string }) {
  const query = useLockAwareQuery(askRun(id));
  return (
    <Loaded
      query={query}
      what={`run ${id}`}
      head={<PageHead title={`Run ${id}`} crumb={{ href: to.sets(), text: "Sets" }} topic="sets" />}
    >
      {(run) => <Body run={run} />}
    </Loaded>
  );
}

function Body({ run }: { run: RunView }) {
  const act = useJobAct();
  const notMine = useWhyNot("POST /api/verify");
  const isOpen = run.state === "open";
  return (
    <>
      <PageHead
        title={`Run ${run.run}`}
        crumb={{ href: to.runs({ set: run.set }), text: `Runs of ${run.set}` }}
        topic="sets"
        lead={<Lamp state={RUN_STATE[run.state]} />}
        actions={
          <>
            <Button
              icon="good"
              whyNot={notMine ?? (isOpen ? "Its backup has not ended." : undefined)}
              isBusy={act.isPending}
              onClick={() => act.mutate({ path: api.verify(), body: { scope: { run: run.run } } })}
            >
              Verify
            </Button>
            {!isOpen && (
              <ButtonLink href={to.restore({ run: run.run })} icon="restore">
                Restore
              </ButtonLink>
            )}
          </>
        }
      />
      {act.error && <ErrorBox error={act.error} />}
      <div className="columns wide-first">
        <EvidencePanel scope={{ run: run.run }} />
        <Panel title="The run">
          <div className="stack">
            <Figures>
              <Figure name="Files" value={formatCount(run.files)} />
              <Figure name="Size" value={splitBytes(run.bytes)} />
            </Figures>
            <Facts
              rows={[
                [
                  "Set",
                  <Link key="s" href={to.set(run.set)}>
                    {run.set}
                  </Link>,
                ],
                ["Mode", run.mode],
                ["Copies", run.copies],
                [
                  "Refers to",
                  run.parent ? (
                    <Link key="p" href={to.run(run.parent)} className="mono">
                      {run.parent}
                    </Link>
                  ) : (
                    "no earlier run"
                  ),
                ],
                [
                  "Job",
                  run.job ? (
                    <Link key="j" href={to.job(run.job)}>
                      {run.job}
                    </Link>
                  ) : (
                    "not known"
                  ),
                ],
                ["Begun", formatTime(run.started)],
                ["Ended", run.ended ? formatTime(run.ended) : "not yet"],
                ["A restore reads", <CartridgeChips key="c" barcodes={run.cartridges} />],
              ]}
            />
          </div>
        </Panel>
      </div>
    </>
  );
}
