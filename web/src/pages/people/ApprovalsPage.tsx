// Approvals: what destroys waits for a second admin, where the two-person rule is on.
import { useState } from "react";
import { approvals, twoPersonRule } from "../../api/queries";
import type { ApprovalView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { APPROVAL_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useSession } from "../../stores/session";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button } from "../../ui/Button";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatTime } from "../../util/units";

type Decision = "approve" | "refuse";

export function ApprovalsPage() {
  return (
    <>
      <PageHead
        title="Approvals"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="approvals"
        lead="With the two-person rule, what destroys or gives rights to destroy needs a second admin."
      />
      <NeedsRole act="GET /api/approvals">
        <div className="stack">
          <RulePanel />
          <Requests />
        </div>
      </NeedsRole>
    </>
  );
}

function RulePanel() {
  const query = useLockAwareQuery(twoPersonRule());
  const [isAsking, setIsAsking] = useState(false);
  return (
    <Panel title="The two-person rule">
      <Loaded query={query} what="the rule">
        {({ is_on: isOn }) => (
          <div className="stack tight">
            <p>
              <Lamp
                state={
                  isOn
                    ? { tone: "good", icon: "users", text: "On: it takes two" }
                    : { tone: "idle", icon: "idle", text: "Off: each admin alone may destroy" }
                }
              />
            </p>
            <div className="actions">
              <Button onClick={() => setIsAsking(true)}>
                {isOn ? "Turn it off" : "Turn it on"}
              </Button>
            </div>
            {isAsking && (
              <AskDialog
                title={isOn ? "Turn the two-person rule off" : "Turn the two-person rule on"}
                act={isOn ? "Ask to turn it off" : "Turn it on"}
                isDanger={isOn}
                sending={{ method: "PUT", path: api.rule(), body: { is_on: !isOn } }}
                renews={["two-person-rule", "approvals"]}
                done={isOn ? "The two-person rule is off." : "The two-person rule is on."}
                onClose={() => setIsAsking(false)}
              >
                <p>
                  {isOn
                    ? "A second admin has to agree to this too."
                    : "From now on formatting what holds files, giving rights and opening keys wait for a second admin. There have to be two."}
                </p>
              </AskDialog>
            )}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Requests() {
  const query = useLockAwareQuery(approvals());
  const [asked, setAsked] = useState<{ approval: ApprovalView; decision: Decision } | null>(null);
  return (
    <>
      <TableFrame label="Requests">
        <Loaded query={query} what="the requests">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="Nothing waits for a second admin">
                <p>Requests stand here with who asked, and until when they are worth something.</p>
              </Empty>
            ) : (
              <RequestTable
                items={page.items}
                onDecide={(approval, decision) => setAsked({ approval, decision })}
              />
            )
          }
        </Loaded>
      </TableFrame>
      {asked && (
        <AskDialog
          title={asked.decision === "approve" ? "Agree to this request" : "Refuse this request"}
          act={asked.decision === "approve" ? "Agree" : "Refuse"}
          isDanger={asked.decision === "approve"}
          sending={{ path: api.decide(asked.approval.id, asked.decision) }}
          renews={["approvals", "two-person-rule"]}
          done={asked.decision === "approve" ? "Agreed." : "Refused."}
          onClose={() => setAsked(null)}
        >
          <p>
            <strong>{asked.approval.summary}</strong>
          </p>
          <p>
            {asked.decision === "approve"
              ? `${asked.approval.asked_by} may then make this same request once, until ${formatTime(asked.approval.expires)}.`
              : `Nothing is done. ${asked.approval.asked_by} can ask again.`}
          </p>
        </AskDialog>
      )}
    </>
  );
}

interface TableProps {
  items: readonly ApprovalView[];
  onDecide: (approval: ApprovalView, decision: Decision) => void;
}

function RequestTable({ items, onDecide }: TableProps) {
  const session = useSession();
  return (
    <Table
      items={items}
      keyOf={(item) => item.id}
      columns={[
        { head: "Request", cell: (item) => item.summary },
        { head: "State", cell: (item) => <Lamp state={APPROVAL_STATE[item.state]} /> },
        {
          head: "Asked by",
          cell: (item) => (
            <>
              {item.asked_by}, <Ago at={item.asked} />
            </>
          ),
        },
        { head: "Worth something until", label: "Until", cell: (item) => formatTime(item.expires) },
        { head: "Decided", cell: (item) => (item.decided_by ? `by ${item.decided_by}` : "–") },
      ]}
      actions={(item) =>
        item.state === "pending" && (
          <div className="actions">
            <Button
              look="small"
              label={`Agree to: ${item.summary}`}
              whyNot={item.asked_by === session?.user ? "Somebody else has to agree." : undefined}
              onClick={() => onDecide(item, "approve")}
            >
              Agree
            </Button>
            <Button
              look="small"
              label={`Refuse: ${item.summary}`}
              onClick={() => onDecide(item, "refuse")}
            >
              Refuse
            </Button>
          </div>
        )
      }
    />
  );
}
