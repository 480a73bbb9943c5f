//! Drive tests on scripted answers and on the virtual library.
