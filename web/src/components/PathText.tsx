// A path in one line. Where there is no room for all of it the folders give way, and the name stays.

export function PathText({ path }: { path: string }) {
  const cut = path.lastIndexOf("/") + 1;
  return (
    <span className="path" title={path}>
      <span className="clip">{path.slice(0, cut)}</span>
      <span className="clip">{path.slice(cut)}</span>
    </span>
  );
}
