// The short answer to one of the three questions of Home.
import { Icon } from "../../ui/Icon";
import type { Tone } from "../../ui/Lamp";

export function Reply({ tone, text }: { tone: Tone; text: string }) {
  const icon = tone === "foreign" ? "idle" : tone;
  return (
    <p className={`reply tone-${tone}`}>
      <Icon name={icon} />
      <span>{text}</span>
    </p>
  );
}
