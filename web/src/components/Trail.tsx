// Where one is in a tree of folders; each step above is a way back.
interface Props {
  path: string;
  onOpen: (path: string) => void;
}

export function Trail({ path, onOpen }: Props) {
  const parts = path.split("/").filter(Boolean);
  const steps = [
    { name: "/", path: "/" },
    ...parts.map((name, index) => ({ name, path: `/${parts.slice(0, index + 1).join("/")}` })),
  ];
  return (
    <nav aria-label="The folder" className="trail mono">
      {steps.map((step, index) => (
        <button
          key={step.path}
          type="button"
          aria-current={index === steps.length - 1 ? "location" : undefined}
          onClick={() => onOpen(step.path)}
        >
          {step.name}
        </button>
      ))}
    </nav>
  );
}
