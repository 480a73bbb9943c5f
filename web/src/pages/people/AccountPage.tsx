// My account: the password, the second factor, where I am signed in, how the console looks.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sessions } from "../../api/queries";
import type { OpenSessionView, SessionView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { ROLE } from "../../components/states";
import { NO_PASSWORD, PasswordFields, whyNotPassword } from "../../forms/password-fields";
import { useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useSignOut } from "../../hooks/useSignOut";
import { announce } from "../../stores/announce";
import { ACCESS_KEY, useSession } from "../../stores/session";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { agentText } from "../../util/agent";
import { api } from "../../util/path-builder";
import { formatTime } from "../../util/units";
import { Appearance } from "./Appearance";
import { Passkeys } from "./Passkeys";
import { SecondFactor } from "./SecondFactor";

export function AccountPage() {
  const session = useSession();
  const signOut = useSignOut();
  if (!session) return null;
  return (
    <>
      <PageHead
        title="My account"
        topic="access"
        lead={`${session.user}, ${ROLE[session.role].text}. ${ROLE[session.role].meaning}`}
        actions={<Button onClick={signOut}>Sign out</Button>}
      />
      <div className="stack">
        <div className="columns">
          <PasswordPanel />
          <SecondFactor />
        </div>
        <Passkeys mine={session.user} />
        <SessionsPanel mine={session.user} />
        <div className="columns">
          <Appearance />
          <ThisSession session={session} />
        </div>
      </div>
    </>
  );
}

function PasswordPanel() {
  const client = useQueryClient();
  const [present, setPresent] = useState("");
  const [wanted, setWanted] = useState(NO_PASSWORD);
  const send = useSend<SessionView>([ACCESS_KEY[0], "sessions"], {
    onDone: () => {
      setPresent("");
      setWanted(NO_PASSWORD);
      announce("The password was changed.");
      void client.invalidateQueries({ queryKey: ["users"] });
    },
  });
  const whyNot = whyNotPassword(wanted);
  return (
    <Panel title="Password">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNot) return;
          const body = { present, wanted: wanted.password };
          send.mutate({ method: "PUT", path: api.password(), body });
        }}
      >
        <TextField
          label="Present password"
          type="password"
          value={present}
          onChange={setPresent}
          autoComplete="current-password"
        />
        <PasswordFields value={wanted} onChange={setWanted} />
        {send.error && <ErrorBox error={send.error} />}
        {send.isSuccess && (
          <Notice tone="good">
            <p>The password was changed. Everywhere else you are signed out.</p>
          </Notice>
        )}
        <div className="actions">
          <Button type="submit" whyNot={whyNot} isBusy={send.isPending}>
            Change the password
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function ThisSession({ session }: { session: SessionView }) {
  const minutes = session.idle_seconds ? Math.round(session.idle_seconds / 60) : null;
  return (
    <Panel title="This session">
      <Facts
        rows={[
          ["Ends at the latest", session.expires_at ? formatTime(session.expires_at) : "–"],
          ["Ends without use after", minutes ? `${minutes} min` : "–"],
        ]}
      />
    </Panel>
  );
}

function SessionsPanel({ mine }: { mine: string }) {
  const query = useLockAwareQuery(sessions());
  const [ended, setEnded] = useState<OpenSessionView | null>(null);
  return (
    <Panel title="Open sessions" isFlush>
      <Loaded query={query} what="the sessions">
        {(page) => (
          <Table
            items={page.items}
            keyOf={(item) => item.id}
            columns={[
              {
                head: "User",
                cell: (item) => (
                  <>
                    <strong>{item.user}</strong>
                    {item.is_current && <span className="quiet-text"> this one</span>}
                  </>
                ),
              },
              { head: "From", className: "mono", cell: (item) => item.address },
              {
                head: "With",
                className: "small agent",
                cell: (item) => item.agent && agentText(item.agent),
              },
              { head: "Begun", cell: (item) => <Ago at={item.created} /> },
              { head: "Last used", cell: (item) => <Ago at={item.last_seen} /> },
            ]}
            actions={(item) => (
              <Button
                look="small"
                label={`End the session of ${item.user} from ${item.address}`}
                whyNot={item.is_current ? "Sign out instead." : undefined}
                onClick={() => setEnded(item)}
              >
                End
              </Button>
            )}
          />
        )}
      </Loaded>
      {ended && (
        <AskDialog
          title="End this session"
          act="End it"
          sending={{ method: "DELETE", path: api.endSession(ended.id) }}
          renews={["sessions"]}
          done="The session has ended."
          onClose={() => setEnded(null)}
        >
          <p>
            {ended.user === mine ? "You are" : `${ended.user} is`} signed out at {ended.address},
            and has to sign in again there.
          </p>
        </AskDialog>
      )}
    </Panel>
  );
}
