// Sign-in by an identity provider: which one, what we are to it, and which of its groups may do what.
import { useState } from "react";
import { identityProvider } from "../../api/queries";
import type { OidcSettingsShown, OidcState } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { ROLE } from "../../components/states";
import {
  emptyProvider,
  ofProvider,
  type ProviderDraft,
  providerBody,
  returnAddress,
  whyNotProvider,
} from "../../forms/provider-draft";
import { useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { announce } from "../../stores/announce";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";

const RENEWS = ["oidc", "approvals"];

export function ProviderPage() {
  return (
    <>
      <PageHead
        title="Sign-in by a provider"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="access"
        lead="People sign in with the account that they have elsewhere, by OpenID Connect. Users of this appliance go on signing in here, also when the provider is away."
      />
      <NeedsRole act="GET /api/oidc">
        <Provider />
      </NeedsRole>
    </>
  );
}

function Provider() {
  const query = useLockAwareQuery(identityProvider());
  return (
    <Loaded query={query} what="the identity provider">
      {({ provider }) => (
        <div className="stack">
          {provider && <Present provider={provider} />}
          <ProviderForm provider={provider} />
        </div>
      )}
    </Loaded>
  );
}

function Present({ provider }: { provider: OidcSettingsShown }) {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <Panel
      title={provider.label}
      aside={
        <Button look="small" onClick={() => setIsAsking(true)}>
          Take it away
        </Button>
      }
    >
      <Facts
        rows={[
          ["Provider", <Mono key="i">{provider.issuer}</Mono>],
          ["Must send browsers back to", <Mono key="r">{provider.return_address}</Mono>],
          ["Client secret", provider.has_secret ? "kept, sealed" : "none"],
        ]}
      />
      {isAsking && (
        <AskDialog
          title={`Take ${provider.label} away`}
          act="Take it away"
          isDanger
          sending={{ method: "DELETE", path: api.identityProvider() }}
          renews={RENEWS}
          done={`Nobody signs in by ${provider.label} any more.`}
          onClose={() => setIsAsking(false)}
        >
          <p>Its users stay in the list, and cannot sign in. Who is signed in stays so.</p>
        </AskDialog>
      )}
    </Panel>
  );
}

function Mono({ children }: { children: string }) {
  return <span className="mono">{children}</span>;
}

function ProviderForm({ provider }: { provider: OidcSettingsShown | null }) {
  const [draft, setDraft] = useState(() =>
    provider ? ofProvider(provider) : emptyProvider(window.location.origin),
  );
  const change = (part: Partial<ProviderDraft>) => setDraft((before) => ({ ...before, ...part }));
  const send = useSend<OidcState>(RENEWS, {
    onDone: () => {
      change({ clientSecret: "" });
      announce("The identity provider is set.");
    },
  });
  const whyNot = whyNotProvider(draft);
  return (
    <Panel title={provider ? "Change it" : "Set a provider"}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNot !== undefined) return;
          send.mutate({ method: "PUT", path: api.identityProvider(), body: providerBody(draft) });
        }}
      >
        <ClientFields draft={draft} change={change} hasSecret={provider?.has_secret ?? false} />
        <RoleFields draft={draft} change={change} />
        {send.error && <ErrorBox error={send.error} />}
        {send.isSuccess && (
          <Notice tone="good">
            <p>The provider answered and is set: the sign-in page has its button.</p>
          </Notice>
        )}
        <div className="actions">
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Ask the provider and set it
          </Button>
        </div>
      </form>
    </Panel>
  );
}

interface Part {
  draft: ProviderDraft;
  change: (part: Partial<ProviderDraft>) => void;
}

function ClientFields({ draft, change, hasSecret }: Part & { hasSecret: boolean }) {
  return (
    <>
      <div className="pair">
        <TextField
          label="Text of the button"
          hint="Sign in with …"
          value={draft.label}
          onChange={(label) => change({ label })}
        />
        <TextField
          label="Address of the provider"
          hint="Its issuer: below it is .well-known/openid-configuration."
          value={draft.issuer}
          onChange={(issuer) => change({ issuer })}
          placeholder="https://login.example"
          isMono
        />
        <TextField
          label="Client id"
          value={draft.clientId}
          onChange={(clientId) => change({ clientId })}
          isMono
        />
        <TextField
          label="Client secret"
          hint={hasSecret ? "Empty: as it is." : "Empty: the client has none."}
          type="password"
          value={draft.clientSecret}
          onChange={(clientSecret) => change({ clientSecret })}
          autoComplete="new-password"
        />
        <TextField
          label="Address of this console"
          hint="As browsers reach it."
          value={draft.console}
          onChange={(value) => change({ console: value })}
          isMono
        />
        <TextField
          label="Scopes"
          hint="Asked for besides openid."
          value={draft.scopes}
          onChange={(scopes) => change({ scopes })}
          isMono
        />
      </div>
      <Notice tone="idle">
        <p>
          At the provider, allow this return address:{" "}
          <span className="mono">{returnAddress(draft)}</span>
        </p>
      </Notice>
      <TextField
        label="Certificate to believe"
        hint="PEM, if the provider's certificate is not from a public authority."
        value={draft.caPem}
        onChange={(caPem) => change({ caPem })}
        rows={3}
        isMono
      />
    </>
  );
}

function RoleFields({ draft, change }: Part) {
  return (
    <>
      <div className="pair">
        <TextField
          label="Claim of the name"
          hint="Becomes the user's name here."
          value={draft.nameClaim}
          onChange={(nameClaim) => change({ nameClaim })}
          isMono
        />
        <TextField
          label="Claim of the groups"
          hint="A text or a list of texts."
          value={draft.roleClaim}
          onChange={(roleClaim) => change({ roleClaim })}
          isMono
        />
      </div>
      <div className="columns">
        {(["admin", "operator", "viewer"] as const).map((role) => (
          <TextField
            key={role}
            label={`Groups of the role ${ROLE[role].text}`}
            hint="One a line. Who is in several gets the highest role."
            value={draft[role]}
            onChange={(value) => change({ [role]: value })}
            rows={3}
            isMono
          />
        ))}
      </div>
    </>
  );
}
