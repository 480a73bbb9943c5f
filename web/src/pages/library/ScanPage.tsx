// At the shelf, with a phone: point it at a label, and see what that cartridge is and where it belongs. What
// jobs wait for stands on top and is ticked as it is found. Without a camera the label is typed.
import { useCallback, useState } from "react";
import { cartridge as askCartridge, jobs } from "../../api/queries";
import type { CartridgeView, JobView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { CARTRIDGE_MEANING, CARTRIDGE_STATE } from "../../components/states";
import { useLabelCamera } from "../../hooks/useLabelCamera";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { announce } from "../../stores/announce";
import { Button, ButtonLink } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty, Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { isBarcode, tidyBarcode } from "../../util/barcode";
import { to } from "../../util/path-builder";
import { placeText } from "../../util/places";

const TICK_MS = 60;

export function ScanPage() {
  const [seen, setSeen] = useState<readonly string[]>([]);
  const waiting = useLockAwareQuery(jobs({ state: "waiting" }));
  const wanted = (waiting.data?.items ?? []).filter((job) => job.need?.need === "cartridge");
  const add = useCallback((barcode: string) => {
    setSeen((before) => [barcode, ...before.filter((each) => each !== barcode)]);
    announce(`${barcode} was read.`);
    navigator.vibrate?.(TICK_MS);
  }, []);
  return (
    <>
      <PageHead
        title="Scan labels"
        crumb={{ href: to.library(), text: "Library map" }}
        topic="scan"
        lead="Hold a label before the camera: what it is, and what to do with it, comes up below."
      />
      <div className="stack">
        <Camera onRead={add} />
        <Typed onRead={add} />
        <Wanted jobs={wanted} seen={seen} />
        <Panel title="Read so far" aside={seen.length > 0 && `${seen.length}, newest first`}>
          {seen.length === 0 ? (
            <Empty title="None yet">
              <p>Labels that were read are listed here until you leave the page.</p>
            </Empty>
          ) : (
            <ul className="stack">
              {seen.map((barcode) => (
                <li key={barcode}>
                  <Scanned barcode={barcode} wantedBy={wanted.find(wants(barcode))} />
                </li>
              ))}
            </ul>
          )}
        </Panel>
      </div>
    </>
  );
}

function wants(barcode: string) {
  return ({ need }: JobView) => need?.need === "cartridge" && need.barcode === barcode;
}

function Camera({ onRead }: { onRead: (barcode: string) => void }) {
  const { video, state } = useLabelCamera(onRead);
  return (
    <section className="viewfinder" aria-label="Camera" data-state={state}>
      <video ref={video} muted playsInline aria-label="What the camera sees" />
      {state === "looking" && <div className="viewfinder-band" aria-hidden="true" />}
      {state === "starting" && <p>Waiting for the camera: the browser may ask whether it may.</p>}
      {state === "insecure" && (
        <p>
          Browsers give the camera to pages that came over https only. Open this page at https, port
          8443 on the appliance, or type the label.
        </p>
      )}
      {state === "refused" && (
        <p>The browser was told not to give the camera to this page. Type the label instead.</p>
      )}
      {state === "missing" && <p>There is no camera that can be used. Type the label instead.</p>}
    </section>
  );
}

function Typed({ onRead }: { onRead: (barcode: string) => void }) {
  const [text, setText] = useState("");
  const [isShowingWrong, setIsShowingWrong] = useState(false);
  const barcode = tidyBarcode(text);
  const wrong = isBarcode(barcode)
    ? undefined
    : "A label has eight letters and digits, as FSP001L9.";
  return (
    <form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault();
        setIsShowingWrong(wrong !== undefined);
        if (wrong) return;
        onRead(barcode);
        setText("");
      }}
    >
      <TextField
        className="grow"
        label="Or type the label"
        isMono
        value={text}
        onChange={setText}
        wrong={isShowingWrong ? wrong : undefined}
      />
      <Button type="submit">Look it up</Button>
    </form>
  );
}

function Wanted({ jobs: waiting, seen }: { jobs: readonly JobView[]; seen: readonly string[] }) {
  if (waiting.length === 0) return null;
  return (
    <Panel title="To be brought">
      <ul className="stack tight">
        {waiting.map((job) => {
          if (job.need?.need !== "cartridge") return null;
          const isFound = job.need.barcode !== null && seen.includes(job.need.barcode);
          return (
            <li key={job.id} className="actions">
              <Lamp
                state={
                  isFound
                    ? { tone: "good", icon: "good", text: "Found" }
                    : { tone: "warn", icon: "search", text: "Not found yet" }
                }
              />
              <CartridgeChip barcode={job.need.barcode} />
              <span className="quiet-text">for {job.title}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function Scanned({ barcode, wantedBy }: { barcode: string; wantedBy: JobView | undefined }) {
  const query = useLockAwareQuery(askCartridge(barcode));
  return (
    <section className="stack tight" aria-label={barcode}>
      <CartridgeChip barcode={barcode} />
      {wantedBy && (
        <Notice tone="warn">
          <strong>Put it into a mail slot.</strong>
          <p>{wantedBy.title} waits for it.</p>
          <div className="actions">
            <ButtonLink href={to.job(wantedBy.id)} look="small">
              Open the job
            </ButtonLink>
          </div>
        </Notice>
      )}
      <Loaded query={query} what={barcode}>
        {(cartridge) => <Known cartridge={cartridge} />}
      </Loaded>
    </section>
  );
}

function Known({ cartridge }: { cartridge: CartridgeView }) {
  const { alias, location, place, state, volume } = cartridge;
  return (
    <>
      <span className="actions">
        <Lamp state={CARTRIDGE_STATE[state]} />
        {alias && <span>“{alias}”</span>}
        {volume?.set && (
          <span className="quiet-text">
            {volume.set}
            {volume.copy && ` copy ${volume.copy}`}
          </span>
        )}
      </span>
      <span>{CARTRIDGE_MEANING[state]}</span>
      <span className="quiet-text">
        {place
          ? `The library believes it is in ${placeText(place)}.`
          : `It is not in the library; its place: ${location ?? "nobody has noted one"}.`}
      </span>
    </>
  );
}
