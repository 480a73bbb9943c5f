// The dialog that adds a user. The appliance makes up a first password, good for choosing another.
import { useState } from "react";
import type { Role, UserWithPassword } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { ShownOnce } from "../components/ShownOnce";
import { ROLE } from "../components/states";
import { useSend } from "../hooks/useAct";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choices, TextField } from "../ui/Field";
import { api } from "../util/path-builder";

export const ROLE_CHOICES = (Object.keys(ROLE) as Role[]).map((value) => ({
  value,
  title: ROLE[value].text,
  text: ROLE[value].meaning,
}));

export function UserCreate({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const send = useSend<UserWithPassword>(["users"]);
  const made = send.data;
  if (made?.interim_password) {
    return (
      <Dialog
        title={`${made.user.name} may sign in`}
        onClose={onClose}
        onSubmit={onClose}
        footer={
          <Button type="submit" look="primary">
            I have noted it
          </Button>
        }
      >
        <p>
          Give {made.user.name} this password. Whoever signs in with it has to choose another first.
        </p>
        <ShownOnce name="First password" lines={[made.interim_password]} />
      </Dialog>
    );
  }
  const whyNot = name.trim() === "" ? "A name is needed." : undefined;
  return (
    <Dialog
      title="Add a user"
      onClose={onClose}
      onSubmit={() => {
        if (!whyNot) send.mutate({ path: api.users(), body: { name: name.trim(), role } });
      }}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Add the user
          </Button>
        </>
      }
    >
      <TextField label="Name" value={name} onChange={setName} autoFocus />
      <Choices legend="Role" name="role" value={role} onChange={setRole} options={ROLE_CHOICES} />
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}
