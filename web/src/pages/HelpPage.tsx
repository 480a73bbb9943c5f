// The handbook: a part for each page of the console, and a page for each error code.
import { useState } from "react";
import { Link } from "wouter";
import { PageHead } from "../components/PageHead";
import { ERROR_PAGES } from "../help/errors";
import { HANDBOOK } from "../help/handbook";
import { TOPICS, type Topic } from "../help/topics";
import { TextField } from "../ui/Field";
import { Empty, Notice } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { to } from "../util/path-builder";

function isTopic(text: string | undefined): text is Topic {
  return text !== undefined && text in TOPICS;
}

export function HelpPage({ topic }: { topic?: string }) {
  if (isTopic(topic)) {
    return (
      <>
        <PageHead title={TOPICS[topic]} crumb={{ href: to.help(), text: "Handbook" }} />
        <div className="prose">{HANDBOOK[topic]}</div>
      </>
    );
  }
  return <Contents />;
}

function Contents() {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const codes = Object.entries(ERROR_PAGES).filter(([code, page]) =>
    `${code} ${page.title}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <PageHead title="Handbook" lead="Built into the appliance: it reads without the internet." />
      <div className="columns">
        <Panel title="Parts">
          <ul className="stack tight">
            {(Object.keys(TOPICS) as Topic[]).map((topic) => (
              <li key={topic}>
                <Link href={to.help(topic)}>{TOPICS[topic]}</Link>
              </li>
            ))}
          </ul>
        </Panel>
        <Panel title="Error codes">
          <div className="stack">
            <TextField label="Find a code" type="search" value={text} onChange={setText} isMono />
            {codes.length === 0 && (
              <Empty title="No such code">
                <p>Type a part of it, or a word of its title.</p>
              </Empty>
            )}
            <ul className="stack tight">
              {codes.map(([code, page]) => (
                <li key={code}>
                  <Link href={to.errorHelp(code)} className="mono">
                    {code}
                  </Link>{" "}
                  <span className="quiet-text">{page.title}</span>
                </li>
              ))}
            </ul>
          </div>
        </Panel>
      </div>
    </>
  );
}

export function ErrorHelpPage({ code }: { code: string }) {
  const page = ERROR_PAGES[code];
  return (
    <>
      <PageHead
        title={page?.title ?? "A code without a page"}
        crumb={{ href: to.help(), text: "Handbook" }}
        lead={<span className="mono">{code}</span>}
      />
      {page ? (
        <div className="prose">
          <p>{page.meaning}</p>
          <Notice tone="idle">
            <strong>Is data at risk?</strong>
            <p>{page.risk}</p>
          </Notice>
          <h2>What to do</h2>
          <ol>
            {page.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </div>
      ) : (
        <p>
          The message beside the code says what to do. Engine and console may be of different
          versions.
        </p>
      )}
    </>
  );
}
