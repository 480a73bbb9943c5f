// The dialog that changes a user: the role, whether they may sign in, a forgotten password, the end.
import { useState } from "react";
import type { Role, UserView, UserWithPassword } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { ErrorBox } from "../components/ErrorBox";
import { ShownOnce } from "../components/ShownOnce";
import { type Sending, useSend } from "../hooks/useAct";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choices, TextField } from "../ui/Field";
import { api } from "../util/path-builder";
import { ROLE_CHOICES } from "./user-create";

type Task = "role" | "disabled" | "password" | "remove";

const TASKS = [
  { value: "role", title: "Another role", text: "It counts from the next request on." },
  {
    value: "disabled",
    title: "Whether they may sign in",
    text: "Who may not is signed out everywhere at once; keys stop too.",
  },
  {
    value: "password",
    title: "A new first password",
    text: "For one who has forgotten it, or lost the second factor. All sessions end.",
  },
  {
    value: "remove",
    title: "Remove",
    text: "Sessions and keys end. What the user did stays in the audit log.",
  },
] as const;

export function UserEdit({ user, onClose }: { user: UserView; onClose: () => void }) {
  const [task, setTask] = useState<Task>("role");
  const [isChosen, setIsChosen] = useState(false);
  if (isChosen) return <ChosenTask task={task} user={user} onClose={onClose} />;
  return (
    <Dialog
      title={`Change ${user.name}`}
      onClose={onClose}
      onSubmit={() => setIsChosen(true)}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" look="primary" icon="next">
            Next
          </Button>
        </>
      }
    >
      <Choices
        legend="What is to change"
        name="task"
        value={task}
        onChange={setTask}
        options={TASKS}
      />
    </Dialog>
  );
}

interface TaskProps {
  user: UserView;
  onClose: () => void;
}

function ChosenTask({ task, user, onClose }: TaskProps & { task: Task }) {
  if (task === "role") return <RoleTask user={user} onClose={onClose} />;
  if (task === "password") return <PasswordTask user={user} onClose={onClose} />;
  if (task === "remove") return <RemoveTask user={user} onClose={onClose} />;
  const isOff = user.is_disabled;
  return (
    <AskDialog
      title={isOff ? `Let ${user.name} sign in` : `Keep ${user.name} out`}
      act={isOff ? "Let them in" : "Keep them out"}
      isDanger={!isOff}
      sending={change(user, { is_disabled: !isOff })}
      renews={["users"]}
      done={`${user.name} was changed.`}
      onClose={onClose}
    >
      <p>
        {isOff
          ? `${user.name} may sign in again, with the password as it was.`
          : `${user.name} is signed out everywhere at once and cannot sign in until you change it back.`}
      </p>
    </AskDialog>
  );
}

const change = (user: UserView, body: unknown): Sending => ({
  method: "PATCH",
  path: api.user(user.name),
  body,
});

function RoleTask({ user, onClose }: TaskProps) {
  const [role, setRole] = useState<Role>(user.role);
  return (
    <AskDialog
      title={`Another role for ${user.name}`}
      act="Change the role"
      whyNot={role === user.role ? "It is the role that they have." : undefined}
      sending={change(user, { role })}
      renews={["users"]}
      done={`${user.name} was changed.`}
      onClose={onClose}
    >
      <Choices legend="Role" name="role" value={role} onChange={setRole} options={ROLE_CHOICES} />
    </AskDialog>
  );
}

function RemoveTask({ user, onClose }: TaskProps) {
  const [typed, setTyped] = useState("");
  return (
    <AskDialog
      title={`Remove ${user.name}`}
      act="Remove the user"
      isDanger
      whyNot={typed.trim() === user.name ? undefined : "Type the name."}
      sending={{ method: "DELETE", path: api.user(user.name) }}
      renews={["users", "sessions", "api-keys"]}
      done={`${user.name} was removed.`}
      onClose={onClose}
    >
      <p>Sessions and keys of {user.name} end at once. Jobs that they started go on.</p>
      <TextField label={`Type ${user.name}`} value={typed} onChange={setTyped} autoFocus />
    </AskDialog>
  );
}

function PasswordTask({ user, onClose }: TaskProps) {
  const [isFactorLost, setIsFactorLost] = useState(false);
  const send = useSend<UserWithPassword>(["users", "sessions"]);
  const made = send.data?.interim_password;
  return (
    <Dialog
      title={`A new first password for ${user.name}`}
      onClose={onClose}
      onSubmit={() => {
        if (made) return onClose();
        const body = { remove_second_factor: isFactorLost };
        send.mutate({ path: api.userPassword(user.name), body });
      }}
      footer={
        <>
          {!made && <Button onClick={onClose}>Leave it as it is</Button>}
          <Button type="submit" look="primary" isBusy={send.isPending}>
            {made ? "I have noted it" : "Make a password"}
          </Button>
        </>
      }
    >
      {made ? (
        <ShownOnce name="First password" lines={[made]} />
      ) : (
        <>
          <p>
            The old password and all sessions of {user.name} end at once. The new one is good for
            choosing another.
          </p>
          {user.has_second_factor && (
            <label className="tick">
              <input
                type="checkbox"
                className="check"
                checked={isFactorLost}
                onChange={() => setIsFactorLost(!isFactorLost)}
              />
              The authenticator is lost: take the second factor away too
            </label>
          )}
        </>
      )}
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}
