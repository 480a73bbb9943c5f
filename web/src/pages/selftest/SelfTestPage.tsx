// Self-test: every part proves itself; the last one part by part, one now, and how earlier ones went.
import { useState } from "react";
import { Link } from "wouter";
import { selfTests } from "../../api/queries";
import type { Check, SelfTestView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { CHECK_RESULT, CHECK_SUBJECT, JOB_STATE } from "../../components/states";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { Words } from "../../ui/Words";
import { api, to } from "../../util/path-builder";
import { formatTime } from "../../util/units";

export function SelfTestPage() {
  const query = useLockAwareQuery(selfTests());
  return (
    <>
      <PageHead
        title="Self-test"
        crumb={{ href: to.health(), text: "Health" }}
        topic="selfTest"
        lead="Every part that everything else relies on is asked to prove itself."
      />
      <div className="stack">
        <Begin />
        <Loaded query={query} what="the self-tests">
          {({ items }) => {
            const last = items.find((test) => test.ended);
            return (
              <>
                {last && <Found test={last} />}
                <History tests={items} />
              </>
            );
          }}
        </Loaded>
      </div>
    </>
  );
}

function Begin() {
  const [barcode, setBarcode] = useState("");
  const notMine = useWhyNot("POST /api/self-tests");
  const act = useJobAct();
  const cartridge = barcode.trim().toUpperCase();
  return (
    <Panel title="Do one now">
      <form
        className="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          if (notMine) return;
          act.mutate({ path: api.selfTests(), body: cartridge ? { cartridge } : {} });
        }}
      >
        <TextField
          label="Cartridge to write to"
          hint="Empty: no tape is touched. Otherwise one with nothing on it: it is written, read back, and left empty."
          value={barcode}
          onChange={setBarcode}
          isMono
        />
        {act.error && <ErrorBox error={act.error} />}
        <div className="actions">
          <Button type="submit" look="primary" whyNot={notMine} isBusy={act.isPending}>
            Test every part
          </Button>
        </div>
        <p className="quiet-text">
          <Link href={to.schedules()}>A schedule</Link> does it by itself, every week for example.
        </p>
      </form>
    </Panel>
  );
}

function Found({ test }: { test: SelfTestView }) {
  return (
    <Panel
      title="The last one"
      aside={
        <>
          <Link href={to.job(test.job)}>Job {test.job}</Link> <Ago at={test.ended ?? null} />
        </>
      }
      isFlush
    >
      <Table
        caption="What each part has shown"
        items={test.checks}
        keyOf={(check: Check) => `${check.subject} ${check.about ?? ""}`}
        columns={[
          { head: "Part", cell: (check) => CHECK_SUBJECT[check.subject] },
          { head: "Which", className: "mono", cell: (check) => check.about ?? "" },
          { head: "Result", cell: (check) => <Lamp state={CHECK_RESULT[check.result]} /> },
          {
            head: "What was found",
            label: "Found",
            cell: (check) => (
              <>
                <Words text={check.sentence} />
                {check.advice && (
                  <p className="small">
                    <Words text={check.advice} />
                  </p>
                )}
              </>
            ),
          },
          { head: "Took", isNumber: true, cell: (check) => `${check.took_ms} ms` },
        ]}
      />
    </Panel>
  );
}

function History({ tests }: { tests: readonly SelfTestView[] }) {
  const count = (test: SelfTestView, result: Check["result"]) =>
    test.checks.filter((check) => check.result === result).length;
  return (
    <Panel title="Earlier ones" isFlush>
      {tests.length === 0 ? (
        <Empty title="None was done yet">
          <p>The first one takes seconds, if no tape is written.</p>
        </Empty>
      ) : (
        <Table
          caption="Self-tests"
          items={tests}
          keyOf={(test: SelfTestView) => test.job}
          columns={[
            {
              head: "When",
              cell: (test) => (
                <Link href={to.job(test.job)}>
                  {test.began ? formatTime(test.began) : `job ${test.job}`}
                </Link>
              ),
            },
            { head: "State", cell: (test) => <Lamp state={JOB_STATE[test.state]} /> },
            { head: "Passed", isNumber: true, cell: (test) => count(test, "passed") },
            { head: "To look at", isNumber: true, cell: (test) => count(test, "warning") },
            { head: "Failed", isNumber: true, cell: (test) => count(test, "failed") },
          ]}
        />
      )}
    </Panel>
  );
}
