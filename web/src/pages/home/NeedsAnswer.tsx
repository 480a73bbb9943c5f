// What needs me: everything that waits for a person, worst first; and what would make things safer.
import { Link } from "wouter";
import { health, jobs, library, sets } from "../../api/queries";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { ButtonLink } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import type { Tone } from "../../ui/Lamp";
import { gatherAdvice } from "../../util/advice";
import { gatherNeeds, type NeedItem } from "../../util/needs";
import { to } from "../../util/path-builder";
import { formatCount, plural } from "../../util/units";
import { Reply } from "./Reply";

function useNeeds(): { items: NeedItem[]; isKnown: boolean } {
  const answer = useLockAwareQuery(health());
  const active = useLockAwareQuery(jobs({ active: true }));
  const box = useLockAwareQuery(library());
  const all = useLockAwareQuery(sets());
  const items = gatherNeeds({
    findings: answer.data?.findings ?? [],
    jobs: active.data?.items ?? [],
    drives: box.data?.drives ?? [],
    sets: all.data?.items ?? [],
  });
  return { items, isKnown: [answer, active, box, all].every((query) => query.data !== undefined) };
}

const NEEDS_SHOWN = 4;

export function NeedsAnswer() {
  const { items, isKnown } = useNeeds();
  const worst: Tone = items[0]?.tone ?? "good";
  const text = items.length === 0 ? "Nothing" : plural(items.length, "thing");
  return (
    <section className="panel answer" aria-labelledby="answer-needs">
      <h2 id="answer-needs">What needs me?</h2>
      {isKnown || items.length > 0 ? (
        <Reply tone={worst} text={text} />
      ) : (
        <Reply tone="idle" text="Not known yet" />
      )}
      {isKnown && items.length === 0 && (
        <p className="sentence">No job waits, no drive complains, no set is incomplete.</p>
      )}
      <ul className="needs">
        {items.slice(0, NEEDS_SHOWN).map((item) => (
          <li key={item.key}>
            <span className={`tone-${item.tone}`}>
              <Icon name={item.tone === "bad" ? "bad" : "warn"} />
            </span>
            <div>
              <strong>{item.title}</strong>
              <span className="quiet-text">{item.text}</span>
              <ButtonLink href={item.href} look="small">
                {item.act}
              </ButtonLink>
            </div>
          </li>
        ))}
      </ul>
      {isKnown && items.length === 0 && <AdviceList />}
      {items.length > NEEDS_SHOWN && (
        <p className="counts">
          <Link href={to.health()}>{formatCount(items.length - NEEDS_SHOWN)} more</Link>
        </p>
      )}
    </section>
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
