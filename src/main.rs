//! The program: hands its arguments to the command line and turns an error into one sentence and an exit code.

fn main() {}
