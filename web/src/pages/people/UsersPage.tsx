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
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { FactorRule } from "./FactorRule";

export function UsersPage() {
  const [isAdding, setIsAdding] = useState(false);
  const whyNot = useWhyNot("POST /api/users");
  const whyNoRule = useWhyNot("GET /api/second-factor/rule");
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
        {!whyNoRule && <FactorRule />}
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
    <Table
      items={items}
      keyOf={(user) => user.name}
      columns={[
        { head: "User", cell: (user) => <strong>{user.name}</strong> },
        { head: "Role", cell: (user) => ROLE[user.role].text },
        { head: "State", cell: (user) => <Lamp state={USER_STATE[userState(user)]} /> },
        { head: "Second factor", cell: (user) => (user.has_second_factor ? "on" : "off") },
        { head: "Signs in by", cell: (user) => user.provider ?? "password" },
        {
          head: "Last signed in",
          cell: (user) => (user.last_sign_in ? <Ago at={user.last_sign_in} /> : "never"),
        },
      ]}
      actions={(user) => (
        <Button look="small" label={`Change ${user.name}`} onClick={() => onEdit(user)}>
          Change
        </Button>
      )}
    />
  );
}
