// A new password, twice, with what is wrong with it before it is sent.
import { TextField } from "../ui/Field";

/** The appliance has the last word; this saves a way there and back. */
const CHARACTERS_MIN = 12;

export interface NewPassword {
  password: string;
  again: string;
}

export const NO_PASSWORD: NewPassword = { password: "", again: "" };

/** Why it cannot be sent yet. */
export function whyNotPassword({ password, again }: NewPassword): string | undefined {
  if (password !== "" && [...password].length < CHARACTERS_MIN) {
    return `The password needs at least ${CHARACTERS_MIN} characters.`;
  }
  return again !== "" && again !== password ? "The passwords differ." : undefined;
}

interface Props {
  value: NewPassword;
  onChange: (value: NewPassword) => void;
}

export function PasswordFields({ value, onChange }: Props) {
  const isDifferent = value.again !== "" && value.again !== value.password;
  return (
    <>
      <TextField
        label="New password"
        hint={`At least ${CHARACTERS_MIN} characters; a sentence is easier to keep than a riddle.`}
        type="password"
        value={value.password}
        onChange={(password) => onChange({ ...value, password })}
        autoComplete="new-password"
      />
      <TextField
        label="New password again"
        type="password"
        value={value.again}
        onChange={(again) => onChange({ ...value, again })}
        autoComplete="new-password"
        wrong={isDifferent ? "This is not the same password." : undefined}
      />
    </>
  );
}
