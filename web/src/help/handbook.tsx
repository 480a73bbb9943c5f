// The texts of the handbook. Short on purpose: what a page shows, what its acts do, what to expect.
import type { ReactNode } from "react";
import { EVIDENCE } from "../components/states";
import { EVIDENCE_ORDER } from "../util/evidence";
import { APPLIANCE } from "./handbook-appliance";
import type { Topic } from "./topics";

function Terms({ rows }: { rows: readonly (readonly [string, string])[] }) {
  return (
    <dl className="facts">
      {rows.map(([word, meaning]) => [
        <dt key={`${word}-word`}>{word}</dt>,
        <dd key={word}>{meaning}</dd>,
      ])}
    </dl>
  );
}

export const HANDBOOK: Record<Topic, ReactNode> = {
  words: (
    <Terms
      rows={[
        ["cartridge", "the object with a barcode"],
        ["volume", "the LTFS content on a cartridge"],
        ["library", "the box with slots, drives and a robot"],
        ["mail slot", "where a person puts cartridges in and takes them out"],
        ["set", "one protected thing: its paths and its copies"],
        ["run", "one execution of a set's backup; the state of its files at that time"],
        ["copy", "a file's bytes on one cartridge; also A and B, the complete copies of a set"],
        ["catalog", "what is where, and how well that is proven; kept on the appliance"],
        ["index", "the list of files on a tape itself"],
        ["job", "anything that takes long; it runs in the appliance and not in the browser"],
        ["practice library", "drives and cartridges that are files in a folder"],
      ]}
    />
  ),
  evidence: (
    <>
      <p>
        FossilSafe never calls a file safe because no error was seen. Each copy of each file climbs
        a ladder, and only the appliance's own observation lifts it a step:
      </p>
      <Terms
        rows={EVIDENCE_ORDER.map((state) => [EVIDENCE[state].text, EVIDENCE[state].meaning])}
      />
      <p>
        A backup is complete when every planned file is at least indexed in every copy. Otherwise it
        is incomplete, and the files that are missing are listed with the reason. Verifying lifts
        files to read back: the cartridge has left the drive and was loaded again, so what was
        compared came from the tape and not from a buffer.
      </p>
      <p>The ladder is drawn as steps, each as full as the share of files that reached it.</p>
    </>
  ),
  home: (
    <>
      <p>Home answers three questions.</p>
      <ul>
        <li>Is my data safe? What the evidence says of the newest runs of all sets, never more.</li>
        <li>
          What needs me? Jobs that wait, drives that complain, sets that are incomplete, worst
          first.
        </li>
        <li>What is the machine doing? Jobs and drives now.</li>
      </ul>
      <p>
        Under Running now stands for each job: the rate at which the source can be read, the rate of
        the drive, how many seconds of data wait for the drive, how often it had to wait, and which
        part limits the whole. A drive that is the limit is as it should be.
      </p>
    </>
  ),
  scan: (
    <>
      <p>
        At the shelf, with a phone: the camera looks for the label of a cartridge and shows what it
        is, where it belongs, and whether a job waits for it. What jobs wait for stands on the page
        and is ticked as you find it. Two looks have to agree before a label counts.
      </p>
      <p>
        Browsers give the camera to pages over https only. A label that is torn, or too shiny, can
        be typed.
      </p>
    </>
  ),
  library: (
    <>
      <p>
        Every place of the library with the label of the cartridge in it. Drag a cartridge to an
        empty place, or press it: both open the same dialog, which says what the move will do.
        Nothing moves before you agree. By keyboard: Tab to a cartridge, Enter, choose the place,
        Enter.
      </p>
      <p>
        Taking inventory looks at every place again; do it after you put cartridges in or took them
        out. A move to a mail slot lets you take the cartridge out; if files are on it, the dialog
        says of which set.
      </p>
    </>
  ),
  cartridges: (
    <>
      <p>
        The list shows the cartridges in the library first and then those that the catalog knows. A
        cartridge's page says where it is, what is on it, what is proven of that, and what would be
        lost with it.
      </p>
      <p>
        Formatting makes an empty LTFS volume. A cartridge that was never looked at is formatted
        without more questions only if the drive finds it blank; otherwise its barcode has to be
        typed, and what would be lost is shown. What is erased cannot be brought back.
      </p>
      <p>Foreign volumes, those of other software or of an unknown key, are only read.</p>
    </>
  ),
  sets: (
    <>
      <p>
        A set is one protected thing. Each backup of it is a run. A run that is incremental refers
        to files of earlier runs whose copies have evidence; a restore of it reads those cartridges
        too.
      </p>
      <p>
        Where its copies are shows each copy with its volumes in sequence. Every volume can be read
        by itself.
      </p>
    </>
  ),
  backup: (
    <>
      <p>
        Name folders and files, the set that they belong to, and how many copies. Before it starts,
        the wizard compares the cartridges that are here with what the set needs. If there are too
        few, you can format some at once; otherwise the job would start and wait for you.
      </p>
      <ul>
        <li>
          A file that changes while it is read, vanishes or cannot be read is listed, and the run is
          incomplete.
        </li>
        <li>
          The drive starts only when enough data is waiting for it, and stops cleanly when it runs
          low.
        </li>
        <li>An index is written after every 32 GiB: a power cut costs no more than that.</li>
      </ul>
    </>
  ),
  jobs: (
    <>
      <p>A job keeps its state, its log and its number. Closing the browser does nothing to it.</p>
      <ul>
        <li>
          Pause stops at the next safe point: what is in the drive is flushed and indexed first.
        </li>
        <li>Resume goes on where it stopped.</li>
        <li>
          Cancel stops at the next safe point for good. What is on tape stays readable and keeps its
          evidence.
        </li>
      </ul>
      <p>
        The log stands still while you read it; a button tells how many lines came since. The charts
        show what this console has seen of the rates since it was opened.
      </p>
    </>
  ),
  restore: (
    <>
      <p>
        Search for a file or take a whole run; choose the folder; read the plan. The plan names the
        cartridges in the order in which they are read, and those that somebody has to bring. Each
        file is compared with its hash from the backup while it is written.
      </p>
      <p>
        A restore that needs a cartridge which is not here restores everything else first and then
        waits, as long as it takes. Put the cartridge into a mail slot, take inventory, resume the
        job: all of it works from a phone. At its end there is a proof to print.
      </p>
    </>
  ),
  search: (
    <p>
      Searches the paths of every file that was ever backed up. Parts of words count; upper and
      lower case do not. A file's page shows its versions, newest first, each with its hash and the
      cartridges of its copies.
    </p>
  ),
  recovery: (
    <>
      <p>
        The tapes carry signed lists of what is on them. If the catalog is damaged or gone, it is
        read back from them: only indexes and lists are read, so it takes a minute or two a
        cartridge.
      </p>
      <p>
        On the command line, without the engine: fossilsafe ltfs check, extract and repair work on
        one cartridge.
      </p>
    </>
  ),
  equipment: (
    <>
      <p>
        Drives and the changer as they describe themselves. What a drive complains of is told in
        plain words. A drive that asks to be cleaned takes no job before it was.
      </p>
      <p>
        A drive that another host has reserved refuses this appliance. Taking it from that host asks
        for the host's key, since a job there would fail.
      </p>
      <p>
        Calibration measures the library: with any data cartridge, the robot goes to each free drive
        and back while the drive gets ready, goes to the end of the tape and rewinds. Nothing is
        written. Plans of restores and dry runs of backups use the newest measurement for the time
        that exchanging cartridges takes; before the first one they assume 150 seconds, and say so.
      </p>
    </>
  ),
  health: (
    <p>
      Whether the appliance can do its work, and what needs a person. Monitoring systems read the
      same from /api/healthz, and figures in Prometheus' format from the address that is shown.
    </p>
  ),
  ...APPLIANCE,
  keyboard: (
    <Terms
      rows={[
        ["Tab, Shift Tab", "to the next and the previous control"],
        ["Enter", "press it; in a dialog, agree"],
        ["Escape", "close a dialog without doing anything"],
        ["Arrow keys", "choose in lists; scroll in a log or table that has the focus"],
        ["The first Tab on a page", "skips to the page, past the rail"],
      ]}
    />
  ),
};
