// Health: whether the appliance works, what needs somebody, and which version it is.
import { health, version } from "../api/queries";
import type { HealthView } from "../api/types";
import { Loaded } from "../components/Loaded";
import { PageHead } from "../components/PageHead";
import { SEVERITY } from "../components/states";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { Table } from "../table/Table";
import { Facts } from "../ui/Figure";
import { Lamp, type State } from "../ui/Lamp";
import { Empty } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { api } from "../util/path-builder";

const STATUS: Record<HealthView["status"], State> = {
  ok: { tone: "good", icon: "good", text: "It works" },
  attention: { tone: "warn", icon: "warn", text: "It works, and something needs a person" },
  failed: { tone: "bad", icon: "bad", text: "It cannot do its work" },
};

export function HealthPage() {
  const query = useLockAwareQuery(health());
  const answer = useLockAwareQuery(version());
  return (
    <>
      <PageHead
        title="Health"
        topic="health"
        lead={query.data && <Lamp state={STATUS[query.data.status]} />}
      />
      <div className="columns wide-first">
        <Panel title="What needs a person" isFlush>
          <Loaded query={query} what="the findings">
            {(view) =>
              view.findings.length === 0 ? (
                <Empty title="Nothing">
                  <p>No drive complains, no job waits, the catalog answers.</p>
                </Empty>
              ) : (
                <Table
                  items={view.findings}
                  keyOf={(finding) => finding.subject + finding.sentence}
                  columns={[
                    { head: "What was found", cell: (finding) => finding.sentence },
                    { head: "About", className: "mono", cell: (finding) => finding.subject },
                    {
                      head: "How urgent",
                      label: "Urgent",
                      cell: (finding) => <Lamp state={SEVERITY[finding.severity]} />,
                    },
                    { head: "What to do", label: "To do", cell: (finding) => finding.next_step },
                  ]}
                />
              )
            }
          </Loaded>
        </Panel>
        <div className="stack">
          <Diagnostics />
          <Panel title="About">
            <Loaded query={answer} what="the version">
              {(view) => (
                <Facts
                  rows={[
                    ["Product", "FossilSafe"],
                    [
                      "Version",
                      <span key="v" className="mono">
                        {view.version}
                      </span>,
                    ],
                    [
                      "API",
                      <span key="a" className="mono">
                        {view.api_version}
                      </span>,
                    ],
                    ["Licence", "Apache-2.0"],
                    [
                      "For monitoring",
                      <a key="m" href={api.metrics()}>
                        Prometheus
                      </a>,
                    ],
                  ]}
                />
              )}
            </Loaded>
          </Panel>
        </div>
      </div>
    </>
  );
}

/** Made when it is asked for, in the appliance; the browser only keeps the file. */
function Diagnostics() {
  const whyNot = useWhyNot("GET /api/diagnostics/bundle");
  return (
    <Panel title="For somebody who helps">
      <div className="stack tight">
        <p>
          One file with the release, the equipment, sets, jobs, alerts, settings and the newest log.
          It names your files, sets and machines, and holds no password, key or code. The catalog is
          checked on the way.
        </p>
        {whyNot ? (
          <p className="why-not">{whyNot}</p>
        ) : (
          <p>
            <a className="button" href={api.diagnostics()} download="fossilsafe-diagnostics.json">
              Take the diagnostics bundle
            </a>
          </p>
        )}
      </div>
    </Panel>
  );
}
