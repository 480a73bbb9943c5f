//! An ID token: whether the provider has signed it, for us, now, and for the one who began.
//!
//! Two algorithms are taken, RS256 and ES256, each only with a key of its kind: what the token says of itself never
//! chooses how it is checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// By how much the clocks of both may differ.
const SKEW_SECONDS: i64 = 60;
/// Octets of a coordinate of P-256.
const P256_BYTES: usize = 32;

/// A key by which a provider signs.
#[derive(Debug)]
pub(super) struct PublicKey {
    /// Its name, if it has one.
    pub(super) id: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    /// RS256.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// ES256: an uncompressed point.
    P256(Vec<u8>),
}

/// What a token must be.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Why a token is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No key of that name is known: the provider may have a new one.
    KeyUnknown,
    /// Anything else.
    Wrong(&'static str),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

impl PublicKey {
    /// A key of a published set; nothing if it is of no use here.
    pub(super) fn read(key: Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let number = |name: &str| BASE64.decode(text(name)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match text("kty")? {
            "RSA" => Material::Rsa { n: number("n")?, e: number("e")? },
            "EC" if text("crv") == Some("P-256") => {
                let (x, y) = (number("x")?, number("y")?);
                if x.len() != P256_BYTES || y.len() != P256_BYTES {
                    return None;
                }
                Material::P256([&[4_u8], x.as_slice(), y.as_slice()].concat())
            }
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), material })
    }

    fn is_for(&self, algorithm: &str) -> bool {
        let own = match self.material {
            Material::Rsa { .. } => "RS256",
            Material::P256(_) => "ES256",
        };
        algorithm == own
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
        }
    }
}

/// The claims of a token that is as it must be.
pub(super) fn claims(
    token: &str,
    keys: &[PublicKey],
    expected: &Expected<'_>,
) -> Result<Value, Refusal> {
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Wrong("it is no signed token"));
    };
    let decoded = |part: &str| BASE64.decode(part).map_err(|_| Refusal::Wrong("it is damaged"));
    let header: Header = serde_json::from_slice(&decoded(head)?)
        .map_err(|_| Refusal::Wrong("its header is damaged"))?;
    let mut suitable = keys
        .iter()
        .filter(|key| key.is_for(&header.alg) && (header.kid.is_none() || key.id == header.kid));
    if !["RS256", "ES256"].contains(&header.alg.as_str()) {
        return Err(Refusal::Wrong("it is signed in another way than RS256 or ES256"));
    }
    let key = suitable.next().ok_or(Refusal::KeyUnknown)?;
    if suitable.next().is_some() {
        return Err(Refusal::Wrong("it does not say which key has signed it"));
    }
    let message = &token.as_bytes()[..head.len() + 1 + body.len()];
    if !key.has_signed(message, &decoded(signature)?) {
        return Err(Refusal::Wrong("its signature is wrong"));
    }
    let claims: Value = serde_json::from_slice(&decoded(body)?)
        .map_err(|_| Refusal::Wrong("its claims are damaged"))?;
    ensure(&claims, expected).map_err(Refusal::Wrong)?;
    Ok(claims)
}

fn ensure(claims: &Value, expected: &Expected<'_>) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err("it is from another provider");
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client) {
        return Err("it is for another client");
    }
    let party = text("azp");
    if audience.len() > 1 && party.is_none() || party.is_some_and(|it| it != expected.client) {
        return Err("it was made for another client");
    }
    let seconds = |name: &str| {
        let value = claims.get(name)?;
        #[expect(clippy::cast_possible_truncation, reason = "a moment in whole seconds")]
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    };
    if seconds("exp").is_none_or(|end| end <= expected.now - SKEW_SECONDS) {
        return Err("its time is over");
    }
    if seconds("iat").is_none_or(|made| made > expected.now + SKEW_SECONDS)
        || seconds("nbf").is_some_and(|begin| begin > expected.now + SKEW_SECONDS)
    {
        return Err("its time has not come yet");
    }
    if text("nonce") != Some(expected.nonce) {
        return Err("it is for another sign-in");
    }
    if text("sub").is_none_or(|subject| subject.is_empty() || subject.len() > 255) {
        return Err("it names nobody");
    }
    Ok(())
}
