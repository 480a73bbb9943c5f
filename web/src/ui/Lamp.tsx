// A state in one place: shape, word and colour together.
import { Icon, type IconName } from "./Icon";

export type Tone = "good" | "busy" | "warn" | "bad" | "foreign" | "idle";

export interface State {
  tone: Tone;
  icon: IconName;
  text: string;
}

export function Lamp({ state, size = 16 }: { state: State; size?: number }) {
  return (
    <span className={`lamp tone-${state.tone}`}>
      <Icon name={state.icon} size={size} />
      {state.text}
    </span>
  );
}
