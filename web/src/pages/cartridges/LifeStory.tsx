// The life of a cartridge: what happened to it, newest first.
import { Link } from "wouter";
import { cartridgeHistory } from "../../api/queries";
import type { CartridgeEventView } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Icon, type IconName } from "../../ui/Icon";
import type { Tone } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatTime } from "../../util/units";

/** How an event looks; one that a later release brings looks like news. */
const LOOK: Record<string, { icon: IconName; tone: Tone }> = {
  first_seen: { icon: "unknown", tone: "idle" },
  loaded: { icon: "drive", tone: "idle" },
  moved: { icon: "move", tone: "idle" },
  formatted: { icon: "empty", tone: "busy" },
  written: { icon: "full", tone: "busy" },
  indexed: { icon: "full", tone: "good" },
  verified: { icon: "good", tone: "good" },
  proven: { icon: "good", tone: "good" },
  copy_failed: { icon: "bad", tone: "bad" },
  evidence_revoked: { icon: "warn", tone: "bad" },
  locked: { icon: "lock", tone: "warn" },
  unlocked: { icon: "lock", tone: "idle" },
  retained: { icon: "lock", tone: "warn" },
  released: { icon: "lock", tone: "idle" },
  error: { icon: "bad", tone: "bad" },
};
const NEWS: { icon: IconName; tone: Tone } = { icon: "audit", tone: "idle" };

export function LifeStory({ barcode }: { barcode: string }) {
  const query = useLockAwareQuery(cartridgeHistory(barcode));
  return (
    <Panel title="Its life" aside="newest first">
      <Loaded query={query} what="its life">
        {(page) =>
          page.items.length === 0 ? (
            <p className="quiet-text">Nothing has happened to it yet.</p>
          ) : (
            <ol className="story">
              {page.items.map((event, index) => (
                <Happened key={`${event.at}-${index}`} event={event} />
              ))}
            </ol>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Happened({ event }: { event: CartridgeEventView }) {
  const { icon, tone } = LOOK[event.code] ?? NEWS;
  return (
    <li>
      <span className={`tone-${tone}`}>
        <Icon name={icon} />
      </span>
      <time dateTime={event.at} className="mono">
        {formatTime(event.at)}
      </time>
      <span>
        {event.message}
        {event.job !== null && (
          <>
            {" "}
            <Link href={to.job(event.job)} className="small">
              job {event.job}
            </Link>
          </>
        )}
      </span>
    </li>
  );
}
