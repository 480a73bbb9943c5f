// Runs: every execution of a set's backup, newest first.
import { runs, sets } from "../../api/queries";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { TableFrame } from "../../table/TableFrame";
import { SelectField } from "../../ui/Field";
import { Empty } from "../../ui/Notice";
import { RunTable } from "./RunTable";

export function RunsPage() {
  const [set, setSet] = useQueryState("set");
  const query = useLockAwareQuery(runs(set ? { set } : {}));
  const all = useLockAwareQuery(sets());
  const names = (all.data?.items ?? []).map((each) => ({ value: each.name, text: each.name }));
  return (
    <>
      <PageHead
        title="Runs"
        topic="sets"
        lead="One run is the state of a set's files at one time. A restore brings back one run, or a part of it."
      />
      <div className="filters">
        <SelectField
          label="Set"
          value={set}
          onChange={setSet}
          options={[{ value: "", text: "All sets" }, ...names]}
        />
      </div>
      <TableFrame label="Runs">
        <Loaded query={query} what="the runs">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="No run yet">
                <p>Each backup of a set adds one here.</p>
              </Empty>
            ) : (
              <RunTable items={page.items} hasSet />
            )
          }
        </Loaded>
      </TableFrame>
    </>
  );
}
