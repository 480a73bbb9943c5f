// How long ago, with the exact time on hover and for screen readers.
import { useNow } from "../hooks/useNow";
import { formatAgo, formatTime } from "../util/units";

export function Ago({ at }: { at: string | null }) {
  const now = useNow(30_000);
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={formatTime(at)}>
      {formatAgo(at, now)}
    </time>
  );
}
