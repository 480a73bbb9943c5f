// The certificate of HTTPS: what is served, another one, one made here, a signing request.
import { useState } from "react";
import { certificate } from "../../api/queries";
import type { CertificateState, ServedCertificate } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { CERTIFICATE_ORIGIN } from "../../components/states";
import { isNamed } from "../../forms/certificate-draft";
import { SelfSigned, SigningRequest } from "../../forms/certificate-names";
import { CertificateReplace } from "../../forms/certificate-replace";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useNow } from "../../hooks/useNow";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { Words } from "../../ui/Words";
import { textFile, to } from "../../util/path-builder";
import { formatTime, plural } from "../../util/units";
import { Waiting } from "./Waiting";

const DAY_MS = 86_400_000;
/** From here on the appliance warns. */
const WARN_DAYS = 30;

export function CertificatePage() {
  const query = useLockAwareQuery(certificate());
  return (
    <>
      <PageHead
        title="Certificate"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="certificate"
        lead="What this appliance shows to browsers and programs that come over HTTPS."
      />
      <Loaded query={query} what="the certificate">
        {(state) =>
          state.certificate ? (
            <Here state={state} served={state.certificate} />
          ) : (
            <Elsewhere instead={state.instead} />
          )
        }
      </Loaded>
    </>
  );
}

/** One program for one machine: nothing is served over HTTPS. */
function Elsewhere({ instead }: { instead: string | null | undefined }) {
  return (
    <Panel title="HTTPS is not served here">
      <Notice tone="idle">
        <p>
          <Words text={instead ?? "This program serves plain HTTP alone."} />
        </p>
      </Notice>
    </Panel>
  );
}

function Here({ state, served }: { state: CertificateState; served: ServedCertificate }) {
  return (
    <div className="stack">
      <Served served={served} ownNames={state.own_names} />
      {state.request ? (
        <Waiting request={state.request} />
      ) : (
        <Authority ownNames={state.own_names} />
      )}
      <CertificateReplace hasRequest={Boolean(state.request)} />
    </div>
  );
}

function Served({ served, ownNames }: { served: ServedCertificate; ownNames: readonly string[] }) {
  const [isOpen, setIsOpen] = useState(false);
  const notMine = useWhyNot("POST /api/certificate/self-signed");
  return (
    <Panel
      title="Served now"
      aside={
        <>
          <Lamp state={CERTIFICATE_ORIGIN[served.origin]} />
          <a
            className="button small"
            href={textFile(served.pem)}
            download="fossilsafe-certificate.pem"
          >
            Download it
          </a>
          <Button look="small" whyNot={notMine} onClick={() => setIsOpen(true)}>
            Make one here
          </Button>
        </>
      }
    >
      <div className="stack tight">
        <Ends served={served} />
        <Facts
          rows={[
            ["For", <Mono key="s" text={served.subject} />],
            ["Names", <Mono key="n" text={served.names.join(" ")} />],
            ["Signed by", <Mono key="i" text={served.issuer} />],
            ["Good from", formatTime(served.valid_from)],
            ["Good until", formatTime(served.valid_until)],
            ["SHA-256", <Mono key="f" text={served.sha256.replaceAll(":", " ")} />],
            ...(served.chain.length > 0
              ? [["Comes with", <Mono key="c" text={served.chain.join("; ")} />] as const]
              : []),
          ]}
        />
        {!isNamed(served.names, window.location.hostname) && (
          <Notice tone="warn">
            <p>
              You are here by the name <span className="mono">{window.location.hostname}</span>,
              which this certificate does not have: browsers warn of that.
            </p>
          </Notice>
        )}
      </div>
      {isOpen && <SelfSigned ownNames={ownNames} onClose={() => setIsOpen(false)} />}
    </Panel>
  );
}

function Ends({ served }: { served: ServedCertificate }) {
  const now = useNow(60_000);
  const days = Math.floor((Date.parse(served.valid_until) - now) / DAY_MS);
  if (days >= WARN_DAYS) return null;
  return (
    <Notice tone={days < 0 ? "bad" : "warn"}>
      <strong>{days < 0 ? "It has ended." : `It ends in ${plural(days, "day")}.`}</strong>
      <p>Browsers refuse one that has ended. Give another one below.</p>
    </Notice>
  );
}

function Authority({ ownNames }: { ownNames: readonly string[] }) {
  const [isOpen, setIsOpen] = useState(false);
  const notMine = useWhyNot("POST /api/certificate/request");
  return (
    <Panel title="Have one signed by an authority">
      <div className="stack tight">
        <p className="quiet-text">
          The appliance makes a key that never leaves it, and a request that you give to an
          authority. What comes back is given below, without a key.
        </p>
        <div className="actions">
          <Button whyNot={notMine} onClick={() => setIsOpen(true)}>
            Make a signing request
          </Button>
        </div>
      </div>
      {isOpen && <SigningRequest ownNames={ownNames} onClose={() => setIsOpen(false)} />}
    </Panel>
  );
}

function Mono({ text }: { text: string }) {
  return <span className="mono">{text}</span>;
}
