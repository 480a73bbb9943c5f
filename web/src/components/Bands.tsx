// What stands above everything else: this is practice; the connection is lost.
import { status } from "../api/queries";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useNow } from "../hooks/useNow";
import { useConnection } from "../stores/connection";
import { Icon } from "../ui/Icon";
import { formatDuration } from "../util/units";

export function PracticeBand() {
  const { data } = useLockAwareQuery(status());
  if (!data?.library.is_practice) return null;
  return (
    <section className="band practice" aria-label="Practice library">
      <p>
        <strong>Practice</strong> ·{" "}
        <span className="wide-only">cartridges are files in a folder. </span>Nothing here is on
        tape.
      </p>
    </section>
  );
}

export function ConnectionBand() {
  const { isLost, lastAnswer } = useConnection();
  const now = useNow(1000);
  if (!isLost) return null;
  return (
    <section className="band lost" aria-label="Connection">
      <Icon name="disconnected" />
      <p>
        <strong>The appliance does not answer.</strong> What you see is{" "}
        <span className="mono">{formatDuration((now - lastAnswer) / 1000)}</span> old. Jobs go on
        without the console; it tries again every 3 s.
      </p>
    </section>
  );
}
