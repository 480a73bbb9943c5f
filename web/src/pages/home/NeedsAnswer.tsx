// What needs me: everything that waits for a person, worst first; and what would make things safer.
import { Link } from "wouter";
import { sets, status } from "../../api/queries";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { ButtonLink } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Words } from "../../ui/Words";
import { gatherAdvice } from "../../util/advice";
import { gatherNeeds, type NeedItem } from "../../util/needs";
import { to } from "../../util/path-builder";
import { formatCount, plural } from "../../util/units";
import { Reply } from "./Reply";

const NEEDS_SHOWN = 4;

export function NeedsAnswer() {
  const query = useLockAwareQuery(status());
  return (
    <section className="panel answer" aria-labelledby="answer-needs">
      <h2 id="answer-needs">What needs me?</h2>
      <Loaded query={query} what="what needs you">
        {(view) => <Needs items={gatherNeeds(view)} />}
      </Loaded>
    </section>
  );
}

function Needs({ items }: { items: readonly NeedItem[] }) {
  if (items.length === 0) {
    return (
      <>
        <Reply tone="good" text="Nothing" />
        <p className="sentence">No job waits, no drive complains, no set is incomplete.</p>
        <AdviceList />
      </>
    );
  }
  return (
    <>
      <Reply tone={items[0]?.tone ?? "warn"} text={plural(items.length, "thing")} />
      <ul className="needs">
        {items.slice(0, NEEDS_SHOWN).map((item) => (
          <li key={item.key}>
            <span className={`tone-${item.tone}`}>
              <Icon name={item.tone === "bad" ? "bad" : "warn"} />
            </span>
            <div>
              <strong>{item.title}</strong>
              <span className="quiet-text">
                <Words text={item.text} />
              </span>
              <ButtonLink href={item.href} look="small">
                {item.act}
              </ButtonLink>
            </div>
          </li>
        ))}
      </ul>
      {items.length > NEEDS_SHOWN && (
        <p className="counts">
          <Link href={to.alerts()}>
            <b>{formatCount(items.length - NEEDS_SHOWN)}</b> more
          </Link>
        </p>
      )}
    </>
  );
}

const ADVICE_SHOWN = 3;

function AdviceList() {
  const { data } = useLockAwareQuery(sets());
  const advice = gatherAdvice(data?.items ?? []).slice(0, ADVICE_SHOWN);
  if (advice.length === 0) return null;
  return (
    <div className="advice">
      <h3>Would make it safer</h3>
      <ul>
        {advice.map((each) => (
          <li key={each.key}>
            <span>{each.text}</span>
            <Link href={each.href}>{each.act}</Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
