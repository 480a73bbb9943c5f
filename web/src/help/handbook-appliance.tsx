// The handbook's part on what is set once and then looked after: schedules, keys, people, the log.
import type { ReactNode } from "react";
import type { Topic } from "./topics";

export const APPLIANCE = {
  alerts: (
    <>
      <p>
        What needs a person becomes an alert: a job that failed or waits, a drive that complains, a
        set that was never proven. What stands goes by itself when it is mended; what only happened
        stays until somebody has taken note. Taking note says that somebody knows, and mends
        nothing.
      </p>
      <p>
        A channel sends alerts by webhook, mail or SNMP trap. Try it when it is set. What cannot be
        delivered is tried again, later and later; Deliveries shows each with what the receiver
        said. Secrets are never shown again.
      </p>
    </>
  ),
  sources: (
    <>
      <p>
        A share of Windows, Samba or a NAS is mounted at a folder of this machine; its files are
        backed up by that path as any others. It is read only unless restores into it are allowed.
      </p>
      <p>
        A folder of a machine with SSH needs nothing set up there but a user. The appliance signs in
        with a password, or by its own key, which is shown to be put into the user&rsquo;s{" "}
        <code>authorized_keys</code>. Before anything is sent, somebody compares the fingerprint of
        the server&rsquo;s key; a server that has another one later is refused. In a bucket of an
        object store what stands before a slash is a folder; names that no file system can have are
        shown with a percent sign in front. What is restored into a bucket, or a catalog backup that
        is put there, keeps its content and names; a bucket has no permissions, times and empty
        folders.
      </p>
      <p>
        A share whose server is away stays here as away, with the reason, and is mounted again as
        soon as it answers. A backup of it then fails and says so: it is never taken for an empty
        folder.
      </p>
    </>
  ),
  schedules: (
    <>
      <p>
        A schedule starts a backup, a verification or an inventory by itself. The appliance shows
        the next moments before it is set, in the time zone that the schedule has: summer time is
        minded.
      </p>
      <p>
        What was missed while the appliance was off is made up for once, or left out, as the
        schedule says. If the job before still runs, the moment is noted and nothing is started
        twice. In a maintenance window nothing begins by itself.
      </p>
      <p>Pausing keeps the plan; moments while it was paused are not made up for.</p>
    </>
  ),
  keys: (
    <>
      <p>
        A pool is a policy for sets: its files are written as they are, sealed before they reach a
        drive, or encrypted by the drive. That is chosen when the pool is made and stays. A set is
        put into a pool by its first backup. Names stay readable in either way. A tape that its
        drive has encrypted is read in drives that encrypt and were given the key; each block says
        which one it needs. What a drive says of itself is read back, and a drive that does not do
        it is not written to.
      </p>
      <p>
        A recovery kit is a sheet of paper that opens every sealed tape of this machine. It is shown
        once, to be printed or written down; groups of it are typed back, and from then on it
        counts. Keep two kits in two places away from the tapes. Once a year prove one: type all of
        it, and it must open every key; on a tape, it must open a file with what stands there alone.
      </p>
      <p>
        A new data key is for the runs that begin from then on. Retiring a kit takes nothing off
        tapes that it opens already.
      </p>
      <p>
        A key server, such as a HashiCorp Vault, may keep the data keys of a pool; that, too, is
        chosen when the pool is made. The disks of this machine have no key then, and jobs of the
        pool wait while the server is sealed or away. A kit opens the tapes without it, so losing
        the server loses no tape.
      </p>
      <p>
        Runs of a pool are kept for ever, or for so many days after their end; the newest of each
        set always stay. Nothing is erased by that. The page lists what nobody needs any more and
        which cartridges hold nothing else, and only a person formats one, by typing its barcode.
      </p>
    </>
  ),
  settings: (
    <p>
      Each card leads to one thing that can be set. The look of the console is on My account and is
      kept on this device. As the system follows it: light or dark, and high contrast where more
      contrast is asked for. Motion is left out where the device asks for less of it.
    </p>
  ),
  access: (
    <>
      <p>
        At the first start a one-time code is shown on the appliance's own terminal; with it the
        first admin is made. Viewers look, operators start work that loses nothing, admins may
        destroy and change settings. What your role may not do is shown with the reason.
      </p>
      <p>
        Who is added gets a first password from the admin and has to choose another before anything
        else. My account has the password, the second factor and every open session: one that you do
        not know is ended there. Set up an authenticator, type one code back, and keep the recovery
        codes on paper: each signs in once when the phone is lost.
      </p>
      <p>
        A passkey signs in by finger, face or PIN of a device, without password and code. It is good
        for the name at which the console was opened when it was made, over HTTPS: at another name
        or a bare address the password is asked for. Remove the passkey of a lost device in My
        account; an admin can, too, and so can the machine itself: fossilsafe user remove-passkey.
      </p>
      <p>
        API keys are for programs. A key is shown once, may do no more than the one who made it, and
        ends on its day. A session ends after some time without use. A lost admin password is reset
        on the serial console.
      </p>
      <p>
        A second factor can be required of admins or of everybody. Who has none is led to set one up
        at the next sign-in and can do nothing else until then; an authenticator app or a passkey
        meets it. Print the recovery codes: each stands in once for a lost device. The serial
        console brings the last admin back.
      </p>
      <p>
        With an identity provider people sign in with the account that they have elsewhere. Register
        this console there as a web client with the return address that the page shows; give each
        role the groups whose members have it. Who is in none of them stays out. Such a user has no
        password here, so keep one admin of the appliance's own for the day when the provider is
        away.
      </p>
    </>
  ),
  approvals: (
    <>
      <p>
        With the two-person rule on, whatever destroys, gives rights to destroy or changes the
        version of this appliance is only noted when it is asked for, and nothing is done. A second
        admin agrees or refuses here. The one who asked then asks for exactly the same again, once,
        before it ends.
      </p>
      <p>Nobody agrees to their own request. Turning the rule off needs a second admin too.</p>
    </>
  ),
  network: (
    <>
      <p>
        Each port asks the network for an address by DHCP, or has a fixed one. Name servers turn
        names into addresses. The machine itself has a name of one word; other machines of its
        network find it by that name with .local behind it.
      </p>
      <p>
        A wrong address would lock you out, so a new setting is on trial for two minutes. Open the
        console at the new address, sign in, and keep it there. If nobody does, the port goes back
        to what it had, and so it does when the machine is restarted meanwhile. On a port that you
        do not come through, look for yourself whether it works before you keep it.
      </p>
      <p>
        The serial console and the screen of the machine have a menu that sets a port at once: who
        stands before it is not locked out. A machine that was not started from an image of
        FossilSafe keeps its network itself, and this page says so.
      </p>
    </>
  ),
  time: (
    <>
      <p>
        Retention, schedules and signatures go by the clock of this machine. Time servers set it:
        those that you name, those that the network names by DHCP, and otherwise those of the image.
        The page says which one is asked, when one last set the clock, and by how much it was wrong
        then.
      </p>
      <p>
        The time zone is whose hours a new schedule has if it names none; schedules that there are
        keep theirs. Moments in logs, on tapes and in signatures are in UTC whatever the zone is.
      </p>
      <p>
        Zone, servers and the name of the machine are also on the menu of the serial console, and in
        the file of all settings. They are kept when the machine is updated.
      </p>
    </>
  ),
  streaming: (
    <>
      <p>
        A drive moves its tape at one of some rates, and follows the source from one to the next.
        Fed more slowly than its slowest one, it runs empty, overshoots, winds back and starts
        again: a back-hitch. Each costs seconds and wears tape and drive.
      </p>
      <p>
        Between source and drive there is memory. It bridges short pauses: 256 MiB last for some two
        seconds at the slowest rate of LTO-9. Where the source is slower than the drive, as a share
        on a busy network, give a staging folder too, on a disk faster than the drive: the appliance
        collects there, writes in one run, and stops rarely instead of all the time. Nothing that is
        staged is counted as safe; it is read again if the disk fails.
      </p>
      <p>
        On the appliance a whole disk can be taken: it is erased, named in full by whoever takes it,
        and mounted whenever it is there. If it goes away, jobs go on from memory and an alert says
        so. Settings count from the next job on. Set other rates only if your drive's data sheet has
        others, as those of half-height drives do.
      </p>
    </>
  ),
  selfTest: (
    <>
      <p>
        A self-test asks every part to prove itself: the whole catalog is read, the signing key
        signs something, the chain of the audit log is gone through, the robot is asked what is in
        each slot and this is compared with the catalog, each drive is asked for its alerts and
        counters, and disk, staging, clock, certificate and sources are looked at. Drives that a job
        has are left alone. It takes seconds, and can be scheduled.
      </p>
      <p>
        With a cartridge named, 128 MiB are also written to it, read back and compared. Only one
        that is blank, or has an empty volume of this appliance, is taken; anything else is refused.
        It ends with an empty volume.
      </p>
      <p>
        A part that fails does not end the test: the others are asked all the same. While the last
        test has a part that failed, an alert says so; a later test without one ends it.
      </p>
    </>
  ),
  certificate: (
    <>
      <p>
        Over HTTPS the appliance shows a certificate. The first one is made by itself: nobody
        vouches for it, so a browser asks once. Compare the fingerprint (SHA-256) that it shows with
        the one on this page or on the serial console, then let it trust.
      </p>
      <p>
        To be trusted without asking, have one signed: make a signing request here, give it to your
        authority, and give back what comes, without a key. The key is made on the appliance and
        never leaves it. Who has a key already gives it along with the certificates: the server's
        own first, then each one that signed the one before.
      </p>
      <p>
        Everything is checked before it is served: that the key belongs to the certificate, that
        nothing has ended, that the chain holds together. It is used at once; jobs and open
        connections are not touched. One that was made here is made anew before it ends; of one that
        you gave, alerts warn 30 and 7 days before.
      </p>
    </>
  ),
  updates: (
    <>
      <p>
        An appliance has two slots. What is newer is written to the one that does not run, and
        checked; nothing changes before a restart. After it the new version has to answer its
        self-test: if it does not, the machine goes back to the old one by itself, after three tries
        at the most. Data and settings are in neither slot.
      </p>
      <p>
        A bundle is brought from this device, or looked for at an address that publishes signed
        releases. Only what the right key has signed is kept. An installation that was not started
        from an image says here how it is updated instead.
      </p>
    </>
  ),
  kept: (
    <>
      <p>
        A backup of the catalog has everything that the appliance knows: sets, runs, files, jobs,
        users, schedules and keys, also the passwords of shares and a certificate of your own. It is
        sealed for the confirmed recovery kits, so nobody reads it without one, and signed, so a
        changed one is found out. Keep it on a disk or share of another machine. Without any, the
        tapes still tell what is on them: see Recovery.
      </p>
      <p>
        The settings file has no secrets and no users. Brought to another appliance it first says
        what would change there, one line a thing.
      </p>
      <p>
        Whoever takes out the disk of the appliance can read catalog and keys from it, unless its
        data partition is encrypted. The menu of the serial console begins it anew so, best before
        anything is on it: the TPM of the machine then opens it at each start, and a recovery
        passphrase, shown once and typed back, when the TPM does not. A machine that cannot open it
        starts all the same and says so. Whoever takes the whole machine is not kept out.
      </p>
    </>
  ),
  logs: (
    <p>
      The program writes what it does, line by line. Search it for a word, a job or a time; the page
      stands still while you read. Old lines are taken away after the days that are set, which also
      can be done at once. Logs of jobs stay with their jobs, and what people did is in the audit
      log.
    </p>
  ),
  audit: (
    <>
      <p>
        Each change, sign-in and refusal is written to a log whose entries are chained by hashes and
        sealed with the appliance's key: nobody can take one out or alter it unseen.
      </p>
      <p>
        Check the whole log reads all of it. Note the head that it shows: a later log of this
        appliance has it too. The export carries its own signature and can be checked with nothing
        but the public key.
      </p>
    </>
  ),
} as const satisfies Partial<Record<Topic, ReactNode>>;
