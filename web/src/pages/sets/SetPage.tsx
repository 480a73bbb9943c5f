// One set: what it protects, what is proven, its copies as a graph, its runs.
import { Link } from "wouter";
import { set as askSet, runs } from "../../api/queries";
import type { SetView } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { EvidencePanel } from "../../components/EvidencePanel";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button, ButtonLink } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { plural } from "../../util/units";
import { RunTable } from "./RunTable";
import { Topology } from "./Topology";

export function SetPage({ name }: { name: string }) {
  const query = useLockAwareQuery(askSet(name));
  return (
    <Loaded
      query={query}
      what={`set ${name}`}
      head={
        <PageHead title={`Set ${name}`} crumb={{ href: to.sets(), text: "Sets" }} topic="sets" />
      }
    >
      {(set) => <Body set={set} />}
    </Loaded>
  );
}

function Body({ set }: { set: SetView }) {
  const list = useLockAwareQuery(runs({ set: set.name }));
  const act = useJobAct();
  const notMine = useWhyNot("POST /api/verify");
  return (
    <>
      <PageHead
        title={`Set ${set.name}`}
        crumb={{ href: to.sets(), text: "Sets" }}
        topic="sets"
        actions={
          <>
            <ButtonLink href={to.backup({ set: set.name })} icon="backup" look="primary">
              Back up now
            </ButtonLink>
            <Button
              icon="good"
              whyNot={notMine ?? (set.newest_ended_run ? undefined : "No run has ended yet.")}
              isBusy={act.isPending}
              onClick={() => act.mutate({ path: api.verify(), body: { scope: { set: set.name } } })}
            >
              Verify
            </Button>
            {set.newest_ended_run && (
              <ButtonLink href={to.restore({ run: set.newest_ended_run })} icon="restore">
                Restore
              </ButtonLink>
            )}
          </>
        }
      />
      {act.error && <ErrorBox error={act.error} />}
      <div className="stack">
        <div className="columns wide-first">
          <EvidencePanel scope={{ set: set.name }} />
          <Panel title="The set">
            <Facts
              rows={[
                [
                  "Paths",
                  <ul key="p">
                    {set.paths.map((path) => (
                      <li key={path} className="mono">
                        {path}
                      </li>
                    ))}
                  </ul>,
                ],
                ["Copies", plural(set.copies, "copy", "copies")],
                ["Runs", plural(set.runs, "run")],
                [
                  "Last complete run",
                  set.newest_complete_run ? (
                    <Link key="c" href={to.run(set.newest_complete_run)} className="mono">
                      {set.newest_complete_run}
                    </Link>
                  ) : (
                    "none"
                  ),
                ],
              ]}
            />
          </Panel>
        </div>
        <Topology set={set.name} />
        <Panel title="Runs" isFlush>
          <Loaded query={list} what="the runs">
            {(page) => <RunTable items={page.items} hasSet={false} />}
          </Loaded>
        </Panel>
      </div>
    </>
  );
}
