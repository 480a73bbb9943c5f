// An address that no page has.
import { useLocation } from "wouter";
import { PageHead } from "../components/PageHead";
import { ButtonLink } from "../ui/Button";
import { to } from "../util/path-builder";

export function NotFoundPage() {
  const [location] = useLocation();
  return (
    <>
      <PageHead title="There is no such page" lead={<span className="mono">{location}</span>} />
      <ButtonLink href={to.home()} icon="home">
        Home
      </ButtonLink>
    </>
  );
}
