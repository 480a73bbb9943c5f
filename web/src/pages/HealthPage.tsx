// Health: whether the appliance works, what needs somebody, and which version it is.
import { health, version } from "../api/queries";
import type { HealthView } from "../api/types";
import { Loaded } from "../components/Loaded";
import { PageHead } from "../components/PageHead";
import { SEVERITY } from "../components/states";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
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
                  <p>{view.sentence}.</p>
                </Empty>
              ) : (
                <table className="table cards">
                  <thead>
                    <tr>
                      <th>What was found</th>
                      <th>About</th>
                      <th>How urgent</th>
                      <th>What to do</th>
                    </tr>
                  </thead>
                  <tbody>
                    {view.findings.map((finding) => (
                      <tr key={finding.subject + finding.sentence}>
                        <td>{finding.sentence}</td>
                        <td data-label="About" className="mono">
                          {finding.subject}
                        </td>
                        <td data-label="Urgent">
                          <Lamp state={SEVERITY[finding.severity]} />
                        </td>
                        <td data-label="To do">{finding.next_step}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )
            }
          </Loaded>
        </Panel>
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
                    "Figures for monitoring",
                    <a key="m" href={api.metrics()} className="mono">
                      {api.metrics()}
                    </a>,
                  ],
                ]}
              />
            )}
          </Loaded>
        </Panel>
      </div>
    </>
  );
}
