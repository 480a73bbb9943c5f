// Who needs a second factor: nobody, admins, everybody.
import { useState } from "react";
import { secondFactorPolicy } from "../../api/queries";
import type { SecondFactorRule } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Choices } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";

const RULE: Record<SecondFactorRule, { text: string; meaning: string }> = {
  off: { text: "For nobody", meaning: "Each person chooses whether the password alone is enough." },
  admins: { text: "For admins", meaning: "Who may give rights and destroy needs one." },
  everybody: { text: "For everybody", meaning: "Nobody signs in here by the password alone." },
};
const RULES = Object.keys(RULE) as SecondFactorRule[];

export function FactorRule() {
  const query = useLockAwareQuery(secondFactorPolicy());
  const whyNot = useWhyNot("PUT /api/second-factor/rule");
  const [wanted, setWanted] = useState<SecondFactorRule>();
  const [isAsking, setIsAsking] = useState(false);
  return (
    <Panel title="Second factor required">
      <Loaded query={query} what="the rule" heightRem={17}>
        {({ required_for: present }) => {
          const chosen = wanted ?? present;
          return (
            <div className="stack tight">
              <Choices
                legend="A second factor is required"
                name="second-factor-rule"
                value={chosen}
                onChange={setWanted}
                options={RULES.map((rule) => ({
                  value: rule,
                  title: RULE[rule].text,
                  text: RULE[rule].meaning,
                }))}
              />
              <div className="actions">
                <Button
                  whyNot={chosen === present ? "This is the rule already." : whyNot}
                  onClick={() => setIsAsking(true)}
                >
                  Change the rule
                </Button>
              </div>
              {isAsking && (
                <AskDialog
                  title="Change who needs a second factor"
                  act="Change the rule"
                  sending={{
                    method: "PUT",
                    path: api.factorRule(),
                    body: { required_for: chosen },
                  }}
                  renews={["second-factor-rule", "approvals"]}
                  done={`A second factor is required: ${RULE[chosen].text.toLowerCase()}.`}
                  onClose={() => {
                    setIsAsking(false);
                    setWanted(undefined);
                  }}
                >
                  <p>
                    {chosen === "off"
                      ? "From now on each person chooses whether the password alone is enough."
                      : "Who has none is led to set one up, and can do nothing else until then. An authenticator app or a passkey meets it; a recovery code stands in for a lost device. Keys of programs go on as they are, and who signs in by a provider has its factors there."}
                  </p>
                </AskDialog>
              )}
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}
