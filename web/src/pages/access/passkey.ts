// Between what the API says of passkeys and what browsers call them.
import { post } from "../../api/client";
import type { PasskeyOffer, PasskeyQuestion } from "../../api/types";
import { api } from "../../util/path-builder";

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function textOf(bytes: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Why no passkey can be used here; nothing if one can. */
export function whyNoPasskeys(): string | undefined {
  if (!window.isSecureContext) return "Passkeys need HTTPS, or localhost.";
  if (!("PublicKeyCredential" in window)) return "This browser has no passkeys.";
  return /^[\d.]+$|^\[/.test(window.location.hostname)
    ? "Passkeys need a name: open the console by one, not by a bare IP address."
    : undefined;
}

/** A passkey that was made, as it is sent: binary parts in base64url. */
interface NewPasskey {
  name: string;
  client_data: string;
  attestation: string;
}

/** Has the browser make a passkey. */
export async function makePasskey(offer: PasskeyOffer, name: string): Promise<NewPasskey> {
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: bytesOf(offer.challenge),
      rp: { id: offer.site, name: "FossilSafe" },
      user: { id: bytesOf(offer.user_handle), name: offer.user, displayName: offer.user },
      pubKeyCredParams: offer.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: offer.exclude.map((id) => ({ type: "public-key", id: bytesOf(id) })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
      timeout: offer.timeout_ms,
    },
  });
  const answer = (made as PublicKeyCredential).response as AuthenticatorAttestationResponse;
  return {
    name,
    client_data: textOf(answer.clientDataJSON),
    attestation: textOf(answer.attestationObject),
  };
}

/** Signs in with the passkey that somebody chooses. */
export async function signInByPasskey(): Promise<void> {
  const question = await post<PasskeyQuestion>(api.passkeySignInStart(), {});
  const found = (await navigator.credentials.get({
    publicKey: {
      challenge: bytesOf(question.challenge),
      rpId: question.site,
      userVerification: "required",
      timeout: question.timeout_ms,
    },
  })) as PublicKeyCredential;
  const answer = found.response as AuthenticatorAssertionResponse;
  const body = {
    id: textOf(found.rawId),
    client_data: textOf(answer.clientDataJSON),
    authenticator_data: textOf(answer.authenticatorData),
    signature: textOf(answer.signature),
  };
  await post(api.passkeySignIn(), body);
}

/** True if somebody has closed the browser's question, or it has waited in vain: no failure. */
export function isChangeOfMind(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotAllowedError";
}
