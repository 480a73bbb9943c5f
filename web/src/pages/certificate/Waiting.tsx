// A signing request that waits for its certificate: taken away to be signed, or given up.
import { useState } from "react";
import type { WaitingRequest } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { api, textFile } from "../../util/path-builder";
import { formatTime } from "../../util/units";

export function Waiting({ request }: { request: WaitingRequest }) {
  const [isAsking, setIsAsking] = useState(false);
  const notMine = useWhyNot("DELETE /api/certificate/request");
  return (
    <Panel
      title="A signing request waits"
      aside={
        <>
          <a className="button small" href={textFile(request.pem)} download="fossilsafe.csr">
            Download it
          </a>
          <Button look="small" whyNot={notMine} onClick={() => setIsAsking(true)}>
            Give it up
          </Button>
        </>
      }
    >
      <div className="stack tight">
        <Facts
          rows={[
            [
              "Asks for",
              <span key="n" className="mono">
                {request.names.join(" ")}
              </span>,
            ],
            ["Organisation", request.organization],
            ["Made", formatTime(request.made)],
          ]}
        />
        <p className="quiet-text">
          Give it to an authority, and what comes back into the field below, without a key.
        </p>
      </div>
      {isAsking && (
        <AskDialog
          title="Give the signing request up"
          act="Give it up"
          isDanger
          sending={{ method: "DELETE", path: api.certificateRequest() }}
          renews={["certificate"]}
          done="The signing request is given up."
          onClose={() => setIsAsking(false)}
        >
          <p>Its key is gone then: a certificate that is signed for it later cannot be used.</p>
        </AskDialog>
      )}
    </Panel>
  );
}
