//! The certificate of HTTPS over the command line: another one is served at once, and nothing is interrupted.

use std::io::{Read as _, Write as _};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer,
    KeyPair,
};
use serde_json::json;

use crate::services::{Place, exchange};

const ASK: &str = "GET /api/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const ASK_AND_STAY: &str = "GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// An authority of somebody's own, and its certificate.
fn authority() -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "An authority");
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// Goal: what an authority signs for a key that never leaves is served from the next connection on; a job
/// and a connection that are there already notice nothing, and the audit log has it.
#[test]
fn a_certificate_that_was_asked_for_here_is_served_at_once_and_nothing_is_interrupted() {
    let place = Place::new();
    let _engine = place.engine();
    let gateway = place.gateway(&[]);
    let before = std::fs::read(place.path("gateway/tls/certificate.pem")).unwrap();
    let job = place.begin_backup(60);
    let mut open = gateway.https("localhost", &before);
    open.write_all(ASK_AND_STAY.as_bytes()).unwrap();
    let mut piece = [0; 4096];
    assert!(open.read(&mut piece).unwrap() > 0);

    let (issuer, root) = authority();
    let csr = place.path("request.csr");
    let csr_text = csr.to_str().unwrap();
    place.tell(&["certificate", "request", "localhost", "tape.example", "--to", csr_text]);
    let asked = std::fs::read_to_string(&csr).unwrap();
    let signed = CertificateSigningRequestParams::from_pem(&asked).unwrap();
    let signed = signed.signed_by(&issuer).unwrap().pem();
    let chain = place.path("chain.pem");
    std::fs::write(&chain, format!("{signed}{root}")).unwrap();
    let state = place.tell(&["certificate", "replace", chain.to_str().unwrap()]);
    let served = &state["certificate"];
    assert_eq!(served["origin"], "given");
    assert_eq!(served["names"], json!(["localhost", "tape.example"]), "{served:#}");
    assert!(state["request"].is_null(), "{state:#}");

    let (status, _, body) = exchange(gateway.https("tape.example", root.as_bytes()), ASK);
    assert_eq!((status, &body["product"]), (200, &json!("fossilsafe")));
    let (refused, ..) = exchange(gateway.https("localhost", &before), ASK);
    assert_eq!(refused, 0, "the one before is served no more");
    open.write_all(ASK.as_bytes()).unwrap();
    assert!(open.read(&mut piece).unwrap() > 0, "a connection that is open stays");
    assert_eq!(place.follow(&job)["state"], "completed");
    let audit = place.tell(&["audit", "list"]).to_string();
    assert!(audit.contains("PUT /api/certificate"), "{audit}");

    drop(gateway);
    let gateway = place.gateway(&[]);
    let (status, ..) = exchange(gateway.https("tape.example", root.as_bytes()), ASK);
    assert_eq!(status, 200, "it outlives the gateway");
    let saved = place.path("saved.pem");
    place.tell(&["certificate", "save", "--to", saved.to_str().unwrap()]);
    assert!(std::fs::read_to_string(saved).unwrap().contains("BEGIN CERTIFICATE"));
    let own = place.tell(&["certificate", "self-signed", "tape.example"]);
    assert_eq!(own["certificate"]["origin"], "self_made");
    let pem = own["certificate"]["pem"].as_str().unwrap().to_owned();
    let (status, ..) = exchange(gateway.https("tape.example", pem.as_bytes()), ASK);
    assert_eq!(status, 200);
}
