//! A drive against a model of a tape that is a list: any sequence of commands, power failures and
//! restarts in between, must end at the same position with the same content.

use proptest::prelude::*;

use super::*;

/// An object of the model: a block's fill byte and length, or a filemark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Block(u8, u16),
    Filemark,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Write(u8, u16),
    Filemarks { count: u8, is_immediate: bool },
    Read,
    SpaceBlocks(i8),
    SpaceFilemarks(i8),
    Locate(u8),
    Erase,
    PowerFailure,
    Restart,
}

#[derive(Debug, Default)]
struct Model {
    /// What is on the tape.
    tape: Vec<Object>,
    /// What is there once the buffer is drained.
    seen: Vec<Object>,
    position: usize,
}

impl Model {
    fn put(&mut self, object: Object) {
        self.seen.truncate(self.position);
        self.seen.push(object);
        self.position += 1;
    }

    fn flush(&mut self) {
        self.tape.clone_from(&self.seen);
    }

    fn lose_power(&mut self) {
        self.seen.clone_from(&self.tape);
        self.position = 0;
    }

    /// Moves over `count` things one by one; how many were left when something stood in the way.
    fn space(&mut self, count: i8, stops_at_blocks: bool) -> u64 {
        let mut rest = u64::from(count.unsigned_abs());
        while rest > 0 {
            let next = match count > 0 {
                true => self.seen.get(self.position),
                false => self.position.checked_sub(1).and_then(|at| self.seen.get(at)),
            };
            let Some(next) = next.copied() else { return rest };
            if count > 0 {
                self.position += 1
            } else {
                self.position -= 1
            }
            match (stops_at_blocks, next) {
                (true, Object::Filemark) => return rest,
                (true, Object::Block(..)) | (false, Object::Filemark) => rest -= 1,
                (false, Object::Block(..)) => {}
            }
        }
        0
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<u8>(), 1_u16..2000).prop_map(|(fill, len)| Step::Write(fill, len)),
        3 => (0_u8..3, any::<bool>())
            .prop_map(|(count, is_immediate)| Step::Filemarks { count, is_immediate }),
        3 => Just(Step::Read),
        2 => (-6_i8..6).prop_map(Step::SpaceBlocks),
        2 => (-4_i8..4).prop_map(Step::SpaceFilemarks),
        3 => (0_u8..25).prop_map(Step::Locate),
        1 => Just(Step::Erase),
        1 => Just(Step::PowerFailure),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

/// SPACE(6) of both, and what is left of the count in both.
fn space(drive: &mut Host, model: &mut Model, code: u8, count: i8) {
    let [_, a, b, c] = i32::from(count).to_be_bytes();
    let left = match drive.none([0x11, code, a, b, c, 0]) {
        Ok(()) => 0,
        Err(sense) => u64::try_from(sense.information.unwrap()).unwrap(),
    };
    model.flush();
    assert_eq!(left, model.space(count, code == 0));
}

fn run(rig: Rig, model: &mut Model, step: Step) -> Rig {
    let mut rig = rig;
    let drive = &mut rig.drive;
    match step {
        Step::Write(fill, len) => {
            drive.write(&vec![fill; usize::from(len)]).unwrap();
            model.put(Object::Block(fill, len));
        }
        Step::Filemarks { count, is_immediate } => {
            drive.none([0x10, u8::from(is_immediate), 0, 0, count, 0]).unwrap();
            (0..count).for_each(|_| model.put(Object::Filemark));
            if !is_immediate {
                model.flush();
            }
        }
        Step::Read => {
            let found = drive.read(2000);
            model.flush();
            match model.seen.get(model.position) {
                Some(Object::Block(fill, len)) => {
                    assert_eq!(found.unwrap(), vec![*fill; usize::from(*len)]);
                }
                Some(Object::Filemark) => assert!(found.unwrap_err().filemark),
                None => assert_eq!(found.unwrap_err().key, SenseKey::BlankCheck),
            }
            model.position = (model.position + 1).min(model.seen.len());
        }
        Step::SpaceBlocks(count) => space(drive, model, 0, count),
        Step::SpaceFilemarks(count) => space(drive, model, 1, count),
        Step::Locate(to) => {
            let located = drive.locate(0, u64::from(to));
            model.flush();
            assert_eq!(located.is_ok(), usize::from(to) <= model.seen.len());
            model.position = usize::from(to).min(model.seen.len());
        }
        Step::Erase => {
            drive.none([0x19, 0, 0, 0, 0, 0]).unwrap();
            model.seen.truncate(model.position);
            model.flush();
        }
        Step::PowerFailure => {
            rig.library.power_fail();
            rig.drive.settle();
            model.lose_power();
        }
        Step::Restart => {
            rig = rig.kill_and_reopen();
            model.lose_power();
        }
    }
    let marks = model.seen[..model.position].iter().filter(|o| **o == Object::Filemark).count();
    let expected = (0, u64::try_from(model.position).unwrap(), u64::try_from(marks).unwrap());
    assert_eq!(rig.drive.position(), expected, "after {step:?}");
    rig
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_drive_behaves_like_a_list_of_blocks_and_filemarks(steps in steps()) {
        let mut rig = Rig::loaded();
        let mut model = Model::default();
        for step in steps {
            rig = run(rig, &mut model, step);
        }
        let end = model.seen.len();
        run(rig, &mut model, Step::Locate(u8::try_from(end).unwrap()));
    }
}
