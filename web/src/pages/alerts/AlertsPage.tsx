// Alerts: what needs or needed a person, until somebody has taken note of it.
import { useState } from "react";
import { alerts } from "../../api/queries";
import type { AlertView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { SEVERITY } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button, ButtonLink } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/Field";
import { Lamp, type State } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { api, to } from "../../util/path-builder";
import { plural } from "../../util/units";

export function AlertsPage() {
  const [shown, setShown] = useQueryState("shown");
  const query = useLockAwareQuery(alerts(shown !== "all"));
  const [noted, setNoted] = useState<AlertView | null>(null);
  return (
    <>
      <PageHead
        title="Alerts"
        topic="alerts"
        lead="What needs a person stands here until it has gone; what only happened, until somebody has taken note."
        actions={<ButtonLink href={to.notifications()}>Notifications</ButtonLink>}
      />
      <div className="filters">
        <SelectField
          label="Which"
          value={shown}
          onChange={setShown}
          options={[
            { value: "", text: "Open ones" },
            { value: "all", text: "All, also those that have gone" },
          ]}
        />
      </div>
      <TableFrame label="Alerts">
        <Loaded query={query} what="the alerts">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="Nothing needs anybody">
                <p>Jobs that fail, drives that complain and sets without proof would stand here.</p>
              </Empty>
            ) : (
              <AlertTable items={page.items} onNote={setNoted} />
            )
          }
        </Loaded>
      </TableFrame>
      {noted && <TakeNote alert={noted} onClose={() => setNoted(null)} />}
    </>
  );
}

function alertState(alert: AlertView): State {
  if (alert.ended) return { tone: "idle", icon: "good", text: "Gone" };
  return SEVERITY[alert.severity];
}

interface TableProps {
  items: readonly AlertView[];
  onNote: (alert: AlertView) => void;
}

function AlertTable({ items, onNote }: TableProps) {
  const whyNot = useWhyNot("POST /api/alerts/{id}/acknowledge");
  return (
    <Table
      items={items}
      keyOf={(alert) => alert.id}
      columns={[
        {
          head: "What",
          cell: (alert) => (
            <>
              <strong>{alert.sentence}</strong>
              {alert.times > 1 && (
                <span className="quiet-text"> {plural(alert.times, "time")}</span>
              )}
              <p className="small quiet-text">{alert.next_step}</p>
            </>
          ),
        },
        { head: "State", cell: (alert) => <Lamp state={alertState(alert)} /> },
        { head: "About", className: "mono small", cell: (alert) => alert.subject },
        { head: "Since", cell: (alert) => <Ago at={alert.raised} /> },
        {
          head: "Taken note",
          cell: (alert) =>
            alert.acknowledged ? (
              <>
                {alert.acknowledged_by}, <Ago at={alert.acknowledged} />
                {alert.note && <p className="small quiet-text">{alert.note}</p>}
              </>
            ) : (
              <Button
                look="small"
                label={`Take note: ${alert.sentence}`}
                whyNot={whyNot}
                onClick={() => onNote(alert)}
              >
                Take note
              </Button>
            ),
        },
      ]}
    />
  );
}

function TakeNote({ alert, onClose }: { alert: AlertView; onClose: () => void }) {
  const [note, setNote] = useState("");
  return (
    <AskDialog
      title="Take note of this alert"
      act="I take care of it"
      sending={{ path: api.acknowledge(alert.id), body: note.trim() ? { note: note.trim() } : {} }}
      renews={["alerts"]}
      done="Noted."
      onClose={onClose}
    >
      <p>
        <strong>{alert.sentence}</strong>
      </p>
      <p className="quiet-text">{alert.next_step}</p>
      <TextField
        label="What others should know"
        hint="May stay empty. Taking note mends nothing: others see that somebody knows."
        value={note}
        onChange={setNote}
        rows={2}
      />
    </AskDialog>
  );
}
