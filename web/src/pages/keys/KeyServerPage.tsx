// The key server: a Vault that keeps the data keys of pools that ask for it, so that no disk here has them.
import { useState } from "react";
import { keyServer } from "../../api/queries";
import type { KmsProof, KmsRewrapped, KmsState, VaultSettingsShown } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import {
  EMPTY_KEY_SERVER,
  type KeyServerDraft,
  keyServerBody,
  ofKeyServer,
  whyNotKeyServer,
  withWay,
} from "../../forms/key-server-draft";
import { useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { announce } from "../../stores/announce";
import { Button } from "../../ui/Button";
import { Choices, TextField } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatTime, plural } from "../../util/units";

const RENEWS = ["key-server", "approvals"];

export function KeyServerPage() {
  return (
    <>
      <PageHead
        title="Key server"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="keys"
        lead="A HashiCorp Vault, or what speaks as it does, keeps the data keys of the pools that are made so. Who carries off the disks of this machine then has no key."
      />
      <NeedsRole act="GET /api/kms">
        <KeyServer />
      </NeedsRole>
    </>
  );
}

function KeyServer() {
  const query = useLockAwareQuery(keyServer());
  return (
    <Loaded query={query} what="the key server">
      {({ server, keys, token }) => (
        <div className="stack">
          {server && <Present server={server} keys={keys.length} token={token} />}
          <KeyServerForm server={server} />
        </div>
      )}
    </Loaded>
  );
}

function wayText(way: VaultSettingsShown["way"]): string {
  return way.kind === "transit"
    ? `encrypted by its key ${way.key}, kept here (transit at ${way.mount})`
    : `in its store ${way.mount}, below ${way.folder}`;
}

interface PresentProps {
  server: VaultSettingsShown;
  keys: number;
  token: KmsState["token"];
}

function tokenText(token: KmsState["token"]): string {
  if (!token) return "not looked at yet";
  if (!token.ends) return "never";
  const end = formatTime(token.ends);
  return token.is_renewable ? `${end}, and is renewed before` : `${end}, for good`;
}

function Present({ server, keys, token }: PresentProps) {
  const [isAsking, setIsAsking] = useState(false);
  const test = useSend<KmsProof>(RENEWS);
  const rewrap = useSend<KmsRewrapped>(RENEWS);
  const error = test.error ?? rewrap.error;
  return (
    <Panel
      title={server.address}
      aside={
        <>
          <Button
            look="small"
            isBusy={test.isPending}
            onClick={() => test.mutate({ path: api.testKeyServer() })}
          >
            Ask it now
          </Button>
          <Button
            look="small"
            isBusy={rewrap.isPending}
            onClick={() => rewrap.mutate({ path: api.rewrapKeys() })}
          >
            Wrap keys anew
          </Button>
          <Button look="small" onClick={() => setIsAsking(true)}>
            Take it away
          </Button>
        </>
      }
    >
      <Facts
        rows={[
          ["Data keys that only it opens", String(keys)],
          ["New ones are kept", wayText(server.way)],
          ["Signed in by", server.login.kind === "token" ? "a token" : "an app role"],
          ["Secret", server.has_secret ? "kept, sealed" : "none"],
          ...(server.login.kind === "token" ? ([["Token ends", tokenText(token)]] as const) : []),
        ]}
      />
      {token?.warning && (
        <Notice tone="warn">
          <p>{token.warning}</p>
        </Notice>
      )}
      {error && <ErrorBox error={error} />}
      {test.isSuccess && (
        <Notice tone="good">
          <p>
            It gave back what it was given, and opened {plural(test.data.opened.length, "data key")}
            .
          </p>
        </Notice>
      )}
      {rewrap.isSuccess && (
        <Notice tone="good">
          <p>
            {plural(rewrap.data.keys, "data key")} {rewrap.data.keys === 1 ? "is" : "are"} under the
            newest version of the server's key.
          </p>
        </Notice>
      )}
      {isAsking && (
        <AskDialog
          title="Take the key server away"
          act="Take it away"
          isDanger
          whyNot={
            keys > 0
              ? `Only it opens ${plural(keys, "data key")}: no pool must need it.`
              : undefined
          }
          sending={{ method: "DELETE", path: api.keyServer() }}
          renews={RENEWS}
          done="There is no key server any more."
          onClose={() => setIsAsking(false)}
        >
          <p>Pools whose keys are here are not touched by it.</p>
        </AskDialog>
      )}
    </Panel>
  );
}

