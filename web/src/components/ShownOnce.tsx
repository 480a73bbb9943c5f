// A secret that the appliance shows this once and keeps only a hash of.
import { useState } from "react";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";

export function ShownOnce({ name, lines }: { name: string; lines: readonly string[] }) {
  const [isCopied, setIsCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(lines.join("\n"));
    setIsCopied(true);
    announce(`${name} copied.`);
  }
  return (
    <Notice tone="warn">
      <strong>{name}: shown this once.</strong>
      <ul className="secret mono" aria-label={name}>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {/* A page without TLS has no clipboard: what is shown can still be selected. */}
      {navigator.clipboard && (
        <div className="actions">
          <Button look="small" onClick={() => void copy()}>
            {isCopied ? "Copied" : "Copy"}
          </Button>
        </div>
      )}
    </Notice>
  );
}
