// Network: the machine's name, what the ports have, and a setting on trial.
import { useState } from "react";
import { network } from "../../api/queries";
import type { NetworkState, PortState } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { LINK_STATE } from "../../components/states";
import { HostNameEdit } from "../../forms/host-name-edit";
import { PortEdit } from "../../forms/port-edit";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { Words } from "../../ui/Words";
import { to } from "../../util/path-builder";
import { formatTime } from "../../util/units";
import { Trial } from "./Trial";

export function NetworkPage() {
  const query = useLockAwareQuery(network());
  return (
    <>
      <PageHead
        title="Network"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="network"
        lead={
          query.data?.host_name && (
            <>
              This machine is called <span className="mono">{query.data.host_name}</span>.
            </>
          )
        }
      />
      <Loaded query={query} what="the network">
        {(state) => (state.is_managed_here ? <Here state={state} /> : <Elsewhere state={state} />)}
      </Loaded>
    </>
  );
}

/** Not an image of ours: whoever keeps that system keeps its network. */
function Elsewhere({ state }: { state: NetworkState }) {
  return (
    <Panel title="This machine's own tools set its network">
      <div className="stack tight">
        <p>This machine was not started from a FossilSafe image, so nothing is changed here.</p>
        {state.instead && (
          <Notice tone="idle">
            <p>
              <Words text={state.instead} />
            </p>
          </Notice>
        )}
      </div>
    </Panel>
  );
}

function Here({ state }: { state: NetworkState }) {
  const { went_back: back } = state;
  return (
    <div className="stack">
      {state.trial && <Trial trial={state.trial} />}
      <Name present={state.host_name} />
      {back && (
        <Notice tone="warn">
          <strong>A setting of {back.port} went back.</strong>
          <p>
            Nobody kept it in time; {back.port} has what it had before. It was {formatTime(back.at)}
            .
          </p>
        </Notice>
      )}
      <div className="columns">
        {state.ports.map((port) => (
          <Port key={port.name} port={port} isTrial={Boolean(state.trial)} />
        ))}
      </div>
    </div>
  );
}

function Name({ present }: { present: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const notMine = useWhyNot("PUT /api/network/host-name");
  return (
    <Panel
      title="Name"
      aside={
        <Button look="small" whyNot={notMine} onClick={() => setIsOpen(true)}>
          Change the name
        </Button>
      }
    >
      <p>
        It is found as <span className="mono">{present}.local</span> by machines of the same
        network.
      </p>
      {isOpen && <HostNameEdit present={present} onClose={() => setIsOpen(false)} />}
    </Panel>
  );
}

function Port({ port, isTrial }: { port: PortState; isTrial: boolean }) {
  const [isOpen, setIsOpen] = useState(false);
  const notMine = useWhyNot("PUT /api/network/ports/{port}");
  const busy = isTrial ? "A setting is on trial: keep it or take it back first." : undefined;
  const { setting } = port;
  return (
    <Panel
      title={port.name}
      aside={
        <>
          <Lamp state={LINK_STATE[port.link]} />
          <Button look="small" whyNot={notMine ?? busy} onClick={() => setIsOpen(true)}>
            Change
          </Button>
        </>
      }
    >
      <Facts
        rows={[
          ["Addresses", <Listed key="a" values={port.addresses} />],
          ["Gateway", <Listed key="g" values={port.gateways} />],
          ["Name servers", <Listed key="n" values={port.name_servers} />],
          ["Time servers that it names", <Listed key="t" values={port.time_servers} />],
          ["Set to", setting.fixed ? "a fixed address" : "an address by DHCP"],
          ["Hardware address", <Listed key="h" values={[port.hardware_address ?? ""]} />],
        ]}
      />
      {isOpen && <PortEdit port={port} onClose={() => setIsOpen(false)} />}
    </Panel>
  );
}

function Listed({ values }: { values: readonly string[] }) {
  const text = values.join(" ");
  return text === "" ? <>none</> : <span className="mono">{text}</span>;
}
