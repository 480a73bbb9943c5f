// A network setting on trial: what it is, how long it has, and the two ways on.
import type { NetworkState } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { consoleAt } from "../../forms/port-draft";
import { useSend } from "../../hooks/useAct";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
import { formatDuration } from "../../util/units";

const RENEWS = ["network"];

export function Trial({ trial }: { trial: NonNullable<NetworkState["trial"]> }) {
  const notMine = useWhyNot("POST /api/network/confirm");
  const confirm = useSend<NetworkState>(RENEWS);
  const back = useSend<NetworkState>(RENEWS);
  const { fixed } = trial.setting;
  const error = confirm.error ?? back.error;
  return (
    <Panel title={`${trial.port} has a setting on trial`}>
      <div className="stack tight">
        <Notice tone="warn">
          <p>
            It goes back in {formatDuration(trial.seconds_left)} unless somebody keeps it. If you
            read this at the new address, it works: keep it.
          </p>
          {fixed && (
            <p>
              The console is then at{" "}
              <span className="mono">{consoleAt(fixed.address, window.location)}</span>
            </p>
          )}
        </Notice>
        {error && <ErrorBox error={error} />}
        <div className="actions">
          <Button
            look="primary"
            whyNot={notMine}
            isBusy={confirm.isPending}
            onClick={() => confirm.mutate({ path: api.confirmNetwork() })}
          >
            Keep it
          </Button>
          <Button
            whyNot={notMine}
            isBusy={back.isPending}
            onClick={() => back.mutate({ path: api.networkBack() })}
          >
            Take it back now
          </Button>
        </div>
      </div>
    </Panel>
  );
}
