// A certificate as a person gives it, and the names that one is made for.

export interface CertificateDraft {
  chain: string;
  key: string;
}

export const EMPTY_CERTIFICATE: CertificateDraft = { chain: "", key: "" };

/** Names stand one a line; spaces and commas part them too. */
export function namesOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}

/** Without a key the one of the signing request is meant. */
export function certificateBody({ chain, key }: CertificateDraft) {
  return { chain_pem: chain, ...(key.trim() === "" ? {} : { key_pem: key }) };
}

export function whyNotCertificate(draft: CertificateDraft, hasRequest: boolean) {
  if (!draft.chain.includes("-----BEGIN CERTIFICATE-----")) {
    return "It needs the certificate: text that begins with -----BEGIN CERTIFICATE-----.";
  }
  if (draft.key.trim() === "" && !hasRequest) return "It needs the private key too.";
  return undefined;
}

/** Whether a certificate with these names is good for a host, as browsers look at it. */
export function isNamed(names: readonly string[], host: string): boolean {
  const wanted = host.replace(/^\[|\]$/g, "").toLowerCase();
  return names.some((name) => {
    const given = name.toLowerCase();
    // A star stands for one part of a name.
    if (given.startsWith("*.")) return wanted.replace(/^[^.]+/, "*") === given;
    return given === wanted;
  });
}
