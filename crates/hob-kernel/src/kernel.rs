//! What all processes of one session share.

/// A kernel.
#[derive(Debug)]
pub struct Kernel {}

/// Sets up a [`Kernel`].
#[derive(Debug)]
pub struct KernelBuilder {}
