// Passkeys: made with the password, listed with the name of the appliance that each is good for, renamed, removed.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "../../api/client";
import { passkeys } from "../../api/queries";
import type { PasskeyOffer, PasskeyView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { announce } from "../../stores/announce";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
import { isChangeOfMind, makePasskey, whyNoPasskeys } from "../access/passkey";

type Open = { what: "make" } | { what: "rename" | "remove"; passkey: PasskeyView } | null;

export function Passkeys({ mine }: { mine: string }) {
  const query = useLockAwareQuery(passkeys());
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <Panel
      title="Passkeys"
      isFlush
      aside={
        <Button look="small" whyNot={whyNoPasskeys()} onClick={() => setOpen({ what: "make" })}>
          Make a passkey
        </Button>
      }
    >
      <Loaded query={query} what="the passkeys">
        {(page) =>
          page.items.length === 0 ? (
            <p className="padded quiet-text">
              There is none. With a passkey you sign in by finger, face or PIN, and there is nothing
              that a page of somebody else could ask you for.
            </p>
          ) : (
            <Table
              items={page.items}
              keyOf={(item) => item.id}
              columns={[
                { head: "Passkey", cell: (item) => <strong>{item.name}</strong> },
                { head: "User", cell: (item) => item.user },
                { head: "Good at", className: "mono", cell: (item) => item.site },
                { head: "Made", cell: (item) => <Ago at={item.created} /> },
                {
                  head: "Last used",
                  cell: (item) => (item.last_used ? <Ago at={item.last_used} /> : "–"),
                },
              ]}
              actions={(item) => (
                <>
                  <Button
                    look="small"
                    label={`Rename ${item.name}`}
                    onClick={() => setOpen({ what: "rename", passkey: item })}
                  >
                    Rename
                  </Button>
                  <Button
                    look="small"
                    label={`Remove ${item.name}`}
                    onClick={() => setOpen({ what: "remove", passkey: item })}
                  >
                    Remove
                  </Button>
                </>
              )}
            />
          )
        }
      </Loaded>
      {open?.what === "make" && <Make onClose={close} />}
      {open?.what === "rename" && <Rename passkey={open.passkey} onClose={close} />}
      {open?.what === "remove" && (
        <AskDialog
          title={`Remove ${open.passkey.name}`}
          act="Remove it"
          sending={{ method: "DELETE", path: api.passkey(open.passkey.id) }}
          renews={["passkeys"]}
          done={`${open.passkey.name} was removed.`}
          onClose={close}
        >
          <p>
            {open.passkey.user === mine ? "You do" : `${open.passkey.user} does`} not sign in with
            it any more. The device keeps it, and it is worth nothing.
          </p>
        </AskDialog>
      )}
    </Panel>
  );
}

function Make({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);

  async function make() {
    setError(undefined);
    setIsBusy(true);
    try {
      const offer = await post<PasskeyOffer>(api.passkeyStart(), { password });
      await post<PasskeyView>(api.passkeys(), await makePasskey(offer, name.trim()));
      await client.invalidateQueries({ queryKey: ["passkeys"] });
      announce(`The passkey ${name.trim()} was made.`);
      onClose();
    } catch (refusal) {
      if (!isChangeOfMind(refusal)) setError(refusal);
      setIsBusy(false);
    }
  }

  return (
    <Dialog
      title="Make a passkey"
      onClose={onClose}
      onSubmit={() => void make()}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button
            type="submit"
            look="primary"
            isBusy={isBusy}
            whyNot={name.trim() === "" ? "It needs a name." : undefined}
          >
            Make it
          </Button>
        </>
      }
    >
      <p>
        It is good at <strong className="mono">{window.location.hostname}</strong> and nowhere else:
        whoever opens this appliance at another name signs in with the password. The device asks for
        finger, face or PIN, so no code is asked for beside it.
      </p>
      <TextField
        label="Name"
        hint="By which you know the device: “blue key”, “phone”."
        value={name}
        onChange={setName}
        autoFocus
      />
      <TextField
        label="Your password"
        hint="So that nobody does this at an open screen."
        type="password"
        value={password}
        onChange={setPassword}
        autoComplete="current-password"
      />
      {error !== undefined && <ErrorBox error={error} />}
    </Dialog>
  );
}

function Rename({ passkey, onClose }: { passkey: PasskeyView; onClose: () => void }) {
  const [name, setName] = useState(passkey.name);
  return (
    <AskDialog
      title={`Rename ${passkey.name}`}
      act="Rename it"
      whyNot={name.trim() === "" ? "It needs a name." : undefined}
      sending={{ method: "PATCH", path: api.passkey(passkey.id), body: { name: name.trim() } }}
      renews={["passkeys"]}
      done="It has another name."
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} autoFocus />
    </AskDialog>
  );
}
