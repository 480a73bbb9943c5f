//! Pools whose keys a key server keeps: jobs wait for it, go on with it, and tapes open without it.

use super::*;
use crate::keys::vault_spoken::Spoken;
use crate::pools::Encryption;

fn safe_pool(appliance: &TestAppliance, server: &Spoken, encryption: Encryption) -> Kit {
    let kit = appliance.encrypted_pool("other").parse().unwrap();
    let parts = appliance.parts();
    parts.keys.ring().set_vault(server.by_token()).unwrap();
    super::super::create(parts, "safe".parse().unwrap(), encryption, KeyPlace::Vault).unwrap();
    kit
}

#[test]
fn without_the_key_server_jobs_wait_and_say_why_and_with_it_they_go_on() {
    for encryption in [Encryption::Sealed, Encryption::Drive] {
        let mut appliance = TestAppliance::formatted(1, 96);
        let server = Spoken::start();
        safe_pool(&appliance, &server, encryption);
        let top = appliance.folder("source");
        tree(&top);
        appliance.restart();
        let waits = |spec: &JobSpec| {
            server.seal(true);
            let job = appliance.submit(spec);
            let (state, end) = appliance.wait(job);
            assert_eq!(state, JobState::Waiting, "{end:#?}");
            let told = format!("{end:?}");
            assert!(told.contains("the key server is sealed") && told.contains("nseal"), "{told}");
            assert_eq!(appliance.runner().resume_with_keys().unwrap(), [], "it is still sealed");
            server.seal(false);
            assert_eq!(appliance.runner().resume_with_keys().unwrap(), [job]);
            let (state, end) = appliance.wait(job);
            assert_eq!(state, JobState::Completed, "{end:#?}");
            end.outcome.unwrap()
        };
        let run = waits(&JobSpec::Backup(sealed_spec(&top, "docs"))).run.unwrap();
        // The job is over, so the key is in memory no more.
        let to = appliance.folder("back");
        waits(&JobSpec::Restore(restore_spec(&run, &[], &to)));
        assert_eq!(tree_of(&to.join(top.strip_prefix("/").unwrap())), tree_of(&top));
        let scope = VerifyScope::Run(run.clone());
        let read = waits(&JobSpec::Verify(scope.into()));
        assert_eq!(read.problems_total, 0);
        is_identical(&appliance, &run, &top, "again");
        let (state, end, told) = verify(&appliance, &run);
        assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    }
}

#[test]
fn a_new_key_of_such_a_pool_is_kept_by_the_server_too_and_old_runs_are_read() {
    let appliance = TestAppliance::formatted(1, 96);
    let server = Spoken::start();
    safe_pool(&appliance, &server, Encryption::Sealed);
    let top = appliance.folder("source");
    tree(&top);
    let first = back_up(&appliance, sealed_spec(&top, "docs"));
    let pool = rotate(appliance.parts(), &"safe".parse().unwrap()).unwrap();
    let ring = appliance.parts().keys.ring();
    assert!(ring.is_away(pool.key.unwrap()));
    let second = back_up(&appliance, sealed_spec(&top, "docs"));
    is_identical(&appliance, &first, &top, "first");
    is_identical(&appliance, &second, &top, "second");
    let away: Vec<_> = ring.keys().into_iter().filter(|key| ring.is_away(key.key_id)).collect();
    assert_eq!(away.len(), 2);
    server.seal(true);
    assert!(rotate(appliance.parts(), &"safe".parse().unwrap()).is_err());
    assert_eq!(pools(appliance.catalog()).unwrap()[1].key, pool.key, "nothing was changed");
}

#[test]
fn when_the_key_server_is_lost_for_ever_the_kit_opens_the_tapes() {
    let mut appliance = TestAppliance::formatted(1, 96);
    let server = Spoken::start();
    let kit = safe_pool(&appliance, &server, Encryption::Sealed);
    let top = appliance.folder("source");
    tree(&top);
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    let key = pools(appliance.catalog()).unwrap()[1].key.unwrap();
    server.lose_everything();
    appliance.restart();
    let (_, end) = appliance.wait(appliance.submit(&JobSpec::Rebuild(RebuildSpec::default())));
    assert!(format!("{end:?}").contains("kit open"), "{end:?}");
    let ring = appliance.parts().keys.ring();
    assert_eq!(ring.open_waiting(&kit).unwrap(), [key]);
    assert!(!ring.is_away(key), "it is here from now on, as whoever typed the kit wanted it");
    is_identical(&appliance, &run, &top, "back");
    appliance.restart();
    assert!(appliance.parts().keys.ring().open_key(key).is_ok());
}

#[test]
fn a_job_that_a_person_has_paused_does_not_go_on_by_itself() {
    let appliance = TestAppliance::formatted(1, 96);
    let server = Spoken::start();
    safe_pool(&appliance, &server, Encryption::Sealed);
    appliance.parts().keys.ring().close_unused();
    let top = appliance.folder("source");
    tree(&top);
    server.seal(true);
    let job = appliance.submit(&JobSpec::Backup(sealed_spec(&top, "docs")));
    assert_eq!(appliance.wait(job).0, JobState::Waiting);
    appliance.runner().pause(job).unwrap();
    server.seal(false);
    assert_eq!(appliance.runner().resume_with_keys().unwrap(), []);
    appliance.runner().resume(job).unwrap();
    assert_eq!(appliance.wait(job).0, JobState::Completed);
}
