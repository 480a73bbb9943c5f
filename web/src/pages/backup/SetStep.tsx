// The second step: as which set, in how many copies, into which pool.
import { pools, sets } from "../../api/queries";
import { PRIORITIES } from "../../components/JobTurn";
import { ENCRYPTION } from "../../components/states";
import { wrongSet } from "../../forms/backup-draft";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Choices, SelectField, TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import type { StepProps } from "./steps";

export function SetStep({ draft, change, isShowingWrong }: StepProps) {
  const query = useLockAwareQuery(sets());
  const known = query.data?.items.map((each) => each.name) ?? [];
  const list = useLockAwareQuery(pools());
  const offered = (list.data ?? []).map((pool) => ({
    value: pool.name,
    text: `${pool.name}: ${ENCRYPTION[pool.encryption].text}`,
  }));
  return (
    <Panel title="As which set, and how often">
      <div className="stack">
        <TextField
          label="Set"
          hint={
            known.length > 0
              ? `A new name makes a new set. Known: ${known.join(", ")}.`
              : "Named after what it protects: photos, accounts, mail."
          }
          value={draft.set}
          onChange={(set) => change({ set })}
          wrong={isShowingWrong ? wrongSet(draft) : undefined}
        />
        <Choices
          legend="Copies"
          name="copies"
          value={draft.copies}
          onChange={(copies) => change({ copies })}
          options={[
            {
              value: "1",
              title: "One copy",
              text: "On cartridges of its own. If one of them fails, its files are gone unless the originals are still there.",
            },
            {
              value: "2",
              title: "Two copies, A and B",
              text: "Each complete, on cartridges of its own, from one read of the source. Take one of them elsewhere.",
            },
          ]}
        />
        <Choices
          legend="Which files"
          name="mode"
          value={draft.mode}
          onChange={(mode) => change({ mode })}
          options={[
            {
              value: "incremental",
              title: "What has no evidence yet",
              text: "Files whose content is already indexed on tape are not written again. A set's first run writes everything.",
            },
            { value: "full", title: "Every file", text: "Writes all of it again." },
          ]}
        />
        {offered.length > 0 && (
          <SelectField
            label="Pool"
            value={draft.pool}
            onChange={(pool) => change({ pool })}
            hint="A set with runs stays in its pool."
            options={[{ value: "", text: "The set's own, or none" }, ...offered]}
          />
        )}
        <SelectField
          label="Compression"
          value={draft.compression}
          onChange={(compression) => change({ compression })}
          hint="Files are readable by any LTFS software either way. Those that become smaller are stored as NAME.zst, photographs and films as they are."
          options={[
            { value: "none", text: "None: files lie on tape as they are" },
            {
              value: "zstd",
              text: "zstd: what becomes smaller is compressed, as text and databases",
            },
          ]}
        />
        <details>
          <summary>Its turn, and scripts before and after</summary>
          <div className="stack">
            <SelectField
              label="Among jobs that wait for a drive"
              value={draft.priority}
              onChange={(priority) => change({ priority })}
              options={PRIORITIES}
            />
            <div className="pair">
              <TextField
                label="Script before"
                hint="A name in the appliance's folder of hooks. If it fails, nothing is backed up."
                isMono
                value={draft.before}
                onChange={(before) => change({ before: before.trim() })}
              />
              <TextField
                label="Script after"
                hint="Runs however the backup has ended. Both have ten minutes."
                isMono
                value={draft.after}
                onChange={(after) => change({ after: after.trim() })}
              />
            </div>
          </div>
        </details>
      </div>
    </Panel>
  );
}
