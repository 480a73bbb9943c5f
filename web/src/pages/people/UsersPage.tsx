// Users: who may sign in, and what each may do.
import { useState } from "react";
import { users } from "../../api/queries";
import type { Role, UserView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { ROLE, USER_STATE, userState } from "../../components/states";
import { UserCreate } from "../../forms/user-create";
import { UserEdit } from "../../forms/user-edit";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { TableFrame } from "../../table/TableFrame";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";

export function UsersPage() {
  const [isAdding, setIsAdding] = useState(false);
  const whyNot = useWhyNot("POST /api/users");
  return (
    <>
      <PageHead
        title="Users and roles"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="access"
        lead="Who may sign in. What a role may not do is shown disabled, with the reason."
        actions={
          <Button icon="users" look="primary" whyNot={whyNot} onClick={() => setIsAdding(true)}>
            Add a user
          </Button>
        }
      />
      <div className="stack">
        <NeedsRole act="GET /api/users">
          <UserList />
        </NeedsRole>
        <Panel title="Roles">
          <Facts
            rows={(Object.keys(ROLE) as Role[]).map(
              (role) => [ROLE[role].text, ROLE[role].meaning] as const,
            )}
          />
        </Panel>
      </div>
      {isAdding && <UserCreate onClose={() => setIsAdding(false)} />}
    </>
  );
}

function UserList() {
  const query = useLockAwareQuery(users());
  const [edited, setEdited] = useState<UserView | null>(null);
  return (
    <>
      <TableFrame label="Users">
        <Loaded query={query} what="the users">
          {(page) => <UserTable items={page.items} onEdit={setEdited} />}
        </Loaded>
      </TableFrame>
      {edited && <UserEdit user={edited} onClose={() => setEdited(null)} />}
    </>
  );
}

interface TableProps {
  items: readonly UserView[];
  onEdit: (user: UserView) => void;
}

function UserTable({ items, onEdit }: TableProps) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th>User</th>
          <th>Role</th>
          <th>State</th>
          <th>Second factor</th>
          <th>Last signed in</th>
          <th>
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((user) => (
          <tr key={user.name}>
            <td>
              <strong>{user.name}</strong>
            </td>
            <td data-label="Role">{ROLE[user.role].text}</td>
            <td data-label="State">
              <Lamp state={USER_STATE[userState(user)]} />
            </td>
            <td data-label="Second factor">{user.has_second_factor ? "on" : "off"}</td>
            <td data-label="Last signed in">
              {user.last_sign_in ? <Ago at={user.last_sign_in} /> : "never"}
            </td>
            <td>
              <Button look="small" label={`Change ${user.name}`} onClick={() => onEdit(user)}>
                Change
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
