// Audit: every change, sign-in and refusal; searched, checked and taken away.
import { useState } from "react";
import { Link } from "wouter";
import { audit } from "../../api/queries";
import type { AuditEntry, AuditReport } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { ERROR_PAGES } from "../../help/errors";
import { useCheck } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Empty, Notice } from "../../ui/Notice";
import { actText, CHANGES, objectOf } from "../../util/acts";
import { api, to } from "../../util/path-builder";
import { dayBegins, dayEnds, formatCount, formatTime, plural } from "../../util/units";

export function AuditPage() {
  const whyNot = useWhyNot("GET /api/audit/export");
  return (
    <>
      <PageHead
        title="Audit"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="audit"
        lead="Each entry is chained to the one before and sealed: what is taken out or altered shows."
        actions={
          whyNot ? null : (
            <a className="button" href={api.auditExport()} download="fossilsafe-audit.ndjson">
              Export
            </a>
          )
        }
      />
      <NeedsRole act="GET /api/audit">
        <div className="stack">
          <Verify />
          <Entries />
        </div>
      </NeedsRole>
    </>
  );
}

function Verify() {
  const check = useCheck<AuditReport>(api.auditVerify());
  return (
    <section className="panel" aria-label="Check the log">
      <div className="stack tight">
        <div className="actions">
          <Button icon="good" isBusy={check.isPending} onClick={() => check.mutate()}>
            Check the whole log
          </Button>
          <span className="quiet-text">The chain, the order, the seals, the end.</span>
        </div>
        {check.error && <ErrorBox error={check.error} />}
        {check.data && (
          <div role="status">
            <ReportNotice report={check.data} />
          </div>
        )}
      </div>
    </section>
  );
}

const FAULT: Record<AuditReport["findings"][number]["fault"], string> = {
  out_of_order: "an entry is missing before it, or they were exchanged",
  changed: "it is not what was hashed",
  bad_seal: "its seal does not fit",
  seal_missing: "its seal is missing: something was taken off",
  cut: "the file is cut there",
};

export function ReportNotice({ report }: { report: AuditReport }) {
  return (
    <Notice tone={report.is_whole ? "good" : "bad"}>
      <strong>
        {report.is_whole
          ? `The log is whole: ${plural(report.entries, "entry", "entries")}, ${plural(report.seals, "seal")}.`
          : `The log was altered: ${plural(report.findings_total, "finding")}.`}
      </strong>
      {report.findings.map((finding) => (
        <p key={`${finding.number}-${finding.fault}`}>
          Entry <span className="mono">{formatCount(finding.number)}</span>: {FAULT[finding.fault]}.
        </p>
      ))}
      <Facts
        rows={[
          [
            "Its head",
            <span key="h" className="mono small">
              {report.head}
            </span>,
          ],
        ]}
      />
    </Notice>
  );
}

/** What a request can be refused for, by its words. */
const REFUSALS = Object.entries(ERROR_PAGES)
  .map(([value, page]) => ({ value, text: `Refused: ${page.title}` }))
  .sort((a, b) => a.text.localeCompare(b.text));

function Entries() {
  const [actor, setActor] = useQueryState("actor");
  const [action, setAction] = useQueryState("action");
  const [outcome, setOutcome] = useQueryState("outcome");
  const [since, setSince] = useQueryState("since");
  const [until, setUntil] = useQueryState("until");
  const [older, setOlder] = useState<{ filter: string; after: string } | null>(null);
  const filter = { actor, action, outcome, since: dayBegins(since), until: dayEnds(until) };
  const key = JSON.stringify(filter);
  const after = older?.filter === key ? older.after : "";
  const query = useLockAwareQuery(audit({ ...filter, after }));
  return (
    <>
      <div className="filters">
        <TextField label="Who" value={actor} onChange={setActor} type="search" />
        <SelectField
          label="What"
          value={action}
          onChange={setAction}
          options={[{ value: "", text: "Every change" }, ...CHANGES]}
        />
        <SelectField
          label="Outcome"
          value={outcome}
          onChange={setOutcome}
          options={[
            { value: "", text: "Done and refused" },
            { value: "ok", text: "Done" },
            ...REFUSALS,
          ]}
        />
        <TextField label="From" value={since} onChange={setSince} type="date" />
        <TextField label="Until the end of" value={until} onChange={setUntil} type="date" />
      </div>
      <TableFrame label="Entries">
        <Loaded query={query} what="the entries">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="No entry is like that">
                <p>Change the filters. Names are compared as a whole.</p>
              </Empty>
            ) : (
              <EntryTable items={page.items} />
            )
          }
        </Loaded>
      </TableFrame>
      <div className="actions">
        {after && (
          <Button look="small" onClick={() => setOlder(null)}>
            Newest
          </Button>
        )}
        {query.data?.next && (
          <Button
            look="small"
            onClick={() => setOlder({ filter: key, after: query.data.next ?? "" })}
          >
            Older
          </Button>
        )}
      </div>
    </>
  );
}

function Outcome({ code }: { code: string }) {
  if (code === "ok") return <Lamp state={{ tone: "good", icon: "good", text: "Done" }} />;
  return (
    <>
      <Lamp state={{ tone: "warn", icon: "warn", text: "Refused" }} />{" "}
      <Link href={to.errorHelp(code)} className="small">
        {ERROR_PAGES[code]?.title ?? code}
      </Link>
    </>
  );
}

function EntryTable({ items }: { items: readonly AuditEntry[] }) {
  return (
    <Table
      items={items}
      keyOf={(entry) => entry.number}
      columns={[
        { head: "No.", isNumber: true, cell: (entry) => entry.number },
        { head: "When", className: "mono small", cell: (entry) => formatTime(entry.at) },
        { head: "Who", cell: (entry) => entry.actor },
        { head: "What", cell: (entry) => actText(entry.action) },
        {
          head: "To what",
          className: "mono small agent",
          cell: (entry) => objectOf(entry.action, entry.object),
        },
        { head: "Outcome", cell: (entry) => <Outcome code={entry.outcome} /> },
        { head: "From", className: "mono small", cell: (entry) => entry.address },
      ]}
    />
  );
}