function KeyServerForm({ server }: { server: VaultSettingsShown | null }) {
  const [draft, setDraft] = useState(() => (server ? ofKeyServer(server) : EMPTY_KEY_SERVER));
  const change = (part: Partial<KeyServerDraft>) => setDraft((before) => ({ ...before, ...part }));
  const send = useSend<KmsState>(RENEWS, {
    onDone: () => {
      change({ secret: "" });
      announce("The key server is set.");
    },
  });
  const keepsSecret = (server?.has_secret ?? false) && server?.login.kind === draft.login;
  const whyNot = whyNotKeyServer(draft, keepsSecret);
  return (
    <Panel title={server ? "Change it" : "Set a key server"}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNot !== undefined) return;
          send.mutate({ method: "PUT", path: api.keyServer(), body: keyServerBody(draft) });
        }}
      >
        <ServerFields draft={draft} change={change} />
        <LoginFields draft={draft} change={change} hasSecret={keepsSecret} />
        <WayFields draft={draft} change={change} />
        {send.error && <ErrorBox error={send.error} />}
        {send.isSuccess && (
          <Notice tone="good">
            <p>
              The server gave back what it was given, and is set. Pools can be made with it now.
            </p>
          </Notice>
        )}
        <div className="actions">
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Ask the server and set it
          </Button>
        </div>
      </form>
    </Panel>
  );
}

interface Part {
  draft: KeyServerDraft;
  change: (part: Partial<KeyServerDraft>) => void;
}

function ServerFields({ draft, change }: Part) {
  return (
    <>
      <div className="pair">
        <TextField
          label="Address of the server"
          value={draft.address}
          onChange={(address) => change({ address })}
          placeholder="https://vault.example:8200"
          isMono
        />
        <TextField
          label="Namespace"
          hint="Empty, where the server has none."
          value={draft.namespace}
          onChange={(namespace) => change({ namespace })}
          isMono
        />
      </div>
      <TextField
        label="Certificate to believe"
        hint="PEM, if the server's certificate is not from a public authority. Then no other is believed."
        value={draft.caPem}
        onChange={(caPem) => change({ caPem })}
        rows={3}
        isMono
      />
    </>
  );
}

function LoginFields({ draft, change, hasSecret }: Part & { hasSecret: boolean }) {
  const isRole = draft.login === "app_role";
  return (
    <>
      <Choices
        legend="This machine signs in"
        name="login"
        value={draft.login}
        onChange={(login) => change({ login })}
        options={[
          {
            value: "app_role",
            title: "With an app role",
            text: "A role for machines: it gets a fresh token for each job.",
          },
          {
            value: "token",
            title: "With a token",
            text: "It is not renewed here: when it ends, set the next one.",
          },
        ]}
      />
      <div className="columns">
        {isRole && (
          <>
            <TextField
              label="Roles are mounted at"
              value={draft.roleMount}
              onChange={(roleMount) => change({ roleMount })}
              isMono
            />
            <TextField
              label="Role id"
              value={draft.roleId}
              onChange={(roleId) => change({ roleId })}
              isMono
            />
          </>
        )}
        <TextField
          label={isRole ? "Secret id" : "Token"}
          {...(hasSecret ? { hint: "Empty: as it is." } : {})}
          type="password"
          value={draft.secret}
          onChange={(secret) => change({ secret })}
          autoComplete="new-password"
        />
      </div>
    </>
  );
}

function WayFields({ draft, change }: Part) {
  const isTransit = draft.way === "transit";
  return (
    <>
      <Choices
        legend="New data keys are kept"
        name="way"
        value={draft.way}
        onChange={(way) => change(withWay(draft, way))}
        options={[
          {
            value: "transit",
            title: "Here, encrypted by the server (transit)",
            text: "The server's own key never leaves it. Keep a copy of the server, as of anything that opens tapes.",
          },
          {
            value: "kv",
            title: "In the server (key-value store, version 2)",
            text: "The data keys themselves stand there and nowhere else.",
          },
        ]}
      />
      <div className="pair">
        <TextField
          label="Mounted at"
          value={draft.mount}
          onChange={(mount) => change({ mount })}
          isMono
        />
        <TextField
          label={isTransit ? "Name of the server's key" : "Below the name"}
          value={draft.name}
          onChange={(name) => change({ name })}
          isMono
        />
      </div>
    </>
  );
}
