//! The stand-in for Duffel.
