// The library map: every place, what is in it, and moves by drag, by keyboard and by dialog.
import { useState } from "react";
import { Link } from "wouter";
import { library as askLibrary, cartridges } from "../../api/queries";
import type { CartridgeView, ElementView, LibraryView, Place } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Bay, Spine } from "../../components/Bay";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { DRIVE_STATE } from "../../components/states";
import { CartridgeMove } from "../../forms/cartridge-move";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { destinations } from "../../util/moves";
import { api, to } from "../../util/path-builder";
import { isSamePlace, placeOf } from "../../util/places";
import { plural } from "../../util/units";

interface Moving {
  barcode: string;
  from: Place;
  to?: Place;
}

export function LibraryPage() {
  const query = useLockAwareQuery(askLibrary());
  const act = useJobAct();
  const whyNot = useWhyNot("POST /api/library/inventory");
  return (
    <>
      <PageHead
        title="Library map"
        topic="library"
        lead={
          query.data && (
            <>
              {query.data.changer
                ? `${query.data.changer.vendor} ${query.data.changer.product}`
                : "A drive that stands alone"}
              {" · looked at "}
              <Ago at={query.data.inventory_taken} />
            </>
          )
        }
        actions={
          <Button
            icon="library"
            whyNot={whyNot}
            isBusy={act.isPending}
            onClick={() => act.mutate({ path: api.inventory() })}
          >
            Take inventory
          </Button>
        }
      />
      {act.error && <ErrorBox error={act.error} />}
      <Loaded query={query} what="the library">
        {(library) => <LibraryMap library={library} />}
      </Loaded>
    </>
  );
}

function LibraryMap({ library }: { library: LibraryView }) {
  const list = useLockAwareQuery(cartridges());
  const [dragged, setDragged] = useState<Moving | null>(null);
  const [asked, setAsked] = useState<Moving | null>(null);
  const byBarcode = new Map<string, CartridgeView>(
    (list.data?.items ?? []).map((item) => [item.barcode, item]),
  );
  const targets = dragged ? destinations(library, dragged.from) : [];

  const propsOf = (element: ElementView) => {
    const here = placeOf(element);
    const moving = here && { barcode: element.barcode ?? "the cartridge", from: here };
    return {
      element,
      cartridge: element.barcode ? byBarcode.get(element.barcode) : undefined,
      isTarget: targets.some((place) => isSamePlace(place, here)),
      isDragged: isSamePlace(dragged?.from ?? null, here),
      onOpen: () => setAsked(moving),
      onDragStart: () => setDragged(moving),
      onDragEnd: () => setDragged(null),
      onDrop: () => {
        if (dragged && here) setAsked({ ...dragged, to: here });
        setDragged(null);
      },
    };
  };
  const of = (kind: ElementView["kind"]) => library.elements.filter((each) => each.kind === kind);
  const slots = of("slot");
  const mail = of("mail_slot");
  const drives = of("drive");
  return (
    <div className="stack">
      <p className="small quiet-text no-print">
        Drag a cartridge to an empty place, or press it for a dialog that does the same. Nothing
        moves before you have read what will happen.
      </p>
      <Panel title="Drives" aside={<Link href={to.equipment()}>Equipment</Link>}>
        <ul className="drives">
          {drives.map((element) => (
            <DriveBay key={element.address} library={library} bay={propsOf(element)} />
          ))}
        </ul>
      </Panel>
      <Panel title="Mail slots" aside="where a person puts cartridges in and takes them out">
        {mail.length === 0 ? (
          <Empty title="This library has none">
            <p>Cartridges go in and out by its door.</p>
          </Empty>
        ) : (
          <ul className="magazine">
            {mail.map((element) => (
              <Bay key={element.address} {...propsOf(element)} />
            ))}
          </ul>
        )}
      </Panel>
      <Panel
        title="Slots"
        aside={`${slots.filter((slot) => slot.is_full).length} of ${plural(slots.length, "slot")} full`}
      >
        <ul className="magazine">
          {slots.map((element) => (
            <Bay key={element.address} {...propsOf(element)} />
          ))}
        </ul>
      </Panel>
      {asked && <CartridgeMove {...asked} onClose={() => setAsked(null)} />}
    </div>
  );
}

function DriveBay({ library, bay }: { library: LibraryView; bay: Parameters<typeof Bay>[0] }) {
  const { element, isTarget } = bay;
  const drive = library.drives.find((each) => each.number === element.number);
  return (
    <li
      className={isTarget ? "bay is-drive is-target" : "bay is-drive"}
      onDragOver={(event) => isTarget && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        if (isTarget) bay.onDrop();
      }}
    >
      <span className="place">
        <span>
          drive <span className="mono">{element.number}</span>
        </span>
        <span className="mono">{drive?.generation}</span>
      </span>
      <div className="drive-face">
        <div className={element.is_full ? "mouth" : "mouth is-empty"}>
          {element.is_full ? (
            <Spine {...bay} />
          ) : (
            <span className="nothing">{isTarget ? "drop here" : "no cartridge"}</span>
          )}
        </div>
        {drive ? (
          <>
            <span>
              <Lamp state={DRIVE_STATE[drive.state]} />
              {drive.job !== null && (
                <>
                  {" · "}
                  <Link href={to.job(drive.job)}>job {drive.job}</Link>
                </>
              )}
            </span>
            {drive.alerts?.map((alert) => (
              <span key={alert} className="small tone-warn">
                {alert}
              </span>
            ))}
          </>
        ) : (
          <span className="small quiet-text">This drive is not used by FossilSafe.</span>
        )}
      </div>
    </li>
  );
}
