// A labelled input, with its hint and what is wrong with it tied to it.
import { type ReactNode, useId } from "react";
import { Icon } from "./Icon";

interface Common {
  label: string;
  hint?: ReactNode;
  wrong?: string | undefined;
  className?: string;
}

interface TextProps extends Common {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "password" | "search" | "number" | "date" | "time";
  isMono?: boolean;
  autoComplete?: string;
  autoFocus?: boolean;
  rows?: number;
  placeholder?: string;
  inputMode?: "text" | "numeric";
}

function useParts({ hint, wrong }: Common) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""]
    .filter(Boolean)
    .join(" ");
  const notes = (
    <>
      {hint && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {wrong && (
        <span className="wrong" id={`${id}-wrong`}>
          <Icon name="warn" size={14} />
          {wrong}
        </span>
      )}
    </>
  );
  const shared = {
    id,
    "aria-describedby": described || undefined,
    "aria-invalid": wrong ? (true as const) : undefined,
  };
  return { notes, shared };
}

export function TextField(props: TextProps) {
  const { notes, shared } = useParts(props);
  const input = {
    ...shared,
    className: props.isMono ? "input mono" : "input",
    value: props.value,
    placeholder: props.placeholder,
    autoComplete: props.autoComplete ?? "off",
    spellCheck: false,
  };
  return (
    <div className={["field", props.className ?? ""].join(" ")}>
      <label htmlFor={shared.id}>{props.label}</label>
      {props.rows ? (
        <textarea
          {...input}
          rows={props.rows}
          onChange={(event) => props.onChange(event.target.value)}
        />
      ) : (
        <input
          {...input}
          type={props.type ?? "text"}
          inputMode={props.inputMode}
          // biome-ignore lint/a11y/noAutofocus: only the first field of a dialog or of sign-in
          autoFocus={props.autoFocus}
          onChange={(event) => props.onChange(event.target.value)}
        />
      )}
      {notes}
    </div>
  );
}

interface SelectProps<T extends string> extends Common {
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; text: string }[];
}

export function SelectField<T extends string>(props: SelectProps<T>) {
  const { notes, shared } = useParts(props);
  return (
    <div className={["field", props.className ?? ""].join(" ")}>
      <label htmlFor={shared.id}>{props.label}</label>
      <select
        {...shared}
        className="input"
        value={props.value}
        onChange={(event) => {
          const chosen = props.options.find((option) => option.value === event.target.value);
          if (chosen) props.onChange(chosen.value);
        }}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      {notes}
    </div>
  );
}

interface ChoicesProps<T extends string> {
  legend: string;
  name: string;
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; title: string; text: string }[];
}

export function Choices<T extends string>(props: ChoicesProps<T>) {
  return (
    <fieldset className="choices">
      <legend className="legend">{props.legend}</legend>
      {props.options.map((option) => (
        <label key={option.value} className="choice">
          <input
            type="radio"
            name={props.name}
            checked={option.value === props.value}
            onChange={() => props.onChange(option.value)}
          />
          <strong>{option.title}</strong>
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface TickProps {
  text: ReactNode;
  isOn: boolean;
  onTurn: (isOn: boolean) => void;
}

export function Tick({ text, isOn, onTurn }: TickProps) {
  return (
    <label className="tick">
      <input type="checkbox" className="check" checked={isOn} onChange={() => onTurn(!isOn)} />
      {text}
    </label>
  );
}
