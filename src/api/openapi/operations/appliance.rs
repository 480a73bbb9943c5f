//! The routes about the appliance as a whole: its drives, turns of jobs, network, updates, settings, catalog backups.

use hyper::Method;

use super::Answered::{Done, Json};
use super::Asked::{self, Nothing};
use super::{Operation, of};
use crate::api::types::{
    CalibrationView, CatalogBackupView, CertificateNames, CertificateState, HostNameSetting,
    InstallUpdateRequest, JobView, KmsProof, KmsRewrapped, KmsState, NetworkState, Page,
    PortSetting, PriorityRequest, ReplaceCertificate, RestartRequest, SelfTestView,
    SettingsDocument, SettingsImport, SigningRequest, StagingDiskRequest, StagingDisks,
    StreamingSettings, StreamingState, TapeDrillRequest, TimeSetting, TimeState,
    UpdateChannelRequest, UpdatesState,
};
use crate::jobs::spec::{CalibrateSpec, CatalogBackupSpec, SelfTestSpec};
use crate::keys::VaultSettings;

operations! {
    POST "/api/library/drives/{serial}/clean" "Clean a drive"
        "Starts a job that brings a cleaning cartridge of the library to the drive, waits, and puts it back. Refused \
         if none is good for another use."
        Nothing => 202 Json(of::<JobView>);
    POST "/api/kits/drill-on-tape" "Prove a recovery kit on a tape"
        "Starts a job that opens a file of an encrypted set with the typed kit and the tape alone, not with the keys \
         of the appliance, and notes it with the kit. The kit is not kept."
        Asked::Json(of::<TapeDrillRequest>) => 202 Json(of::<JobView>);
    GET "/api/kms" "The key server" "Its settings, without its secret, and the data keys that it keeps."
        Nothing => 200 Json(of::<KmsState>);
    PUT "/api/kms" "Set the key server"
        "A Vault, or what speaks as it does. Refused unless it gives back what it is given, and every data key that is \
         kept outside now."
        Asked::Json(of::<VaultSettings>) => 200 Json(of::<KmsState>);
    DELETE "/api/kms" "Take the key server away" "Refused while it keeps data keys."
        Nothing => 204 Done;
    POST "/api/kms/test" "Ask the key server"
        "It is given a key and has to give it back, and every data key that it keeps. Nothing stays there."
        Nothing => 200 Json(of::<KmsProof>);
    POST "/api/kms/rewrap" "Wrap data keys anew"
        "Under the newest version of the server's key, after that was rotated there. No tape is written."
        Nothing => 200 Json(of::<KmsRewrapped>);
    PUT "/api/jobs/{id}/priority" "Say when a job has its turn"
        "High before normal before low; among equals who came first. A job that has a drive keeps it."
        Asked::Json(of::<PriorityRequest>) => 200 Json(of::<JobView>);

    GET "/api/network" "The network"
        "The machine's name, ports with what they have and are to have, and a setting on trial. Where the machine's \
         own tools set them, that is said, and what they are."
        Nothing => 200 Json(of::<NetworkState>);
    PUT "/api/network/ports/{port}" "Try a network setting out"
        "The port gets it at once, and goes back to what it had after two minutes unless it is confirmed, best at its \
         new address."
        Asked::Json(of::<PortSetting>) => 200 Json(of::<NetworkState>);
    POST "/api/network/confirm" "Keep the network setting that is on trial"
        "Whoever can ask this has reached the appliance with it."
        Nothing => 200 Json(of::<NetworkState>);
    POST "/api/network/back" "Take the network setting back that is on trial"
        "The port has again what it had before."
        Nothing => 200 Json(of::<NetworkState>);
    PUT "/api/network/host-name" "Give the machine another name"
        "At once, also by mDNS. What is written on tapes and told in notices has it from the next start on."
        Asked::Json(of::<HostNameSetting>) => 200 Json(of::<NetworkState>);
    GET "/api/system/time" "Time zone, time servers, clock"
        "What is kept, which server is asked, when one last set the clock, and by how much it was wrong then."
        Nothing => 200 Json(of::<TimeState>);
    PUT "/api/system/time" "Set time zone and time servers"
        "At once. Schedules keep the zone that they have; one that is made without a zone gets this."
        Asked::Json(of::<TimeSetting>) => 200 Json(of::<TimeState>);

    GET "/api/library/calibration" "How long the library takes"
        "Measurements, newest first: how long robot and each drive took. Plans use the newest one that is complete."
        Nothing => 200 Json(of::<Page<CalibrationView>>);
    POST "/api/library/calibration" "Measure the library"
        "Starts a job that takes a cartridge to every free drive and back. Nothing is written to it."
        Asked::Json(of::<CalibrateSpec>) => 202 Json(of::<JobView>);
    GET "/api/self-tests" "Self-tests"
        "Newest first: what each part has shown, and what to do where it is not as it should be."
        Nothing => 200 Json(of::<Page<SelfTestView>>);
    POST "/api/self-tests" "Do a self-test"
        "Starts a job that asks every part to prove itself. With a cartridge that has nothing on it, a drive also \
         writes to that and reads it back."
        Asked::OptionalJson(of::<SelfTestSpec>) => 202 Json(of::<JobView>);
    GET "/api/self-tests/{id}" "One self-test" "By the number of its job."
        Nothing => 200 Json(of::<SelfTestView>);

    GET "/api/streaming" "How data goes to the drive"
        "Memory, the staging folder with what is in it and what is wrong with it, and the rates of the drives."
        Nothing => 200 Json(of::<StreamingState>);
    PUT "/api/streaming" "Set how data goes to the drive"
        "Kept in the settings, and counts from the next job on. What cannot work is refused, and nothing is changed."
        Asked::Json(of::<StreamingSettings>) => 200 Json(of::<StreamingState>);
    GET "/api/streaming/disks" "Disks for staging"
        "The disks of the appliance, and of each why it cannot be taken. Elsewhere a folder of any disk is named."
        Nothing => 200 Json(of::<StagingDisks>);
    POST "/api/streaming/disks/{disk}/format" "Take a disk for staging"
        "Erases it, and stages on it from the next job on. Refused unless `erase` and its name were typed, and for a \
         disk that anything uses."
        Asked::Json(of::<StagingDiskRequest>) => 200 Json(of::<StagingDisks>);
    GET "/api/certificate" "The certificate of HTTPS"
        "What is served: whom it is for, who has signed it, how long it is good, its fingerprint, and the chain itself; \
         and a signing request that waits."
        Nothing => 200 Json(of::<CertificateState>);
    PUT "/api/certificate" "Serve another certificate"
        "Refused unless the key is that of the first certificate, each one has signed the one before, and all are good \
         now. Without a key that of the signing request is meant. New connections have it at once; those that are open \
         stay."
        Asked::Json(of::<ReplaceCertificate>) => 200 Json(of::<CertificateState>);
    POST "/api/certificate/self-signed" "Make a certificate that is signed by itself"
        "With a new key, for the names that are given or this machine's own. It is made anew before it ends."
        Asked::OptionalJson(of::<CertificateNames>) => 200 Json(of::<CertificateState>);
    POST "/api/certificate/request" "Make a signing request"
        "For an authority. Its key stays here and waits for the certificate; one that waited before is given up."
        Asked::OptionalJson(of::<SigningRequest>) => 200 Json(of::<CertificateState>);
    DELETE "/api/certificate/request" "Give the signing request up"
        "Its key is gone then: a certificate that is signed for it later cannot be used."
        Nothing => 200 Json(of::<CertificateState>);

    GET "/api/updates" "Updates of the appliance"
        "Version, slots, a running installation, what the channel has published, what became of updates and why."
        Nothing => 200 Json(of::<UpdatesState>);
    POST "/api/updates/bundle" "Bring a bundle"
        "The bundle as it is, in pieces. It is kept if its signature is right; what is not installed is replaced."
        Asked::Binary => 200 Json(of::<UpdatesState>);
    POST "/api/updates/check" "Ask the channel"
        "Whether something newer is published. What cannot be believed is refused, and said in the state."
        Nothing => 200 Json(of::<UpdatesState>);
    POST "/api/updates/install" "Install an update"
        "Begins to write the bundle, or what the channel has published, to the slot that does not run."
        Asked::OptionalJson(of::<InstallUpdateRequest>) => 202 Json(of::<UpdatesState>);
    POST "/api/updates/restart" "Restart the machine"
        "Uses what was installed. Refused while a job is at work, unless the request says otherwise."
        Asked::OptionalJson(of::<RestartRequest>) => 202 Json(of::<UpdatesState>);
    POST "/api/updates/rollback" "Go back"
        "Makes the other slot the next to start, if what is in it has worked. A restart uses it."
        Nothing => 200 Json(of::<UpdatesState>);
    PUT "/api/updates/channel" "Set where newer versions are looked for"
        "An address, and the key that must have signed what is found there."
        Asked::Json(of::<UpdateChannelRequest>) => 200 Json(of::<UpdatesState>);
    DELETE "/api/updates/channel" "Look for newer versions nowhere"
        "Bundles can still be uploaded and installed, as before."
        Nothing => 200 Json(of::<UpdatesState>);
    GET "/api/settings" "Export the settings"
        "Settings, pools, sources, channels, windows and schedules as one document, without users and secrets."
        Nothing => 200 Json(of::<SettingsDocument>);
    POST "/api/settings/import" "Import settings"
        "Merges a document: adds and changes, thing by thing, and takes nothing away that it does not name."
        Asked::Json(of::<SettingsDocument>) => 200 Json(of::<SettingsImport>);

    GET "/api/catalog/backups" "Catalog backups in a folder"
        "Newest first: when and of which machine, who has signed them, which kits open them."
        Nothing => 200 Json(of::<Page<CatalogBackupView>>);
    POST "/api/catalog/backups" "Back up the catalog"
        "Starts a job that writes catalog, users, settings and keys into a folder, sealed for the recovery kits \
         and signed. `fossilsafe catalog restore` puts them into an empty data folder."
        Asked::Json(of::<CatalogBackupSpec>) => 202 Json(of::<JobView>);
}
