// Where a person is in a wizard.
export function Steps({ names, at }: { names: readonly string[]; at: number }) {
  return (
    <ol className="steps" aria-label="Steps">
      {names.map((name, index) => (
        <li
          key={name}
          aria-current={index === at ? "step" : undefined}
          data-is-done={index < at || undefined}
        >
          {name}
          {index < at && <span className="visually-hidden"> (done)</span>}
        </li>
      ))}
    </ol>
  );
}
